package vulkan

import (
	"fmt"
	"math"
	"strings"
	"testing"

	"github.com/kiban-models/kiban/core/backend/vulkan/internal/vkshim"
	"github.com/kiban-models/kiban/core/graph"
	"github.com/kiban-models/kiban/core/tensor"
)

// attentionShape is a model of attention with all that an operand may be like.
type attentionShape struct {
	batch, queries, keys, heads, kv, width int
	causal                                 bool
	start, valid                           []int32 // or nil
	dropout                                float32
	places                                 int // of a bias, or 0
}

func (s attentionShape) String() string {
	return fmt.Sprintf("%dx%d,%d,heads=%d,%d,width=%d,causal=%t,start=%v,valid=%v,dropout=%g,places=%d",
		s.batch, s.queries, s.keys, s.heads, s.kv, s.width, s.causal, s.start, s.valid, s.dropout, s.places)
}

// build returns a function for agree: the result, the log-sum-exp, and the
// gradients.
func (s attentionShape) build(dt tensor.DType) func(m *model) map[string]*graph.Node {
	return func(m *model) map[string]*graph.Node {
		out, qkv := s.attend(m, dt)
		o := out["o"]
		d := m.input("d", dt, numbers(o.Len(), 4), o.Shape()...)
		loss := graph.Dot(graph.Cast(o, tensor.F32), graph.Cast(d, tensor.F32))
		grads := graph.Grad(loss, qkv...)
		out["dq"], out["dk"], out["dv"] = grads[0], grads[1], grads[2]
		if s.places > 1 { // the gradient by one place is rounding
			out["dbias"] = grads[3]
		}
		return out
	}
}

// forward is build without the gradients.
func (s attentionShape) forward(dt tensor.DType) func(m *model) map[string]*graph.Node {
	return func(m *model) map[string]*graph.Node {
		out, _ := s.attend(m, dt)
		return out
	}
}

// attend returns the result and the log-sum-exp, and their query, key and value, and bias if
// there is one.
func (s attentionShape) attend(m *model, dt tensor.DType) (map[string]*graph.Node, []*graph.Node) {
	at := graph.AttentionAttr{
		Batch: s.batch, QueryLen: s.queries, KeyLen: s.keys, Heads: s.heads, KVHeads: s.kv, Width: s.width, Causal: s.causal,
		Q: graph.HeadLayout{Stride: s.width}, K: graph.HeadLayout{Stride: s.width}, V: graph.HeadLayout{Stride: s.width},
		Scale: float32(2 / math.Sqrt(float64(s.width))), Dropout: s.dropout, Salt: 3,
	}
	q := m.input("q", dt, numbers(s.batch*s.queries*s.heads*s.width, 1), s.batch*s.queries, s.heads*s.width)
	k := m.input("k", dt, numbers(s.batch*s.keys*s.kv*s.width, 2), s.batch*s.keys, s.kv*s.width)
	v := m.input("v", dt, numbers(s.batch*s.keys*s.kv*s.width, 3), s.batch*s.keys, s.kv*s.width)
	var opt graph.AttentionOpt
	if s.start != nil {
		opt.Start = m.ints("start", s.start...)
	}
	if s.valid != nil {
		opt.Keys = m.ints("valid", s.valid...)
	}
	if s.dropout > 0 {
		opt.Seed = m.ints("seed", 7, -2)
	}
	wrt := []*graph.Node{q, k, v}
	if s.places > 0 {
		opt.Bias = m.input("bias", tensor.F32, numbers(s.heads*s.places, 5), s.heads, s.places)
		wrt = append(wrt, opt.Bias)
	}
	o := graph.Attention(q, k, v, at, opt)
	return map[string]*graph.Node{"o": o, "lse": o.Parts()[0]}, wrt
}

// TestAttentionCoop holds attention on cooperative matrices to the reference:
// queries and keys that fill no tile or several, of all that may be hidden from
// a query.
func TestAttentionCoop(t *testing.T) {
	b := openCoop(t, Options{Attention: "coop"})
	for _, c := range []struct {
		tile attentionTile // small ones compile quickly; 0 for what is chosen
		attentionShape
	}{
		{attentionTile{4, 1, 8}, attentionShape{batch: 1, queries: 5, keys: 5, heads: 1, kv: 1, width: 8}},
		{attentionTile{4, 1, 8}, attentionShape{batch: 2, queries: 100, keys: 100, heads: 2, kv: 2, width: 16, causal: true}},
		{attentionTile{2, 1, 16}, attentionShape{batch: 2, queries: 70, keys: 41, heads: 2, kv: 2, width: 16, valid: []int32{41, 3}}},
		{attentionTile{2, 1, 8}, attentionShape{batch: 2, queries: 33, keys: 97, heads: 4, kv: 2, width: 24, causal: true, start: []int32{64, 5}}},
		{attentionTile{4, 1, 8}, attentionShape{batch: 3, queries: 40, keys: 66, heads: 2, kv: 1, width: 20, causal: true, start: []int32{-9, 26, 7}, valid: []int32{66, 30, 0}}},
		{attentionTile{4, 1, 8}, attentionShape{batch: 1, queries: 19, keys: 37, heads: 3, kv: 1, width: 27}},
		{attentionTile{2, 1, 8}, attentionShape{batch: 1, queries: 33, keys: 33, heads: 1, kv: 1, width: 72, causal: true}},
		{attentionTile{4, 1, 8}, attentionShape{batch: 2, queries: 67, keys: 67, heads: 2, kv: 2, width: 16, causal: true, dropout: 0.3}},
		{attentionTile{4, 1, 8}, attentionShape{batch: 1, queries: 21, keys: 75, heads: 4, kv: 2, width: 13, dropout: 0.1}},
		{attentionTile{4, 1, 8}, attentionShape{batch: 2, queries: 70, keys: 70, heads: 2, kv: 2, width: 16, places: 31}},
		{attentionTile{2, 1, 16}, attentionShape{batch: 2, queries: 67, keys: 41, heads: 2, kv: 1, width: 16, causal: true, start: []int32{-30, 9}, valid: []int32{41, 20}, dropout: 0.2, places: 81}},
		{attentionTile{}, attentionShape{batch: 1, queries: 65, keys: 65, heads: 2, kv: 1, width: 16, causal: true}},
	} {
		b.f.attentionTile = c.tile
		for _, dt := range coopTypes(b) {
			t.Run(fmt.Sprintf("%v/%v/%v", dt, c.tile, c.attentionShape), func(t *testing.T) {
				agree(t, b, map[tensor.DType]float64{tensor.BF16: 1.0 / 64, tensor.F16: 1.0 / 512}[dt], c.build(dt), nil)
			})
		}
	}
	onlyCoop(t, b)
}

