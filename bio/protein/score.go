package protein

import (
	"bytes"
	"context"
	"fmt"
	"math"

	"github.com/kiban-models/kiban/core/backend"
	"github.com/kiban-models/kiban/core/nn"
)

// Score is the likelihood of one sequence under a model.
type Score struct {
	ID     string `json:"id"`
	Length int    `json:"length"` // residues
	Tokens int    `json:"tokens"` // predicted: line breaks and the end included
	// LogLikelihood is the sum over tokens, in nats.
	LogLikelihood float64 `json:"log_likelihood"`
	// Perplexity is exp of the mean over tokens: the number by which ProtGPT2
	// ranks, comparable between models with one tokenizer.
	Perplexity float64 `json:"perplexity"`
	// ResiduePerplexity is exp(-LogLikelihood / (Length+1)): comparable between
	// all models. The 1 is the end of the sequence.
	ResiduePerplexity float64 `json:"residue_perplexity"`
	BitsPerResidue    float64 `json:"bits_per_residue"`
	// Nats is the negative log-likelihood of each residue. A token's is shared
	// equally by its residues; a line break's goes to the residue before it,
	// the end's to the last.
	Nats []float64 `json:"-"`
}

// Spelling gives the bytes that a token stands for.
type Spelling interface {
	TokenBytes(id int32) []byte
}

// ScorerOptions are the sizes that Scoring works with.
type ScorerOptions struct {
	Context     int // tokens the model sees at most; 0 means its n_positions
	BatchTokens int // of a batch, padding included; 0 means 4096
	// Rows is the number of rows of every batch, whatever there is to score,
	// so that a likelihood has the same bits beside any others; 0 means as
	// many as are needed, up to BatchTokens.
	Rows int
}

// Scoring computes likelihoods of sequences of any length. Short ones are
// batched in rows of a few lengths; long ones are cut into windows that
// overlap by half, so that each token has at least half a context before it.
type Scoring struct {
	Tokenizer Tokenizer
	Spelling  Spelling
	Config    Config
	Policy    nn.Policy
	Options   ScorerOptions
	Backend   backend.Backend

	programs map[rowShape]*Scorer
}

// rowShape is what a scorer is compiled for.
type rowShape struct{ rows, length int }

// window is a part of a document that one row scores.
type window struct {
	doc, from int // the row's first input token
	n         int // places
	skip      int // places at the front that another window scored
}

// Documents returns the negative log-likelihood of each token after the first
// of each document, in nats. A document begins with <|endoftext|>.
func (s *Scoring) Documents(ctx context.Context, docs [][]int32) ([][]float32, error) {
	out := make([][]float32, len(docs))
	longest := s.context()
	byLength := map[int][]window{}
	for i, d := range docs {
		out[i] = make([]float32, max(0, len(d)-1))
		for from := 0; from < len(d)-1; {
			w := window{doc: i, from: from, n: min(len(d)-1-from, longest)}
			if from > 0 {
				w.skip = longest / 2
			}
			l := s.rowLength(w.n)
			byLength[l] = append(byLength[l], w)
			if from+w.n >= len(d)-1 {
				break
			}
			from += longest - longest/2
		}
	}
	for l := range byLength {
		if err := s.score(ctx, l, byLength[l], docs, out); err != nil {
			return nil, err
		}
	}
	return out, nil
}

func (s *Scoring) context() int {
	if s.Options.Context > 0 {
		return min(s.Options.Context, s.Config.Context)
	}
	return s.Config.Context
}

// rowLength is the shortest row on offer for n places: powers of two from 64.
func (s *Scoring) rowLength(n int) int {
	l := 64
	for l < n {
		l *= 2
	}
	return min(l, s.context())
}

