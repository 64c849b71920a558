package reference

import (
	"math"
	"slices"

	"github.com/kiban-models/kiban/core/plan"
)

// Operands: logits [B, V], knobs (temperature, top-k and top-p are 1, 2, 3).
// Equal logits are kept or dropped together, except by greedy (temperature 0),
// which keeps the first of the largest, as it is.
func logitsFilter(s plan.Step, in, out [][]float64) {
	temperature, k, p := in[1][1], int(in[1][2]), in[1][3]
	shape := s.In[0].Shape
	vocab := shape[len(shape)-1]
	for from := 0; from < len(in[0]); from += vocab {
		row := out[0][from:][:vocab]
		copy(row, in[0][from:])
		if temperature == 0 {
			top := 0
			for v := range row {
				if row[v] > row[top] {
					top = v
				}
			}
			for v := range row {
				if v != top {
					row[v] = math.Inf(-1)
				}
			}
			continue
		}
		for v := range row {
			row[v] /= temperature
		}
		if k > 0 && k < vocab {
			sorted := slices.Sorted(slices.Values(row))
			dropBelow(row, sorted[vocab-k])
		}
		if p < 1 {
			dropBelow(row, nucleus(row, p))
		}
	}
}

func dropBelow(row []float64, least float64) {
	for v := range row {
		if row[v] < least {
			row[v] = math.Inf(-1)
		}
	}
}

// nucleus returns the smallest logit that is kept: the least one of those that
// the larger ones' probability, summed, is below p. The largest always is.
func nucleus(row []float64, p float64) float64 {
	sorted := slices.Sorted(slices.Values(row))
	slices.Reverse(sorted)
	lse := logSumExp(row)
	sum, least := 0.0, sorted[0]
	for i, v := range sorted {
		if i > 0 && v < sorted[i-1] && sum >= p {
			break
		}
		sum += math.Exp(v - lse)
		least = v
	}
	return least
}
