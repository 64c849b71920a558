package protein

import (
	"bytes"
	"cmp"
	"context"
	"errors"
	"fmt"
	"slices"

	"github.com/kiban-models/kiban/core/decode"
	"github.com/kiban-models/kiban/core/nn"
	"github.com/kiban-models/kiban/core/plan"
)

// Prompt is what sequences begin with and must meet.
type Prompt struct {
	Name     string // begins their IDs; "kiban" if it is empty
	Residues []byte
	N        int // sequences to make
	Constraints
}

// GenerateOptions say how sequences are made. The zero value of Sampling is not
// ProtGPT2's recipe; see Recipe.
type GenerateOptions struct {
	MaxTokens int // of a sequence, <|endoftext|> and the prompt included; 0 means 100
	Batch     int // sequences at once, or beams of all searches; 0 means 16
	// AsPublished leaves the model free to break lines where it likes and
	// discards samples of the wrong form, as ProtGPT2's recipe does. Otherwise
	// tokens that would break the layout of Text are not allowed, so that none
	// is lost to it. A prompt with constraints is held to the layout all the
	// same.
	AsPublished bool
	Sampling    decode.Sampling
	// Beams, if more than 1, replaces sampling by a beam search of so many
	// beams for each prompt, whose N best sequences are returned.
	Beams  int
	Search decode.BeamSearch // but for Return
	// Attempts bounds the samples drawn for each sequence wanted; 0 means 10.
	Attempts int
	// From goes on where an earlier run with the same prompts and options has
	// come to; nil begins.
	From []Position
}

// Position is how far the sequences of a prompt have come.
type Position struct {
	Next      int32 // stream to draw next
	Kept      int
	Discarded int // samples of the wrong form
}

// Recipe returns the sampling that ProtGPT2's authors recommend.
func Recipe() decode.Sampling {
	return decode.Sampling{Temperature: 1, TopK: 950, TopP: 1, RepetitionPenalty: 1.2}
}

// Candidate is a generated sequence with its likelihood.
type Candidate struct {
	Prompt   int // number of the prompt
	Residues []byte
	Stream   int32 // with the seed and the options, the sequence again; of beams, the rank
	Complete bool  // the model ended it; otherwise MaxTokens or MaxLength did
	Score
}

// Generator generates with one model on one backend.
type Generator struct {
	Scoring Scoring // with the model, its tokenizer, policy and backend
	trie    *trie
}

// TooFewError says that a prompt's samples, or beams, were not enough.
type TooFewError struct {
	Prompt             string
	Kept, Drawn, Wants int
}

func (e *TooFewError) Error() string {
	return fmt.Sprintf("protein: %sonly %d of %d samples were sequences that fit, %d were wanted; train longer, relax the constraints, or lower the temperature",
		e.Prompt, e.Kept, e.Drawn, e.Wants)
}

// job is a prompt at work.
type job struct {
	*Prompt
	label  string // for errors
	tokens []int32
	layout *layout // nil if the model is free
	at     Position
	limit  int32 // streams
}

// maxStream bounds the streams of a prompt: decode keeps those above for what
// is drawn again.
const maxStream = 1 << 20

func (o GenerateOptions) withDefaults(prompts []Prompt) GenerateOptions {
	if o.MaxTokens == 0 {
		o.MaxTokens = 100
	}
	if o.Batch == 0 {
		o.Batch = 16
	}
	if o.Attempts == 0 {
		o.Attempts = 10
	}
	if o.Beams > 1 {
		o.Batch = o.Beams * max(1, min(o.Batch/o.Beams, len(prompts)))
		return o
	}
	n := 0
	for _, p := range prompts {
		n += p.N
	}
	o.Batch = min(o.Batch, max(1, n))
	return o
}

// jobs prepares the prompts, and reports what cannot be met by any sequence.
func (g *Generator) jobs(prompts []Prompt, o GenerateOptions) ([]*job, error) {
	if len(prompts) == 0 {
		return nil, errors.New("protein: no prompt; one without residues lets the model begin")
	}
	if o.From != nil && len(o.From) != len(prompts) {
		return nil, fmt.Errorf("protein: %d positions to go on from, but %d prompts", len(o.From), len(prompts))
	}
	if g.trie == nil {
		g.trie = newTrie(g.Scoring.Spelling, g.Scoring.Config.Vocab)
	}
	var all []*job
	names := map[string]bool{}
	for i := range prompts {
		j := &job{Prompt: &prompts[i]}
		if j.Name != "" {
			j.label = j.Name + ": "
		}
		if names[j.Name] {
			return nil, fmt.Errorf("protein: two prompts are named %q; their sequences could not be told apart", j.Name)
		}
		names[j.Name] = true
		if err := g.prepare(j, o); err != nil {
			return nil, fmt.Errorf("protein: %s%w", j.label, err)
		}
		if o.From != nil {
			j.at = o.From[i]
		}
		all = append(all, j)
	}
	return all, nil
}

