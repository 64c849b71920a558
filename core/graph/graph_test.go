package graph_test

import (
	"fmt"
	"runtime"
	"strings"
	"testing"

	"github.com/kiban-models/kiban/core/graph"
	"github.com/kiban-models/kiban/core/tensor"
)

const f32, i32 = tensor.F32, tensor.I32

// The first error stays, with the line of the model that caused it.
func TestFirstError(t *testing.T) {
	g := graph.New()
	x := g.Input("x", f32, 2, 3)
	_, _, line, _ := runtime.Caller(0)
	y := graph.Add(x, g.Input("y", f32, 3, 2)) // the line after
	graph.MatMul(y, y, graph.MatMulOpt{})      // wrong as well
	want := fmt.Sprintf("graph: add: y f32[3 2] does not fit x f32[2 3] (graph_test.go:%d)", line+1)
	if err := g.Err(); err == nil || err.Error() != want {
		t.Errorf("got %v, wanted %s", err, want)
	}
}

// Every builder refuses operands that do not fit.
func TestErrors(t *testing.T) {
	for want, build := range map[string]func(g *graph.Graph, x *graph.Node){ // x is f32 [4, 6]
		"add:":    func(g *graph.Graph, x *graph.Node) { graph.Add(x, g.Input("b", tensor.BF16, 4, 6)) },
		"mul:":    func(g *graph.Graph, x *graph.Node) { graph.Mul(x, g.Input("b", f32, 6, 4)) },
		"cast:":   func(g *graph.Graph, x *graph.Node) { graph.Cast(x, i32) },
		"dot:":    func(g *graph.Graph, x *graph.Node) { graph.Dot(x, g.Input("b", f32, 4)) },
		"scale:":  func(g *graph.Graph, x *graph.Node) { graph.ScaleBy(x, g.Input("b", f32, 2)) },
		"matmul:": func(g *graph.Graph, x *graph.Node) { graph.MatMul(x, x, graph.MatMulOpt{}) },
		"matmul: bias": func(g *graph.Graph, x *graph.Node) {
			graph.MatMul(x, x, graph.MatMulOpt{TransB: true, Bias: g.Param("b", f32, 6)})
		},
		"layer_norm:": func(g *graph.Graph, x *graph.Node) {
			graph.LayerNorm(x, g.Param("w", f32, 4), g.Param("b", f32, 6), 1e-5)
		},
		"dropout:": func(g *graph.Graph, x *graph.Node) { graph.Dropout(x, g.Input("seed", i32, 2), 1, 0) },
		"embed:":   func(g *graph.Graph, x *graph.Node) { graph.Embed(x, g.Input("ids", f32, 3), f32) },
		"attention: query": func(g *graph.Graph, x *graph.Node) {
			graph.Attention(x, x, x, graph.AttentionAttr{Batch: 2, QueryLen: 2, KeyLen: 2, Heads: 2, KVHeads: 2, Width: 4}, graph.AttentionOpt{})
		},
		"attention: start or keys": func(g *graph.Graph, x *graph.Node) {
			l := graph.HeadLayout{Stride: 3}
			at := graph.AttentionAttr{Batch: 2, QueryLen: 2, KeyLen: 2, Heads: 2, KVHeads: 1, Width: 3, Q: l, K: l, V: l}
			graph.Attention(x, x, x, at, graph.AttentionOpt{Start: g.Input("start", i32, 3)})
		},
		"attention: bias": func(g *graph.Graph, x *graph.Node) {
			l := graph.HeadLayout{Stride: 3}
			at := graph.AttentionAttr{Batch: 2, QueryLen: 2, KeyLen: 2, Heads: 2, KVHeads: 1, Width: 3, Q: l, K: l, V: l}
			graph.Attention(x, x, x, at, graph.AttentionOpt{Bias: g.Param("bias", f32, 2, 4)}) // no place is in the middle
		},
		"linear_cross_entropy:": func(g *graph.Graph, x *graph.Node) {
			graph.LinearCrossEntropy(x, g.Param("w", f32, 9, 6), nil, g.Input("labels", i32, 5))
		},
		"adamw:": func(g *graph.Graph, x *graph.Node) {
			p, m := g.Param("p", f32, 5), g.State("m", f32, 5)
			graph.AdamW(p, x, m, m, g.Input("hyper", f32, graph.HyperLen), g.Input("norm", f32, 2), true)
		},
		"grad_norm:": func(g *graph.Graph, x *graph.Node) { graph.GradNorm(1, nil, graph.Cast(x, tensor.F16)) },
		"cache_write:": func(g *graph.Graph, x *graph.Node) {
			graph.CacheWrite(g.State("cache", f32, 2, 8, 6), x, g.Input("pos", i32, 2), 1)
		},
		"rotary: x": func(g *graph.Graph, x *graph.Node) {
			at := graph.RotaryAttr{Batch: 2, Len: 2, Heads: 2, Width: 3, Layout: graph.HeadLayout{Stride: 3}, Turned: 3}
			graph.Rotary(x, g.Input("table", f32, 2, 3), at, nil)
		},
		"rotary: 2 tokens": func(g *graph.Graph, x *graph.Node) {
			at := graph.RotaryAttr{Batch: 2, Len: 2, Heads: 2, Width: 3, Layout: graph.HeadLayout{Stride: 3}, Turned: 2}
			graph.Rotary(x, g.Input("table", f32, 1, 2), at, nil)
		},
		"rotary: start": func(g *graph.Graph, x *graph.Node) {
			at := graph.RotaryAttr{Batch: 2, Len: 2, Heads: 2, Width: 3, Layout: graph.HeadLayout{Stride: 3}, Turned: 2}
			graph.Rotary(x, g.Input("table", f32, 1, 2), at, g.Input("start", i32, 3))
		},
		"logits_penalty:": func(g *graph.Graph, x *graph.Node) {
			graph.Penalty(x, g.Input("tokens", i32, 3, 9), g.Input("pos", i32, 4), g.Input("knobs", f32, graph.KnobsLen))
		},
		"logits_filter:": func(g *graph.Graph, x *graph.Node) { graph.Filter(x, g.Input("knobs", f32, 3)) },
		"sample:": func(g *graph.Graph, x *graph.Node) {
			graph.Sample(x, g.Input("seed", i32, 1), g.Input("stream", i32, 4), g.Input("pos", i32, 4))
		},
		"token_append:": func(g *graph.Graph, x *graph.Node) {
			b := g.State("b", i32, 4)
			graph.TokenAppend(g.State("tokens", i32, 4, 5), b, b, b, b, g.Input("forced", i32, 4, 5), g.Input("limit", i32, 3), 0)
		},
		"store: x f32[4 6] is neither": func(g *graph.Graph, x *graph.Node) { g.Store(x, x) },
		"store: x f32[4 6] does not":   func(g *graph.Graph, x *graph.Node) { g.Store(g.State("s", f32, 4), x) },
		"w: asked for as":              func(g *graph.Graph, x *graph.Node) { g.Param("w", f32, 3); g.Param("w", f32, 4) },
		"w: shape [3 0]":               func(g *graph.Graph, x *graph.Node) { g.Param("w", f32, 3, 0) },
		"add: z f32[4 6] belongs to": func(g *graph.Graph, x *graph.Node) {
			graph.Add(x, graph.New().Input("z", f32, 4, 6))
		},
		"grad: loss x": func(g *graph.Graph, x *graph.Node) { graph.Grad(x, x) },
		"grad: logits_filter has no gradient": func(g *graph.Graph, x *graph.Node) {
			graph.Grad(graph.Dot(graph.Filter(x, g.Input("knobs", f32, graph.KnobsLen)), x), x)
		},
		"grad: layer_norm part": func(g *graph.Graph, x *graph.Node) {
			y := graph.LayerNorm(x, g.Param("w", f32, 6), g.Param("b", f32, 6), 1e-5)
			graph.Grad(graph.Dot(y.Parts()[0], g.Input("r", f32, 4, 2)), x)
		},
		"scale: the gradient of a factor": func(g *graph.Graph, x *graph.Node) {
			s := g.Input("s", f32, 1)
			graph.Grad(graph.Dot(graph.ScaleBy(x, s), x), s)
		},
	} {
		g := graph.New()
		build(g, g.Input("x", f32, 4, 6))
		if err := g.Err(); err == nil || !strings.HasPrefix(err.Error(), "graph: "+want) || !strings.Contains(err.Error(), "(graph_test.go:") {
			t.Errorf("got error %v, wanted graph: %s ... (graph_test.go:...)", err, want)
		}
	}
}

