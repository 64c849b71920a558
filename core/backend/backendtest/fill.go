package backendtest

import (
	"fmt"

	"github.com/kiban-models/kiban/core/graph"
)

func fillCases() []Case {
	var cases []Case
	for _, n := range []int{1, 7, 5001} {
		cases = append(cases, Case{
			Name: fmt.Sprintf("fill/%d", n), Storage: true,
			Build: func(m *Maker) map[string]*graph.Node { return one(graph.Fill(m.Graph, -1.25, m.DT, n)) },
		})
	}
	return cases
}
