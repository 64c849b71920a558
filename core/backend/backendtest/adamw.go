package backendtest

import (
	"fmt"

	"github.com/kiban-models/kiban/core/graph"
	"github.com/kiban-models/kiban/core/tensor"
)

func adamWCases() []Case {
	var cases []Case
	for _, n := range []int{1, 120, 4097} {
		for _, decay := range []bool{false, true} {
			cases = append(cases, adamWCase(fmt.Sprintf("adamw/%d,decay=%t", n, decay), n, decay, normal(1), 0.7))
		}
	}
	infinite := list(1, posInf, -2, negInf)
	return append(cases, adamWCase("adamw/gradient not finite", 121, true, infinite, -1))
}

func adamWCase(name string, n int, decay bool, grad Values, factor float64) Case {
	return Case{Name: name, Build: func(m *Maker) map[string]*graph.Node {
		p := m.Param("p", tensor.F32, normal(1), n)
		first, second := m.State("m", tensor.F32, normal(0.5), n), m.State("v", tensor.F32, positive(0.5), n)
		hyper := m.Input("hyper", tensor.F32, list(0.1, 0.9, 0.95, 1e-8, 0.19, 0.0975, 0.2, 0), graph.HyperLen)
		norm := m.Input("norm", tensor.F32, list(3, factor), 2)
		graph.AdamW(p, m.Input("grad", tensor.F32, grad, n), first, second, hyper, norm, decay)
		return nil
	}}
}
