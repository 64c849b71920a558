package decode

import (
	"context"
	"errors"

	"github.com/kiban-models/kiban/core/backend"
	"github.com/kiban-models/kiban/core/graph"
	"github.com/kiban-models/kiban/core/nn"
	"github.com/kiban-models/kiban/core/plan"
	"github.com/kiban-models/kiban/core/tensor"
	"github.com/kiban-models/kiban/core/transformer"
)

// prefillPlan fills the caches with prompts, but for their last tokens. There
// is one program for each of a few lengths, and which one a prompt goes through
// depends on its own length alone: so its rounding does not depend on the other
// prompts of the batch.
type prefillPlan struct {
	shape    Shape
	lengths  []int
	programs []*plan.Program
}

// prefillLength is the length of the program for n tokens: powers of two from
// 8, as far as the cache has room.
func prefillLength(n, room int) int {
	l := 8
	for l < n {
		l *= 2
	}
	return min(l, room)
}

func compilePrefill(lim plan.Limits, build func(nn.Scope) Model, p nn.Policy, s Shape) (prefillPlan, error) {
	d := prefillPlan{shape: s}
	for n := 1; n < s.Prompt; n = d.lengths[len(d.lengths)-1] + 1 {
		t := prefillLength(n, s.Len-1)
		g := graph.New()
		m := build(nn.NewScope(g, p))
		ids, places := g.Input("ids", tensor.I32, s.Batch, t), g.Input("positions", tensor.I32, s.Batch, t)
		m.Hidden(ids, places, transformer.Pass{Batch: s.Batch, Len: t, Cache: s.cache(g.Input("start", tensor.I32, s.Batch))})
		program, err := plan.Compile(g, lim, plan.Options{}, nil)
		if err != nil {
			return d, err
		}
		d.lengths, d.programs = append(d.lengths, t), append(d.programs, program)
	}
	return d, nil
}

// cache is the decoder's key/value cache for a pass that starts at pos.
func (s Shape) cache(pos *graph.Node) *transformer.Cache {
	return &transformer.Cache{Name: s.state("cache"), Len: s.Len, Pos: pos}
}

// prefill is a prefillPlan on a backend.
type prefill struct {
	prefillPlan
	runners []backend.Runner
}

func (d prefillPlan) load(b backend.Backend) (prefill, error) {
	f := prefill{prefillPlan: d}
	for _, p := range d.programs {
		r, err := b.Load(p)
		if err != nil {
			f.Close()
			return f, err
		}
		f.runners = append(f.runners, r)
	}
	return f, nil
}

// run fills row i of the caches with prompts[i]. It does not wait for the device.
func (f *prefill) run(prompts [][]int32) error {
	for i, t := range f.lengths {
		b := f.shape.Batch
		ids, places, start := tensor.New(tensor.I32, b, t), tensor.New(tensor.I32, b, t), tensor.New(tensor.I32, b)
		any := false
		for row := range b {
			// Rows past the end of the cache are dropped: those of prompts
			// that another program runs, or has run.
			start.Int32()[row] = int32(f.shape.Len)
			for j := range t {
				places.Int32()[row*t+j] = int32(j)
			}
			if row >= len(prompts) {
				continue
			}
			if n := len(prompts[row]) - 1; n > 0 && prefillLength(n, f.shape.Len-1) == t {
				copy(ids.Int32()[row*t:(row+1)*t], prompts[row][:n])
				start.Int32()[row], any = 0, true
			}
		}
		if !any {
			continue
		}
		for name, x := range map[string]*tensor.Tensor{"ids": ids, "positions": places, "start": start} {
			if err := f.runners[i].Write(name, x); err != nil {
				return err
			}
		}
		if err := f.runners[i].Start(context.Background()); err != nil {
			return err
		}
	}
	return nil
}

// Close frees the programs.
func (f *prefill) Close() error {
	var all []error
	for _, r := range f.runners {
		all = append(all, r.Close())
	}
	return errors.Join(all...)
}
