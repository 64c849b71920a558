package plan_test

import (
	"fmt"
	"slices"
	"testing"

	"github.com/kiban-models/kiban/core/backend/backendtest"
	"github.com/kiban-models/kiban/core/graph"
	"github.com/kiban-models/kiban/core/plan"
	"github.com/kiban-models/kiban/core/tensor"
)

var joining = plan.Limits{JoinRows: 8, JoinBytes: 1 << 14}

// TestJoinedDecoding counts the steps of a block of a decoder that has its
// weights in the storage type.
func TestJoinedDecoding(t *testing.T) {
	count := func(layers int, lim plan.Limits) (steps, barriers int) {
		d := backendtest.SmallDecoder(tensor.F32)
		d.Layers = layers
		g, outputs := d.Step(1)
		p, err := plan.Compile(g, lim, plan.Options{}, outputs)
		if err != nil {
			t.Fatal(err)
		}
		for _, s := range p.Steps {
			if s.Barrier {
				barriers++
			}
		}
		return len(p.Steps), barriers
	}
	for lim, want := range map[plan.Limits][2]int{{}: {9, 8}, joining: {5, 5}} {
		s2, b2 := count(2, lim)
		s3, b3 := count(3, lim)
		if got := [2]int{s3 - s2, b3 - b2}; got != want {
			t.Errorf("%+v: a block has %d steps and %d barriers, wanted %v", lim, got[0], got[1], want)
		}
	}
}

