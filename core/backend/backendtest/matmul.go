package backendtest

import (
	"fmt"

	"github.com/kiban-models/kiban/core/graph"
	"github.com/kiban-models/kiban/core/tensor"
)

func matMulCases() []Case {
	var cases []Case
	for _, s := range [][3]int{{1, 1, 1}, {1, 257, 120}, {7, 120, 77}, {33, 65, 1}, {64, 128, 64}, {130, 131, 67}, {3, 5, 3072}} {
		for i, o := range []graph.MatMulOpt{{}, {TransA: true}, {TransB: true}, {TransA: true, TransB: true}} {
			if i > 0 && s[0] > 64 {
				continue
			}
			cases = append(cases, Case{
				Name:    fmt.Sprintf("matmul/%dx%dx%d,a=%t,b=%t", s[0], s[1], s[2], o.TransA, o.TransB),
				Storage: true, Wrt: []string{"a", "b"}, Large: s[0]*s[1]*s[2] > 20000,
				Build: func(m *Maker) map[string]*graph.Node { return one(matMul(m, s[0], s[1], s[2], o)) },
			})
		}
	}
	for act := graph.GeluTanh; act <= graph.Tanh; act++ {
		cases = append(cases, Case{
			Name: "matmul/bias and " + act.String(), Storage: true, Wrt: []string{"a", "b", "bias"},
			Build: func(m *Maker) map[string]*graph.Node {
				return one(graph.Activate(matMulBias(m), act)) // the gradient needs the value before, too
			},
		}, Case{
			Name: "matmul/bias, " + act.String() + " and residual", Storage: true,
			Build: func(m *Maker) map[string]*graph.Node {
				return one(graph.Add(m.Input("residual", m.DT, normal(1), 7, 115), graph.Activate(matMulBias(m), act)))
			},
		})
	}
	return append(cases, Case{
		Name: "matmul/bias and residual", Storage: true, Wrt: []string{"a", "b", "bias", "residual"},
		Build: func(m *Maker) map[string]*graph.Node {
			return one(graph.Add(m.Input("residual", m.DT, normal(1), 7, 115), matMulBias(m)))
		},
	}, Case{
		Name: "matmul/one row, bias and residual", Storage: true,
		Build: func(m *Maker) map[string]*graph.Node {
			o := graph.MatMulOpt{TransB: true, Bias: m.Param("bias", tensor.F32, normal(1), 115)}
			return one(graph.Add(matMul(m, 1, 115, 480, o), m.Input("residual", m.DT, normal(1), 1, 115)))
		},
	}, Case{
		Name: "matmul/f32 logits of any storage", Storage: true, Wrt: []string{"a", "b"},
		Build: func(m *Maker) map[string]*graph.Node {
			return one(matMul(m, 5, 257, 20, graph.MatMulOpt{TransB: true, Out: tensor.F32, As: true}))
		},
	})
}

func matMul(m *Maker, rows, cols, k int, o graph.MatMulOpt) *graph.Node {
	a, b := []int{rows, k}, []int{k, cols}
	if o.TransA {
		a = []int{k, rows}
	}
	if o.TransB {
		b = []int{cols, k}
	}
	return graph.MatMul(m.Input("a", m.DT, normal(1), a...), m.Param("b", m.DT, normal(0.3), b...), o)
}

func matMulBias(m *Maker) *graph.Node {
	return matMul(m, 7, 115, 24, graph.MatMulOpt{Bias: m.Param("bias", tensor.F32, normal(1), 115)})
}
