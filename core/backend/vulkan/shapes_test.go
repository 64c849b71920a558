package vulkan

import (
	"bytes"
	"context"
	"fmt"
	"math"
	"testing"

	vk "github.com/vulkan-go/vulkan"

	"github.com/kiban-models/kiban/core/backend"
	"github.com/kiban-models/kiban/core/backend/reference"
	"github.com/kiban-models/kiban/core/graph"
	"github.com/kiban-models/kiban/core/plan"
	"github.com/kiban-models/kiban/core/tensor"
)

// The shapes here are those at which the shaders take another way: more
// workgroups than an axis has, more rows than a tile, several chunks.

type model struct {
	*graph.Graph
	values map[string]*tensor.Tensor
}

func (m *model) input(name string, dt tensor.DType, values []float32, shape ...int) *graph.Node {
	m.values[name] = tensor.Of(values, shape...).Convert(dt)
	return m.Input(name, dt, shape...)
}

func (m *model) ints(name string, values ...int32) *graph.Node {
	return m.table(name, values, len(values))
}

func (m *model) table(name string, values []int32, shape ...int) *graph.Node {
	m.values[name] = tensor.Of(values, shape...)
	return m.Input(name, tensor.I32, shape...)
}

// run builds a graph and returns its outputs. edit may change the program.
func run(t *testing.T, b backend.Backend, build func(m *model) map[string]*graph.Node, edit func(p *plan.Program)) map[string]*tensor.Tensor {
	t.Helper()
	m := &model{graph.New(), map[string]*tensor.Tensor{}}
	out := build(m)
	p, err := plan.Compile(m.Graph, b.Limits(), plan.Options{}, out)
	must(t, err)
	if edit != nil {
		edit(p)
	}
	r, err := b.Load(p)
	must(t, err)
	defer r.Close()
	for name, v := range m.values {
		must(t, r.Write(name, v))
	}
	must(t, r.Run(context.Background()))
	got := map[string]*tensor.Tensor{}
	for name := range out {
		got[name], err = r.Read(name)
		must(t, err)
	}
	return got
}

// agree holds the device to the reference: tol is relative to the largest
// element of an output.
func agree(t *testing.T, b backend.Backend, tol float64, build func(m *model) map[string]*graph.Node, edit func(p *plan.Program)) {
	t.Helper()
	want := run(t, reference.New[float32](), build, edit)
	got := run(t, b, build, edit)
	for name, w := range want {
		largest := 0.0
		for i := range w.Len() {
			if v := math.Abs(w.At(i)); !math.IsInf(v, 0) {
				largest = max(largest, v)
			}
		}
		for i := range w.Len() {
			g, w := got[name].At(i), w.At(i)
			if g != w && !(math.Abs(g-w) <= tol*largest) {
				t.Errorf("%s: element %d is %g, wanted %g (largest %g)", name, i, g, w, largest)
				break
			}
		}
	}
}

// repeats checks that a second run gives the bytes of the first.
func repeats(t *testing.T, b backend.Backend, build func(m *model) map[string]*graph.Node) {
	t.Helper()
	one, two := run(t, b, build, nil), run(t, b, build, nil)
	for name := range one {
		if !bytes.Equal(one[name].Bytes(), two[name].Bytes()) {
			t.Errorf("%s: two runs gave different bytes", name)
		}
	}
}

// TestAsOnGPU takes the choices that are made where the device is no CPU.
func TestAsOnGPU(t *testing.T) {
	b := open(t, Options{})
	b.f.kind = vk.PhysicalDeviceTypeDiscreteGpu
	agree(t, b, 1e-5, func(m *model) map[string]*graph.Node {
		x, w := m.input("x", tensor.F32, numbers(9*600, 1), 9, 600), m.input("w", tensor.F32, numbers(1031*600, 2), 1031, 600)
		norm := graph.LayerNorm(x, m.input("scale", tensor.F32, numbers(600, 3), 600), m.input("bias", tensor.F32, numbers(600, 4), 600), 1e-5)
		loss := graph.LinearCrossEntropy(norm, w, nil, m.ints("labels", 0, 1030, 7, -1, 5, 4, 3, 2, 1))
		grads := graph.Grad(graph.Dot(loss, m.input("weight", tensor.F32, numbers(9, 5), 9)), x, w)
		knobs := m.input("knobs", tensor.F32, []float32{1.2, 0.5, 700, 0.9, 0, 0, 0, 0}, graph.KnobsLen)
		filtered := graph.Filter(m.input("logits", tensor.F32, numbers(2*1031, 6), 2, 1031), knobs)
		drawn := graph.Sample(filtered, m.ints("seed", 5, 6), m.ints("stream", 1, 2), m.ints("pos", 3, 4))
		return map[string]*graph.Node{
			"loss": loss, "dx": grads[0], "dw": grads[1], "sum": graph.SumRows(w), "filtered": filtered, "drawn": drawn,
		}
	}, nil)
}

