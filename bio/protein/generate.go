package protein

import (
	"bytes"
	"cmp"
	"context"
	"fmt"
	"slices"

	"github.com/kiban-models/kiban/core/decode"
	"github.com/kiban-models/kiban/core/nn"
	"github.com/kiban-models/kiban/core/plan"
)

// GenerateOptions say what sequences to make. The zero value of Sampling is not
// ProtGPT2's recipe; see Recipe.
type GenerateOptions struct {
	N         int // sequences to return
	MaxTokens int // of a sequence, <|endoftext|> and the prompt included; 0 means 100
	Batch     int // sequences at once; 0 means 16
	Prompt    []byte
	// Fixed are residues demanded at positions, counted from 0.
	Fixed map[int]byte
	// MinLength and MaxLength bound the residues; 0 means no bound.
	MinLength, MaxLength int
	// Nonstandard lets the model use B, J, O, U, X and Z too, which it has seen
	// in training: X stands for unknown residues.
	Nonstandard bool
	// AsPublished leaves the model free to break lines where it likes and
	// discards samples of the wrong form, as ProtGPT2's recipe does. Otherwise
	// tokens that would break the layout of Text are not allowed, so that none
	// is lost to it.
	AsPublished bool
	Sampling    decode.Sampling
	// Attempts bounds the samples drawn; 0 means 10 for each sequence wanted.
	Attempts int
	// Progress, if set, is told of sequences kept.
	Progress func(done, total int)
}

// Recipe returns the sampling that ProtGPT2's authors recommend.
func Recipe() decode.Sampling {
	return decode.Sampling{Temperature: 1, TopK: 950, TopP: 1, RepetitionPenalty: 1.2}
}

// Candidate is a generated sequence with its likelihood.
type Candidate struct {
	Residues []byte
	Stream   int32 // with the seed and the options, the sequence again
	Complete bool  // the model ended it; otherwise MaxTokens or MaxLength did
	Score
}

// Generator generates with one model on one backend.
type Generator struct {
	Scoring Scoring // with the model, its tokenizer, policy and backend
}

// CompileGenerator plans a decoder, so that its memory is known.
func CompileGenerator(lim plan.Limits, c Config, p nn.Policy, prompt int, o GenerateOptions) (*decode.Plan, error) {
	o = o.withDefaults()
	if o.MaxTokens > c.Context {
		return nil, fmt.Errorf("protein: %d tokens wanted of a model that sees %d; lower --max-tokens", o.MaxTokens, c.Context)
	}
	return decode.Compile(lim, func(s nn.Scope) decode.Model { return NewCausal(s, c) }, p,
		decode.Shape{Batch: o.Batch, Len: o.MaxTokens, Prompt: prompt, Vocab: c.Vocab, EOS: c.EOT()})
}

func (o GenerateOptions) withDefaults() GenerateOptions {
	if o.MaxTokens == 0 {
		o.MaxTokens = 100
	}
	if o.Batch == 0 {
		o.Batch = 16
	}
	o.Batch = min(o.Batch, max(1, o.N))
	if o.Attempts == 0 {
		o.Attempts = 10 * o.N
	}
	return o
}

