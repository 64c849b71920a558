package backendtest

import (
	"fmt"

	"github.com/kiban-models/kiban/core/graph"
)

func sumRowsCases() []Case {
	var cases []Case
	for _, s := range [][2]int{{1, 120}, {7, 1}, {300, 115}, {1031, 24}, {77, 257}} {
		cases = append(cases, Case{
			Name: fmt.Sprintf("sum_rows/%dx%d", s[0], s[1]), Storage: true,
			Build: func(m *Maker) map[string]*graph.Node {
				return one(graph.SumRows(m.Input("x", m.DT, normal(1), s[:]...)))
			},
		})
	}
	return cases
}
