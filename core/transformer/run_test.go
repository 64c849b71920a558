package transformer_test

import (
	"context"
	"math"
	"math/rand/v2"
	"testing"

	"github.com/kiban-models/kiban/core/backend"
	"github.com/kiban-models/kiban/core/backend/cpu"
	"github.com/kiban-models/kiban/core/backend/reference"
	"github.com/kiban-models/kiban/core/graph"
	"github.com/kiban-models/kiban/core/nn"
	"github.com/kiban-models/kiban/core/plan"
	"github.com/kiban-models/kiban/core/tensor"
	"github.com/kiban-models/kiban/core/transformer"
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

// program is a loaded graph.
type program struct {
	t *testing.T
	backend.Runner
}

func load(t *testing.T, b backend.Backend, g *graph.Graph, o plan.Options, outputs map[string]*graph.Node) program {
	t.Helper()
	p, err := plan.Compile(g, b.Limits(), o, outputs)
	if err != nil {
		t.Fatal(err)
	}
	r, err := b.Load(p)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { r.Close() })
	return program{t, r}
}

// on runs the program with inputs.
func (p program) on(inputs map[string]*tensor.Tensor) program {
	p.t.Helper()
	for name, x := range inputs {
		if err := p.Write(name, x); err != nil {
			p.t.Fatal(err)
		}
	}
	if err := p.Run(context.Background()); err != nil {
		p.t.Fatal(err)
	}
	return p
}

func (p program) out(name string) []float32 {
	p.t.Helper()
	x, err := p.Read(name)
	if err != nil {
		p.t.Fatal(err)
	}
	return x.Convert(tensor.F32).Float32()
}

// random returns values in (-1, 1).
func random(seed uint64, shape ...int) *tensor.Tensor {
	r := rand.New(rand.NewPCG(seed, 0))
	x := tensor.New(tensor.F32, shape...)
	for i := range x.Float32() {
		x.Float32()[i] = 2*r.Float32() - 1
	}
	return x
}

// putWeights gives every parameter of a stack values of which none is special:
// biases are not 0 and norm weights not 1.
func putWeights(t *testing.T, b backend.Backend, c transformer.Config) map[string][]float32 {
	t.Helper()
	all := map[string][]float32{}
	s := nn.NewScope(graph.New(), nn.Policy{})
	transformer.NewStack(s, c)
	for i, d := range s.Declared() {
		x := random(uint64(i+1), d.Shape...)
		all[d.Name] = x.Float32()
		if err := b.Put(d.Name, x); err != nil {
			t.Fatal(err)
		}
	}
	return all
}

func differ(t *testing.T, what string, got, want []float32, tol float64) {
	t.Helper()
	if len(got) != len(want) {
		t.Fatalf("%s: %d values, wanted %d", what, len(got), len(want))
	}
	for i := range want {
		if d := math.Abs(float64(got[i] - want[i])); !(d <= tol*(1+math.Abs(float64(want[i])))) {
			t.Fatalf("%s: value %d is %g, wanted %g", what, i, got[i], want[i])
		}
	}
}