// Generate draws samples until it has o.N that are proteins by the layout of
// Text and within the bounds, and returns them with the likelihood that the
// model itself, without penalty and filters, gives them. Sample i of a seed is
// the same whatever N and Batch are. discarded counts samples of the wrong
// form, which ProtGPT2's recipe tells to drop.
func (g *Generator) Generate(ctx context.Context, o GenerateOptions) (kept []Candidate, discarded int, err error) {
	o = o.withDefaults()
	if err := o.check(); err != nil {
		return nil, 0, err
	}
	prompt, err := g.prompt(o)
	if err != nil {
		return nil, 0, err
	}
	s := &g.Scoring
	p, err := CompileGenerator(s.Backend.Limits(), s.Config, s.Policy, len(prompt), o)
	if err != nil {
		return nil, 0, err
	}
	d, err := p.Load(s.Backend)
	if err != nil {
		return nil, 0, err
	}
	defer d.Close()
	layout := g.layout(&o)
	var docs [][]int32
	for stream := 0; len(kept) < o.N && stream < o.Attempts; {
		var reqs []decode.Request
		for ; len(reqs) < o.Batch && stream < o.Attempts; stream++ {
			reqs = append(reqs, decode.Request{Prompt: prompt, Stream: int32(stream), Constrain: layout.constrain()})
		}
		samples, err := d.Generate(ctx, reqs, o.Sampling)
		if err != nil {
			return nil, discarded, err
		}
		for i, ids := range samples {
			if len(kept) == o.N {
				break
			}
			c := Candidate{Stream: reqs[i].Stream}
			ids = layout.trim(ids)
			text := ids[1:]
			if n := len(text); n > 0 && text[n-1] == s.Config.EOT() {
				c.Complete, text = true, text[:n-1]
			}
			var wrong error
			c.Residues, wrong = Residues(g.spell(text))
			c.Complete = c.Complete && (o.MaxLength == 0 || len(c.Residues) < o.MaxLength)
			if wrong != nil || !o.fits(c.Residues) {
				discarded++
				continue
			}
			kept, docs = append(kept, c), append(docs, ids)
		}
		if o.Progress != nil {
			o.Progress(len(kept), o.N)
		}
	}
	if len(kept) < o.N {
		return nil, discarded, fmt.Errorf("protein: only %d of %d samples were sequences that fit, %d were wanted; train longer, relax the constraints, or lower the temperature", len(kept), o.Attempts, o.N)
	}
	nats, err := s.Documents(ctx, docs)
	if err != nil {
		return nil, discarded, err
	}
	for i := range kept {
		kept[i].Score = s.summarise(docs[i], nats[i])
		kept[i].ID = fmt.Sprintf("kiban_%d_%d", o.Sampling.Seed, kept[i].Stream)
	}
	return kept, discarded, nil
}

// fits reports whether residues meet the demands; a sample that ran out of
// tokens may not have come to a fixed residue.
func (o GenerateOptions) fits(residues []byte) bool {
	for at, want := range o.Fixed {
		if at >= len(residues) || residues[at] != want {
			return false
		}
	}
	return len(residues) >= o.MinLength && (o.MaxLength == 0 || len(residues) <= o.MaxLength)
}

// check reports demands that no sequence can meet.
func (o GenerateOptions) check() error {
	if o.MaxLength > 0 && o.MinLength > o.MaxLength {
		return fmt.Errorf("protein: at least %d and at most %d residues wanted; no sequence has both", o.MinLength, o.MaxLength)
	}
	for at, want := range o.Fixed {
		switch {
		case want < 'A' || want > 'Z':
			return fmt.Errorf("protein: fixed residue %q at position %d is no residue; give a letter such as C", want, at+1)
		case !o.Nonstandard && bytes.IndexByte(standardResidues, want) < 0:
			return fmt.Errorf("protein: fixed residue %c at position %d is none of the 20 standard ones; allow it with --nonstandard", want, at+1)
		case at < 0 || o.MaxLength > 0 && at >= o.MaxLength:
			return fmt.Errorf("protein: fixed residue %c at position %d is outside the sequence of 1 to %d", want, at+1, o.MaxLength)
		case at < len(o.Prompt) && o.Prompt[at] != want:
			return fmt.Errorf("protein: fixed residue %c at position %d, but the prompt has %c there", want, at+1, o.Prompt[at])
		}
	}
	return nil
}

// Rank sorts candidates by perplexity, the likeliest first.
func Rank(all []Candidate) {
	slices.SortStableFunc(all, func(a, b Candidate) int { return cmp.Compare(a.Perplexity, b.Perplexity) })
}

func (g *Generator) spell(ids []int32) []byte {
	var text []byte
	for _, id := range ids {
		text = append(text, g.Scoring.Spelling.TokenBytes(id)...)
	}
	return text
}

// prompt returns the tokens to begin with: <|endoftext|> and the first line
// break, and the user's residues in the layout of Text, without the break that
// would end them.
func (g *Generator) prompt(o GenerateOptions) ([]int32, error) {
	for i, r := range o.Prompt {
		if r < 'A' || r > 'Z' {
			return nil, fmt.Errorf("protein: prompt, position %d: %q is no residue; give letters such as MKT", i+1, r)
		}
	}
	ids := []int32{g.Scoring.Config.EOT()}
	if len(o.Prompt) == 0 {
		return ids, nil
	}
	text := Text(o.Prompt)
	if len(o.Prompt)%LineWidth != 0 {
		text = bytes.TrimSuffix(text, []byte("\n"))
	}
	ids = g.Scoring.Tokenizer.Append(ids, text)
	if len(ids) >= o.MaxTokens {
		return nil, fmt.Errorf("protein: the prompt has %d tokens, and a sequence may have %d; raise --max-tokens", len(ids), o.MaxTokens)
	}
	return ids, nil
}
