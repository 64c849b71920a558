package backendtest

import (
	"fmt"

	"github.com/kiban-models/kiban/core/graph"
	"github.com/kiban-models/kiban/core/tensor"
)

func gradNormCases() []Case {
	var cases []Case
	for _, limit := range []float32{0, 1, 1000} {
		for _, scale := range []float64{1, 1 << 16, 0.75} {
			cases = append(cases, gradNormCase(fmt.Sprintf("grad_norm/limit %g,scale %g", limit, scale), limit, scale, normal(scale)))
		}
	}
	return append(cases,
		gradNormCase("grad_norm/not finite", 1, 1, list(1, 2, posInf)),
		gradNormCase("grad_norm/scaled, not finite", 1, 1<<16, list(1, 2, negInf)))
}

func gradNormCase(name string, limit float32, scale float64, values Values) Case {
	return Case{Name: name, Build: func(m *Maker) map[string]*graph.Node {
		var grads []*graph.Node
		for _, n := range []int{1, 120, graph.NormBlock, graph.NormBlock + 1, 3*graph.NormBlock + 5} {
			grads = append(grads, m.Input(fmt.Sprint(n), tensor.F32, values, n))
		}
		return one(graph.GradNorm(limit, m.Input("scale", tensor.F32, list(scale), 1), grads...))
	}}
}
