package reference

import (
	"github.com/kiban-models/kiban/core/graph"
	"github.com/kiban-models/kiban/core/plan"
)

func fill(s plan.Step, _, out [][]float64) {
	value := float64(s.Attr.(graph.FillAttr).Value)
	for i := range out[0] {
		out[0][i] = value
	}
}
