package backendtest

import "github.com/kiban-models/kiban/core/graph"

func addCases() []Case {
	return []Case{{
		Name: "add/two", Wrt: []string{"a", "b"}, Storage: true,
		Build: func(m *Maker) map[string]*graph.Node {
			return one(graph.Add(m.Input("a", m.DT, normal(1), 7, 115), m.Input("b", m.DT, normal(1), 7, 115)))
		},
	}, {
		Name: "add/to itself", Wrt: []string{"a"}, Storage: true,
		Build: func(m *Maker) map[string]*graph.Node {
			a := m.Input("a", m.DT, normal(1), 4099)
			return one(graph.Add(a, a))
		},
	}, {
		Name: "add/chain in place", Storage: true,
		Build: func(m *Maker) map[string]*graph.Node {
			a, b := m.Input("a", m.DT, normal(1), 3, 1001), m.Input("b", m.DT, normal(1), 3, 1001)
			return one(graph.Add(graph.Add(graph.Add(a, b), a), graph.Mul(a, b)))
		},
	}}
}
