package backendtest

import (
	"github.com/kiban-models/kiban/core/graph"
	"github.com/kiban-models/kiban/core/tensor"
)

func scaleCases() []Case {
	return []Case{{
		Name: "scale/constant", Wrt: []string{"x"}, Storage: true,
		Build: func(m *Maker) map[string]*graph.Node {
			return one(graph.Scale(m.Input("x", m.DT, normal(1), 7, 115), -0.3))
		},
	}, {
		Name: "scale/by an element", Wrt: []string{"x"}, Storage: true,
		Build: func(m *Maker) map[string]*graph.Node {
			return one(graph.ScaleBy(m.Input("x", m.DT, normal(1), 4099), m.Input("s", tensor.F32, list(1.7), 1)))
		},
	}}
}
