package embedding

import (
	"fmt"
	"math"
)

// Map places words in a plane by the two directions in which their unit vectors
// differ most (principal components, by power iteration on their products);
// shares are of the variance. Of each component the largest entry is positive.
func (v *Vectors) Map(words []string) (xy [][2]float64, shares [2]float64, err error) {
	n := len(words)
	if n < 2 {
		return nil, shares, fmt.Errorf("embedding: a map of %d words; name two or more", n)
	}
	rows := make([][]float64, n)
	mean := make([]float64, v.Dim)
	for k, w := range words {
		i, ok := v.Index(w)
		if !ok {
			return nil, shares, fmt.Errorf("embedding: no vector of %q; ask about words of the vocabulary", w)
		}
		rows[k] = make([]float64, v.Dim)
		for d, x := range v.Row(i) {
			rows[k][d] = float64(x) * v.inverse[i]
			mean[d] += rows[k][d] / float64(n)
		}
	}
	gram := make([]float64, n*n) // of the centred rows
	trace := 0.0
	for a := range n {
		for b := range n {
			for d, m := range mean {
				gram[a*n+b] += (rows[a][d] - m) * (rows[b][d] - m)
			}
		}
		trace += gram[a*n+a]
	}
	xy = make([][2]float64, n)
	for axis := range 2 {
		value, vector := largest(gram, n)
		if trace > 0 {
			shares[axis] = max(0, value) / trace
		}
		for a := range n {
			xy[a][axis] = vector[a] * math.Sqrt(max(0, value))
			for b := range n {
				gram[a*n+b] -= value * vector[a] * vector[b]
			}
		}
	}
	return xy, shares, nil
}

// largest is the largest eigenvalue of a symmetric matrix without negative
// ones, with its vector.
func largest(m []float64, n int) (float64, []float64) {
	x, y := make([]float64, n), make([]float64, n)
	for i := range x {
		x[i] = 1 + float64(i)/float64(n) + float64(i*i%7) // no direction in particular
	}
	value := 0.0
	for range 5000 {
		norm := 0.0
		for a := range n {
			y[a] = 0
			for b := range n {
				y[a] += m[a*n+b] * x[b]
			}
			norm += y[a] * y[a]
		}
		if norm = math.Sqrt(norm); norm < 1e-300 {
			return 0, x
		}
		change := 0.0
		for a := range n {
			y[a] /= norm
			change = max(change, math.Abs(y[a]-x[a]))
			x[a] = y[a]
		}
		if value = norm; change < 1e-13 {
			break
		}
	}
	at := 0
	for i := range x {
		if math.Abs(x[i]) > math.Abs(x[at]) {
			at = i
		}
	}
	if x[at] < 0 {
		for i := range x {
			x[i] = -x[i]
		}
	}
	return value, x
}
