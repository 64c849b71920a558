package nn_test

import (
	"context"
	"fmt"
	"math"
	"slices"
	"strings"
	"testing"

	"github.com/kiban-models/kiban/core/backend"
	"github.com/kiban-models/kiban/core/backend/cpu"
	"github.com/kiban-models/kiban/core/backend/reference"
	"github.com/kiban-models/kiban/core/graph"
	"github.com/kiban-models/kiban/core/nn"
	"github.com/kiban-models/kiban/core/plan"
	"github.com/kiban-models/kiban/core/tensor"
)

// onBackends runs a test on the reference and on the processor.
func onBackends(t *testing.T, f func(t *testing.T, b backend.Backend)) {
	t.Run("reference", func(t *testing.T) { f(t, reference.New[float32]()) })
	t.Run("cpu", func(t *testing.T) {
		b, err := cpu.New(cpu.Options{Threads: 1})
		if err != nil {
			t.Fatal(err)
		}
		defer b.Close()
		f(t, b)
	})
}

// run computes y of graph g from inputs.
func run(t *testing.T, b backend.Backend, g *graph.Graph, y *graph.Node, inputs map[string]*tensor.Tensor) *tensor.Tensor {
	t.Helper()
	p, err := plan.Compile(g, b.Limits(), plan.Options{}, map[string]*graph.Node{"y": y})
	if err != nil {
		t.Fatal(err)
	}
	r, err := b.Load(p)
	if err != nil {
		t.Fatal(err)
	}
	defer r.Close()
	for name, x := range inputs {
		if err := r.Write(name, x); err != nil {
			t.Fatal(err)
		}
	}
	if err := r.Run(context.Background()); err != nil {
		t.Fatal(err)
	}
	out, err := r.Read("y")
	if err != nil {
		t.Fatal(err)
	}
	return out
}

func put(t *testing.T, b backend.Backend, name string, data []float32, shape ...int) {
	t.Helper()
	if err := b.Put(name, tensor.Of(data, shape...)); err != nil {
		t.Fatal(err)
	}
}

func TestScopeNames(t *testing.T) {
	s := nn.NewScope(graph.New(), nn.Policy{})
	a := s.At("model", "layers", 12)
	a.Vector("w", 1, nn.Init{})
	a.At().Vector("x", 1, nn.Init{})
	a.At("self.attn").Vector("y", 1, nn.Init{})
	s.Vector("z", 1, nn.Init{}) // a.At left s alone
	var names []string
	for _, d := range a.Declared() {
		names = append(names, d.Name)
	}
	want := []string{"model.layers.12.w", "model.layers.12.x", "model.layers.12.self.attn.y", "z"}
	if !slices.Equal(names, want) {
		t.Errorf("declared %q, wanted %q", names, want)
	}
}

func TestDeclaredOnce(t *testing.T) {
	g := graph.New()
	s := nn.NewScope(g, nn.Policy{})
	e := nn.NewEmbedding(s, "wte", 5, 3, 0.5)
	nn.NewLayerNorm(s, "ln", 3, 1e-5)
	tied := nn.NewLinear(s, "wte", 3, 5, nn.LinearOpt{NoBias: true, Std: 9})
	if tied.W != e.Table {
		t.Error("two layers that ask for one name got two parameters")
	}
	want := []nn.Declared{
		{"wte.weight", tensor.F32, []int{5, 3}, nn.Init{Std: 0.5}}, // as first declared
		{"ln.weight", tensor.F32, []int{3}, nn.Init{Mean: 1}},
		{"ln.bias", tensor.F32, []int{3}, nn.Init{}},
	}
	if got := s.Declared(); fmt.Sprint(got) != fmt.Sprint(want) {
		t.Errorf("declared %v, wanted %v", got, want)
	}
	if err := g.Err(); err != nil {
		t.Error(err)
	}
	nn.NewLinear(s, "wte", 4, 5, nn.LinearOpt{NoBias: true})
	if err := g.Err(); err == nil || !strings.Contains(err.Error(), "wte.weight") {
		t.Errorf("one name with two shapes: got %v, wanted an error that names wte.weight", err)
	}
}

func TestLinearShapes(t *testing.T) {
	for _, c := range []struct {
		opt   nn.LinearOpt
		shape []int
		n     int
	}{
		{nn.LinearOpt{}, []int{5, 3}, 2},
		{nn.LinearOpt{InOut: true}, []int{3, 5}, 2},
		{nn.LinearOpt{NoBias: true}, []int{5, 3}, 1},
	} {
		s := nn.NewScope(graph.New(), nn.Policy{})
		l := nn.NewLinear(s, "l", 3, 5, c.opt)
		if got := s.Declared(); !slices.Equal(got[0].Shape, c.shape) || len(got) != c.n {
			t.Errorf("%+v: declared %v, wanted a weight %v among %d", c.opt, got, c.shape, c.n)
		}
		y := l.Forward(s.Graph.Input("x", tensor.F32, 2, 3))
		if !slices.Equal(y.Shape(), []int{2, 5}) || s.Graph.Err() != nil {
			t.Errorf("%+v: forward gave %v, %v", c.opt, y, s.Graph.Err())
		}
	}
}

