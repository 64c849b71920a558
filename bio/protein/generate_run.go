package protein

import (
	"context"
	"errors"
	"fmt"

	"github.com/kiban-models/kiban/core/decode"
)

// generation is one run of Generate.
type generation struct {
	g       *Generator
	o       GenerateOptions
	jobs    []*job
	scoring *Scoring
	each    func([]Candidate, []Position) error
}

// draw is a sequence that a decoder is asked for.
type draw struct {
	job    int
	stream int32
}

// sample draws batches until every prompt has its sequences.
func (w *generation) sample(ctx context.Context, p *decode.Plan) error {
	d, err := p.Load(w.g.Scoring.Backend)
	if err != nil {
		return err
	}
	defer d.Close()
	for {
		draws := w.next()
		if len(draws) == 0 {
			return w.enough()
		}
		var reqs []decode.Request
		for _, x := range draws {
			j := w.jobs[x.job]
			reqs = append(reqs, decode.Request{Prompt: j.tokens, Stream: x.stream, Constrain: j.layout.constrain()})
		}
		samples, err := d.Generate(ctx, reqs, w.o.Sampling)
		if err != nil {
			return w.explain(err, draws)
		}
		if err := w.keep(ctx, draws, samples); err != nil {
			return err
		}
	}
}

// next chooses the draws of a batch: what the prompts lack, in their order,
// and, where room is left, more of those that are not done, for samples may
// have to be discarded.
func (w *generation) next() []draw {
	var all []draw
	taken := make([]int32, len(w.jobs))
	add := func(i, n int) {
		j := w.jobs[i]
		for ; n > 0 && len(all) < w.o.Batch && j.at.Next+taken[i] < j.limit; n-- {
			all = append(all, draw{i, j.at.Next + taken[i]})
			taken[i]++
		}
	}
	for i, j := range w.jobs {
		add(i, j.N-j.at.Kept)
	}
	for i, j := range w.jobs {
		if j.at.Kept < j.N {
			add(i, w.o.Batch)
		}
	}
	return all
}

// enough reports prompts whose attempts are spent.
func (w *generation) enough() error {
	for _, j := range w.jobs {
		if j.at.Kept < j.N {
			return &TooFewError{Prompt: j.label, Kept: j.at.Kept, Drawn: int(j.at.Next), Wants: j.N}
		}
	}
	return nil
}

// search runs the beam searches.
func (w *generation) search(ctx context.Context, p *decode.BeamPlan) error {
	d, err := p.Load(w.g.Scoring.Backend)
	if err != nil {
		return err
	}
	defer d.Close()
	for at := 0; at < len(w.jobs); {
		var reqs []decode.Request
		var searched []draw
		o := w.o.Search
		for ; at < len(w.jobs) && len(reqs) < w.o.Batch/w.o.Beams; at++ {
			if j := w.jobs[at]; j.at.Kept < j.N {
				reqs = append(reqs, decode.Request{Prompt: j.tokens, Constrain: j.layout.constrain()})
				searched = append(searched, draw{job: at})
			}
		}
		if len(reqs) == 0 {
			break
		}
		o.Return = w.o.Beams // some may be of the wrong form
		found, err := d.Search(ctx, reqs, o)
		if err != nil {
			return w.explain(err, searched)
		}
		var draws []draw
		var samples [][]int32
		for i, all := range found {
			for rank, h := range all {
				draws, samples = append(draws, draw{searched[i].job, int32(rank)}), append(samples, h.Tokens)
			}
		}
		if err := w.keep(ctx, draws, samples); err != nil {
			return err
		}
	}
	return w.enough()
}

// explain names the prompt of a sequence that came to a dead end.
func (w *generation) explain(err error, draws []draw) error {
	var dead *decode.DeadEnd
	if errors.As(err, &dead) {
		j := w.jobs[draws[dead.Sequence].job]
		return fmt.Errorf("protein: %sa sequence came to where the tokenizer has no token that its constraints allow; relax them", j.label)
	}
	return err
}

// keep scores the samples that fit, and hands them on.
func (w *generation) keep(ctx context.Context, draws []draw, samples [][]int32) error {
	var kept []Candidate
	var docs [][]int32
	for i, ids := range samples {
		j := w.jobs[draws[i].job]
		if j.at.Kept == j.N {
			continue
		}
		j.at.Next = draws[i].stream + 1
		c, ids, ok := w.read(j, ids)
		if !ok {
			j.at.Discarded++
			continue
		}
		j.at.Kept++
		c.Prompt, c.Stream = draws[i].job, draws[i].stream
		kept, docs = append(kept, c), append(docs, ids)
	}
	nats, err := w.scoring.Documents(ctx, docs)
	if err != nil {
		return err
	}
	for i := range kept {
		kept[i].Score = w.scoring.summarise(docs[i], nats[i])
		name := w.jobs[kept[i].Prompt].Name
		if name == "" {
			name = "kiban"
		}
		kept[i].ID = fmt.Sprintf("%s_%d_%d", name, w.o.Sampling.Seed, kept[i].Stream)
	}
	positions := make([]Position, len(w.jobs))
	for i, j := range w.jobs {
		positions[i] = j.at
	}
	return w.each(kept, positions)
}

// read returns the residues of a sample and the tokens that spell them; ok is
// false if it has not the form of Text or does not meet the constraints: one
// that ran out of tokens may not have come to a fixed residue.
func (w *generation) read(j *job, ids []int32) (c Candidate, doc []int32, ok bool) {
	ids = j.layout.trim(ids)
	text := ids[1:]
	if n := len(text); n > 0 && text[n-1] == w.g.Scoring.Config.EOT() {
		c.Complete, text = true, text[:n-1]
	}
	var spelled []byte
	for _, id := range text {
		spelled = append(spelled, w.g.Scoring.Spelling.TokenBytes(id)...)
	}
	var err error
	c.Residues, err = Residues(spelled)
	c.Complete = c.Complete && (j.MaxLength == 0 || len(c.Residues) < j.MaxLength)
	return c, ids, err == nil && j.Fits(c.Residues)
}