func (g *Generator) prepare(j *job, o GenerateOptions) error {
	free := o.AsPublished && j.none()
	c := j.Constraints
	c.Nonstandard = c.Nonstandard || free
	if err := c.validate(j.Residues); err != nil {
		return err
	}
	j.limit = int32(min(int64(o.Attempts)*int64(j.N), maxStream))
	if j.N <= 0 || j.N > maxStream {
		return fmt.Errorf("%d sequences wanted; 1 to %d can be made", j.N, maxStream)
	}
	if o.Beams > 1 && j.N > o.Beams {
		return fmt.Errorf("%d sequences wanted of a search with %d beams; give --num-beams %d or more", j.N, o.Beams, j.N)
	}
	eot := g.Scoring.Config.EOT()
	j.tokens = []int32{eot}
	var text []byte
	if len(j.Residues) > 0 {
		text = Text(j.Residues)
		if len(j.Residues)%LineWidth != 0 {
			text = bytes.TrimSuffix(text, []byte("\n"))
		}
		j.tokens = g.Scoring.Tokenizer.Append(j.tokens, text)
	}
	if len(j.tokens) >= o.MaxTokens {
		return fmt.Errorf("the prompt has %d tokens, and a sequence may have %d; raise --max-tokens", len(j.tokens), o.MaxTokens)
	}
	if free {
		return nil
	}
	var err error
	if j.layout, err = newLayout(g.trie, &j.Constraints, eot, o.MaxTokens, o.Beams > 1); err != nil {
		return err
	}
	if least, most := j.least(), g.trie.longest*(o.MaxTokens-len(j.tokens))+len(j.Residues); least > most {
		return fmt.Errorf("%d residues are needed at least, and %d tokens hold %d at most; raise --max-tokens", least, o.MaxTokens, most)
	}
	return j.layout.begin(text)
}

// programs is a decoder or a search that is compiled.
type programs struct {
	sampling *decode.Plan
	beams    *decode.BeamPlan
}

func (g *Generator) compile(jobs []*job, o GenerateOptions) (p programs, err error) {
	c := g.Scoring.Config
	if o.MaxTokens > c.Context {
		return p, fmt.Errorf("protein: %d tokens wanted of a model that sees %d; lower --max-tokens", o.MaxTokens, c.Context)
	}
	longest := 0
	for _, j := range jobs {
		longest = max(longest, len(j.tokens))
	}
	lim := g.Scoring.Backend.Limits()
	build := func(s nn.Scope) decode.Model { return NewCausal(s, c) }
	shape := decode.Shape{Batch: o.Batch, Len: o.MaxTokens, Prompt: longest, Vocab: c.Vocab, EOS: c.EOT()}
	if o.Beams > 1 {
		p.beams, err = decode.CompileBeams(lim, build, g.Scoring.Policy, shape, o.Beams)
	} else {
		p.sampling, err = decode.Compile(lim, build, g.Scoring.Policy, shape)
	}
	return p, err
}

// Memory returns what Generate needs on the device, in bytes, weights and
// scoring included.
func (g *Generator) Memory(prompts []Prompt, o GenerateOptions) (plan.Memory, error) {
	o = o.withDefaults(prompts)
	jobs, err := g.jobs(prompts, o)
	if err != nil {
		return plan.Memory{}, err
	}
	p, err := g.compile(jobs, o)
	if err != nil {
		return plan.Memory{}, err
	}
	var m plan.Memory
	if p.beams != nil {
		m = p.beams.Memory()
	} else {
		m = p.sampling.Memory()
	}
	s := g.scoring()
	for n := 1; n < o.MaxTokens; {
		l := s.rowLength(n)
		scorer, err := CompileScorer(s.Backend.Limits(), s.Config, s.Policy, s.Options.Rows, l)
		if err != nil {
			return m, err
		}
		m.IO, m.Scratch = m.IO+scorer.IOBytes, m.Scratch+scorer.ScratchBytes
		n = l + 1
	}
	return m, nil
}

// scoringRows is the number of rows in which sequences are scored, however
// many there are, so that a likelihood does not depend on the others.
const scoringRows = 1

func (g *Generator) scoring() *Scoring {
	s := g.Scoring
	s.programs, s.Options.Rows = nil, scoringRows
	return &s
}

// Generate makes the sequences that the prompts ask for: those that are
// proteins by the layout of Text and meet the constraints, with the likelihood
// that the model itself, without penalty, filters and constraints, gives them.
// After each batch it hands on those that are new, and how far every prompt has
// come. It keeps none of them.
//
// Stream i of a prompt and a seed is the same sequence whatever N, Batch and
// the other prompts are; prompts that share a seed share random numbers, so
// that what their constraints change can be compared.
func (g *Generator) Generate(ctx context.Context, prompts []Prompt, o GenerateOptions, each func([]Candidate, []Position) error) error {
	o = o.withDefaults(prompts)
	jobs, err := g.jobs(prompts, o)
	if err != nil {
		return err
	}
	p, err := g.compile(jobs, o)
	if err != nil {
		return err
	}
	w := &generation{g: g, o: o, jobs: jobs, scoring: g.scoring(), each: each}
	defer w.scoring.Close()
	if p.beams != nil {
		return w.search(ctx, p.beams)
	}
	return w.sample(ctx, p.sampling)
}

// Rank sorts candidates by perplexity, the likeliest first.
func Rank(all []Candidate) {
	slices.SortStableFunc(all, func(a, b Candidate) int { return cmp.Compare(a.Perplexity, b.Perplexity) })
}
