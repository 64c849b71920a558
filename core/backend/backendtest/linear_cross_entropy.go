package backendtest

import (
	"fmt"

	"github.com/kiban-models/kiban/core/graph"
	"github.com/kiban-models/kiban/core/tensor"
)

func linearCrossEntropyCases() []Case {
	type size struct {
		n, c, v int
		large   bool
	}
	var cases []Case
	for _, s := range []size{{9, 20, 257, false}, {1, 1, 33, false}, {77, 24, 69, false}, {5, 12, 50257, true}} {
		cases = append(cases, Case{
			Name: fmt.Sprintf("linear_cross_entropy/%dx%d of %d", s.n, s.c, s.v),
			Wrt:  []string{"x", "w"}, Storage: true, Large: s.large,
			Build: func(m *Maker) map[string]*graph.Node {
				return one(linearCrossEntropy(m, s.n, s.c, s.v, integers(0, s.v-1)))
			},
		})
	}
	for _, wrt := range []string{"x", "w"} {
		cases = append(cases, Case{
			Name: "linear_cross_entropy/only " + wrt, Wrt: []string{wrt}, Storage: true,
			Build: func(m *Maker) map[string]*graph.Node {
				return one(linearCrossEntropy(m, 7, 20, 69, integers(-1, 68)))
			},
		})
	}
	for _, wrt := range [][]string{{"x", "w", "bias"}, {"bias"}, {"x"}} {
		cases = append(cases, Case{
			Name: fmt.Sprintf("linear_cross_entropy/bias, %v", wrt), Wrt: wrt, Storage: true,
			Build: func(m *Maker) map[string]*graph.Node {
				return one(biasedCrossEntropy(m, 7, 20, 269, integers(-1, 268)))
			},
		})
	}
	return append(cases, Case{
		Name: "linear_cross_entropy/bias and several chunks", Wrt: []string{"x", "w", "bias"}, Large: true,
		Build: func(m *Maker) map[string]*graph.Node {
			return one(biasedCrossEntropy(m, 33, 2, 131101, integers(0, 131100)))
		},
	}, Case{
		Name: "linear_cross_entropy/ignored rows", Wrt: []string{"x", "w"}, Storage: true,
		Build: func(m *Maker) map[string]*graph.Node {
			return one(linearCrossEntropy(m, 8, 20, 33, list(-1, 0, 32, -100)))
		},
	}, Case{
		Name: "linear_cross_entropy/several chunks", Wrt: []string{"x", "w"}, Large: true,
		Build: func(m *Maker) map[string]*graph.Node {
			y := linearCrossEntropy(m, 33, 2, 131101, integers(0, 131100))
			return one(y)
		},
	}, Case{
		Name: "linear_cross_entropy/far logits", Wrt: []string{"x", "w"}, Large: true, Storage: true,
		Build: func(m *Maker) map[string]*graph.Node {
			x := m.Input("x", m.DT, normal(20), 5, 20)
			labels := m.Input("labels", tensor.I32, integers(0, 68), 5)
			return one(graph.LinearCrossEntropy(x, m.Param("w", m.DT, normal(20), 69, 20), nil, labels))
		},
	})
}

func linearCrossEntropy(m *Maker, n, c, v int, labels Values) *graph.Node {
	x := m.Input("x", m.DT, normal(1), n, c)
	return graph.LinearCrossEntropy(x, m.Param("w", m.DT, normal(1), v, c), nil, m.Input("labels", tensor.I32, labels, n))
}

func biasedCrossEntropy(m *Maker, n, c, v int, labels Values) *graph.Node {
	x := m.Input("x", m.DT, normal(1), n, c)
	bias := m.Param("bias", tensor.F32, normal(1), v)
	return graph.LinearCrossEntropy(x, m.Param("w", m.DT, normal(1), v, c), bias, m.Input("labels", tensor.I32, labels, n))
}
