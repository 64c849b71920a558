package vulkan

import (
	"context"
	"fmt"
	"maps"
	"slices"
	"testing"

	"github.com/kiban-models/kiban/core/graph"
	"github.com/kiban-models/kiban/core/tensor"
)

// BenchmarkDispatch times a step of the least work, barrier included, in
// programs of 1 and of 1000 steps; the difference is what a dispatch costs.
func BenchmarkDispatch(b *testing.B) {
	d := open(b, Options{})
	for _, n := range []int{1, 1000} {
		b.Run(fmt.Sprint(n), func(b *testing.B) {
			g := graph.New()
			x := g.Input("x", tensor.F32, 4)
			for range n {
				x = graph.Scale(x, 1)
			}
			r := load(b, d, g, map[string]*graph.Node{"y": x})
			defer r.Close()
			for b.Loop() {
				must(b, r.Run(context.Background()))
			}
			b.ReportMetric(float64(b.Elapsed().Nanoseconds())/float64(b.N*n)/1e3, "us/dispatch")
		})
	}
}

// BenchmarkRepeat times a program of one small step, run by run and eight to a
// submission; what is more than the step's time is what a submission costs.
func BenchmarkRepeat(b *testing.B) {
	for _, staging := range []bool{false, true} {
		d := open(b, Options{ForceStaging: staging})
		g := graph.New()
		x := g.Input("x", tensor.F32, 4)
		r := load(b, d, g, map[string]*graph.Node{"y": graph.Scale(x, 1)})
		value := tensor.New(tensor.F32, 4)
		for _, times := range []int{1, 8} {
			b.Run(fmt.Sprintf("staging=%t/%d", staging, times), func(b *testing.B) {
				for b.Loop() {
					must(b, r.Repeat(context.Background(), times))
				}
				b.ReportMetric(float64(b.Elapsed().Nanoseconds())/float64(b.N*times)/1e3, "us/run")
			})
		}
		b.Run(fmt.Sprintf("staging=%t/write, run, read", staging), func(b *testing.B) {
			for b.Loop() {
				must(b, r.Write("x", value))
				must(b, r.Run(context.Background()))
				must(b, r.ReadTo("y", value))
			}
		})
	}
}

// BenchmarkMatMul times the variants that the device has for a type in every
// layout: on square matrices, and on a GPU on those of a step of a GPT-2 with 16
// x 512 tokens as well.
func BenchmarkMatMul(b *testing.B) {
	for _, variant := range []string{"tile", "shared", "coop", "coop2"} {
		d := open(b, Options{MatMul: variant})
		sizes := [][3]int{{512, 512, 512}}
		if !d.f.software() {
			sizes = [][3]int{{4096, 4096, 4096}, {8192, 8192, 8192}, {8192, 3072, 768}, {768, 3072, 8192}, {8192, 50257, 768}, {64, 768, 3072}}
		}
		for _, dt := range []tensor.DType{tensor.F32, tensor.BF16, tensor.F16} {
			in, _ := typeOf(dt)
			if variant == "coop" && d.f.coop[in].k == 0 || variant == "coop2" && d.f.coop2[in].k == 0 {
				continue
			}
			for _, s := range sizes {
				for _, o := range []graph.MatMulOpt{{}, {TransB: true}, {TransA: true}} {
					benchmarkProduct(b, d, variant, dt, s, o)
				}
			}
		}
	}
}

// BenchmarkCoopTile times ways to cut a product, to set coopTile and coop2Tile
// by: the shapes are those of large matrices, of a gradient of weights, of
// logits, and of a step of decoding.
func BenchmarkCoopTile(b *testing.B) {
	coop := []coopTile{
		{128, 128, 32, 1, [2]int{4, 4}}, {128, 128, 32, 1, [2]int{4, 2}}, {128, 128, 32, 1, [2]int{2, 4}}, {128, 128, 16, 1, [2]int{4, 4}},
		{128, 256, 16, 1, [2]int{4, 4}}, {256, 128, 16, 1, [2]int{4, 4}}, {128, 64, 32, 1, [2]int{4, 2}}, {64, 64, 32, 1, [2]int{2, 2}},
		{64, 64, 64, 1, [2]int{2, 2}}, {32, 32, 64, 1, [2]int{1, 1}},
	}
	coop2 := []coopTile{
		{rows: 128, cols: 256, depth: 64}, {rows: 256, cols: 128, depth: 64}, {rows: 128, cols: 128, depth: 64},
		{rows: 128, cols: 256, depth: 32}, {rows: 256, cols: 256, depth: 32}, {rows: 64, cols: 64, depth: 64},
	}
	for variant, tiles := range map[string][]coopTile{"coop": coop, "coop2": coop2} {
		d := open(b, Options{MatMul: variant})
		if variant == "coop" && len(coopTypes(d)) == 0 || variant == "coop2" && d.f.coop2 == [3]coopShape{} {
			continue
		}
		dt, sizes := tensor.BF16, [][3]int{{4096, 4096, 4096}, {768, 3072, 8192}, {8192, 50257, 768}, {64, 768, 3072}}
		if d.f.software() {
			dt, sizes = tensor.F16, [][3]int{{256, 256, 64}}
		}
		for _, s := range sizes {
			for _, tile := range tiles {
				for _, parts := range []int{1, 4} {
					if parts > 1 && s[2] < 2048 {
						continue
					}
					d.f.tile = tile
					d.f.tile.parts = parts
					o := graph.MatMulOpt{TransB: true}
					benchmarkProduct(b, d, fmt.Sprintf("%s/%v", variant, d.f.tile), dt, s, o)
				}
			}
		}
	}
}

