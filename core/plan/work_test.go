package plan_test

import (
	"testing"

	"github.com/kiban-models/kiban/core/graph"
	"github.com/kiban-models/kiban/core/plan"
	"github.com/kiban-models/kiban/core/tensor"
)

// TestWork counts by hand, and for attention pair by pair.
func TestWork(t *testing.T) {
	g := graph.New()
	x, w := g.Input("x", tensor.F32, 3, 5), g.Param("w", tensor.F32, 5, 7)
	ids, table := g.Input("ids", tensor.I32, 6), g.Param("table", tensor.BF16, 100, 8)
	outputs := map[string]*graph.Node{
		"product": graph.MatMul(x, w, graph.MatMulOpt{}),
		"scaled":  graph.Scale(x, 2),
		"rows":    graph.Embed(table, ids, tensor.F32),
	}
	p, err := plan.Compile(g, plan.Limits{}, plan.Options{}, outputs)
	if err != nil {
		t.Fatal(err)
	}
	want := map[string]plan.Work{
		"matmul": {Flops: 2 * 3 * 5 * 7, Bytes: 4 * (3*5 + 5*7 + 3*7)},
		"scale":  {Bytes: 4 * 2 * 15},
		"embed":  {Bytes: 6*4 + 6*8*2 + 6*8*4},
	}
	for _, s := range p.Steps {
		if got := s.Work(); got != want[s.Kernel] {
			t.Errorf("%s: %+v, wanted %+v", s.Kernel, got, want[s.Kernel])
		}
	}
	if len(p.Steps) != len(want) {
		t.Errorf("%d steps, wanted %d", len(p.Steps), len(want))
	}
	for _, shape := range [][2]int{{5, 5}, {3, 7}, {7, 3}, {1, 4}} {
		for _, causal := range []bool{false, true} {
			at := graph.AttentionAttr{Batch: 2, QueryLen: shape[0], KeyLen: shape[1], Heads: 3, KVHeads: 3, Width: 4, Causal: causal}
			pairs := 0
			for q := range at.QueryLen {
				for k := range at.KeyLen {
					if !causal || k <= q {
						pairs++
					}
				}
			}
			for kernel, products := range map[string]int{"attention": 2, "attention_grad": 5, "attention_probabilities": 1} {
				got := plan.Step{Kernel: kernel, Attr: at}.Work().Flops
				if want := float64(products * 2 * 2 * 3 * 4 * pairs); got != want {
					t.Errorf("%s of %v, causal %t: %g, wanted %g", kernel, shape, causal, got, want)
				}
			}
		}
	}
}
