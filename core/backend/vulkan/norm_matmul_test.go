package vulkan

import (
	"fmt"
	"slices"
	"strings"
	"testing"

	"github.com/kiban-models/kiban/core/backend"
	"github.com/kiban-models/kiban/core/backend/backendtest"
	"github.com/kiban-models/kiban/core/backend/reference"
	"github.com/kiban-models/kiban/core/backend/vulkan/internal/vkshim"
	"github.com/kiban-models/kiban/core/decode"
	"github.com/kiban-models/kiban/core/graph"
	"github.com/kiban-models/kiban/core/nn"
	"github.com/kiban-models/kiban/core/plan"
	"github.com/kiban-models/kiban/core/tensor"
	"github.com/kiban-models/kiban/core/transformer"
)

// openVec opens a device that has products of few rows joined with what is about
// them, under the validation layer if that is installed.
func openVec(t *testing.T) *Backend {
	t.Helper()
	b, err := Open(Options{Index: -1, AllowSoftware: true, Validate: true})
	if err == nil {
		must(t, b.Close())
	}
	b = open(t, Options{MatMul: "vec", Validate: err == nil})
	if rows, _ := b.f.joins(); rows == 0 {
		t.Skipf("%s does not add in subgroups", b.Name())
	}
	t.Cleanup(func() {
		for key := range b.pipelines {
			if strings.HasPrefix(key, "norm_matmul") {
				return
			}
		}
		t.Error("nothing was joined")
	})
	return b
}

// TestNormMatMul holds the joined kernel to the reference, which has the kernels
// one after the other.
func TestNormMatMul(t *testing.T) { backendtest.CompareStem(t, openVec(t), "norm_matmul") }

// TestJoinedDecoder decodes a small model with joined kernels, whose logits must
// be the reference's.
func TestJoinedDecoder(t *testing.T) {
	b := openVec(t)
	backendtest.CompareDecoding(t, func() (backend.Backend, error) { return b.emptied(t), nil })
}

// gpt is a small model of GPT-2's kind.
type gpt struct {
	tokens, places nn.Embedding
	blocks         transformer.Stack
	norm           nn.LayerNorm
}

const gptVocab, gptWidth, gptRoom = 61, 24, 32

func newGPT(s nn.Scope) decode.Model {
	return &gpt{
		tokens: nn.NewEmbedding(s, "tokens", gptVocab, gptWidth, 0.7),
		places: nn.NewEmbedding(s, "places", gptRoom, gptWidth, 1.5),
		blocks: transformer.NewStack(s, transformer.Config{
			Layers: 2, Width: gptWidth, Heads: 2, NormEps: 1e-5, InitStd: 0.5, Act: graph.GeluTanh, Causal: true, InOut: true, Names: transformer.GPT2,
		}),
		norm: nn.NewLayerNorm(s, "norm", gptWidth, 1e-5),
	}
}

func (m *gpt) Hidden(ids, positions *graph.Node, p transformer.Pass) *graph.Node {
	return m.norm.Forward(m.blocks.Forward(graph.Add(m.tokens.Forward(ids), m.places.Forward(positions)), p))
}

func (m *gpt) Logits(hidden *graph.Node) *graph.Node { return m.tokens.Logits(hidden, nil) }

// TestJoinedTokens generates with joined kernels and with the keys of attention
// in parts: the tokens must be those of the reference, drawn and likeliest.
func TestJoinedTokens(t *testing.T) {
	b := openVec(t)
	b.f.attentionParts = 3
	tokens := func(b backend.Backend, sampling decode.Sampling) [][]int32 {
		s := nn.NewScope(graph.New(), nn.Policy{})
		newGPT(s)
		fresh := nn.Fresh{Seed: 7, Params: s.Declared()}
		for _, d := range fresh.Params {
			x, err := fresh.Tensor(d.Name)
			must(t, err)
			must(t, b.Put(d.Name, x))
		}
		p, err := decode.Compile(b.Limits(), newGPT, nn.Policy{}, decode.Shape{Batch: 3, Len: gptRoom, Prompt: 9, Vocab: gptVocab, EOS: -1})
		must(t, err)
		d, err := p.Load(b)
		must(t, err)
		defer d.Close()
		out, err := d.Generate(t.Context(), []decode.Request{
			{Prompt: []int32{5}}, {Prompt: []int32{7, 8, 9, 10, 60, 0, 1, 2, 3}, Stream: 1}, {Prompt: []int32{1, 1}, Stream: 2},
		}, sampling)
		must(t, err)
		return out
	}
	for _, sampling := range []decode.Sampling{{Greedy: true}, {Temperature: 0.9, TopP: 0.95, Seed: 3}} {
		got, want := tokens(b, sampling), tokens(reference.New[float32](), sampling)
		for i := range want {
			if len(want[i]) != gptRoom || !slices.Equal(got[i], want[i]) {
				t.Errorf("%+v: sequence %d is %v, wanted %v", sampling, i, got[i], want[i])
			}
		}
	}
}

// TestJoins has which devices are asked to join, and what the others answer to a
// plan that does.
func TestJoins(t *testing.T) {
	gpu := func(change func(f *features)) *features {
		f := &features{shared: 48 << 10, invocations: 1024, cores: 132, bindings: 32, kind: 2,
			DeviceInfo: &vkshim.DeviceInfo{SubgroupSize: 32, SubgroupMin: 32, SubgroupMax: 32, SubgroupOps: 0xff}}
		change(f)
		return f
	}
	g := graph.New()
	norm := graph.LayerNorm(g.Input("x", tensor.BF16, 8, 1280), g.Param("w", tensor.F32, 1280), g.Param("b", tensor.F32, 1280), 1e-5)
	y := graph.MatMul(norm, g.Param("m", tensor.BF16, 1280, 64), graph.MatMulOpt{})
	p, err := plan.Compile(g, plan.Limits{JoinRows: vecRows, JoinBytes: 1 << 20}, plan.Options{}, map[string]*graph.Node{"y": y})
	must(t, err)
	for name, c := range map[string]struct {
		f     *features
		rows  int
		bytes int64
		fits  bool // 8 rows of 1280 elements
	}{
		"a large GPU":          {gpu(func(*features) {}), 8, 31 << 10, true},
		"little shared memory": {gpu(func(f *features) { f.shared = 32 << 10 }), 8, 15 << 10, false},
		"the CPU":              {gpu(func(f *features) { f.kind = 4 }), 0, 0, false},
		"the CPU, by name":     {gpu(func(f *features) { f.kind, f.matmul = 4, "vec" }), 8, 31 << 10, true},
		"another variant":      {gpu(func(f *features) { f.matmul = "shared" }), 0, 0, false},
		"no sums in subgroups": {gpu(func(f *features) { f.SubgroupOps = 0 }), 0, 0, false},
		"few bindings":         {gpu(func(f *features) { f.bindings = 8 }), 0, 0, false},
	} {
		rows, bytes := c.f.joins()
		if rows != c.rows || bytes != c.bytes {
			t.Errorf("%s: %d rows, %d bytes", name, rows, bytes)
		}
		ds, err := lowerNormMatMul(p.Steps[0], c.f)
		if (err == nil) != c.fits || err != nil && !strings.Contains(err.Error(), "compile for the limits of the backend") {
			t.Errorf("%s: %v, %v", name, ds, err)
		}
		if err == nil && fmt.Sprint(ds[0].spec[14:]) != "[256 32 8 2 5 1280 0]" {
			t.Errorf("%s: constants %v", name, ds[0].spec[14:])
		}
	}
}
