package protein

import (
	"context"
	"path/filepath"

	"github.com/kiban-models/kiban/core/dataset"
	"github.com/kiban-models/kiban/core/metric"
)

// Evaluation compares a model with baselines on held-out sequences, all by
// perplexity per residue as package metric defines it. Without any sequences
// there is none: all is 0, and left out of JSON.
type Evaluation struct {
	Sequences       int     `json:"eval_sequences"`
	Residues        int64   `json:"eval_residues"`
	Tokens          int64   `json:"eval_tokens"`
	Loss            float64 `json:"eval_loss,omitempty"`       // nats a token
	TokenPerplexity float64 `json:"eval_perplexity,omitempty"` // a token
	Perplexity      float64 `json:"eval_perplexity_per_residue,omitempty"`
	Unigram         float64 `json:"unigram_perplexity_per_residue,omitempty"`
	Markov          float64 `json:"markov2_perplexity_per_residue,omitempty"`
	// TrainResidues is the number that the baselines were fitted on.
	TrainResidues int64 `json:"baseline_train_residues"`
}

// EvaluateOptions bound the work; zero values mean 1 Mi tokens of validation
// and 256 Mi residues for the baselines, both from the beginning of the data.
type EvaluateOptions struct {
	Tokens        int64
	TrainResidues int64
	Progress      func(done, total int64) // tokens scored
}

// Evaluate scores the validation part of data, which Prepare wrote, and the
// baselines on the same sequences.
func Evaluate(ctx context.Context, s *Scoring, data string, o EvaluateOptions) (Evaluation, error) {
	if o.Tokens == 0 {
		o.Tokens = 1 << 20
	}
	if o.TrainResidues == 0 {
		o.TrainResidues = 256 << 20
	}
	var e Evaluation
	valid, err := dataset.Open(filepath.Join(data, ValidationDir), dataset.OpenOptions{})
	if err != nil {
		return e, err
	}
	defer valid.Close()
	if valid.Len() == 0 {
		return e, nil
	}
	unigram, markov, err := s.baselines(ctx, data, o.TrainResidues)
	if err != nil {
		return e, err
	}
	e.TrainResidues = unigram.residues
	var model, first, second metric.Likelihood
	total := min(o.Tokens, valid.Tokens())
	const atATime = 512 // documents: enough to fill batches of each length
	var docs [][]int32
	flush := func() error {
		nats, err := s.Documents(ctx, docs)
		if err != nil {
			return err
		}
		for i, doc := range docs {
			sc := s.summarise(doc, nats[i])
			model.Add(-sc.LogLikelihood, int64(sc.Length+1))
			e.Tokens += int64(sc.Tokens)
			e.Residues += int64(sc.Length)
			e.Sequences++
			residues := s.residues(doc)
			for _, b := range []struct {
				m *metric.Markov
				l *metric.Likelihood
			}{{unigram.m, &first}, {markov.m, &second}} {
				l, err := b.m.Score(residues)
				if err != nil {
					return err
				}
				b.l.Add(l.Nats, l.Places)
			}
		}
		docs = docs[:0]
		if o.Progress != nil {
			o.Progress(e.Tokens, total)
		}
		return nil
	}
	var pending int64
	for doc, err := range valid.Documents() {
		if err != nil {
			return e, err
		}
		docs = append(docs, append(append([]int32{}, doc...), s.Config.EOT()))
		pending += int64(len(doc))
		if len(docs) == atATime || e.Tokens+pending >= o.Tokens {
			if err := flush(); err != nil {
				return e, err
			}
			pending = 0
			if e.Tokens >= o.Tokens {
				break
			}
		}
	}
	if len(docs) > 0 {
		if err := flush(); err != nil {
			return e, err
		}
	}
	e.Loss = model.Nats / float64(max(1, e.Tokens))
	e.TokenPerplexity = Perplexity(model.Nats, int(e.Tokens))
	e.Perplexity, e.Unigram, e.Markov = model.Perplexity(), first.Perplexity(), second.Perplexity()
	return e, nil
}

type baseline struct {
	m        *metric.Markov
	residues int64
}

// baselines fits an order-0 and an order-2 model on the training part.
func (s *Scoring) baselines(ctx context.Context, data string, limit int64) (unigram, markov baseline, err error) {
	set, err := dataset.Open(filepath.Join(data, TrainDir), dataset.OpenOptions{})
	if err != nil {
		return
	}
	defer set.Close()
	if unigram.m, err = metric.NewMarkov(0); err != nil {
		return
	}
	if markov.m, err = metric.NewMarkov(2); err != nil {
		return
	}
	for doc, derr := range set.Documents() {
		if err = derr; err == nil {
			err = ctx.Err()
		}
		if err != nil {
			return
		}
		residues := s.residues(doc)
		if err = unigram.m.Train(residues); err != nil {
			return
		}
		if err = markov.m.Train(residues); err != nil {
			return
		}
		unigram.residues += int64(len(residues))
		if unigram.residues >= limit {
			break
		}
	}
	return
}

// residues spells a document without its line breaks and end.
func (s *Scoring) residues(doc []int32) []byte {
	var out []byte
	for _, id := range doc {
		if id == s.Config.EOT() {
			continue
		}
		for _, c := range s.Spelling.TokenBytes(id) {
			if c != '\n' {
				out = append(out, c)
			}
		}
	}
	return out
}
