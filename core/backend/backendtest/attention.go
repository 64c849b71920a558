package backendtest

import (
	"fmt"

	"github.com/kiban-models/kiban/core/graph"
	"github.com/kiban-models/kiban/core/tensor"
)

func attentionCases() []Case {
	var cases []Case
	add := func(c Case) {
		c.Storage = true
		cases = append(cases, c)
	}
	for _, width := range []int{16, 20, 24, 64, 72, 100, 115, 128} {
		add(Case{
			Name: fmt.Sprintf("attention/width %d", width), Wrt: []string{"qkv"},
			Build: func(m *Maker) map[string]*graph.Node { return attendFused(m, 2, 13, 3, width, 1, true) },
		})
	}
	for _, length := range []int{1, 77, 131} {
		add(Case{
			Name: fmt.Sprintf("attention/length %d", length), Wrt: []string{"qkv"}, Large: length > 1,
			Build: func(m *Maker) map[string]*graph.Node { return attendFused(m, 2, length, 2, 20, 1, true) },
		})
	}
	add(Case{
		Name: "attention/bidirectional", Wrt: []string{"qkv"},
		Build: func(m *Maker) map[string]*graph.Node { return attendFused(m, 2, 35, 2, 20, 1, false) },
	})
	add(Case{ // scores far beyond what exp can take
		Name: "attention/far scores", Wrt: []string{"qkv"}, Large: true, Tol: 1e-4,
		Build: func(m *Maker) map[string]*graph.Node { return attendFused(m, 1, 13, 2, 20, 10, true) },
	})
	add(Case{ // head by head q, k, v, as GPT-NeoX has them, and columns of no head
		Name: "attention/interleaved", Wrt: []string{"qkv"},
		Build: func(m *Maker) map[string]*graph.Node {
			x := m.Input("qkv", m.DT, normal(1), 2*9, 3*60+7)
			at := graph.AttentionAttr{Batch: 2, QueryLen: 9, KeyLen: 9, Heads: 3, KVHeads: 3, Width: 20, Scale: 0.2, Causal: true,
				Q: graph.HeadLayout{Offset: 5, Stride: 60}, K: graph.HeadLayout{Offset: 25, Stride: 60}, V: graph.HeadLayout{Offset: 45, Stride: 60}}
			return one(graph.Attention(x, x, x, at, graph.AttentionOpt{}))
		},
	})
	add(Case{
		Name: "attention/grouped", Wrt: []string{"q", "k", "v"},
		Build: func(m *Maker) map[string]*graph.Node {
			return attend(m, graph.AttentionAttr{Batch: 2, QueryLen: 11, KeyLen: 11, Heads: 6, KVHeads: 2, Width: 24, Causal: true}, graph.AttentionOpt{})
		},
	})
	add(Case{
		Name: "attention/cross with masked keys", Wrt: []string{"q", "k", "v"},
		Build: func(m *Maker) map[string]*graph.Node {
			at := graph.AttentionAttr{Batch: 4, QueryLen: 5, KeyLen: 9, Heads: 3, KVHeads: 3, Width: 20}
			out := attend(m, at, graph.AttentionOpt{Keys: m.Input("keys", tensor.I32, list(9, 4, 1, 0), 4)})
			delete(out, "lse") // of no key at all it is anything
			return out
		},
	})
	add(Case{
		Name: "attention/one query over a cache",
		Build: func(m *Maker) map[string]*graph.Node {
			at := graph.AttentionAttr{Batch: 3, QueryLen: 1, KeyLen: 67, Heads: 3, KVHeads: 3, Width: 20, Causal: true}
			return attend(m, at, graph.AttentionOpt{Start: m.Input("start", tensor.I32, list(0, 40, 66), 3)})
		},
	})
	add(Case{
		Name: "attention/queries over a cache with masked keys", Wrt: []string{"q", "k", "v"},
		Build: func(m *Maker) map[string]*graph.Node {
			at := graph.AttentionAttr{Batch: 2, QueryLen: 5, KeyLen: 40, Heads: 2, KVHeads: 1, Width: 20, Causal: true}
			return attend(m, at, graph.AttentionOpt{Start: m.Input("start", tensor.I32, list(3, 35), 2), Keys: m.Input("keys", tensor.I32, list(6, 40), 2)})
		},
	})
	for _, length := range []int{7, 21, 35, 131} { // of few queries, and of several tiles
		add(Case{
			Name: fmt.Sprintf("attention/dropout, length %d", length), Wrt: []string{"qkv"}, Large: length > 40,
			Build: func(m *Maker) map[string]*graph.Node { return attendDropped(m, 2, length, 2, 20, 1, false, 0.3) },
		})
	}
	for _, width := range []int{100, 256} { // whose tiles are small
		add(Case{
			Name: fmt.Sprintf("attention/dropout, width %d", width), Wrt: []string{"q", "k", "v"}, Large: true,
			Build: func(m *Maker) map[string]*graph.Node {
				at := graph.AttentionAttr{Batch: 1, QueryLen: 19, KeyLen: 37, Heads: 2, KVHeads: 1, Width: width, Dropout: 0.1, Salt: 4}
				return attend(m, at, graph.AttentionOpt{})
			},
		})
	}
	add(Case{
		Name: "attention/dropout, queries over a cache with masked keys", Wrt: []string{"q", "k", "v"},
		Build: func(m *Maker) map[string]*graph.Node {
			at := graph.AttentionAttr{Batch: 2, QueryLen: 3, KeyLen: 40, Heads: 4, KVHeads: 2, Width: 20, Causal: true, Dropout: 0.5, Salt: 1}
			return attend(m, at, graph.AttentionOpt{Start: m.Input("start", tensor.I32, list(3, 35), 2), Keys: m.Input("keys", tensor.I32, list(6, 40), 2)})
		},
	})
	return append(cases, attentionBiasCases()...)
}

