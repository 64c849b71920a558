package reference

import "github.com/kiban-models/kiban/core/plan"

func copyValue(_ plan.Step, in, out [][]float64) { copy(out[0], in[0]) }
