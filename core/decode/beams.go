package decode

import (
	"context"
	"errors"
	"fmt"
	"strings"

	"github.com/kiban-models/kiban/core/backend"
	"github.com/kiban-models/kiban/core/graph"
	"github.com/kiban-models/kiban/core/nn"
	"github.com/kiban-models/kiban/core/plan"
	"github.com/kiban-models/kiban/core/tensor"
	"github.com/kiban-models/kiban/core/transformer"
)

// BeamPlan is a decoder for beam search that is compiled but not loaded.
type BeamPlan struct {
	shape   Shape
	beams   int
	step    *plan.Program
	prefill prefillPlan
	moves   []movePlan
}

// movePlan moves the first length places of the caches between rows.
type movePlan struct {
	length  int
	program *plan.Program
}

// CompileBeams plans beam search with so many beams a request. s.Batch is the
// number of rows: s.Batch/beams requests are searched at once.
func CompileBeams(lim plan.Limits, build func(nn.Scope) Model, p nn.Policy, s Shape, beams int) (*BeamPlan, error) {
	if err := s.validate(); err != nil {
		return nil, err
	}
	if beams <= 0 || s.Batch%beams != 0 {
		return nil, fmt.Errorf("decode: %d beams in a batch of %d; it must hold some requests with all their beams", beams, s.Batch)
	}
	if s.Vocab < 2*beams {
		return nil, fmt.Errorf("decode: %d beams with a vocabulary of %d; it must be twice as many at least", beams, s.Vocab)
	}
	d := &BeamPlan{shape: s, beams: beams}
	g := graph.New()
	m := build(nn.NewScope(g, p))
	current, pos := g.Input("current", tensor.I32, s.Batch), g.Input("pos", tensor.I32, s.Batch)
	logits := m.Logits(m.Hidden(current, pos, transformer.Pass{Batch: s.Batch, Len: 1, Cache: s.cache(pos)}))
	var err error
	if d.step, err = plan.Compile(g, lim, plan.Options{}, map[string]*graph.Node{"logits": logits}); err != nil {
		return nil, err
	}
	if d.prefill, err = compilePrefill(lim, build, p, s); err != nil {
		return nil, err
	}
	for t := 64; ; t *= 4 {
		t = min(t, s.Len)
		program, err := s.compileMove(lim, g, t)
		if err != nil {
			return nil, err
		}
		d.moves = append(d.moves, movePlan{t, program})
		if t == s.Len {
			return d, nil
		}
	}
}

// compileMove plans the move of t places of every cache that the graph of a
// model declares. Layer by layer: the rows of one are gathered, then written.
func (s Shape) compileMove(lim plan.Limits, model *graph.Graph, t int) (*plan.Program, error) {
	g := graph.New()
	rows, start := g.Input("rows", tensor.I32, s.Batch*t), g.Input("start", tensor.I32, s.Batch)
	for _, n := range model.Nodes() {
		if n.Kind() == graph.State && strings.HasPrefix(n.Name(), s.state("cache")+".") {
			cache := g.State(n.Name(), n.DType(), n.Shape()...)
			graph.CacheWrite(cache, graph.Embed(cache, rows, cache.DType()), start, 0)
		}
	}
	return plan.Compile(g, lim, plan.Options{}, nil)
}

// Memory returns what the search needs on the device, in bytes.
func (d *BeamPlan) Memory() plan.Memory {
	m := withPrograms(d.step.Memory(), d.prefill.programs)
	for _, mv := range d.moves {
		m = withPrograms(m, []*plan.Program{mv.program})
	}
	return m
}

// BeamDecoder searches on a backend.
type BeamDecoder struct {
	shape   Shape
	beams   int
	step    backend.Runner
	prefill prefill
	moves   []move

	current, pos *tensor.Tensor
}

type move struct {
	length int
	runner backend.Runner
	rows   *tensor.Tensor
}

// Load loads a plan. The parameters must have been put.
func (d *BeamPlan) Load(b backend.Backend) (_ *BeamDecoder, err error) {
	dec := &BeamDecoder{shape: d.shape, beams: d.beams, current: tensor.New(tensor.I32, d.shape.Batch), pos: tensor.New(tensor.I32, d.shape.Batch)}
	if dec.step, err = b.Load(d.step); err != nil {
		return nil, err
	}
	if dec.prefill, err = d.prefill.load(b); err != nil {
		dec.step.Close()
		return nil, err
	}
	for _, m := range d.moves {
		r, err := b.Load(m.program)
		if err == nil {
			dec.moves = append(dec.moves, move{m.length, r, tensor.New(tensor.I32, d.shape.Batch*m.length)})
			err = r.Write("start", tensor.New(tensor.I32, d.shape.Batch))
		}
		if err != nil {
			dec.Close()
			return nil, err
		}
	}
	return dec, nil
}