// program returns a scorer for rows of a length: as many as fill a batch, or
// no more than are needed, up to a power of two.
func (s *Scoring) program(windows, length int) (*Scorer, error) {
	tokens := s.Options.BatchTokens
	if tokens <= 0 {
		tokens = 4096
	}
	shape := rowShape{1, length}
	for most := max(1, tokens/length); shape.rows < min(windows, most); {
		shape.rows = min(2*shape.rows, most)
	}
	if s.Options.Rows > 0 {
		shape.rows = s.Options.Rows
	}
	if r := s.programs[shape]; r != nil {
		return r, nil
	}
	r, err := NewScorer(s.Backend, s.Config, s.Policy, shape.rows, length)
	if err != nil {
		return nil, err
	}
	if s.programs == nil {
		s.programs = map[rowShape]*Scorer{}
	}
	s.programs[shape] = r
	return r, nil
}

func (s *Scoring) score(ctx context.Context, length int, windows []window, docs [][]int32, out [][]float32) error {
	r, err := s.program(len(windows), length)
	if err != nil {
		return err
	}
	for len(windows) > 0 {
		if err := ctx.Err(); err != nil {
			return err
		}
		now := windows[:min(len(windows), r.Batch.Batch)]
		windows = windows[len(now):]
		clear(r.Batch.Tokens)
		for i := range r.Batch.Labels {
			r.Batch.Labels[i] = -1
		}
		for i, w := range now {
			copy(r.Batch.Tokens[i*length:], docs[w.doc][w.from:w.from+w.n])
			copy(r.Batch.Labels[i*length:], docs[w.doc][w.from+1:w.from+1+w.n])
		}
		losses, err := r.Losses(ctx)
		if err != nil {
			return err
		}
		for i, w := range now {
			copy(out[w.doc][w.from+w.skip:], losses[i*length+w.skip:i*length+w.n])
		}
	}
	return nil
}

// Sequences scores residues. ids name the results.
func (s *Scoring) Sequences(ctx context.Context, ids []string, residues [][]byte) ([]Score, error) {
	eot := s.Config.EOT()
	docs := make([][]int32, len(residues))
	for i, r := range residues {
		docs[i] = append(s.Tokenizer.Append([]int32{eot}, Text(r)), eot)
	}
	nats, err := s.Documents(ctx, docs)
	if err != nil {
		return nil, err
	}
	scores := make([]Score, len(residues))
	for i := range scores {
		scores[i] = s.summarise(docs[i], nats[i])
		scores[i].ID = ids[i]
		if scores[i].Length != len(residues[i]) {
			return nil, fmt.Errorf("protein: the tokens of %s spell %d residues of %d; is the tokenizer one for proteins?", ids[i], scores[i].Length, len(residues[i]))
		}
	}
	return scores, nil
}

// summarise adds up the nats of a document's tokens after the first. Whether
// it ends with <|endoftext|> or was cut off makes no difference but for the 1.
func (s *Scoring) summarise(doc []int32, nats []float32) Score {
	sc := Score{Tokens: len(nats)}
	total, ended := 0.0, 0
	for i, id := range doc[1:] {
		n := float64(nats[i])
		total += n
		text := s.Spelling.TokenBytes(id)
		if id == s.Config.EOT() {
			ended, text = 1, nil
		}
		letters := len(text) - bytes.Count(text, []byte("\n"))
		for range letters {
			sc.Nats = append(sc.Nats, n/float64(letters))
		}
		if letters == 0 && len(sc.Nats) > 0 {
			sc.Nats[len(sc.Nats)-1] += n
		}
	}
	sc.Length = len(sc.Nats)
	sc.LogLikelihood = -total
	sc.Perplexity = Perplexity(total, sc.Tokens)
	sc.ResiduePerplexity = Perplexity(total, sc.Length+ended)
	sc.BitsPerResidue = total / math.Ln2 / float64(max(1, sc.Length+ended))
	return sc
}

// Close frees the programs.
func (s *Scoring) Close() error {
	var err error
	for _, r := range s.programs {
		if e := r.Close(); err == nil {
			err = e
		}
	}
	s.programs = nil
	return err
}
