package reference

import "github.com/kiban-models/kiban/core/plan"

// Rounding to the slot's type is all there is to it, and the runner does that.
func cast(_ plan.Step, in, out [][]float64) { copy(out[0], in[0]) }