func TestPolicies(t *testing.T) {
	types := []tensor.DType{tensor.F32, tensor.BF16, tensor.F16}
	for _, params := range types {
		for _, compute := range types {
			s := nn.NewScope(graph.New(), nn.Policy{Params: params, Compute: compute})
			e := nn.NewEmbedding(s, "e", 5, 4, 1)
			ln := nn.NewLayerNorm(s, "ln", 4, 1e-5)
			l := nn.NewLinear(s, "l", 4, 5, nn.LinearOpt{})
			x := e.Forward(s.Graph.Input("ids", tensor.I32, 3))
			for _, y := range []*graph.Node{x, ln.Forward(x), l.Forward(x)} {
				if y.DType() != compute {
					t.Errorf("parameters %v, computing in %v: %v", params, compute, y)
				}
			}
			if y := e.Logits(x, nil); y.DType() != tensor.F32 {
				t.Errorf("logits are %v", y)
			}
			for _, d := range s.Declared() {
				want := params
				if len(d.Shape) == 1 {
					want = tensor.F32
				}
				if d.DType != want {
					t.Errorf("parameters %v: %s is declared %v", params, d.Name, d.DType)
				}
			}
			if err := s.Graph.Err(); err != nil {
				t.Errorf("parameters %v, computing in %v: %v", params, compute, err)
			}
		}
	}
}

func TestLinearForward(t *testing.T) {
	onBackends(t, func(t *testing.T, b backend.Backend) {
		x := tensor.Of([]float32{1, 2, 3, -1, 0, 2}, 2, 3)
		put(t, b, "a.weight", []float32{1, 0, -1, 2, 2, 2}, 2, 3) // [out, in]
		put(t, b, "a.bias", []float32{10, 20}, 2)
		put(t, b, "b.weight", []float32{1, 2, 0, 2, -1, 2}, 3, 2) // the same, [in, out]
		put(t, b, "b.bias", []float32{10, 20}, 2)
		want := []float32{8, 32, 7, 22}
		for name, opt := range map[string]nn.LinearOpt{"a": {}, "b": {InOut: true}} {
			s := nn.NewScope(graph.New(), nn.Policy{})
			y := nn.NewLinear(s, name, 3, 2, opt).Forward(s.Graph.Input("x", tensor.F32, 2, 3))
			if got := run(t, b, s.Graph, y, map[string]*tensor.Tensor{"x": x}).Float32(); !slices.Equal(got, want) {
				t.Errorf("%+v: got %v, wanted %v", opt, got, want)
			}
		}
	})
}

func TestLayerNormForward(t *testing.T) {
	onBackends(t, func(t *testing.T, b backend.Backend) {
		put(t, b, "ln.weight", []float32{1, 2, 1, 2}, 4)
		put(t, b, "ln.bias", []float32{0, 0, 5, 5}, 4)
		s := nn.NewScope(graph.New(), nn.Policy{})
		y := nn.NewLayerNorm(s, "ln", 4, 1).Forward(s.Graph.Input("x", tensor.F32, 1, 4))
		// The mean is 4 and the variance 8, so that √(8+1) divides.
		got := run(t, b, s.Graph, y, map[string]*tensor.Tensor{"x": tensor.Of([]float32{0, 4, 4, 8}, 1, 4)}).Float32()
		for i, want := range []float64{-4.0 / 3, 0, 5, 5 + 8.0/3} {
			if math.Abs(float64(got[i])-want) > 1e-5 {
				t.Errorf("element %d is %g, wanted %g", i, got[i], want)
			}
		}
	})
}

func TestTiedEmbedding(t *testing.T) {
	onBackends(t, func(t *testing.T, b backend.Backend) {
		put(t, b, "e.weight", []float32{1, 2, 3, 4, -1, 0.5}, 3, 2)
		s := nn.NewScope(graph.New(), nn.Policy{})
		e := nn.NewEmbedding(s, "e", 3, 2, 1)
		ids := s.Graph.Input("ids", tensor.I32, 3)
		y := e.Logits(e.Forward(ids), nil)
		got := run(t, b, s.Graph, y, map[string]*tensor.Tensor{"ids": tensor.Of([]int32{2, 0, 3}, 3)}).Float32()
		if want := []float32{0, -1, 1.25, 5, 11, 0, 0, 0, 0}; !slices.Equal(got, want) {
			t.Errorf("got %v, wanted %v", got, want)
		}
	})
}
