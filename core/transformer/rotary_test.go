package transformer_test

import (
	"math"
	"os"
	"strings"
	"testing"

	"github.com/kiban-models/kiban/core/backend"
	"github.com/kiban-models/kiban/core/backend/cpu"
	"github.com/kiban-models/kiban/core/backend/reference"
	"github.com/kiban-models/kiban/core/backend/vulkan"
	"github.com/kiban-models/kiban/core/checkpoint"
	"github.com/kiban-models/kiban/core/graph"
	"github.com/kiban-models/kiban/core/nn"
	"github.com/kiban-models/kiban/core/plan"
	"github.com/kiban-models/kiban/core/tensor"
	"github.com/kiban-models/kiban/core/transformer"
)

// turning opens the machines that rotary positions are tried on.
func turning(t *testing.T, f func(t *testing.T, b backend.Backend)) {
	for name, open := range map[string]func() (backend.Backend, error){
		"reference": func() (backend.Backend, error) { return reference.New[float32](), nil },
		"cpu":       func() (backend.Backend, error) { return cpu.New(cpu.Options{Threads: 1}) },
		"vulkan": func() (backend.Backend, error) {
			return vulkan.Open(vulkan.Options{Index: -1, AllowSoftware: true})
		},
	} {
		t.Run(name, func(t *testing.T) {
			b, err := open()
			if err != nil {
				if name == "vulkan" && os.Getenv("KIBAN_REQUIRE_VULKAN") != "1" {
					t.Skipf("no Vulkan device: %v", err)
				}
				t.Fatal(err)
			}
			defer b.Close()
			f(t, b)
		})
	}
}

// published reads a file of testdata.
func published(t *testing.T, file string) func(name string) *tensor.Tensor {
	t.Helper()
	f, err := checkpoint.Open("testdata/" + file + ".safetensors")
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { f.Close() })
	return func(name string) *tensor.Tensor {
		t.Helper()
		x, err := f.Tensor(name)
		if err != nil {
			t.Fatal(err)
		}
		return x
	}
}

// TestRotaryESM runs a stack with ESM-2's weights: hidden states and gradients
// are transformers', with frequencies that were rounded.
func TestRotaryESM(t *testing.T) {
	const batch, length, width = 2, 9, 20
	c := transformer.Config{
		Layers: 2, Width: width, Heads: 2, FFN: 28, NormEps: 1e-5, InitStd: 0.02, Act: graph.GeluErf, Turned: 10, Names: transformer.ESM,
	}
	if err := c.Validate(); err != nil {
		t.Fatal(err)
	}
	want := published(t, "rotary")
	turning(t, func(t *testing.T, b backend.Backend) {
		g := graph.New()
		s := nn.NewScope(g, nn.Policy{})
		x, w := g.Input("x", tensor.F32, batch*length, width), g.Input("w", tensor.F32, batch*length, width)
		hidden := transformer.NewStack(s.At("encoder", "layer"), c).Forward(x, transformer.Pass{
			Batch: batch, Len: length, Keys: g.Input("keys", tensor.I32, batch), Rotary: g.Input("rotary", tensor.F32, length, c.Turned),
		})
		hidden = nn.NewLayerNorm(s.At("encoder"), "emb_layer_norm_after", width, c.NormEps).Forward(hidden)
		out := map[string]*graph.Node{"hidden": hidden}
		params, names := []*graph.Node{x}, []string{"x"}
		for _, d := range s.Declared() {
			if err := b.Put(d.Name, want("esm."+d.Name)); err != nil {
				t.Fatal(err)
			}
			params, names = append(params, g.Param(d.Name, d.DType, d.Shape...)), append(names, d.Name)
		}
		for i, d := range graph.Grad(graph.Dot(hidden, w), params...) {
			out["gradient."+names[i]] = d
		}
		flat := func(name string) *tensor.Tensor {
			x, err := want(name).Reshape(batch*length, width)
			if err != nil {
				t.Fatal(err)
			}
			return x
		}
		p := load(t, b, g, plan.Options{}, out).on(map[string]*tensor.Tensor{
			"x": flat("esm.x"), "w": flat("esm.w"), "keys": tensor.Of([]int32{9, 6}, 2), "rotary": graph.RotaryTable(want("esm.inv_freq").Float32(), length),
		})
		worst := 0.0
		for name := range out {
			y, got, scale := want("esm."+name).Float32(), p.out(name), 0.0
			for _, v := range y {
				scale = max(scale, math.Abs(float64(v)))
			}
			if strings.HasSuffix(name, "key.bias") { // 0 but for rounding: a softmax does not feel it
				scale = max(scale, 1)
			}
			off := 0.0
			for i, v := range y {
				if row := i / width; name == "hidden" && row >= length+6 { // padding
					break
				}
				off = max(off, math.Abs(float64(got[i]-v))/scale)
			}
			if worst = max(worst, off); !(off < 1e-5) {
				t.Errorf("%s differs by %g of its largest", name, off)
			}
		}
		t.Logf("hidden states and %d gradients differ by %.2g of their largest", len(params), worst)
	})
}

// TestRotaryNeoX turns a part of odd heads from places on, near and far.
func TestRotaryNeoX(t *testing.T) {
	want := published(t, "rotary")
	turning(t, func(t *testing.T, b backend.Backend) {
		g := graph.New()
		y := graph.Rotary(g.Input("x", tensor.F32, 14, 33), g.Input("table", tensor.F32, 1024, 4), graph.RotaryAttr{
			Batch: 2, Len: 7, Heads: 3, Width: 11, Layout: graph.HeadLayout{Stride: 11}, Turned: 4,
		}, g.Input("start", tensor.I32, 2))
		got := load(t, b, g, plan.Options{}, map[string]*graph.Node{"y": y}).on(map[string]*tensor.Tensor{
			"x": want("neox.x"), "table": graph.RotaryTable(graph.RotaryFrequencies(4, 1e4), 1024), "start": tensor.Of([]int32{5, 1000}, 2),
		}).out("y")
		differ(t, "turned", got, want("neox.y").Float32(), 1e-6)
	})
}

// TestRotaryNeedsATable refuses a pass without one.
func TestRotaryNeedsATable(t *testing.T) {
	c := small
	c.Turned = 2
	g := graph.New()
	transformer.NewStack(nn.NewScope(g, nn.Policy{}), c).Forward(g.Input("x", tensor.F32, 4, c.Width), transformer.Pass{Batch: 2, Len: 2})
	if err := g.Err(); err == nil || !strings.Contains(err.Error(), "rotary: ") {
		t.Errorf("got %v", err)
	}
}
