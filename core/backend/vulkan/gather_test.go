package vulkan

import (
	"bytes"
	"context"
	"fmt"
	"math"
	"testing"

	"github.com/kiban-models/kiban/core/backend/backendtest"
	"github.com/kiban-models/kiban/core/graph"
	"github.com/kiban-models/kiban/core/plan"
	"github.com/kiban-models/kiban/core/tensor"
)

var oddSizes = []int{
	1, 2, 3, 5, 1, 4097, manySpan, manySpan + 1, 3*manySpan - 1, 1, 512, 513, 2 * graph.NormBlock, 7, 9, 30_000,
}

// arrays are the parameters p0, p1, ... of some sizes. Every third does not
// train; the others are of two groups, of which each has its learning rate.
type arrays struct {
	b     *Backend
	sizes []int
	micro *Runner // the gradients of a micro-batch; without accumulation also the update
	apply *Runner // the update, with accumulation
}

// newArrays loads programs that are a training step's end, over the parameters
// that b has or else new ones.
func newArrays(t testing.TB, b *Backend, sizes []int, accumulate bool) *arrays {
	t.Helper()
	a := &arrays{b: b, sizes: sizes}
	for i, n := range sizes {
		if b.named[name(i)] == nil {
			must(t, b.Put(name(i), tensor.Of(numbers(n, uint32(i)), n)))
		}
	}
	g := graph.New()
	grads := a.each(func(i, n int) *graph.Node { return graph.Scale(g.Input(fmt.Sprint("in", i), tensor.F32, n), 0.5) })
	if !accumulate {
		a.micro = load(t, b, g, a.update(g, grads))
		return a
	}
	sums := a.each(func(i, n int) *graph.Node { return g.State("grad."+name(i), tensor.F32, n) })
	for k, sum := range sums {
		g.Store(sum, graph.Add(grads[k], sum))
	}
	a.micro = load(t, b, g, nil)
	g = graph.New()
	sums = a.each(func(i, n int) *graph.Node { return g.State("grad."+name(i), tensor.F32, n) })
	out := a.update(g, sums)
	for _, sum := range sums {
		g.Store(sum, graph.Fill(g, 0, tensor.F32, sum.Shape()...))
	}
	a.apply = load(t, b, g, out)
	return a
}

func name(i int) string { return fmt.Sprint("p", i) }

// each makes a node for each parameter that trains.
func (a *arrays) each(f func(i, n int) *graph.Node) (all []*graph.Node) {
	for i, n := range a.sizes {
		if i%3 != 0 {
			all = append(all, f(i, n))
		}
	}
	return all
}

// update appends the norm and the optimizer.
func (a *arrays) update(g *graph.Graph, grads []*graph.Node) map[string]*graph.Node {
	norm := graph.GradNorm(1, g.Input("scale", tensor.F32, 1), grads...)
	hyper := []*graph.Node{g.Input("hyper", tensor.F32, graph.HyperLen), g.Input("hyper.1", tensor.F32, graph.HyperLen)}
	a.each(func(i, n int) *graph.Node {
		grad := grads[0]
		grads = grads[1:]
		graph.AdamW(g.Param(name(i), tensor.F32, n), grad, g.State("m."+name(i), tensor.F32, n), g.State("v."+name(i), tensor.F32, n),
			hyper[i%2], norm, i%5 != 0)
		return nil
	})
	return map[string]*graph.Node{"norm": norm}
}

// step runs a step, of two micro-batches with accumulation, and returns the norm
// and its factor. One gradient may overflow.
func (a *arrays) step(t testing.TB, at int, overflow bool) []float32 {
	t.Helper()
	last, micros := a.micro, 1
	if a.apply != nil {
		last, micros = a.apply, 2
	}
	must(t, last.Write("scale", tensor.Of([]float32{1024}, 1)))
	for i, name := range []string{"hyper", "hyper.1"} {
		correct1, correct2 := 1-math.Pow(0.9, float64(at+1)), 1-math.Pow(0.95, float64(at+1))
		h := []float32{0.1 / float32(i+1), 0.9, 0.95, 1e-8, float32(correct1), float32(correct2), 0.2, 0}
		must(t, last.Write(name, tensor.Of(h, graph.HyperLen)))
	}
	for micro := range micros {
		a.each(func(i, n int) *graph.Node {
			x := numbers(n, uint32(1000*at+100*micro+i))
			if overflow && i == len(a.sizes)-3 {
				x[n-1] = float32(math.Inf(-1))
			}
			must(t, a.micro.Write(fmt.Sprint("in", i), tensor.Of(x, n)))
			return nil
		})
		must(t, a.micro.Run(context.Background()))
	}
	if a.apply != nil {
		must(t, a.apply.Run(context.Background()))
	}
	norm, err := last.Read("norm")
	must(t, err)
	return norm.Float32()
}

