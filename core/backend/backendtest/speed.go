package backendtest

import (
	"context"
	"fmt"
	"testing"

	"github.com/kiban-models/kiban/core/backend"
	"github.com/kiban-models/kiban/core/graph"
	"github.com/kiban-models/kiban/core/plan"
	"github.com/kiban-models/kiban/core/tensor"
)

// work is a timed case. Operations and bytes are what the algorithm needs at
// least: multiplications and additions; each operand read and each result
// written once.
type work struct {
	Case
	flops, bytes float64
	halves       bool // in bf16, too; bytes are those of f32
}

// Speed times kernels at the sizes of GPT-2 small with 1024 tokens, and
// reports GFLOP/s or GB/s.
func Speed(b *testing.B, be backend.Backend) {
	for _, w := range works() {
		dts := []tensor.DType{tensor.F32}
		if w.halves {
			dts = append(dts, tensor.BF16)
		}
		for _, dt := range dts {
			b.Run(fmt.Sprintf("%s/%v", w.Name, dt), func(b *testing.B) { w.time(b, be, dt) })
		}
	}
}

func (w work) time(b *testing.B, be backend.Backend, dt tensor.DType) {
	m := w.make(dt)
	p, err := plan.Compile(m.Graph, be.Limits(), plan.Options{}, m.outputs)
	if err != nil {
		b.Fatal(err)
	}
	for _, l := range m.leaves {
		if l.node.Kind() != graph.Input {
			if err := be.Put(l.node.Name(), l.value); err != nil {
				b.Fatal(err)
			}
		}
	}
	r, err := be.Load(p)
	if err != nil {
		b.Fatal(err)
	}
	defer r.Close()
	for _, l := range m.leaves {
		if l.node.Kind() == graph.Input {
			if err := r.Write(l.node.Name(), l.value); err != nil {
				b.Fatal(err)
			}
		}
	}
	ctx := context.Background()
	if err := r.Run(ctx); err != nil { // warm
		b.Fatal(err)
	}
	for b.Loop() {
		if err := r.Run(ctx); err != nil {
			b.Fatal(err)
		}
	}
	perSecond := float64(b.N) / b.Elapsed().Seconds()
	if w.flops > 0 {
		b.ReportMetric(w.flops*perSecond/1e9, "GFLOP/s")
		return
	}
	b.ReportMetric(w.bytes*float64(dt.Size())/4*perSecond/1e9, "GB/s")
}

func works() []work {
	const n, c, v, heads = 1024, 768, 50257, 12
	var all []work
	timed := func(name string, w work, build func(m *Maker) *graph.Node) {
		w.Name = name
		w.Build = func(m *Maker) map[string]*graph.Node { return one(build(m)) }
		all = append(all, w)
	}
	x := func(m *Maker, rows, cols int) *graph.Node { return m.Input("x", m.DT, normal(1), rows, cols) }
	for _, s := range [][3]int{{n, 3 * c, c}, {n, 4 * c, c}, {n, c, 4 * c}, {1, 4 * c, c}, {1, v, c}} {
		rows, cols, k := s[0], s[1], s[2]
		w := work{halves: true, flops: 2 * float64(rows) * float64(cols) * float64(k)}
		if rows == 1 {
			w = work{halves: true, bytes: 4 * float64(cols) * float64(k)}
		}
		timed(fmt.Sprintf("matmul/%dx%dx%d", rows, cols, k), w, func(m *Maker) *graph.Node {
			return matMul(m, rows, cols, k, graph.MatMulOpt{TransB: cols == v})
		})
	}
	for _, act := range []graph.Activation{graph.GeluTanh, graph.GeluErf} {
		timed("activation/"+act.String(), work{halves: true, bytes: 2 * 4 * n * 4 * c}, func(m *Maker) *graph.Node {
			return graph.Activate(x(m, n, 4*c), act)
		})
	}
	timed("layer_norm", work{halves: true, bytes: 2 * 4 * n * c}, func(m *Maker) *graph.Node {
		y, _ := layerNorm(m, x(m, n, c))
		return y
	})
	timed("layer_norm with gradients", work{Case: Case{Wrt: []string{"x", "w", "b"}}, halves: true, bytes: 7 * 4 * n * c}, func(m *Maker) *graph.Node {
		y, _ := layerNorm(m, x(m, n, c))
		return y
	})
	attend := func(m *Maker) *graph.Node { return attendFused(m, 1, n, heads, c/heads, 1, true)["y"] }
	const pairs = float64(n) * (n + 1) / 2 * c // of a query and a key that it sees, over all channels
	timed("attention", work{halves: true, flops: 4 * pairs}, attend)
	drop := func(m *Maker) *graph.Node { return attendDropped(m, 1, n, heads, c/heads, 1, true, 0.1)["y"] }
	timed("attention with dropout", work{halves: true, flops: 4 * pairs}, drop)
	timed("attention with dropout and gradients", work{Case: Case{Wrt: []string{"qkv"}}, halves: true, flops: 14 * pairs}, drop)
	timed("attention with gradients", work{Case: Case{Wrt: []string{"qkv"}}, halves: true, flops: 14 * pairs}, attend)
	timed("linear_cross_entropy with gradients", work{Case: Case{Wrt: []string{"x", "w"}}, halves: true, flops: 6 * float64(n) * c * v}, func(m *Maker) *graph.Node {
		return linearCrossEntropy(m, n, c, v, integers(0, v-1))
	})
	timed("embed", work{halves: true, bytes: 2 * 4 * n * c}, func(m *Maker) *graph.Node {
		return graph.Embed(m.Param("table", m.DT, normal(1), v, c), m.Input("ids", tensor.I32, integers(0, v-1), n), m.DT)
	})
	timed("dropout", work{halves: true, bytes: 2 * 4 * n * c}, func(m *Maker) *graph.Node {
		return graph.Dropout(x(m, n, c), m.Input("seed", tensor.I32, list(1, 2), 2), 0.1, 3)
	})
	timed("logits_filter", work{bytes: 2 * 4 * v}, func(m *Maker) *graph.Node {
		return logitsFilter(m, 0.8, 40, 0.95, normal(3), 1, v)
	})
	const params = 12 * c * c
	step := adamWCase("adamw", params, true, normal(1), 1)
	return append(all, work{Case: step, bytes: 7 * 4 * params})
}
