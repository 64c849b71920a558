package reference

import "github.com/kiban-models/kiban/core/plan"

// out[c] = Σ x[n, c]
func sumRows(_ plan.Step, in, out [][]float64) {
	clear(out[0])
	for i, x := range in[0] {
		out[0][i%len(out[0])] += x
	}
}