func TestLeavesAreShared(t *testing.T) {
	g := graph.New()
	w := g.Param("w", f32, 3)
	if tied := g.Param("w", f32, 3); tied != w {
		t.Error("a tied weight became two")
	}
	if w == g.State("w", f32, 3) {
		t.Error("a parameter and a state of one name became one")
	}
}

func TestGradOfUnused(t *testing.T) {
	g := graph.New()
	x, unused := g.Input("x", f32, 3), g.Param("unused", f32, 4, 5)
	before := len(g.Nodes())
	grads := graph.Grad(graph.Dot(x, x), unused)
	n := grads[0]
	if n.Kernel() != "fill" || n.Attr().(graph.FillAttr).Value != 0 || n.Len() != 20 {
		t.Errorf("the gradient is %v %+v, wanted zeros", n, n.Attr())
	}
	// Nothing leads to what is unused, so no gradient is built: the dot, the
	// gradient of the loss, and the zeros are all.
	if made := len(g.Nodes()) - before; made != 3 {
		t.Errorf("%d nodes were made, wanted 3", made)
	}
}

func TestBackwardIsMarked(t *testing.T) {
	g := graph.New()
	x := g.Input("x", f32, 3)
	y := graph.Mul(x, x)
	loss := graph.Dot(y, x)
	d := graph.Grad(loss, x)[0]
	after := graph.Scale(d, 2)
	if y.Backward() || !d.Backward() || after.Backward() {
		t.Errorf("backward: %t, %t, %t; wanted false, true, false", y.Backward(), d.Backward(), after.Backward())
	}
}