// BenchmarkTune measures ways as loading a program does, and reports what the rules'
// takes beside the fastest: to see what tuning gains, and where the rules are wrong.
// What each way took is in the log.
func BenchmarkTune(b *testing.B) {
	d := open(b, Options{})
	dt := tensor.BF16
	sizes := [][3]int{{4096, 4096, 4096}, {8192, 3072, 768}, {768, 3072, 8192}, {8192, 50257, 768}, {64, 768, 3072}, {1, 50257, 768}, {4, 3072, 768}}
	shape := attentionShape{batch: 8, queries: 1024, keys: 1024, heads: 20, kv: 20, width: 64, causal: true}
	if d.f.software() {
		dt, sizes = tensor.F32, [][3]int{{1, 40, 33}}
		shape = attentionShape{batch: 1, queries: 8, keys: 8, heads: 1, kv: 1, width: 8}
	}
	tuner := forced(d, "")
	tune := func(build func(*model) map[string]*graph.Node) {
		m := &model{graph.New(), map[string]*tensor.Tensor{}}
		must(b, d.tune(compile(b, d, m.Graph, build(m))))
	}
	for _, s := range sizes {
		for _, o := range []graph.MatMulOpt{{}, {TransB: true}, {TransA: true}} {
			tune(func(m *model) map[string]*graph.Node {
				as, bs := []int{s[0], s[2]}, []int{s[2], s[1]}
				if o.TransA {
					as = []int{s[2], s[0]}
				}
				if o.TransB {
					bs = []int{s[1], s[2]}
				}
				return map[string]*graph.Node{"y": graph.MatMul(m.Input("a", dt, as...), m.Input("b", dt, bs...), o)}
			})
		}
	}
	tune(shape.build(dt))
	for _, shader := range slices.Sorted(maps.Keys(tuner.table.Shaders)) {
		for key, e := range tuner.table.Shaders[shader].Choices {
			b.Run(shader+"/"+key, func(b *testing.B) {
				for b.Loop() { // it has been measured
				}
				b.ReportMetric(0, "ns/op")
				b.ReportMetric(float64(e.Nanoseconds[e.Rule])/1e3, "us-rules")
				b.ReportMetric(float64(e.Nanoseconds[e.Way])/1e3, "us-tuned")
				b.Logf("%+v", e)
			})
		}
	}
	for _, n := range tuner.notes {
		b.Log(n)
	}
}

// BenchmarkMatVec times products of few rows, as decoding has them, by the bytes
// of the weights.
func BenchmarkMatVec(b *testing.B) {
	d := open(b, Options{MatMul: "vec"})
	sizes := [][2]int{{512, 512}}
	if !d.f.software() {
		sizes = [][2]int{{768, 768}, {3072, 768}, {768, 3072}, {50257, 768}, {4096, 14336}}
	}
	for _, dt := range []tensor.DType{tensor.F32, tensor.BF16} {
		for _, s := range sizes {
			for _, rows := range []int{1, 4, 8} {
				for _, o := range []graph.MatMulOpt{{}, {TransB: true}} {
					benchmarkProduct(b, d, "vec", dt, [3]int{rows, s[0], s[1]}, o)
				}
			}
		}
	}
}

