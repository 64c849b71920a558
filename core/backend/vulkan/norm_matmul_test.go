package vulkan

import (
	"bytes"
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
	b := open(t, Options{MatMul: "vec", Validate: layerThere(t)})
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

// TestJoinedKernels holds the joined kernel to the reference, which has the kernels
// one after the other.
func TestJoinedKernels(t *testing.T) { backendtest.CompareJoined(t, openVec(t)) }

// TestJoinedDecoder decodes a small model with joined kernels, whose logits must
// be the reference's.
func TestJoinedDecoder(t *testing.T) {
	b := openVec(t)
	backendtest.CompareDecoding(t, func() (backend.Backend, error) { return b.emptied(t), nil })
}

// TestJoinedTokens generates with joined kernels and with the keys of attention
// in parts: the tokens must be those of the reference, drawn and likeliest.
func TestJoinedTokens(t *testing.T) {
	b := openVec(t)
	b.f.attentionParts = 3
	shape := gptShape{layers: 2, width: 24, heads: 2, vocab: 61, room: 32}
	tokens := func(b backend.Backend, sampling decode.Sampling) [][]int32 {
		shape.put(t, b, nn.Policy{})
		p, err := decode.Compile(b.Limits(), shape.build, nn.Policy{}, shape.decoder(3, 9))
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
			if len(want[i]) != shape.room || !slices.Equal(got[i], want[i]) {
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

// TestDispatchesOfBlock counts what a block of a decoder is on a large GPU: norm,
// projection and cache; attention and the sum of its parts; projection and
// residual; norm, projection and activation; projection and residual.
func TestDispatchesOfBlock(t *testing.T) {
	count := func(layers int, join bool) (n int) {
		f := &features{shared: 48 << 10, invocations: 1024, cores: 132, bindings: 32, kind: 2, groups: [3]uint32{65535, 65535, 65535},
			DeviceInfo: &vkshim.DeviceInfo{SubgroupSize: 32, SubgroupMin: 32, SubgroupMax: 32, SubgroupOps: 0xff}}
		var lim plan.Limits
		if join {
			lim.JoinRows, lim.JoinBytes = f.joins()
		}
		shape := gptShape{layers: layers, width: 768, heads: 12, vocab: 50257, room: 1024}
		g := graph.New()
		m := shape.build(nn.NewScope(g, nn.Policy{}))
		pos := g.Input("pos", tensor.I32, 1)
		h := m.Hidden(g.Input("ids", tensor.I32, 1), pos, transformer.Pass{Batch: 1, Len: 1, Cache: &transformer.Cache{Name: "cache", Len: 1024, Pos: pos}})
		p, err := plan.Compile(g, lim, plan.Options{}, map[string]*graph.Node{"logits": m.Logits(h)})
		must(t, err)
		for _, s := range p.Steps {
			ds, err := kernels[s.Kernel](s, f)
			must(t, err)
			n += len(ds)
		}
		return n
	}
	for join, want := range map[bool]int{false: 9, true: 6} {
		if got := count(3, join) - count(2, join); got != want {
			t.Errorf("joined %t: a block is %d dispatches, wanted %d", join, got, want)
		}
	}
}

// TestJoinedTune measures the ways of a joined product, which must have the bits of
// the rules'.
func TestJoinedTune(t *testing.T) {
	b := openVec(t)
	build := func(m *model) map[string]*graph.Node {
		x := graph.LayerNorm(m.input("x", tensor.F32, numbers(3*72, 1), 3, 72), m.input("w", tensor.F32, numbers(72, 2), 72), m.input("b", tensor.F32, numbers(72, 3), 72), 1e-5)
		y := graph.MatMul(x, m.input("m", tensor.F32, numbers(72*96, 4), 96, 72), graph.MatMulOpt{TransB: true})
		cache := graph.CacheWrite(m.State("cache", tensor.F32, 3, 5, 64), y, m.ints("pos", 4, 0, 2), 32)
		return map[string]*graph.Node{"y": y, "cache": graph.Scale(cache, 2)}
	}
	want := run(t, b, build, nil)
	tuner := forced(b, "")
	for name, got := range run(t, b, build, nil) {
		if !bytes.Equal(got.Bytes(), want[name].Bytes()) {
			t.Errorf("measured: %s has other bits", name)
		}
	}
	e, ok := tuner.table.get("norm_matmul", "3x96x72, f32 f32 f32, b turned, cache {Batch:3 Len:1 CacheLen:5 Offset:32 Width:64}")
	if !ok || len(e.Nanoseconds) != 4 || len(e.LeftOut) != 0 || tuner.measured != 1 {
		t.Errorf("kept is %+v; %v", e, tuner)
	}
}

// BenchmarkNormMatMul decodes with GPT-2's sizes, joined and not, by the time of a
// token of each sequence.
func BenchmarkNormMatMul(b *testing.B) {
	shape, batches := gptShape{layers: 12, width: 768, heads: 12, vocab: 50257, room: 1024}, []int{1, 4, 8}
	d := open(b, Options{})
	if d.f.software() {
		shape, batches = gptShape{layers: 1, width: 24, heads: 2, vocab: 61, room: 32}, batches[:1]
		must(b, d.Close())
		d = open(b, Options{MatMul: "vec"})
	}
	policy := nn.Policy{Params: tensor.BF16, Compute: tensor.BF16}
	shape.put(b, d, policy)
	for _, batch := range batches {
		for _, join := range []bool{true, false} {
			b.Run(fmt.Sprintf("%d/joined=%t", batch, join), func(b *testing.B) {
				lim := d.Limits()
				if join && lim.JoinRows < batch {
					b.Skipf("%s joins %d rows", d.Name(), lim.JoinRows)
				}
				if !join {
					lim.JoinRows = 0
				}
				p, err := decode.Compile(lim, shape.build, policy, shape.decoder(batch, 1))
				must(b, err)
				r, err := p.Load(d)
				must(b, err)
				defer r.Close()
				requests := make([]decode.Request, batch)
				for i := range requests {
					requests[i] = decode.Request{Prompt: []int32{int32(i)}, Stream: int32(i), Max: min(shape.room, 256)}
				}
				generate := func() {
					_, err := r.Generate(b.Context(), requests, decode.Sampling{Greedy: true})
					must(b, err)
				}
				generate() // drivers may compile as late as here
				for b.Loop() {
					generate()
				}
				b.ReportMetric(float64(b.Elapsed().Microseconds())/float64(b.N*(requests[0].Max-1)), "us/token")
			})
		}
	}
}
