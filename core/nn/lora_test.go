package nn_test

import (
	"math"
	"slices"
	"strings"
	"testing"

	"github.com/kiban-models/kiban/core/backend"
	"github.com/kiban-models/kiban/core/graph"
	"github.com/kiban-models/kiban/core/nn"
	"github.com/kiban-models/kiban/core/tensor"
)

func TestLoRAFactor(t *testing.T) {
	for _, c := range []struct {
		l    nn.LoRA
		want float32
	}{
		{nn.LoRA{Rank: 8, Alpha: 16}, 2},
		{nn.LoRA{Rank: 16, Alpha: 8, RSLoRA: true}, 2},
	} {
		if got := c.l.Factor(); got != c.want {
			t.Errorf("%+v has the factor %g, wanted %g", c.l, got, c.want)
		}
	}
}

// A target names layers by their full name or its end, as in peft.
func TestLoRATargets(t *testing.T) {
	g := graph.New()
	s := nn.NewScope(g, nn.Policy{Params: tensor.BF16, Compute: tensor.BF16})
	s.LoRA = &nn.LoRA{Rank: 2, Alpha: 2, Targets: []string{"up", "a.1.down"}}
	for i := range 2 {
		nn.NewLinear(s.At("a", i), "up", 3, 5, nn.LinearOpt{})
		nn.NewLinear(s.At("a", i), "down", 5, 3, nn.LinearOpt{InOut: true})
		nn.NewLinear(s.At("a", i), "wakeup", 3, 3, nn.LinearOpt{})
	}
	var got []string
	for _, d := range s.Declared() {
		if layer, ok := nn.AdaptedLayer(d.Name); ok {
			got = append(got, d.Name)
			in, out := 3, 5
			if strings.HasSuffix(layer, "down") {
				in, out = 5, 3
			}
			want := []int{2, in}
			if strings.HasSuffix(d.Name, nn.LoRAB) {
				want = []int{out, 2}
			}
			if !slices.Equal(d.Shape, want) || d.DType != tensor.F32 {
				t.Errorf("%s is %v%v, wanted f32%v", d.Name, d.DType, d.Shape, want)
			}
		}
	}
	want := []string{"a.0.up.lora_A.weight", "a.0.up.lora_B.weight", "a.1.up.lora_A.weight", "a.1.up.lora_B.weight", "a.1.down.lora_A.weight", "a.1.down.lora_B.weight"}
	if !slices.Equal(got, want) {
		t.Errorf("adapters %q, wanted %q", got, want)
	}
	if err := s.LoRA.Validate(s.Declared()); err != nil {
		t.Error(err)
	}
	for _, c := range []struct {
		l    nn.LoRA
		want string
	}{
		{nn.LoRA{Rank: 0, Alpha: 1, Targets: []string{"up"}}, "rank 0"},
		{nn.LoRA{Rank: 1, Alpha: math.NaN(), Targets: []string{"up"}}, "alpha NaN"},
		{nn.LoRA{Rank: 1, Alpha: 1, Dropout: 1, Targets: []string{"up"}}, "dropout 1"},
		{nn.LoRA{Rank: 1, Alpha: 1}, "without targets"},
		{nn.LoRA{Rank: 1, Alpha: 1, Targets: []string{"up", "keup"}}, `"keup" is no linear layer`},
	} {
		if err := c.l.Validate(s.Declared()); err == nil || !strings.Contains(err.Error(), c.want) {
			t.Errorf("%+v: got %v, wanted %q", c.l, err, c.want)
		}
	}
}

// The layer is x·Wᵀ + b + factor·x·Aᵀ·Bᵀ, and fresh adapters change nothing.
func TestLoRAForward(t *testing.T) {
	onBackends(t, func(t *testing.T, b backend.Backend) {
		build := func() (nn.Scope, *graph.Node) {
			s := nn.NewScope(graph.New(), nn.Policy{})
			s.LoRA = &nn.LoRA{Rank: 2, Alpha: 3, Targets: []string{"l"}}
			return s, nn.NewLinear(s, "l", 2, 3, nn.LinearOpt{Std: 1}).Forward(s.Graph.Input("x", tensor.F32, 1, 2))
		}
		s, y := build()
		put(t, b, "l.weight", []float32{1, 2, 3, 4, 5, 6}, 3, 2)
		put(t, b, "l.bias", []float32{10, 20, 30}, 3)
		fresh := nn.Fresh{Seed: 3, Params: s.Declared()}
		for _, name := range []string{"l.lora_A.weight", "l.lora_B.weight"} {
			x, err := fresh.Tensor(name)
			if err != nil {
				t.Fatal(err)
			}
			put(t, b, name, x.Float32(), x.Shape()...)
		}
		in := map[string]*tensor.Tensor{"x": tensor.Of([]float32{1, -1}, 1, 2)}
		if got := run(t, b, s.Graph, y, in).Float32(); !slices.Equal(got, []float32{9, 19, 29}) {
			t.Errorf("with fresh adapters: %v", got)
		}
		put(t, b, "l.lora_A.weight", []float32{1, 0, 2, 1}, 2, 2)        // x·Aᵀ = 1, 1
		put(t, b, "l.lora_B.weight", []float32{1, 1, 0, 2, -1, 0}, 3, 2) // ·Bᵀ = 2, 2, -1
		s, y = build()
		if got := run(t, b, s.Graph, y, in).Float32(); !slices.Equal(got, []float32{12, 22, 27.5}) {
			t.Errorf("got %v", got)
		}
	})
}

// Fresh A matrices are uniform within 1/√in, as peft's are; B are zeros.
func TestLoRAFresh(t *testing.T) {
	s := nn.NewScope(graph.New(), nn.Policy{})
	s.LoRA = &nn.LoRA{Rank: 64, Alpha: 3, Targets: []string{"l"}}
	nn.NewLinear(s, "l", 400, 3, nn.LinearOpt{})
	fresh := nn.Fresh{Seed: 3, Params: s.Declared()}
	a, err := fresh.Tensor("l.lora_A.weight")
	if err != nil {
		t.Fatal(err)
	}
	low, high, square := 0.0, 0.0, 0.0
	for _, x := range a.Float32() {
		low, high, square = min(low, float64(x)), max(high, float64(x)), square+float64(x)*float64(x)
	}
	n := float64(a.Len())
	if low < -0.05 || high > 0.05 || high < 0.0499 || low > -0.0499 || math.Abs(math.Sqrt(square/n)-0.05/math.Sqrt(3)) > 5e-4 {
		t.Errorf("A lies in [%g, %g] with root mean square %g", low, high, math.Sqrt(square/n))
	}
	if b, err := fresh.Tensor("l.lora_B.weight"); err != nil || slices.Max(b.Float32()) != 0 || slices.Min(b.Float32()) != 0 {
		t.Errorf("B is %v, %v", b, err)
	}
}
