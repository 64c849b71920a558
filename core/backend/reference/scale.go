package reference

import (
	"github.com/kiban-models/kiban/core/graph"
	"github.com/kiban-models/kiban/core/plan"
)

// The factor is a constant times, if there is a second operand, its only
// element.
func scale(s plan.Step, in, out [][]float64) {
	factor := float64(s.Attr.(graph.ScaleAttr).Factor)
	if len(in) == 2 {
		factor *= in[1][0]
	}
	for i, x := range in[0] {
		out[0][i] = x * factor
	}
}