// all returns the bytes of all parameters and states, or of those of a prefix.
func (a *arrays) all(t testing.TB, prefixes ...string) []byte {
	t.Helper()
	var all []byte
	for i := range a.sizes {
		for _, prefix := range prefixes {
			if a.b.named[prefix+name(i)] != nil {
				x, err := a.b.Get(prefix + name(i))
				must(t, err)
				all = append(all, x.Bytes()...)
			}
		}
	}
	return all
}

// TestGather trains the same parameters by one dispatch for all and by one for
// each, in one piece of memory and in several. All bytes are the same, after a
// step that changes nothing as a gradient overflowed, and in a run that goes on
// from another one's parameters and moments. The validation layer says nothing.
func TestGather(t *testing.T) {
	for _, accumulate := range []bool{false, true} {
		for _, pieces := range []bool{false, true} {
			t.Run(fmt.Sprintf("accumulate=%t,pieces=%t", accumulate, pieces), func(t *testing.T) {
				device := func(separate bool) *Backend {
					b := open(t, Options{Validate: layerThere(t), ForceStaging: accumulate})
					b.f.separate = separate
					b.f.groups[0] = 5 // so that grids have two axes
					if pieces {
						b.f.maxBind, b.f.MaxAllocation = 160<<10, 256<<10
					}
					return b
				}
				want, got := newArrays(t, device(true), oddSizes, accumulate), newArrays(t, device(false), oddSizes, accumulate)
				if n := len(got.b.blocks); n > 1 != pieces {
					t.Fatalf("%d blocks of memory", n)
				}
				for at := range 5 {
					if at == 3 {
						b := device(false)
						for name := range got.b.named {
							x, err := got.b.Get(name)
							must(t, err)
							must(t, b.Put(name, x))
						}
						got = newArrays(t, b, oddSizes, accumulate)
					}
					before, overflows := got.all(t, "", "m.", "v."), at == 1
					x, y := want.step(t, at, overflows), got.step(t, at, overflows)
					if math.Float32bits(x[0]) != math.Float32bits(y[0]) || x[1] != y[1] || y[1] < 0 != overflows {
						t.Fatalf("step %d: norms and factors are %g and %g", at, x, y)
					}
					if !bytes.Equal(want.all(t, "", "m.", "v.", "grad."), got.all(t, "", "m.", "v.", "grad.")) {
						t.Fatalf("step %d: one dispatch for all and one for each differ", at)
					}
					if bytes.Equal(before, got.all(t, "", "m.", "v.")) != overflows {
						t.Fatalf("step %d: that parameters change is %t", at, overflows)
					}
				}
				for i := 0; i < len(oddSizes); i += 3 {
					x, err := got.b.Get(name(i))
					must(t, err)
					if !bytes.Equal(x.Bytes(), tensor.Of(numbers(oddSizes[i], uint32(i)), oddSizes[i]).Bytes()) {
						t.Errorf("%s, which does not train, has changed", name(i))
					}
				}
			})
		}
	}
}

// TestGatheredDispatches counts them: a training step, whose memory is in a few
// blocks, has one of adamw and two of grad_norm, and its profile counts the work
// of every step all the same.
func TestGatheredDispatches(t *testing.T) {
	b := open(t, Options{Profile: true})
	if b.f.TimestampBits == 0 {
		t.Skip("the device takes no timestamps")
	}
	r := training(t, b, backendtest.SmallDecoder(tensor.BF16), plan.Options{})
	must(t, r.Run(context.Background()))
	dispatches := map[string]int{}
	for _, s := range r.watch.steps {
		dispatches[s.row] += s.dispatches
	}
	if dispatches["adamw"] != len(b.blocks) || dispatches["grad_norm"] != 2 {
		t.Errorf("dispatches are %v with %d blocks of memory", dispatches, len(b.blocks))
	}
	var want float64
	steps := 0
	for _, s := range r.p.Steps {
		if s.Kernel == "adamw" {
			want += s.Work().Bytes
			steps++
		}
	}
	if got := b.Profile().Kernels["adamw"]; got.Calls != int64(steps) || steps < 20 || got.Work.Bytes != want || got.Nanoseconds <= 0 {
		t.Errorf("the profile of adamw is %+v; it was %d steps that move %g bytes", got, steps, want)
	}
}

// TestNormOfManyArrays has more partial sums than the invocations that add them
// up read at a time.
func TestNormOfManyArrays(t *testing.T) {
	b := open(t, Options{MemoryLimit: 1 << 28}) // else the device is asked at each Put
	g := graph.New()
	var grads []*graph.Node
	want := 0.0
	for i := range 4700 {
		x := numbers(1, uint32(i))
		must(t, b.Put(name(i), tensor.Of(x, 1)))
		grads = append(grads, g.Param(name(i), tensor.F32, 1))
		want += float64(x[0]) * float64(x[0])
	}
	r := load(t, b, g, map[string]*graph.Node{"norm": graph.GradNorm(0, nil, grads...)})
	must(t, r.Run(context.Background()))
	y, err := r.Read("norm")
	must(t, err)
	if got := y.At(0); math.Abs(got-math.Sqrt(want)) > 1e-6*got {
		t.Errorf("the norm is %g, wanted %g", got, math.Sqrt(want))
	}
}
