package plan_test

import (
	"fmt"
	"strings"
	"testing"

	"github.com/kiban-models/kiban/core/graph"
	"github.com/kiban-models/kiban/core/plan"
	"github.com/kiban-models/kiban/core/tensor"
)

// count returns how many steps run the kernel.
func count(p *plan.Program, kernel string) int {
	n := 0
	for _, s := range p.Steps {
		if s.Kernel == kernel {
			n++
		}
	}
	return n
}

func TestDeadValues(t *testing.T) {
	g := graph.New()
	x, w := g.Input("x", tensor.F32, 4, 4), g.Param("w", tensor.F32, 4, 4)
	graph.MatMul(x, g.Param("unused", tensor.F32, 4, 4), graph.MatMulOpt{})
	g.Input("also unused", tensor.F32, 3)
	y := graph.Mul(x, w)
	p, err := plan.Compile(g, plan.Limits{}, plan.Options{}, map[string]*graph.Node{"y": y})
	if err != nil {
		t.Fatal(err)
	}
	if len(p.Steps) != 1 || len(p.Params) != 1 || p.Params[0].Name != "w" {
		t.Errorf("nobody needs all of this:\n%v params %v", p, p.Params)
	}
	if _, ok := p.Inputs["also unused"]; !ok {
		t.Error("an input that nobody reads cannot be written")
	}
}

func cacheGraph() (g *graph.Graph, cache, updated, src *graph.Node) {
	g = graph.New()
	cache = g.State("cache", tensor.F32, 1, 4, 3)
	src = g.Input("src", tensor.F32, 1, 3)
	return g, cache, graph.CacheWrite(cache, src, g.Input("pos", tensor.I32, 1), 0), src
}

// Whoever reads a state sees what was there before the run, wherever the read
// stands in the graph.
func TestReadBeforeUpdate(t *testing.T) {
	for _, opt := range []plan.Options{{}, {NoFusion: true}} {
		g, cache, _, _ := cacheGraph()
		old := graph.Scale(cache, 2)
		p, err := plan.Compile(g, plan.Limits{}, opt, map[string]*graph.Node{"old": old})
		if err != nil {
			t.Fatal(err)
		}
		if len(p.Steps) != 2 || p.Steps[0].Kernel != "scale" || !p.Steps[1].Barrier {
			t.Errorf("the update does not wait for the read:\n%v", p)
		}
	}
}

func TestStoreErrors(t *testing.T) {
	for name, c := range map[string]struct {
		build func() (*graph.Graph, map[string]*graph.Node)
		want  string
	}{
		"old and new value together": {func() (*graph.Graph, map[string]*graph.Node) {
			g, cache, updated, _ := cacheGraph()
			return g, map[string]*graph.Node{"y": graph.Add(updated, cache)}
		}, "add reads cache after it was replaced"},
		"old value as output": {func() (*graph.Graph, map[string]*graph.Node) {
			g, cache, _, _ := cacheGraph()
			return g, map[string]*graph.Node{"y": cache}
		}, "output y is cache, which the program replaces"},
		"two stores": {func() (*graph.Graph, map[string]*graph.Node) {
			g := graph.New()
			s, x := g.State("s", tensor.F32, 3), g.Input("x", tensor.F32, 3)
			g.Store(s, graph.Scale(x, 2))
			g.Store(s, graph.Scale(x, 3))
			return g, nil
		}, "s is stored to twice"},
		"exchange": {func() (*graph.Graph, map[string]*graph.Node) {
			g := graph.New()
			a, b := g.State("a", tensor.F32, 3), g.State("b", tensor.F32, 3)
			g.Store(a, b)
			g.Store(b, a)
			return g, nil
		}, "copy reads a after it was replaced"},
		"output of another graph": {func() (*graph.Graph, map[string]*graph.Node) {
			return graph.New(), map[string]*graph.Node{"y": graph.New().Input("x", tensor.F32, 1)}
		}, "output y belongs to another graph"},
		"error of a builder": {func() (*graph.Graph, map[string]*graph.Node) {
			g := graph.New()
			y := graph.Add(g.Input("x", tensor.F32, 1), g.Input("z", tensor.F32, 2))
			return g, map[string]*graph.Node{"y": y}
		}, "add: z f32[2] does not fit x f32[1] (store_test.go:"},
	} {
		g, outputs := c.build()
		_, err := plan.Compile(g, plan.Limits{}, plan.Options{}, outputs)
		if err == nil || !strings.Contains(err.Error(), c.want) {
			t.Errorf("%s: got error %v, wanted %q", name, err, c.want)
		}
	}
}

