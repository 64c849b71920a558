package reference_test

import (
	"strings"
	"testing"

	"github.com/kiban-models/kiban/core/backend/reference"
	"github.com/kiban-models/kiban/core/graph"
	"github.com/kiban-models/kiban/core/plan"
	"github.com/kiban-models/kiban/core/tensor"
)

// FirstNaN names the step where a NaN came to be, not those it spread to.
func TestFirstNaN(t *testing.T) {
	g := graph.New()
	x := g.Input("x", tensor.F32, 2, 3)
	bad := graph.Add(graph.Scale(x, 2), graph.Scale(x, -3)) // infinity less infinity
	y := graph.Activate(bad, graph.GeluErf)
	b := reference.New[float32]()
	p, err := plan.Compile(g, b.Limits(), plan.Options{}, map[string]*graph.Node{"y": y})
	if err != nil {
		t.Fatal(err)
	}
	r, err := b.Load(p)
	if err != nil {
		t.Fatal(err)
	}
	steps := 0
	b.Trace = func(s plan.Step, out [][]float64) error {
		steps++
		return reference.FirstNaN(s, out)
	}
	write := func(v float64) {
		in := tensor.New(tensor.F32, 2, 3)
		in.Set(4, v)
		if err := r.Write("x", in); err != nil {
			t.Fatal(err)
		}
	}
	write(1)
	if err := r.Run(t.Context()); err != nil || steps != 4 {
		t.Errorf("a sound run gave %v after %d steps", err, steps)
	}
	write(3e38)
	err = r.Run(t.Context())
	if want := "step 2, add: element 4 of output 0 (f32[2 3]) is NaN"; err == nil || !strings.Contains(err.Error(), want) {
		t.Errorf("got error %v, wanted %s", err, want)
	}
}

// In f64 nothing is rounded; in f32 everything is, to its storage type.
func TestRounding(t *testing.T) {
	const v = 1 + 1.0/(1<<40)
	g := graph.New()
	x := g.Input("x", tensor.F32, 1)
	out := map[string]*graph.Node{
		"f32": graph.Scale(x, 1.5), "bf16": graph.Cast(graph.Scale(x, 1.001), tensor.BF16), "f16": graph.Cast(graph.Scale(x, 1.001), tensor.F16),
	}
	for _, c := range []struct {
		b    *reference.Backend
		want map[string]float64
	}{
		{reference.New[float32](), map[string]float64{"f32": 1.5, "bf16": 1, "f16": 1 + 1.0/1024}},
		{reference.New[float64](), map[string]float64{"f32": 1.5 * v, "bf16": float64(float32(1.001)) * v, "f16": float64(float32(1.001)) * v}},
	} {
		p, err := plan.Compile(g, c.b.Limits(), plan.Options{}, out)
		if err != nil {
			t.Fatal(err)
		}
		r, err := c.b.Load(p)
		if err != nil {
			t.Fatal(err)
		}
		if err := r.Write("x", tensor.Of([]float64{v}, 1)); err != nil {
			t.Fatal(err)
		}
		if err := r.Run(t.Context()); err != nil {
			t.Fatal(err)
		}
		for name, want := range c.want {
			if got, err := r.Read(name); err != nil || got.At(0) != want {
				t.Errorf("%s: %s is %v, wanted %.17g (%v)", c.b.Name(), name, got.At(0), want, err)
			}
		}
	}
}
