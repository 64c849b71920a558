package backendtest

import (
	"fmt"

	"github.com/kiban-models/kiban/core/graph"
	"github.com/kiban-models/kiban/core/tensor"
)

func embedCases() []Case {
	var cases []Case
	for _, s := range []struct{ rows, n, c int }{{33, 7, 120}, {5, 300, 20}, {257, 77, 115}, {3, 1, 1}} {
		cases = append(cases, Case{
			Name: fmt.Sprintf("embed/%d of %dx%d", s.n, s.rows, s.c), Wrt: []string{"table"}, Storage: true,
			Build: func(m *Maker) map[string]*graph.Node {
				table := m.Param("table", m.DT, normal(1), s.rows, s.c)
				return one(graph.Embed(table, m.Input("ids", tensor.I32, integers(0, s.rows-1), s.n), m.DT))
			},
		})
	}
	return append(cases, Case{
		Name: "embed/ids outside the table", Wrt: []string{"table"}, Storage: true,
		Build: func(m *Maker) map[string]*graph.Node {
			ids := m.Input("ids", tensor.I32, list(-1, 4, 5, 0, 2, -1<<31, 1<<31-1, 4), 2, 8)
			return one(graph.Embed(m.Param("table", m.DT, normal(1), 5, 24), ids, m.DT))
		},
	}, Case{
		Name: "embed/f32 table", Wrt: []string{"table"}, Storage: true,
		Build: func(m *Maker) map[string]*graph.Node {
			ids := m.Input("ids", tensor.I32, integers(0, 32), 9)
			return one(graph.Embed(m.Param("table", tensor.F32, normal(1), 33, 72), ids, m.DT))
		},
	})
}
