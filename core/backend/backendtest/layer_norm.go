package backendtest

import (
	"fmt"
	"math/rand/v2"

	"github.com/kiban-models/kiban/core/graph"
	"github.com/kiban-models/kiban/core/tensor"
)

func layerNormCases() []Case {
	cases := []Case{{
		Name: "layer_norm/one channel", // its variance is zero
		Build: func(m *Maker) map[string]*graph.Node {
			y, _ := layerNorm(m, m.Input("x", tensor.F32, normal(1), 5, 1))
			return one(y)
		},
	}, {
		Name: "layer_norm/far from zero", Tol: 2e-4, Wrt: []string{"x", "w", "b"},
		Build: func(m *Maker) map[string]*graph.Node {
			far := func(r *rand.Rand, _ int) float64 { return 100 + r.NormFloat64() }
			y, _ := layerNorm(m, m.Input("x", tensor.F32, far, 7, 120))
			return one(y)
		},
	}, {
		Name: "layer_norm/beside a residual", Wrt: []string{"x", "w", "b"}, Storage: true,
		Build: func(m *Maker) map[string]*graph.Node {
			x := m.Input("x", m.DT, normal(1), 7, 120)
			y, _ := layerNorm(m, x)
			return one(graph.Add(x, graph.Activate(y, graph.SiLU)))
		},
	}, {
		Name: "layer_norm/only the weight", Wrt: []string{"w"}, Storage: true,
		Build: func(m *Maker) map[string]*graph.Node {
			y, _ := layerNorm(m, m.Input("x", m.DT, normal(1), 7, 120))
			return one(y)
		},
	}}
	for _, s := range [][2]int{{1, 120}, {3, 768}, {77, 115}, {300, 24}, {2, 4099}} {
		cases = append(cases, Case{
			Name: fmt.Sprintf("layer_norm/%dx%d", s[0], s[1]), Wrt: []string{"x", "w", "b"}, Storage: true,
			Build: func(m *Maker) map[string]*graph.Node {
				y, stats := layerNorm(m, m.Input("x", m.DT, normal(2), s[:]...))
				return map[string]*graph.Node{"y": y, "stats": stats}
			},
		})
	}
	return cases
}

func layerNorm(m *Maker, x *graph.Node) (y, stats *graph.Node) {
	c := x.Shape()[1]
	y = graph.LayerNorm(x, m.Param("w", tensor.F32, normal(1), c), m.Param("b", tensor.F32, normal(1), c), 1e-5)
	return y, y.Parts()[0]
}