// Search completes up to Shape.Batch/beams requests by beam search. It returns
// the best sequences of each request, the best first: as many as wanted, fewer
// only where the constraints leave no more. Stream and the constraints' right
// to take back do not apply. When ctx ends it returns that error, after the
// token it is at.
func (d *BeamDecoder) Search(ctx context.Context, reqs []Request, o BeamSearch) ([][]Hypothesis, error) {
	if len(reqs) == 0 || len(reqs)*d.beams > d.shape.Batch {
		return nil, fmt.Errorf("decode: %d requests with %d beams each for a batch of %d", len(reqs), d.beams, d.shape.Batch)
	}
	if err := o.validate(d.beams); err != nil {
		return nil, err
	}
	all := make([]*search, len(reqs))
	prompts := make([][]int32, 0, d.shape.Batch)
	for i, r := range reqs {
		if err := d.shape.checkRequest(i, r); err != nil {
			return nil, err
		}
		all[i] = newSearch(i, r, o, d.shape, d.beams)
		for range d.beams {
			prompts = append(prompts, r.Prompt)
		}
	}
	if err := d.prefill.run(prompts); err != nil {
		return nil, err
	}
	clear(d.current.Int32())
	clear(d.pos.Int32())
	for d.place(all) {
		if err := ctx.Err(); err != nil {
			return nil, err
		}
		logits, err := d.logits(ctx)
		if err != nil {
			return nil, err
		}
		from := make([]int, d.shape.Batch)
		for row := range from {
			from[row] = row
		}
		for i, s := range all {
			if s.over {
				continue
			}
			first := i * d.beams
			rows, err := s.step(func(row int) []float32 { return logits[(first+row)*d.shape.Vocab:][:d.shape.Vocab] })
			if err != nil {
				return nil, err
			}
			for row, parent := range rows {
				from[first+row] = first + parent
			}
		}
		if err := d.move(ctx, from); err != nil {
			return nil, err
		}
	}
	out := make([][]Hypothesis, len(all))
	for i, s := range all {
		out[i] = s.results()
	}
	return out, nil
}

// place writes the last token of each running beam, and reports whether there
// is any.
func (d *BeamDecoder) place(all []*search) bool {
	any := false
	for i, s := range all {
		if s.over {
			continue
		}
		any = true
		for _, b := range s.running {
			row, last := i*d.beams+b.row, len(b.tokens)-1
			d.current.Int32()[row], d.pos.Int32()[row] = b.tokens[last], int32(last)
		}
	}
	return any
}

func (d *BeamDecoder) logits(ctx context.Context) ([]float32, error) {
	for name, t := range map[string]*tensor.Tensor{"current": d.current, "pos": d.pos} {
		if err := d.step.Write(name, t); err != nil {
			return nil, err
		}
	}
	if err := d.step.Run(ctx); err != nil {
		return nil, err
	}
	t, err := d.step.Read("logits")
	if err != nil {
		return nil, err
	}
	return t.Float32(), nil
}

// move gives row i of the caches the content of row from[i], as far as tokens
// have come.
func (d *BeamDecoder) move(ctx context.Context, from []int) error {
	need, length := false, 0
	for row, parent := range from {
		if row != parent {
			need, length = true, max(length, int(d.pos.Int32()[parent])+1)
		}
	}
	if !need {
		return nil
	}
	for _, m := range d.moves {
		if m.length < length {
			continue
		}
		for row, parent := range from {
			for t := range m.length {
				m.rows.Int32()[row*m.length+t] = int32(parent*d.shape.Len + t)
			}
		}
		if err := m.runner.Write("rows", m.rows); err != nil {
			return err
		}
		return m.runner.Start(ctx)
	}
	return fmt.Errorf("decode: no program moves %d places", length) // the last one moves them all
}

// Close frees the programs.
func (d *BeamDecoder) Close() error {
	all := []error{d.step.Close(), d.prefill.Close()}
	for _, m := range d.moves {
		all = append(all, m.runner.Close())
	}
	return errors.Join(all...)
}
