package backendtest

import (
	"fmt"

	"github.com/kiban-models/kiban/core/graph"
)

func affineAttentionCases() []Case {
	var cases []Case
	for _, s := range []struct {
		rows, tokens, numbers, heads, width int
		large                               bool
	}{{7, 3, 4, 2, 5, false}, {1, 1, 1, 1, 1, false}, {18, 2, 1, 3, 3, false}, {131, 5, 4, 2, 12, true}, {40, 16, 9, 4, 16, true}, {17, 1, 16, 1, 33, true}} {
		cases = append(cases, Case{
			Name: fmt.Sprintf("affine_attention/%d of %d tokens of %d, %d heads of %d", s.rows, s.tokens, s.numbers, s.heads, s.width),
			Wrt:  []string{"x", "w", "c", "q"}, Storage: true, Large: s.large,
			Build: func(m *Maker) map[string]*graph.Node {
				y := affineAttention(m, s.rows, s.tokens, s.numbers, s.heads, s.width)
				return map[string]*graph.Node{"y": y, "p": y.Parts()[0]}
			},
		})
		if s.tokens == 1 { // certain, so that scores have no gradient but rounding
			cases[len(cases)-1].Wrt = []string{"x", "w", "c"}
		}
	}
	return append(cases, Case{
		Name: "affine_attention/numbers are given", Wrt: []string{"w", "c", "q"}, Storage: true,
		Build: func(m *Maker) map[string]*graph.Node { return one(affineAttention(m, 9, 4, 2, 2, 3)) },
	}, Case{ // beyond what exp can take
		Name: "affine_attention/sharp", Wrt: []string{"x", "w"},
		Build: func(m *Maker) map[string]*graph.Node {
			q := graph.Scale(m.Param("q", m.DT, normal(1), 1, 24), 200)
			y := graph.AffineAttention(m.Input("x", m.DT, normal(1), 9, 6), m.Param("w", m.DT, normal(1), 6, 24), m.Param("c", m.DT, normal(1), 3, 24), q, 2)
			return one(y)
		},
	})
}

func affineAttention(m *Maker, rows, tokens, numbers, heads, width int) *graph.Node {
	c := heads * width
	return graph.AffineAttention(m.Input("x", m.DT, normal(1), rows, tokens*numbers),
		m.Param("w", m.DT, normal(1), tokens*numbers, 3*c), m.Param("c", m.DT, normal(1), tokens, 3*c),
		m.Param("q", m.DT, normal(1), 1, 3*c), heads)
}
