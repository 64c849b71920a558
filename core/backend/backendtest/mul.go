package backendtest

import "github.com/kiban-models/kiban/core/graph"

func mulCases() []Case {
	return []Case{{
		Name: "mul/two", Wrt: []string{"a", "b"}, Storage: true,
		Build: func(m *Maker) map[string]*graph.Node {
			return one(graph.Mul(m.Input("a", m.DT, normal(1), 7, 115), m.Input("b", m.DT, normal(1), 7, 115)))
		},
	}, {
		Name: "mul/square", Wrt: []string{"a"}, Storage: true,
		Build: func(m *Maker) map[string]*graph.Node {
			a := m.Input("a", m.DT, normal(1), 4099)
			return one(graph.Mul(a, a))
		},
	}}
}
