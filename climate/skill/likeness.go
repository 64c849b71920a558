package skill

import "math"

// likeness is the correlation of all values of a forecast and the truth, about
// their means over the period and the region (Pearson). Values are counted from
// the first, so that sums of squares keep their digits.
type likeness struct {
	times      int
	zero       float64
	started    bool
	w, a, b    float64
	ab, aa, bb float64
}

// add takes in one time; alike counts all cells the same, as ClimaX's pearson
// does.
func (l *likeness) add(r area, forecast, truth []float32, alike bool) {
	any := false
	for i, k := range r.cells {
		a, b, w := float64(forecast[k]), float64(truth[k]), r.weight[i]
		if math.IsNaN(a) || math.IsNaN(b) {
			continue
		}
		if alike {
			w = 1
		}
		if !l.started {
			l.zero, l.started = b, true
		}
		a, b, any = a-l.zero, b-l.zero, true
		l.w += w
		l.a += w * a
		l.b += w * b
		l.ab += w * a * b
		l.aa += w * a * a
		l.bb += w * b * b
	}
	if any {
		l.times++
	}
}

// correlation is NaN where one of the two is the same everywhere.
func (l *likeness) correlation() float64 {
	ab, aa, bb := l.ab-l.a*l.b/l.w, l.aa-l.a*l.a/l.w, l.bb-l.b*l.b/l.w
	return ab / math.Sqrt(aa*bb)
}