// benchmarkProduct runs a product of [m, k] by [k, n] many times in a program,
// so that submitting counts for little.
func benchmarkProduct(b *testing.B, d *Backend, variant string, dt tensor.DType, size [3]int, o graph.MatMulOpt) {
	m, n, k := size[0], size[1], size[2]
	b.Run(fmt.Sprintf("%s/%v/%dx%dx%d,a=%t,b=%t", variant, dt, m, n, k, o.TransA, o.TransB), func(b *testing.B) {
		as, bs := []int{m, k}, []int{k, n}
		if o.TransA {
			as = []int{k, m}
		}
		if o.TransB {
			bs = []int{n, k}
		}
		times := 1
		if !d.f.software() {
			times = 20
		}
		g := graph.New()
		x, w := g.Input("x", dt, as...), g.Input("w", dt, bs...)
		out := map[string]*graph.Node{}
		for i := range times {
			out[fmt.Sprint(i)] = graph.MatMul(x, w, o)
		}
		r := load(b, d, g, out)
		defer r.Close()
		must(b, r.Write("x", noise(dt, as...)))
		must(b, r.Write("w", noise(dt, bs...)))
		must(b, r.Run(context.Background())) // drivers may compile as late as here
		for b.Loop() {
			must(b, r.Run(context.Background()))
		}
		perNano := float64(b.N*times) / float64(b.Elapsed().Nanoseconds())
		b.ReportMetric(2*float64(m)*float64(n)*float64(k)*perNano, "GFLOP/s")
		b.ReportMetric(float64(n)*float64(k)*float64(dt.Size())*perNano, "GB/s-weights")
	})
}

// noise is a value to time kernels on: on zeros a GPU draws less power, and is
// faster than it will be.
func noise(dt tensor.DType, shape ...int) *tensor.Tensor {
	t := tensor.New(tensor.F32, shape...)
	x, some := t.Float32(), numbers(1<<16+1, 5)
	for n := copy(x, some); n < len(x); n *= 2 {
		copy(x[n:], x[:n])
	}
	return t.Convert(dt)
}

// BenchmarkAdamW times the end of a training step, the gradients' norm and AdamW,
// over the parameters of a GPT-2: ProtGPT2's on a GPU. All are states here, which
// need not come from the host. A dispatch for each parameter is beside those for
// all; the bytes are each operand read once and each result written once.
func BenchmarkAdamW(b *testing.B) {
	for _, separate := range []bool{true, false} {
		b.Run(fmt.Sprintf("separate=%t", separate), func(b *testing.B) {
			d := open(b, Options{})
			d.f.separate = separate
			layers, width, vocab := 36, 1280, 50257
			if d.f.software() {
				layers, width, vocab = 12, 64, 69
			}
			shapes := [][]int{{vocab, width}, {1024, width}, {width}, {width}}
			for range layers {
				shapes = append(shapes, []int{width}, []int{width}, []int{width, 3 * width}, []int{3 * width}, []int{width, width}, []int{width},
					[]int{width}, []int{width}, []int{width, 4 * width}, []int{4 * width}, []int{4 * width, width}, []int{width})
			}
			fills, g := graph.New(), graph.New()
			var grads []*graph.Node
			bytes := 0.0
			for i, s := range shapes {
				name := fmt.Sprint("grad", i)
				fills.Store(fills.State(name, tensor.F32, s...), graph.Fill(fills, 1e-3, tensor.F32, s...))
				grads = append(grads, g.State(name, tensor.F32, s...))
				bytes += 8 * 4 * float64(tensor.NumElements(s)) // the norm reads one, AdamW four, and writes three
			}
			if need := int64(bytes / 2); need > d.free() {
				b.Skipf("needs %s, the device has %s free", mebi(need), mebi(d.free()))
			}
			norm := graph.GradNorm(1, nil, grads...)
			hyper := g.Input("hyper", tensor.F32, graph.HyperLen)
			for i, s := range shapes {
				of := func(name string) *graph.Node { return g.State(fmt.Sprint(name, i), tensor.F32, s...) }
				graph.AdamW(of("p"), grads[i], of("m"), of("v"), hyper, norm, len(s) > 1)
			}
			r := load(b, d, fills, nil)
			must(b, r.Run(context.Background()))
			must(b, r.Close())
			r = load(b, d, g, map[string]*graph.Node{"norm": norm})
			must(b, r.Write("hyper", tensor.Of([]float32{1e-4, 0.9, 0.999, 1e-8, 0.1, 0.001, 0.01, 0}, graph.HyperLen)))
			must(b, r.Run(context.Background()))
			for b.Loop() {
				must(b, r.Run(context.Background()))
			}
			b.ReportMetric(bytes*float64(b.N)/float64(b.Elapsed().Nanoseconds()), "GB/s")
		})
	}
}
