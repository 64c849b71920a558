package backendtest

import (
	"github.com/kiban-models/kiban/core/graph"
	"github.com/kiban-models/kiban/core/tensor"
)

func dropoutCases() []Case {
	return []Case{{
		Name: "dropout/some", Wrt: []string{"x"}, Storage: true,
		Build: func(m *Maker) map[string]*graph.Node {
			seed := m.Input("seed", tensor.I32, list(-5, 1<<31-1), 2)
			return one(graph.Dropout(m.Input("x", m.DT, normal(1), 7, 115), seed, 0.3, 11))
		},
	}, {
		Name: "dropout/paths", Wrt: []string{"x"}, Storage: true,
		Build: func(m *Maker) map[string]*graph.Node {
			seed := m.Input("seed", tensor.I32, list(3, -7), 2)
			return one(graph.DropPath(m.Input("x", m.DT, normal(1), 66, 35), seed, 11, 0.4, 5))
		},
	}, {
		Name: "dropout/long paths", Storage: true,
		Build: func(m *Maker) map[string]*graph.Node {
			seed := m.Input("seed", tensor.I32, list(3, 9), 2)
			return one(graph.DropPath(m.Input("x", m.DT, normal(1), 300, 257), seed, 3, 0.5, 1<<31))
		},
	}, {
		Name: "dropout/many", Storage: true,
		Build: func(m *Maker) map[string]*graph.Node {
			seed := m.Input("seed", tensor.I32, list(77, 0), 2)
			return one(graph.Dropout(m.Input("x", m.DT, normal(1), 300, 257), seed, 0.1, 1<<32-1))
		},
	}}
}