// TestNotJoined has what must stay as it is.
func TestNotJoined(t *testing.T) {
	type parts struct {
		g       *graph.Graph
		x, norm *graph.Node
		product func(opt graph.MatMulOpt) *graph.Node
		cache   func(name string, y *graph.Node, pos *graph.Node, offset int) *graph.Node
		pos     *graph.Node
	}
	for _, c := range []struct {
		name  string
		rows  int
		build func(p parts) map[string]*graph.Node
		want  []string
	}{
		{"joined", 8, func(p parts) map[string]*graph.Node {
			return map[string]*graph.Node{"y": p.product(graph.MatMulOpt{})}
		}, []string{"norm_matmul"}},
		{"more rows", 9, func(p parts) map[string]*graph.Node {
			return map[string]*graph.Node{"y": p.product(graph.MatMulOpt{})}
		}, []string{"layer_norm", "matmul"}},
		{"the norm is an output", 8, func(p parts) map[string]*graph.Node {
			return map[string]*graph.Node{"y": p.product(graph.MatMulOpt{}), "norm": p.norm}
		}, []string{"layer_norm", "matmul"}},
		{"the norm is used twice", 8, func(p parts) map[string]*graph.Node {
			y := p.product(graph.MatMulOpt{})
			return map[string]*graph.Node{"y": graph.Mul(y, graph.Activate(p.norm, graph.SiLU))}
		}, []string{"layer_norm", "activation", "matmul", "mul"}},
		{"the norm is the residual", 8, func(p parts) map[string]*graph.Node {
			return map[string]*graph.Node{"y": graph.Add(p.product(graph.MatMulOpt{}), p.norm)}
		}, []string{"layer_norm", "matmul"}},
		{"the statistics are wanted", 8, func(p parts) map[string]*graph.Node {
			return map[string]*graph.Node{"y": p.product(graph.MatMulOpt{}), "stats": graph.Scale(p.norm.Parts()[0], 2)}
		}, []string{"layer_norm", "matmul", "scale"}},
		{"x is replaced", 8, func(p parts) map[string]*graph.Node {
			p.g.Store(p.x, graph.Scale(p.x, 2))
			return map[string]*graph.Node{"y": p.product(graph.MatMulOpt{})}
		}, []string{"layer_norm", "matmul", "scale", "copy"}},
		{"a cache", 8, func(p parts) map[string]*graph.Node {
			y := p.product(graph.MatMulOpt{})
			return map[string]*graph.Node{"c": graph.Scale(p.cache("a", y, p.pos, 2), 2)}
		}, []string{"norm_matmul", "scale"}},
		{"three caches", 8, func(p parts) map[string]*graph.Node {
			y := p.product(graph.MatMulOpt{})
			for i, name := range []string{"a", "b", "c"} {
				p.cache(name, y, p.pos, i)
			}
			return nil
		}, []string{"norm_matmul", "cache_write"}},
		{"another position", 8, func(p parts) map[string]*graph.Node {
			y := p.product(graph.MatMulOpt{})
			p.cache("a", y, p.pos, 0)
			p.cache("b", y, p.g.Input("other", tensor.I32, 2), 0)
			return nil
		}, []string{"norm_matmul", "cache_write"}},
		{"the old cache is read", 8, func(p parts) map[string]*graph.Node {
			y := p.product(graph.MatMulOpt{})
			old := graph.Dot(p.g.State("a", tensor.F32, 2, 5, 3), p.g.Input("weights", tensor.F32, 2, 5, 3))
			return map[string]*graph.Node{"old": old, "c": graph.Scale(p.cache("a", graph.Scale(y, 1), p.pos, 0), 2), "y": y}
		}, []string{"norm_matmul", "dot", "scale", "cache_write", "scale"}},
	} {
		t.Run(c.name, func(t *testing.T) {
			g := graph.New()
			x := g.State("x", tensor.F32, c.rows, 12)
			norm := graph.LayerNorm(x, g.Param("w", tensor.F32, 12), g.Param("b", tensor.F32, 12), 1e-5)
			m := g.Param("m", tensor.F32, 12, 12)
			p := parts{g, x, norm, func(o graph.MatMulOpt) *graph.Node { return graph.MatMul(norm, m, o) },
				func(name string, y, pos *graph.Node, offset int) *graph.Node {
					return graph.CacheWrite(g.State(name, tensor.F32, 2, 5, 3), y, pos, offset)
				}, g.Input("pos", tensor.I32, 2)}
			outputs := c.build(p)
			prog, err := plan.Compile(g, joining, plan.Options{}, outputs)
			if err != nil {
				t.Fatal(err)
			}
			var got []string
			for _, s := range prog.Steps {
				got = append(got, s.Kernel)
			}
			slices.Sort(got)
			slices.Sort(c.want)
			if fmt.Sprint(got) != fmt.Sprint(c.want) {
				t.Errorf("got %v, wanted %v\n%v", got, c.want, prog)
			}
		})
	}
	g, outputs := backendtest.SmallDecoder(tensor.F32).Step(1)
	for _, lim := range []plan.Limits{{JoinRows: 2, JoinBytes: 1 << 14}, {JoinRows: 8, JoinBytes: 3*60*4 - 1}} {
		p, err := plan.Compile(g, lim, plan.Options{}, outputs)
		if err != nil {
			t.Fatal(err)
		}
		for _, s := range p.Steps {
			if s.Kernel == "norm_matmul" {
				t.Errorf("%+v: norms of 3 rows of 60 are joined", lim)
			}
		}
	}
}

// TestWorkJoined counts by hand: of a cache only the new rows.
func TestWorkJoined(t *testing.T) {
	g := graph.New()
	norm := graph.LayerNorm(g.Input("x", tensor.BF16, 2, 8), g.Param("w", tensor.F32, 8), g.Param("b", tensor.F32, 8), 1e-5)
	y := graph.MatMul(norm, g.Param("m", tensor.BF16, 8, 24), graph.MatMulOpt{})
	graph.CacheWrite(g.State("cache", tensor.BF16, 2, 100, 16), y, g.Input("pos", tensor.I32, 2), 8)
	p, err := plan.Compile(g, joining, plan.Options{}, map[string]*graph.Node{"y": y})
	if err != nil {
		t.Fatal(err)
	}
	want := plan.Work{Flops: 2 * 2 * 8 * 24, Bytes: 2*2*8 + 2*4*8 + 2*8*24 + 2*2*24 + 2*2*16 + 2*4}
	if len(p.Steps) != 1 || p.Steps[0].Work() != want {
		t.Errorf("%+v, wanted %+v\n%v", p.Steps[0].Work(), want, p)
	}
}
