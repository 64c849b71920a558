package backendtest

import (
	"fmt"

	"github.com/kiban-models/kiban/core/graph"
	"github.com/kiban-models/kiban/core/tensor"
)

// int8Cases are those of weights in 8 bits.
func int8Cases() []Case {
	var cases []Case
	for i, s := range [][3]int{
		{1, 1, 1}, {1, 257, 120}, {2, 115, 77}, {3, 5, 3072}, {4, 130, 33}, {7, 120, 77}, {8, 64, 260}, {15, 67, 130}, {16, 129, 66}, {17, 65, 41},
		{20, 131, 67}, {64, 128, 64}, {130, 131, 67},
	} {
		for j, o := range []graph.MatMulOpt{{}, {TransB: true}, {TransA: true}, {TransA: true, TransB: true}} {
			if j > 1 && i%8 != 2 {
				continue
			}
			cases = append(cases, Case{
				Name:    fmt.Sprintf("matmul/8 bits, %dx%dx%d,a=%t,b=%t", s[0], s[1], s[2], o.TransA, o.TransB),
				Storage: true,
				Build:   func(m *Maker) map[string]*graph.Node { return one(matMulInt8(m, s[0], s[1], s[2], o)) },
			})
		}
	}
	for _, rows := range []int{1, 7, 19} {
		cases = append(cases, Case{
			Name: fmt.Sprintf("matmul/8 bits, %d rows, bias, gelu_new and residual", rows), Storage: true,
			Build: func(m *Maker) map[string]*graph.Node {
				y := matMulInt8(m, rows, 116, 24, graph.MatMulOpt{Bias: m.Param("bias", tensor.F32, normal(1), 116)})
				return one(graph.Add(m.Input("residual", m.DT, normal(1), rows, 116), graph.Activate(y, graph.GeluTanh)))
			},
		}, Case{
			Name: fmt.Sprintf("matmul/8 bits, f32 logits of %d rows", rows), Storage: true,
			Build: func(m *Maker) map[string]*graph.Node {
				return one(matMulInt8(m, rows, 257, 20, graph.MatMulOpt{TransB: true, Out: tensor.F32, As: true}))
			},
		})
	}
	for _, s := range []struct{ rows, n, c int }{{33, 7, 120}, {257, 77, 115}, {3, 1, 1}} {
		cases = append(cases, Case{
			Name: fmt.Sprintf("embed/8 bits, %d of %dx%d", s.n, s.rows, s.c), Storage: true,
			Build: func(m *Maker) map[string]*graph.Node {
				table, scale := weightInt8(m, s.rows, s.c, s.rows)
				return one(graph.EmbedInt8(table, scale, m.Input("ids", tensor.I32, integers(-1, s.rows), s.n), m.DT))
			},
		})
	}
	for _, bias := range []bool{false, true} {
		for _, s := range [][3]int{{9, 20, 257}, {33, 77, 69}} {
			cases = append(cases, Case{
				Name: fmt.Sprintf("linear_cross_entropy/8 bits, %dx%d of %d, bias=%t", s[0], s[1], s[2], bias), Storage: true,
				Build: func(m *Maker) map[string]*graph.Node {
					w, scale := weightInt8(m, s[2], s[1], s[2])
					var b *graph.Node
					if bias {
						b = m.Param("bias", tensor.F32, normal(1), s[2])
					}
					x, labels := m.Input("x", m.DT, normal(1), s[0], s[1]), m.Input("labels", tensor.I32, integers(-1, s[2]), s[0])
					return one(graph.LinearCrossEntropyInt8(x, w, scale, b, labels))
				},
			})
		}
	}
	return append(cases, Case{
		Name: "linear_cross_entropy/8 bits, several chunks",
		Build: func(m *Maker) map[string]*graph.Node {
			w, scale := weightInt8(m, 131101, 2, 131101)
			x, labels := m.Input("x", m.DT, normal(1), 33, 2), m.Input("labels", tensor.I32, integers(0, 131100), 33)
			return one(graph.LinearCrossEntropyInt8(x, w, scale, nil, labels))
		},
	})
}

func matMulInt8(m *Maker, rows, cols, k int, o graph.MatMulOpt) *graph.Node {
	a, b := []int{rows, k}, []int{k, cols}
	if o.TransA {
		a = []int{k, rows}
	}
	if o.TransB {
		b = []int{cols, k}
	}
	var w *graph.Node
	w, o.Scale = weightInt8(m, b[0], b[1], cols)
	return graph.MatMul(m.Input("a", m.DT, normal(1), a...), w, o)
}

// weightInt8 has all bytes that tensor.Int8 makes, and the one that it does not.
func weightInt8(m *Maker, rows, cols, channels int) (w, scale *graph.Node) {
	return m.Param("w", tensor.I8, integers(-128, 127), rows, cols), m.Param("scale", tensor.F32, positive(0.01), channels)
}
