package backendtest

import (
	"github.com/kiban-models/kiban/core/graph"
	"github.com/kiban-models/kiban/core/tensor"
)

func copyCases() []Case {
	return []Case{{
		Name: "copy/float", Storage: true,
		Build: func(m *Maker) map[string]*graph.Node {
			s := m.State("s", m.DT, normal(1), 7, 115)
			sum := graph.Add(s, m.Input("x", m.DT, normal(1), 7, 115))
			m.Store(s, sum)
			return one(graph.Scale(s, 2)) // reads what s was before the run
		},
	}, {
		Name: "copy/integers",
		Build: func(m *Maker) map[string]*graph.Node {
			m.Store(m.State("s", tensor.I32, integers(0, 9), 5), m.Input("x", tensor.I32, integers(-1<<31, 1<<31-1), 5))
			return nil
		},
	}}
}
