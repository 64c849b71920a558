package pretrain

import (
	"context"
	"math"
	"path/filepath"

	"github.com/kiban-models/kiban/core/backend"
	"github.com/kiban-models/kiban/core/dataset"
	"github.com/kiban-models/kiban/core/graph"
	"github.com/kiban-models/kiban/core/mask"
	"github.com/kiban-models/kiban/core/nn"
	"github.com/kiban-models/kiban/core/plan"
	"github.com/kiban-models/kiban/materials/encoder"
)

// Evaluation is what a model comes to on held-out documents.
type Evaluation struct {
	// Loss is the mean cross-entropy of a masked token, in nats.
	Loss float64 `json:"eval_loss"`
	// Perplexity is exp of it: a pseudo-perplexity, since the token's
	// neighbours on both sides are seen.
	Perplexity float64 `json:"pseudo_perplexity"`
	// Unigram is the same of the frequencies of tokens in the training part,
	// one added to each.
	Unigram float64 `json:"unigram_perplexity"`
	Masked  int     `json:"masked_tokens"`
	Rows    int     `json:"rows"`
}

// evalSeed makes the masks of an evaluation others than those of training. They
// are the same in each.
const evalSeed = 0x6576616c

// scorer computes the losses of masked rows.
type scorer struct {
	config   encoder.Config
	policy   nn.Policy
	rows     int
	lengths  []int
	words    words
	mask     *mask.Masker
	programs *encoder.Programs[*batch]
}

func newScorer(b backend.Backend, c encoder.Config, p nn.Policy, rows int, lengths []int, v words, seed uint64, share float64) (*scorer, error) {
	m, err := v.masker(seed^evalSeed, share)
	s := &scorer{config: c.WithoutDropout(), policy: p, rows: rows, lengths: lengths, words: v, mask: m}
	s.programs = &encoder.Programs[*batch]{
		Backend: b, Context: c.Context, Keep: len(lengths), Compile: s.compile,
		Room: func(rows, length int) *batch { return newBatch(rows, length, m.Predictions(length), v.pad) },
	}
	return s, err
}

func (s *scorer) compile(lim plan.Limits, rows, length int) (*plan.Program, error) {
	g := graph.New()
	l := losses(nn.NewScope(g, s.policy), s.config, rows, length, s.mask.Predictions(length))
	return plan.Compile(g, lim, plan.Options{}, map[string]*graph.Node{"losses": l})
}

// memory returns what the programs need.
func (s *scorer) memory(lim plan.Limits) (all plan.Memory, err error) {
	for _, n := range s.lengths {
		p, err := s.compile(lim, s.rows, n)
		if err != nil {
			return all, err
		}
		m := p.Memory()
		all.Params = m.Params
		all.Scratch += m.Scratch
		all.IO += m.IO
	}
	return all, nil
}

// run calls each with the label and the loss of every masked token of the first
// rows of a data set.
func (s *scorer) run(ctx context.Context, d *dataset.Dataset, rows int64, each func(label int32, loss float32), done func(rows int64)) error {
	for at := int64(0); at < rows; at += int64(s.rows) {
		if err := ctx.Err(); err != nil {
			return err
		}
		var take []int64
		for i := at; i < min(rows, at+int64(s.rows)); i++ {
			take = append(take, i)
		}
		r, x, err := s.programs.Load(s.rows, s.lengths[shapeOf(s.lengths, longestOf(d, take))])
		if err != nil {
			return err
		}
		if _, _, err := x.fill(d, take, s.words, s.mask, uint64(at)); err != nil {
			return err
		}
		if err := x.write(r, false); err != nil {
			return err
		}
		if err := r.Run(ctx); err != nil {
			return err
		}
		losses, err := r.Read("losses")
		if err != nil {
			return err
		}
		for i, l := range x.labels.Int32() {
			if l >= 0 {
				each(l, losses.Float32()[i])
			}
		}
		if done != nil {
			done(at + int64(len(take)))
		}
	}
	return nil
}

// EvaluateOptions describe an evaluation of weights that are on a backend.
type EvaluateOptions struct {
	Data      string
	Config    encoder.Config
	Policy    nn.Policy
	BatchSize int
	Seed      uint64
	Share     float64 // of tokens that are masked; 0 means 0.15
	Rows      int64   // at most so many; 0 means all
	Progress  func(rows, total int64)
}

// Evaluate scores the held-out rows. Without any, or without a masked token,
// there is nothing to say, and ok is false.
func Evaluate(ctx context.Context, b backend.Backend, o EvaluateOptions) (e Evaluation, ok bool, err error) {
	sum, err := ReadSummary(o.Data)
	if err != nil {
		return e, false, err
	}
	if sum.Validation.Rows == 0 {
		return e, false, nil
	}
	t, err := OpenTokenizer(o.Data)
	if err != nil {
		return e, false, err
	}
	v, err := wordsOf(t.WordPiece)
	if err != nil {
		return e, false, err
	}
	d, err := dataset.Open(filepath.Join(o.Data, ValidationDir), dataset.OpenOptions{})
	if err != nil {
		return e, false, err
	}
	defer d.Close()
	unigram, err := unigram(filepath.Join(o.Data, TrainDir), v)
	if err != nil {
		return e, false, err
	}
	s, err := newScorer(b, o.Config, o.Policy, o.BatchSize, lengthsOf(min(sum.Validation.Longest, o.Config.Context), o.Config.Context), v, o.Seed, o.Share)
	if err != nil {
		return e, false, err
	}
	defer s.programs.Close()
	rows := d.Len()
	if o.Rows > 0 {
		rows = min(rows, o.Rows)
	}
	model, baseline := 0.0, 0.0
	err = s.run(ctx, d, rows, func(label int32, loss float32) {
		model, baseline = model+float64(loss), baseline+unigram[label]
		e.Masked++
	}, func(done int64) {
		if o.Progress != nil {
			o.Progress(done, rows)
		}
	})
	if err != nil || e.Masked == 0 {
		return e, false, err
	}
	n := float64(e.Masked)
	e.Loss, e.Perplexity, e.Unigram, e.Rows = model/n, math.Exp(model/n), math.Exp(baseline/n), int(rows)
	return e, true, nil
}

// unigram returns for each token the negative logarithm of its share in the
// training part, one added to each token that may be masked.
func unigram(dir string, v words) ([]float64, error) {
	d, err := dataset.Open(dir, dataset.OpenOptions{})
	if err != nil {
		return nil, err
	}
	defer d.Close()
	counts, total := make([]float64, len(v.special)), 0.0
	for id, special := range v.special {
		if !special {
			counts[id], total = 1, total+1
		}
	}
	buf := make([]int32, 1<<16)
	for at := int64(0); at < d.Tokens(); {
		n := d.Read(buf, at)
		at += int64(n)
		for _, id := range buf[:n] {
			if id >= 0 && int(id) < len(counts) && !v.special[id] {
				counts[id]++
				total++
			}
		}
	}
	for id := range counts {
		counts[id] = math.Log(total) - math.Log(counts[id])
	}
	return counts, nil
}