func TestFusion(t *testing.T) {
	build := func(extra bool) (*graph.Graph, map[string]*graph.Node) {
		g := graph.New()
		x, w := g.Input("x", tensor.F32, 2, 3), g.Param("w", tensor.F32, 3, 3)
		h := graph.MatMul(x, w, graph.MatMulOpt{})
		out := map[string]*graph.Node{"y": graph.Add(x, graph.Activate(h, graph.ReLU))}
		if extra {
			out["before"] = h
		}
		return g, out
	}
	for _, extra := range []bool{false, true} {
		g, out := build(extra)
		p, err := plan.Compile(g, plan.Limits{}, plan.Options{}, out)
		if err != nil {
			t.Fatal(err)
		}
		at := p.Steps[0].Attr.(graph.MatMulAttr)
		if at.Act != graph.ReLU || at.Pre != extra || at.Residual == extra {
			t.Errorf("with the value before as output: %t; fused to %+v", extra, at)
		}
		if want := map[bool]int{false: 0, true: 1}[extra]; count(p, "add") != want {
			t.Errorf("%d additions, wanted %d:\n%v", count(p, "add"), want, p)
		}
	}
}

// The losses come from the kernel that computes their gradient, even if its
// operands are made again for it.
func TestFuseLoss(t *testing.T) {
	for _, opt := range []plan.Options{{}, {Recompute: true}} {
		g := graph.New()
		x := graph.Scale(g.Input("x", tensor.BF16, 5, 4), 2)
		w := g.Param("w", tensor.F32, 7, 4)
		losses := graph.LinearCrossEntropy(x, graph.Cast(w, tensor.BF16), nil, g.Input("labels", tensor.I32, 5))
		loss := graph.Dot(losses, g.Input("weights", tensor.F32, 5))
		p, err := plan.Compile(g, plan.Limits{}, opt, map[string]*graph.Node{"loss": loss, "dw": graph.Grad(loss, w)[0]})
		if err != nil {
			t.Fatal(err)
		}
		if count(p, "linear_cross_entropy") != 0 || count(p, "linear_cross_entropy_grad") != 1 || count(p, "dot") != 1 {
			t.Errorf("the loss is computed twice:\n%v", p)
		}
		if n := count(p, "scale"); n != 2 { // of x, and of the weights by the loss's gradient
			t.Errorf("%d scalings, wanted 2:\n%v", n, p)
		}
	}
}

// A plan is known before anything is allocated.
func Example() {
	g := graph.New()
	x := g.Input("x", tensor.F32, 8, 120)
	h := graph.MatMul(x, g.Param("w", tensor.F32, 120, 120), graph.MatMulOpt{})
	y := graph.Add(graph.Activate(h, graph.GeluTanh), x)
	p, err := plan.Compile(g, plan.Limits{}, plan.Options{}, map[string]*graph.Node{"y": y})
	if err != nil {
		fmt.Println(err)
		return
	}
	fmt.Print(p)
	// Output:
	//   io+3840 f32[8 120] = matmul(io+0 f32[8 120], param:w f32[120 120], io+0 f32[8 120]) {M:8 N:120 K:120 TransA:false TransB:false Scaled:false Bias:false Act:gelu_tanh Pre:false Residual:true}
	// params 57600, states 0, io 7680, scratch 0 bytes
}
