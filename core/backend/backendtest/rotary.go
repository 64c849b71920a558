package backendtest

import (
	"github.com/kiban-models/kiban/core/graph"
	"github.com/kiban-models/kiban/core/tensor"
)

func rotaryCases() []Case {
	return []Case{{
		// Query and key of a fused projection, whole heads.
		Name: "rotary/whole", Wrt: []string{"x"}, Storage: true,
		Build: func(m *Maker) map[string]*graph.Node {
			table := m.Input("table", tensor.F32, normal(1), 5, 8)
			return one(graph.Rotary(m.Input("x", m.DT, normal(1), 2*5, 3*24), table, graph.RotaryAttr{
				Batch: 2, Len: 5, Heads: 6, Width: 8, Layout: graph.HeadLayout{Stride: 8}, Turned: 8,
			}, nil))
		},
	}, {
		// A part of odd heads with others between; the last sequence leaves the table on both sides.
		Name: "rotary/part from places", Wrt: []string{"x"}, Storage: true,
		Build: func(m *Maker) map[string]*graph.Node {
			table, start := m.Input("table", tensor.F32, normal(1), 16, 6), m.Input("start", tensor.I32, list(0, 9, 12, -3), 4)
			return one(graph.Rotary(m.Input("x", m.DT, normal(1), 4*7, 67), table, graph.RotaryAttr{
				Batch: 4, Len: 7, Heads: 4, Width: 9, Layout: graph.HeadLayout{Offset: 5, Stride: 17}, Turned: 6,
			}, start))
		},
	}, {
		Name: "rotary/wide", Storage: true, Large: true,
		Build: func(m *Maker) map[string]*graph.Node {
			table, start := m.Input("table", tensor.F32, normal(1), 300, 28), m.Input("start", tensor.I32, list(100, 0), 2)
			return one(graph.Rotary(m.Input("x", m.DT, normal(1), 2*131, 16*115), table, graph.RotaryAttr{
				Batch: 2, Len: 131, Heads: 16, Width: 115, Layout: graph.HeadLayout{Stride: 115}, Turned: 28,
			}, start))
		},
	}}
}
