package baseline

import "math"

// The choices of minimize: enough for a convex loss.
const (
	memory     = 10
	iterations = 500
)

// minimize moves x to the minimum of a smooth convex function by L-BFGS
// (J. Nocedal 1980), halving steps until they descend enough (L. Armijo 1966).
// f returns its value and sets the gradient; it is done when no part of that is
// above tolerance.
func minimize(x []float64, tolerance float64, f func(x, gradient []float64) float64) {
	type step struct {
		s, y []float64 // of x and of the gradient
		rho  float64
	}
	var past []step
	g, d := make([]float64, len(x)), make([]float64, len(x))
	value := f(x, g)
	for range iterations {
		if largest(g) < tolerance {
			return
		}
		for i := range d {
			d[i] = -g[i]
		}
		a := make([]float64, len(past))
		for i := len(past) - 1; i >= 0; i-- {
			a[i] = past[i].rho * dot(past[i].s, d)
			add(d, -a[i], past[i].y)
		}
		if n := len(past); n > 0 {
			scale(d, 1/(past[n-1].rho*dot(past[n-1].y, past[n-1].y)))
		} else {
			scale(d, 1/max(1, math.Sqrt(dot(g, g))))
		}
		for i, p := range past {
			add(d, a[i]-p.rho*dot(p.y, d), p.s)
		}
		slope := dot(g, d)
		if slope >= 0 { // rounding: start again along the gradient
			if len(past) == 0 {
				return
			}
			past = nil
			continue
		}
		next, gradient := make([]float64, len(x)), make([]float64, len(x))
		t, after := 1.0, 0.0
		for {
			copy(next, x)
			add(next, t, d)
			if after = f(next, gradient); after <= value+1e-4*t*slope {
				break
			}
			if t /= 2; t < 1e-12 {
				return // no step descends any more
			}
		}
		s, y := make([]float64, len(x)), make([]float64, len(x))
		for i := range x {
			s[i], y[i] = next[i]-x[i], gradient[i]-g[i]
		}
		if sy := dot(s, y); sy > 1e-12 {
			past = append(past, step{s, y, 1 / sy})
			if len(past) > memory {
				past = past[1:]
			}
		}
		copy(x, next)
		g, value = gradient, after
	}
}

func dot(a, b []float64) float64 {
	s := 0.0
	for i := range a {
		s += a[i] * b[i]
	}
	return s
}

func add(a []float64, by float64, b []float64) {
	for i := range a {
		a[i] += by * b[i]
	}
}

func scale(a []float64, by float64) {
	for i := range a {
		a[i] *= by
	}
}

func largest(a []float64) float64 {
	m := 0.0
	for _, v := range a {
		m = max(m, math.Abs(v))
	}
	return m
}
