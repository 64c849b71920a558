package backendtest

import (
	"fmt"

	"github.com/kiban-models/kiban/core/graph"
	"github.com/kiban-models/kiban/core/tensor"
)

func dotCases() []Case {
	var cases []Case
	for _, n := range []int{1, 77, 4096, 10001} {
		cases = append(cases, Case{
			Name: fmt.Sprintf("dot/%d", n), Wrt: []string{"a", "b"}, Tol: 1e-4,
			Build: func(m *Maker) map[string]*graph.Node {
				return one(graph.Dot(m.Input("a", tensor.F32, normal(1), n), m.Input("b", tensor.F32, normal(1), n)))
			},
		})
	}
	return cases
}