func TestGridOfTwoAxes(t *testing.T) {
	b := open(t, Options{})
	b.f.groups = [3]uint32{3, 65535, 65535}
	agree(t, b, 1e-5, func(m *model) map[string]*graph.Node {
		x := m.input("x", tensor.F32, numbers(61*41, 1), 61, 41)
		y := graph.Dropout(graph.Activate(x, graph.SiLU), m.ints("seed", 3, 4), 0.5, 1)
		norm := graph.LayerNorm(x, m.input("w", tensor.F32, numbers(41, 2), 41), m.input("b", tensor.F32, numbers(41, 3), 41), 1e-5)
		rows := graph.Embed(x, m.ints("ids", 60, 0, 7, 8, 61, -1, 9), tensor.BF16)
		dx := graph.Grad(graph.Dot(norm, y), x)[0]
		long := m.input("long", tensor.F32, numbers(5*graph.NormBlock+17, 4), 5*graph.NormBlock+17)
		return map[string]*graph.Node{
			"y": y, "norm": norm, "rows": rows, "dx": dx, "clip": graph.GradNorm(1, nil, long, x), "half": graph.Cast(x, tensor.F16),
		}
	}, nil)
}

func TestAttentionShapes(t *testing.T) {
	b := open(t, Options{})
	for _, c := range []struct {
		queries, keys, heads, kv, width int
		causal                          bool
		dt                              tensor.DType
		tol                             float64
	}{
		{35, 35, 1, 1, 256, true, tensor.F32, 1e-5},
		{35, 70, 2, 1, 203, false, tensor.F32, 1e-5},
		{33, 33, 3, 1, 1, true, tensor.F32, 1e-5},
		{100, 100, 2, 2, 64, true, tensor.BF16, 2e-2},
		{3, 300, 4, 2, 256, true, tensor.F32, 1e-5},
		{1, 700, 4, 2, 115, false, tensor.F16, 2e-3},
		{1, 1100, 2, 2, 64, true, tensor.F32, 1e-5},
	} {
		t.Run(fmt.Sprintf("%d,%d,width=%d", c.queries, c.keys, c.width), func(t *testing.T) {
			if c.queries <= fewQueries { // larger workgroups than where the device is the CPU
				b.f.kind = vk.PhysicalDeviceTypeDiscreteGpu
			}
			agree(t, b, c.tol, func(m *model) map[string]*graph.Node {
				at := graph.AttentionAttr{
					Batch: 2, QueryLen: c.queries, KeyLen: c.keys, Heads: c.heads, KVHeads: c.kv, Width: c.width, Causal: c.causal,
					Q: graph.HeadLayout{Stride: c.width}, K: graph.HeadLayout{Stride: c.width}, V: graph.HeadLayout{Stride: c.width},
					Scale: float32(1 / math.Sqrt(float64(c.width))),
				}
				q := m.input("q", c.dt, numbers(2*c.queries*c.heads*c.width, 1), 2*c.queries, c.heads*c.width)
				k := m.input("k", c.dt, numbers(2*c.keys*c.kv*c.width, 2), 2*c.keys, c.kv*c.width)
				v := m.input("v", c.dt, numbers(2*c.keys*c.kv*c.width, 3), 2*c.keys, c.kv*c.width)
				o := graph.Attention(q, k, v, at, graph.AttentionOpt{Start: m.ints("start", int32(c.keys-c.queries), 0)})
				d := graph.Cast(m.input("d", tensor.F32, numbers(o.Len(), 4), o.Shape()...), c.dt)
				loss := graph.Dot(graph.Cast(graph.Mul(o, d), tensor.F32), graph.Fill(m.Graph, 1, tensor.F32, o.Shape()...))
				grads := graph.Grad(loss, q, k, v)
				return map[string]*graph.Node{"o": o, "dq": grads[0], "dk": grads[1], "dv": grads[2]}
			}, nil)
		})
	}
}

