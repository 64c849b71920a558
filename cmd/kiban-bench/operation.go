package main

import (
	"context"
	"fmt"

	"github.com/kiban-models/kiban/core/backend"
	"github.com/kiban-models/kiban/core/graph"
	"github.com/kiban-models/kiban/core/plan"
	"github.com/kiban-models/kiban/core/tensor"
)

// repeats of an operation are one program, so that submitting it counts for
// little; peers wait for the device as seldom. There are as many as a program's
// inputs and outputs, which are one piece of memory, have room for.
func repeats(bytes int) int { return max(1, min(20, 1<<30/bytes)) }

// product is a product of [m, k] by [k, n]; ta and tb say that a, b are stored
// the other way round.
type product struct {
	m, n, k int
	ta, tb  bool
}

func (p product) String() string {
	text := fmt.Sprintf("%dx%dx%d", p.m, p.n, p.k)
	if p.ta {
		text += " of aᵀ"
	}
	if p.tb {
		text += " of bᵀ"
	}
	return text
}

func (p product) tiny() product { return product{64, 96, 32, p.ta, p.tb} }

func (p product) of(s settings) product {
	if s.tiny {
		return p.tiny()
	}
	return p
}

func (p product) repeats(dt tensor.DType) int { return repeats(p.m * p.n * dt.Size()) }

// args are those of peers/matmul.py.
func (p product) args() []string {
	return []string{fmt.Sprint(p.m), fmt.Sprint(p.n), fmt.Sprint(p.k), fmt.Sprint(p.ta), fmt.Sprint(p.tb), fmt.Sprint(p.repeats(tensor.BF16))}
}

// measure counts in TFLOP.
func (p product) measure(ctx context.Context, s settings) (measured, error) {
	return onDevice(s, func(b backend.Backend) (measured, error) {
		rate, err := p.rate(ctx, s, b, tensor.BF16, p.repeats(tensor.BF16))
		rate.Rate, rate.Need = rate.Rate/1e12, 1e12
		return rate, err
	})
}

// rate is the FLOP/s of so many products to a program.
func (p product) rate(ctx context.Context, s settings, b backend.Backend, dt tensor.DType, times int) (measured, error) {
	as, bs := []int{p.m, p.k}, []int{p.k, p.n}
	if p.ta {
		as = []int{p.k, p.m}
	}
	if p.tb {
		bs = []int{p.n, p.k}
	}
	g := graph.New()
	x, w := g.Input("x", dt, as...), g.Input("w", dt, bs...)
	out := map[string]*graph.Node{}
	for i := range times {
		out[fmt.Sprint(i)] = graph.MatMul(x, w, graph.MatMulOpt{TransA: p.ta, TransB: p.tb})
	}
	return program(ctx, s, b, g, out, 2*float64(p.m)*float64(p.n)*float64(p.k)*float64(times))
}

// program runs a graph whose inputs are small numbers, of so many units.
func program(ctx context.Context, s settings, b backend.Backend, g *graph.Graph, out map[string]*graph.Node, units float64) (m measured, err error) {
	p, err := plan.Compile(g, b.Limits(), plan.Options{}, out)
	if err != nil {
		return m, err
	}
	r, err := b.Load(p)
	if err != nil {
		return m, err
	}
	defer r.Close()
	made := map[string]*tensor.Tensor{}
	for name, in := range p.Inputs {
		kind := fmt.Sprint(in.DType, in.Shape)
		if made[kind] == nil {
			t := tensor.New(tensor.F32, in.Shape...)
			for i := range t.Float32() {
				t.Float32()[i] = float32(i%13)/4 - 1.5
			}
			made[kind] = t.Convert(in.DType)
		}
		if err := r.Write(name, made[kind]); err != nil {
			return m, err
		}
	}
	return clock(ctx, s, units, func(int) error { return r.Run(ctx) })
}

// onDevice opens the device for a measurement.
func onDevice(s settings, f func(backend.Backend) (measured, error)) (m measured, err error) {
	b, err := s.open()
	if err != nil {
		return m, err
	}
	defer b.Close()
	return f(b)
}

// attended is attention of rows of one length.
type attended struct {
	batch, length, heads, width int
	causal, backward            bool
}

func (a attended) String() string {
	text := fmt.Sprintf("%dx%d", a.batch, a.length)
	if a.causal {
		text += " causal"
	}
	if a.backward {
		return text + ", forward and backward"
	}
	return text + ", forward"
}

func (a attended) tiny() attended { return attended{2, 32, 2, 64, a.causal, a.backward} }

func (a attended) of(s settings) attended {
	if s.tiny {
		return a.tiny()
	}
	return a
}

func (a attended) repeats() int { return repeats(2 * 6 * a.batch * a.length * a.heads * a.width) }

// args are those of peers/attention.py.
func (a attended) args() []string {
	return []string{fmt.Sprint(a.batch), fmt.Sprint(a.length), fmt.Sprint(a.heads), fmt.Sprint(a.width), fmt.Sprint(a.causal), fmt.Sprint(a.backward), fmt.Sprint(a.repeats())}
}

// flop is two products forward, and five backward, over what is seen (Dao 2023,
// arXiv:2307.08691).
func (a attended) flop() float64 {
	n := 2 * 2 * float64(a.batch*a.heads*a.width) * float64(a.length) * float64(a.length)
	if a.causal {
		n /= 2
	}
	if a.backward {
		n *= 3.5
	}
	return n
}

// measure counts in TFLOP. As in a model, queries, keys and values are columns
// of one matrix.
func (a attended) measure(ctx context.Context, s settings) (measured, error) {
	return onDevice(s, func(b backend.Backend) (measured, error) {
		g, out := graph.New(), map[string]*graph.Node{}
		w := a.heads * a.width
		at := graph.AttentionAttr{
			Batch: a.batch, QueryLen: a.length, KeyLen: a.length, Heads: a.heads, KVHeads: a.heads, Width: a.width, Scale: 0.125, Causal: a.causal,
			Q: graph.HeadLayout{Stride: a.width}, K: graph.HeadLayout{Offset: w, Stride: a.width}, V: graph.HeadLayout{Offset: 2 * w, Stride: a.width},
		}
		var in []*graph.Node
		var sum *graph.Node // one gradient for all, as they add up to one loss
		for i := range a.repeats() {
			x := g.Input(fmt.Sprint("x", i), tensor.BF16, a.batch*a.length, 3*w)
			y := graph.Attention(x, x, x, at, graph.AttentionOpt{})
			in, out[fmt.Sprint(i)] = append(in, x), y
			if sum == nil {
				sum = y
			} else {
				sum = graph.Add(sum, y)
			}
		}
		if a.backward {
			loss := graph.Dot(graph.Cast(sum, tensor.F32), g.Input("d", tensor.F32, a.batch*a.length, w))
			for i, dx := range graph.Grad(loss, in...) {
				out[fmt.Sprint(i)] = dx
			}
		}
		m, err := program(ctx, s, b, g, out, float64(a.repeats())*a.flop()/1e12)
		m.Need = 1e12
		return m, err
	})
}
