package vulkan

import (
	"context"
	"fmt"
	"testing"

	"github.com/kiban-models/kiban/core/graph"
	"github.com/kiban-models/kiban/core/tensor"
)

// TestAttentionParts holds attention of few queries, whose keys are divided, to
// the reference: more parts than tiles, parts without a key, sequences that see
// one key or none, heads that share keys, and widths that are no multiple of four.
func TestAttentionParts(t *testing.T) {
	b := open(t, Options{Attention: "plain"})
	for _, c := range []struct {
		parts int
		dt    tensor.DType
		attentionShape
	}{
		{1, tensor.F32, attentionShape{batch: 1, queries: 1, keys: 70, heads: 2, kv: 2, width: 16, causal: true, start: []int32{69}}},
		{2, tensor.F32, attentionShape{batch: 1, queries: 1, keys: 700, heads: 2, kv: 2, width: 16, causal: true, start: []int32{690}}},
		{5, tensor.F32, attentionShape{batch: 3, queries: 1, keys: 300, heads: 4, kv: 2, width: 20, causal: true, start: []int32{0, 299, 130}}},
		{7, tensor.F16, attentionShape{batch: 2, queries: 3, keys: 270, heads: 3, kv: 1, width: 27, causal: true, start: []int32{63, 267}}},
		{3, tensor.BF16, attentionShape{batch: 4, queries: 1, keys: 200, heads: 2, kv: 1, width: 24, valid: []int32{200, 1, 0, 65}}},
		{4, tensor.F32, attentionShape{batch: 2, queries: 2, keys: 290, heads: 4, kv: 2, width: 20, causal: true, start: []int32{3, 288}, places: 201}},
		{32, tensor.F32, attentionShape{batch: 1, queries: 2, keys: 9, heads: 2, kv: 2, width: 7}},
	} {
		b.f.attentionParts = c.parts
		t.Run(fmt.Sprintf("%d/%v/%v", c.parts, c.dt, c.attentionShape), func(t *testing.T) {
			tol := map[tensor.DType]float64{tensor.F32: 1e-5, tensor.BF16: 1.0 / 64, tensor.F16: 1.0 / 512}[c.dt]
			agree(t, b, tol, c.forward(c.dt), nil)
			repeats(t, b, c.forward(c.dt))
		})
	}
}

// TestAttentionPartsValidated has the validation layer look on: the second
// dispatch waits for the first.
func TestAttentionPartsValidated(t *testing.T) {
	looksIntoShaders(t)
	b := openValidated(t, Options{})
	b.f.attentionParts = 3
	s := attentionShape{batch: 2, queries: 1, keys: 200, heads: 2, kv: 1, width: 12, causal: true, start: []int32{199, 3}}
	agree(t, b, 1e-5, s.forward(tensor.F32), nil)
}

// TestDecodeCut has how keys are divided on a large GPU, by the shapes of models.
func TestDecodeCut(t *testing.T) {
	for _, c := range []struct {
		batch, queries, heads, keys, width, cores int
		lanes, parts                              int
	}{
		{1, 1, 12, 1024, 64, 132, 64, 16},
		{1, 1, 20, 1024, 64, 132, 64, 13},
		{1, 1, 32, 8192, 128, 132, 128, 8},
		{1, 1, 2, 65536, 128, 132, 128, 32},
		{8, 1, 12, 1024, 64, 132, 128, 2},
		{32, 1, 12, 1024, 64, 132, 512, 1},
		{1, 1, 12, 100, 64, 132, 128, 1},
		{1, 4, 12, 1024, 64, 16, 512, 1},
	} {
		a := attention{f: &features{cores: c.cores, invocations: 1024, kind: 2}}
		a.Batch, a.QueryLen, a.Heads, a.KeyLen, a.Width = c.batch, c.queries, c.heads, c.keys, c.width
		if lanes, parts := a.decodeCut(); lanes != c.lanes || parts != c.parts {
			t.Errorf("%+v: %d parts by %d keys", c, parts, lanes)
		}
		a.f.kind = 4 // the CPU
		if _, parts := a.decodeCut(); parts != 1 {
			t.Errorf("%+v: %d parts on a CPU", c, parts)
		}
	}
}

// BenchmarkAttentionParts times attention of one query a sequence by the
// device's clock, in so many parts of its keys, to set decodeCut by; 0 is what it
// chooses. The shapes are those of GPT-2, of ProtGPT2, and of wide heads that
// share keys, with all places of the cache taken.
func BenchmarkAttentionParts(b *testing.B) {
	d := open(b, Options{Attention: "plain", Profile: true})
	if d.f.TimestampBits == 0 {
		b.Skipf("%s takes no timestamps", d.Name())
	}
	parts := []int{0, 1, 2, 4, 8, 16, 32}
	shapes := []attentionShape{
		{batch: 1, queries: 1, keys: 1024, heads: 12, kv: 12, width: 64},
		{batch: 1, queries: 1, keys: 1024, heads: 20, kv: 20, width: 64},
		{batch: 8, queries: 1, keys: 1024, heads: 20, kv: 20, width: 64},
		{batch: 1, queries: 1, keys: 8192, heads: 32, kv: 8, width: 128},
	}
	if d.f.software() {
		parts, shapes = parts[:3], []attentionShape{{batch: 1, queries: 1, keys: 256, heads: 2, kv: 2, width: 16}}
	}
	for _, s := range shapes {
		for _, n := range parts {
			d.f.attentionParts = n
			b.Run(fmt.Sprintf("%d/%v", n, s), func(b *testing.B) {
				m := &model{graph.New(), map[string]*tensor.Tensor{}}
				r := load(b, d, m.Graph, s.forward(tensor.BF16)(m))
				defer r.Close()
				for name, v := range m.values {
					must(b, r.Write(name, v))
				}
				must(b, r.Run(context.Background())) // drivers may compile as late as here
				before := d.Profile()
				for b.Loop() {
					must(b, r.Run(context.Background()))
				}
				var ns int64
				for row, spent := range d.Profile().Kernels {
					ns += spent.Nanoseconds - before.Kernels[row].Nanoseconds
				}
				bytes := float64(2*2*s.batch*s.keys*s.kv*s.width) * float64(b.N) // of keys and values
				b.ReportMetric(float64(ns)/float64(b.N), "ns-device/op")
				b.ReportMetric(bytes/float64(ns), "GB/s")
			})
		}
	}
}
