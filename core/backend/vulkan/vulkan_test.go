package vulkan

import (
	"context"
	"math"
	"os"
	"testing"

	"github.com/kiban-models/kiban/core/graph"
	"github.com/kiban-models/kiban/core/plan"
	"github.com/kiban-models/kiban/core/tensor"
)

// open opens the best device, software ones included, or skips the test. At
// its end the device is closed, and a validated one must have had no messages.
func open(t testing.TB, opt Options) *Backend {
	t.Helper()
	opt.Index, opt.AllowSoftware = -1, true
	b, err := Open(opt)
	if err != nil {
		if os.Getenv("KIBAN_REQUIRE_VULKAN") == "1" {
			t.Fatal(err)
		}
		t.Skip(err)
	}
	t.Cleanup(func() {
		if err := b.Close(); err != nil {
			t.Error(err)
		}
		if n, all := b.Messages(); n > 0 {
			t.Errorf("%d messages of the validation layer, first: %s", n, all[0])
		}
	})
	return b
}

// numbers returns n reproducible numbers between -1 and 1.
func numbers(n int, seed uint32) []float32 {
	x := make([]float32, n)
	for i := range x {
		x[i] = 2*graph.Uniform(graph.Philox(uint32(i), seed, 0, 1, 2)) - 1
	}
	return x
}

func compile(t testing.TB, b *Backend, g *graph.Graph, out map[string]*graph.Node) *plan.Program {
	t.Helper()
	p, err := plan.Compile(g, b.Limits(), plan.Options{}, out)
	must(t, err)
	return p
}

func load(t testing.TB, b *Backend, g *graph.Graph, out map[string]*graph.Node) *Runner {
	t.Helper()
	r, err := b.Load(compile(t, b, g, out))
	if err != nil {
		t.Fatal(err)
	}
	return r.(*Runner)
}

func must(t testing.TB, err error) {
	t.Helper()
	if err != nil {
		t.Fatal(err)
	}
}

// chain is y = gelu(x·w + bias)·v with x [m, k].
func chain(m, k, n int) (*graph.Graph, map[string]*graph.Node) {
	g := graph.New()
	x := g.Input("x", tensor.F32, m, k)
	w, bias, v := g.Param("w", tensor.F32, k, n), g.Param("bias", tensor.F32, n), g.Param("v", tensor.F32, k, n)
	h := graph.Activate(graph.MatMul(x, w, graph.MatMulOpt{Bias: bias}), graph.GeluTanh)
	return g, map[string]*graph.Node{"y": graph.MatMul(h, v, graph.MatMulOpt{TransB: true})}
}

func putChain(t testing.TB, b *Backend, k, n int) {
	t.Helper()
	must(t, b.Put("w", tensor.Of(numbers(k*n, 1), k, n)))
	must(t, b.Put("bias", tensor.Of(numbers(n, 2), n)))
	must(t, b.Put("v", tensor.Of(numbers(k*n, 3), k, n)))
}

func checkChain(t testing.TB, y *tensor.Tensor, x []float32, m, k, n int) {
	t.Helper()
	w, bias, v := numbers(k*n, 1), numbers(n, 2), numbers(k*n, 3)
	h := make([]float64, n)
	for i := range m {
		for j := range n {
			s := float64(bias[j])
			for l := range k {
				s += float64(x[i*k+l]) * float64(w[l*n+j])
			}
			h[j] = 0.5 * s * (1 + math.Tanh(math.Sqrt(2/math.Pi)*(s+0.044715*s*s*s)))
		}
		for l := range k {
			var want float64
			for j := range n {
				want += h[j] * float64(v[l*n+j])
			}
			if got := y.At(i*k + l); math.Abs(got-want) > 1e-4*(1+math.Abs(want)) {
				t.Fatalf("y[%d,%d] = %g, want %g", i, l, got, want)
			}
		}
	}
}

func TestRun(t *testing.T) {
	for name, opt := range map[string]Options{"direct": {}, "staging": {ForceStaging: true}} {
		t.Run(name, func(t *testing.T) {
			b := open(t, opt)
			const m, k, n = 5, 13, 30
			putChain(t, b, k, n)
			g, out := chain(m, k, n)
			r := load(t, b, g, out)
			for seed := range uint32(3) {
				x := numbers(m*k, 10+seed)
				must(t, r.Write("x", tensor.Of(x, m, k)))
				must(t, r.Run(context.Background()))
				y, err := r.Read("y")
				must(t, err)
				checkChain(t, y, x, m, k, n)
			}
			must(t, r.Close())
			if _, err := r.Read("y"); err == nil {
				t.Error("a closed program can be read")
			}
		})
	}
}
