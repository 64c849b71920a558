package backendtest

import (
	"fmt"

	"github.com/kiban-models/kiban/core/graph"
	"github.com/kiban-models/kiban/core/tensor"
)

// normMatMulCases are those that plan joins for a backend that asks for it; for
// others they are the kernels one after the other.
func normMatMulCases() []Case {
	var cases []Case
	add := func(name string, build func(m *Maker) map[string]*graph.Node) {
		cases = append(cases, Case{Name: "norm_matmul/" + name, Storage: true, Build: build})
	}
	// Rows, their elements, and columns of the product.
	for i, s := range [][3]int{{1, 77, 115}, {2, 120, 360}, {3, 33, 1}, {8, 115, 68}, {1, 1, 9}, {5, 264, 40}} {
		transB := i%2 == 1
		add(fmt.Sprintf("%dx%dx%d,b=%t", s[0], s[2], s[1], transB), func(m *Maker) map[string]*graph.Node {
			return one(normMatMul(m, s[0], s[1], s[2], graph.MatMulOpt{TransB: transB}))
		})
		add(fmt.Sprintf("8 bits, %dx%dx%d,b=%t", s[0], s[2], s[1], !transB), func(m *Maker) map[string]*graph.Node {
			o := graph.MatMulOpt{TransB: !transB, Bias: m.Param("bias", tensor.F32, normal(1), s[2])}
			return one(normMatMulInt8(m, s[0], s[1], s[2], o))
		})
	}
	add("bias and gelu", func(m *Maker) map[string]*graph.Node {
		y := normMatMul(m, 3, 60, 244, graph.MatMulOpt{Bias: m.Param("bias", tensor.F32, normal(1), 244)})
		return one(graph.Activate(y, graph.GeluTanh))
	})
	add("bias, gelu and residual", func(m *Maker) map[string]*graph.Node {
		r := m.Input("residual", m.DT, normal(1), 2, 29)
		y := normMatMul(m, 2, 46, 29, graph.MatMulOpt{TransB: true, Bias: m.Param("bias", tensor.F32, normal(1), 29)})
		return one(graph.Add(graph.Activate(y, graph.GeluErf), r))
	})
	add("f32 logits", func(m *Maker) map[string]*graph.Node {
		return one(normMatMul(m, 2, 60, 257, graph.MatMulOpt{TransB: true, Out: tensor.F32, As: true}))
	})
	add("far from zero", func(m *Maker) map[string]*graph.Node {
		x := graph.Add(m.Input("x", m.DT, normal(1), 4, 72), m.Input("far", m.DT, list(64), 4, 72))
		return one(graph.MatMul(normed(m, x), m.Param("b", m.DT, normal(0.3), 72, 31), graph.MatMulOpt{}))
	})
	for i, b := range []struct {
		name       string
		batch, len int
		queries    int   // columns before the keys'
		widths     []int // of the caches, whose columns follow one another
		gap        int   // columns between them
		pos        []float64
	}{
		{"keys and values in one cache", 1, 1, 60, []int{120}, 0, []float64{5}},
		{"a cache each", 3, 1, 60, []int{60, 60}, 0, []float64{0, 8, 4}},
		{"fewer heads of keys", 2, 1, 80, []int{40, 40}, 0, []float64{3, 8}},
		{"odd columns", 2, 3, 7, []int{21, 13}, 5, []float64{0, 7}},
		{"rows beyond the end", 2, 4, 24, []int{48}, 0, []float64{7, -2}},
	} {
		for _, int8 := range []bool{false, true}[:1+i%2] {
			name := "cache, " + b.name
			if int8 {
				name = "8 bits, " + name
			}
			add(name, func(m *Maker) map[string]*graph.Node {
				rows, n := b.batch*b.len, b.queries
				for _, w := range b.widths {
					n += w + b.gap
				}
				o := graph.MatMulOpt{TransB: int8, Bias: m.Param("bias", tensor.F32, normal(1), n)}
				pos := m.Input("pos", tensor.I32, list(b.pos...), b.batch)
				var y *graph.Node
				if int8 {
					y = normMatMulInt8(m, rows, 60, n, o)
				} else {
					y = normMatMul(m, rows, 60, n, o)
				}
				out := map[string]*graph.Node{"q": graph.Scale(y, 2)}
				at := b.queries
				for i, w := range b.widths {
					cache := m.State(fmt.Sprint("cache", i), m.DT, normal(1), b.batch, 9, w)
					out[fmt.Sprint("twice", i)] = graph.Scale(graph.CacheWrite(cache, y, pos, at), 2)
					at += w + b.gap
				}
				return out
			})
		}
	}
	return cases
}

// normed is the norm of x, with its parameters.
func normed(m *Maker, x *graph.Node) *graph.Node {
	c := x.Shape()[1]
	return graph.LayerNorm(x, m.Param("norm.w", tensor.F32, normal(1), c), m.Param("norm.b", tensor.F32, normal(1), c), 1e-5)
}

// normMatMul is a product of rows that are normed, k long.
func normMatMul(m *Maker, rows, k, n int, o graph.MatMulOpt) *graph.Node {
	b := []int{k, n}
	if o.TransB {
		b = []int{n, k}
	}
	return graph.MatMul(normed(m, m.Input("x", m.DT, normal(2), rows, k)), m.Param("b", m.DT, normal(0.3), b...), o)
}

func normMatMulInt8(m *Maker, rows, k, n int, o graph.MatMulOpt) *graph.Node {
	b := []int{k, n}
	if o.TransB {
		b = []int{n, k}
	}
	var w *graph.Node
	w, o.Scale = weightInt8(m, b[0], b[1], n)
	return graph.MatMul(normed(m, m.Input("x", m.DT, normal(2), rows, k)), w, o)
}