// TestAttentionCoopValidated has the validation layer look on, as
// TestMatMulCoopValidated has.
func TestAttentionCoopValidated(t *testing.T) {
	looksIntoShaders(t)
	b := openCoop(t, Options{Attention: "coop", Validate: true})
	b.f.attentionTile = attentionTile{2, 1, 8}
	for _, dt := range coopTypes(b) {
		s := attentionShape{batch: 2, queries: 21, keys: 30, heads: 2, kv: 1, width: 12, causal: true, start: []int32{9, 3}, valid: []int32{30, 7}, dropout: 0.2, places: 9}
		agree(t, b, 1.0/64, s.build(dt), nil)
	}
	onlyCoop(t, b)
}

// onlyCoop makes sure that no kernel of attention took another way.
func onlyCoop(t *testing.T, b *Backend) {
	t.Helper()
	found := 0
	for key := range b.pipelines {
		switch {
		case strings.HasPrefix(key, "attention") && strings.Contains(key, ".coop."):
			found++
		case strings.HasPrefix(key, "attention") && !strings.HasPrefix(key, "attention_grad_delta"):
			t.Errorf("the shader %.20q was used", key)
		}
	}
	if found < 3 {
		t.Errorf("%d pipelines of attention on cooperative matrices", found)
	}
}

// TestAttentionTile has how attention of models is cut on a large GPU, on one of
// wider subgroups, and what is left to the plain kernels.
func TestAttentionTile(t *testing.T) {
	for _, c := range []struct {
		name                string
		subgroup, ops       uint32
		shared              int64
		side                coopShape
		dt, width, n, heads int
		forward, byKey      attentionTile
	}{
		{"64 wide", 32, 0xff, 48 << 10, coopShape{16, 16, 16}, 1, 64, 1024, 160, attentionTile{4, 2, 32}, attentionTile{4, 1, 32}},
		{"few workgroups", 32, 0xff, 48 << 10, coopShape{16, 16, 16}, 1, 64, 1024, 12, attentionTile{4, 1, 32}, attentionTile{4, 1, 32}},
		{"128 wide", 32, 0xff, 48 << 10, coopShape{16, 16, 16}, 1, 128, 1024, 160, attentionTile{4, 1, 32}, attentionTile{4, 1, 32}},
		{"subgroups of 64", 64, 0xff, 64 << 10, coopShape{16, 16, 16}, 1, 64, 1024, 160, attentionTile{4, 2, 32}, attentionTile{4, 1, 32}},
		{"little shared memory", 32, 0xff, 24 << 10, coopShape{16, 16, 16}, 1, 128, 1024, 160, attentionTile{2, 1, 32}, attentionTile{2, 1, 16}},
		{"subgroups of 16", 16, 0xff, 48 << 10, coopShape{8, 16, 16}, 1, 64, 1024, 160, attentionTile{4, 2, 32}, attentionTile{4, 1, 32}},
		{"f32", 32, 0xff, 48 << 10, coopShape{16, 16, 16}, 0, 64, 1024, 160, attentionTile{}, attentionTile{}},
		{"too wide", 32, 0xff, 48 << 10, coopShape{16, 16, 16}, 1, 136, 1024, 160, attentionTile{}, attentionTile{}},
		{"no shuffles", 32, 0xf, 48 << 10, coopShape{16, 16, 16}, 1, 64, 1024, 160, attentionTile{}, attentionTile{}},
		{"small subgroups", 8, 0xff, 48 << 10, coopShape{16, 16, 16}, 1, 64, 1024, 160, attentionTile{}, attentionTile{}},
	} {
		f := features{shared: c.shared, invocations: 1024, cores: 132, coop: [3]coopShape{{}, c.side, c.side}, kind: 2,
			DeviceInfo: &vkshim.DeviceInfo{SubgroupSize: c.subgroup, SubgroupOps: c.ops}}
		a := attention{f: &f, storage: uint32(c.dt)}
		a.Batch, a.Width = 1, c.width
		if got := a.coopTile("attention", c.n, c.heads); got != c.forward {
			t.Errorf("%s: forward %v, wanted %v", c.name, got, c.forward)
		}
		if got := a.coopTile("attention_grad_kv", c.n, c.heads); got != c.byKey {
			t.Errorf("%s: by keys %v, wanted %v", c.name, got, c.byKey)
		}
		f.attention = "plain"
		if got := a.coopTile("attention", c.n, c.heads); got.own > 0 {
			t.Errorf("%s: plain was asked for, and got %v", c.name, got)
		}
	}
}