// attendFused is self-attention on one matrix of queries, keys and values.
func attendFused(m *Maker, batch, length, heads, width int, spread float64, causal bool) map[string]*graph.Node {
	return attendDropped(m, batch, length, heads, width, spread, causal, 0)
}

// attendDropped is attendFused with dropout.
func attendDropped(m *Maker, batch, length, heads, width int, spread float64, causal bool, dropout float32) map[string]*graph.Node {
	c := heads * width
	var seed *graph.Node
	if dropout > 0 {
		seed = m.Input("seed", tensor.I32, list(-5, 1<<31-1), 2)
	}
	x := m.Input("qkv", m.DT, normal(spread), batch*length, 3*c)
	y := graph.Attention(x, x, x, graph.AttentionAttr{
		Batch: batch, QueryLen: length, KeyLen: length, Heads: heads, KVHeads: heads, Width: width,
		Q: graph.HeadLayout{Stride: width}, K: graph.HeadLayout{Offset: c, Stride: width},
		V: graph.HeadLayout{Offset: 2 * c, Stride: width}, Scale: 0.25, Causal: causal, Dropout: dropout, Salt: 1<<32 - 3,
	}, graph.AttentionOpt{Seed: seed})
	return map[string]*graph.Node{"y": y, "lse": y.Parts()[0]}
}

// attend is attention on matrices of their own.
func attend(m *Maker, at graph.AttentionAttr, opt graph.AttentionOpt) map[string]*graph.Node {
	plain := graph.HeadLayout{Stride: at.Width}
	at.Q, at.K, at.V, at.Scale = plain, plain, plain, 0.25
	q := m.Input("q", m.DT, normal(1), at.Batch*at.QueryLen, at.Heads*at.Width)
	k := m.Input("k", m.DT, normal(1), at.Batch, at.KeyLen, at.KVHeads*at.Width)
	v := m.Input("v", m.DT, normal(1), at.Batch, at.KeyLen, at.KVHeads*at.Width)
	if at.Dropout > 0 {
		opt.Seed = m.Input("seed", tensor.I32, list(7, -1), 2)
	}
	y := graph.Attention(q, k, v, at, opt)
	return map[string]*graph.Node{"y": y, "lse": y.Parts()[0]}
}
