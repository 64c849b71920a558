package skill

import (
	"math"
	"slices"
)

// ensemble has the sums of weighted means of each time.
type ensemble struct {
	times, fairTimes     int
	crps, fair, variance float64
	members              []float64 // scratch
}

// add takes in one time. Cells in which a member is missing are left out.
//
// CRPS is E|X-y| - E|X-X'|/2 over the members X (Gneiting and Raftery 2007). The
// fair one divides the second mean by M(M-1) pairs, not M^2, and so expects of a
// few members what it would of many (Ferro 2014).
func (e *ensemble) add(r area, members [][]float32, truth []float32) {
	m := float64(len(members))
	x := slices.Grow(e.members[:0], len(members))[:len(members)]
	e.members = x
	var weight, crps, fair, variance float64
	for i, k := range r.cells {
		y, sum := float64(truth[k]), 0.0
		for j := range members {
			x[j] = float64(members[j][k])
			sum += x[j]
		}
		if math.IsNaN(sum + y) {
			continue
		}
		slices.Sort(x)
		mean, error, pairs, squares := sum/m, 0.0, 0.0, 0.0
		for j, v := range x {
			error += math.Abs(v - y)
			// Of the differences to all others, v is taken this often.
			pairs += (2*float64(j) + 1 - m) * (v - mean)
			squares += (v - mean) * (v - mean)
		}
		w := r.weight[i]
		weight += w
		// pairs is the sum of |X-X'| over pairs, each once.
		crps += w * (error/m - pairs/(m*m))
		if m > 1 {
			fair += w * (error/m - pairs/(m*(m-1)))
			variance += w * squares / (m - 1)
		}
	}
	if weight == 0 {
		return
	}
	e.times++
	e.crps += crps / weight
	if m > 1 {
		e.fairTimes++
		e.fair += fair / weight
		e.variance += variance / weight
	}
}