// A value that is query, key and value at once gets the sum of the gradients,
// and its columns of no head get zeros. The bias's is not in their way.
func TestAttentionOfOneValue(t *testing.T) {
	agree(t, open(t, Options{}), 1e-5, func(m *model) map[string]*graph.Node {
		x := m.input("x", tensor.F32, numbers(2*37*50, 1), 2*37, 50)
		at := graph.AttentionAttr{
			Batch: 2, QueryLen: 37, KeyLen: 37, Heads: 2, KVHeads: 2, Width: 12, Scale: 0.3, Causal: true,
			Q: graph.HeadLayout{Offset: 2, Stride: 20}, K: graph.HeadLayout{Offset: 2, Stride: 20}, V: graph.HeadLayout{Offset: 7, Stride: 20},
		}
		bias := m.input("bias", tensor.F32, numbers(2*15, 3), 2, 15)
		o := graph.Attention(x, x, x, at, graph.AttentionOpt{Bias: bias})
		d := m.input("d", tensor.F32, numbers(o.Len(), 2), o.Shape()...)
		grads := graph.Grad(graph.Dot(o, d), x, bias)
		return map[string]*graph.Node{"o": o, "dx": grads[0], "dbias": grads[1]}
	}, nil)
}

func TestLinearCrossEntropyChunks(t *testing.T) {
	b := open(t, Options{})
	for dt, tol := range map[tensor.DType]float64{tensor.F32: 1e-5, tensor.BF16: 2e-2} {
		t.Run(dt.String(), func(t *testing.T) {
			agree(t, b, tol, func(m *model) map[string]*graph.Node {
				x, w := m.input("x", dt, numbers(27*24, 1), 27, 24), m.input("w", dt, numbers(77*24, 2), 77, 24)
				labels := make([]int32, 27)
				for i := range labels {
					labels[i] = int32(i*3 - 2) // the first and the last name no class
				}
				labels[26] = 77
				loss := graph.LinearCrossEntropy(x, w, nil, m.ints("labels", labels...))
				grads := graph.Grad(graph.Dot(loss, m.input("weight", tensor.F32, numbers(27, 3), 27)), x, w)
				return map[string]*graph.Node{"loss": loss, "dx": grads[0], "dw": grads[1]}
			}, func(p *plan.Program) {
				for i := range p.Steps {
					if at, ok := p.Steps[i].Attr.(graph.LinearCrossEntropyAttr); ok {
						at.Chunk = 9
						p.Steps[i].Attr = at
					}
				}
			})
		})
	}
}

func TestRepeatedEmbedding(t *testing.T) {
	agree(t, open(t, Options{}), 1e-5, func(m *model) map[string]*graph.Node {
		ids := make([]int32, 5000)
		for i := range ids {
			ids[i] = int32(i*i%9) - 1
		}
		table := m.input("table", tensor.F32, numbers(7*130, 1), 7, 130)
		rows := graph.Embed(table, m.ints("ids", ids...), tensor.F32)
		d := m.input("d", tensor.F32, numbers(rows.Len(), 2), rows.Shape()...)
		return map[string]*graph.Node{"dtable": graph.Grad(graph.Dot(rows, d), table)[0]}
	}, nil)
}

func TestSampleLargeVocabulary(t *testing.T) {
	b := open(t, Options{})
	const batch, vocab = 5, 50257
	for _, knobs := range [][]float32{{1.3, 0.8, 40, 0.9}, {1, 1, 0, 1}, {1, 1.5, 0, 0.5}, {1, 0, 0, 1}, {1, 1, 3, 1}} {
		t.Run(fmt.Sprint(knobs), func(t *testing.T) {
			agree(t, b, 1e-6, func(m *model) map[string]*graph.Node {
				values := numbers(batch*vocab, 7)
				for i := range values {
					values[i] = float32(math.Round(float64(values[i])*4000) / 400) // many equals
				}
				logits := m.input("logits", tensor.F32, values, batch, vocab)
				tokens := make([]int32, 300)
				for i := range tokens {
					tokens[i] = int32(i * 1709 % (vocab + 3))
				}
				seen := m.table("tokens", tokens, batch, 60)
				pos := m.ints("pos", 0, 10, 59, 31, 70)
				k := m.input("knobs", tensor.F32, append(knobs, 0, 0, 0, 0), graph.KnobsLen)
				penalised := graph.Penalty(logits, seen, pos, k)
				filtered := graph.Filter(penalised, k)
				drawn := graph.Sample(filtered, m.ints("seed", 5, 6), m.ints("stream", 1, 2, 3, 4, 5), pos)
				return map[string]*graph.Node{"penalised": penalised, "filtered": filtered, "drawn": drawn}
			}, nil)
		})
	}
}
