package reference

import "github.com/kiban-models/kiban/core/plan"

func dot(_ plan.Step, in, out [][]float64) {
	sum := 0.0
	for i, a := range in[0] {
		sum += a * in[1][i]
	}
	out[0][0] = sum
}