// The published test vector of Philox 4x32-10 for counter and key zero, and the
// other bits of counter and key.
func TestPhilox(t *testing.T) {
	if got := graph.Philox(0, 0, 0, 0, 0); got != 0x6627e8d5 {
		t.Errorf("got %#x", got)
	}
	seen := map[uint32]bool{graph.Philox(0, 0, 0, 0, 0): true}
	for i := range 5 {
		for bit := range 32 {
			var c [5]uint32
			c[i] = 1 << bit
			seen[graph.Philox(c[0], c[1], c[2], c[3], c[4])] = true
		}
	}
	if len(seen) != 161 {
		t.Errorf("%d different words of 161", len(seen))
	}
	if u := graph.Uniform(1<<32 - 1); u >= 1 || graph.Uniform(0) != 0 {
		t.Errorf("the largest uniform number is %g", u)
	}
}

func TestParseActivation(t *testing.T) {
	for name, want := range map[string]graph.Activation{
		"gelu_new": graph.GeluTanh, "gelu": graph.GeluErf, "relu": graph.ReLU, "swish": graph.SiLU,
	} {
		if got, err := graph.ParseActivation(name); got != want || err != nil {
			t.Errorf("%s: got %v, %v", name, got, err)
		}
	}
	if _, err := graph.ParseActivation("mish"); err == nil || !strings.Contains(err.Error(), "mish") {
		t.Errorf("mish: %v", err)
	}
}

// A model's graph needs no error checks on the way; its gradient is a graph,
// too.
func Example() {
	g := graph.New()
	x := g.Input("x", tensor.F32, 8, 120)
	w := g.Param("mlp.weight", tensor.F32, 120, 480)
	y := graph.Activate(graph.MatMul(x, w, graph.MatMulOpt{}), graph.GeluTanh)
	loss := graph.Dot(y, y)
	fmt.Println(loss, "|", graph.Grad(loss, w)[0], "|", g.Err())
	// Output: dot f32[1] | matmul f32[120 480] | <nil>
}
