package decode

import (
	"context"
	"errors"
	"fmt"
	"slices"

	"github.com/kiban-models/kiban/core/backend"
	"github.com/kiban-models/kiban/core/graph"
	"github.com/kiban-models/kiban/core/nn"
	"github.com/kiban-models/kiban/core/plan"
	"github.com/kiban-models/kiban/core/tensor"
	"github.com/kiban-models/kiban/core/transformer"
)

// Model is what a causal language model offers once it is built in a scope.
type Model interface {
	// Hidden maps ids and positions, i32 with p.Batch*p.Len elements, to
	// hidden states [p.Batch*p.Len, C], with the cache of p.
	Hidden(ids, positions *graph.Node, p transformer.Pass) *graph.Node
	// Logits maps hidden states [N, C] to the f32 scores [N, Shape.Vocab] of
	// the next token.
	Logits(hidden *graph.Node) *graph.Node
}

// Shape is what the programs are compiled for.
type Shape struct {
	Batch  int   // sequences at once
	Len    int   // tokens of a sequence at most, prompt included
	Prompt int   // tokens of a prompt at most
	Vocab  int   // ids are 0 to Vocab-1
	EOS    int32 // ends a sequence that draws it; negative for none
}

// state names a state of the decoder. It holds the shape, so that decoders of
// different shapes can share a backend; those of one shape share states.
func (s Shape) state(name string) string { return fmt.Sprintf("decode.%dx%d.%s", s.Batch, s.Len, name) }

func (s Shape) validate() error {
	if s.Vocab <= 0 {
		return fmt.Errorf("decode: a vocabulary of %d", s.Vocab)
	}
	if s.Batch <= 0 || s.Len <= 1 || s.Prompt <= 0 || s.Prompt >= s.Len {
		return fmt.Errorf("decode: batch %d, length %d, prompt %d; a prompt must leave room for a token", s.Batch, s.Len, s.Prompt)
	}
	return nil
}

// checkRequest reports what does not fit the shape in request number i.
func (s Shape) checkRequest(i int, r Request) error {
	n := len(r.Prompt)
	if n == 0 || n > s.Prompt {
		return fmt.Errorf("decode: prompt %d has %d tokens; 1 to %d fit", i+1, n, s.Prompt)
	}
	for _, id := range r.Prompt {
		if id < 0 || int(id) >= s.Vocab {
			return fmt.Errorf("decode: prompt %d has token %d; the vocabulary has %d", i+1, id, s.Vocab)
		}
	}
	for at, id := range r.Forced {
		if at < n || at >= s.Len || id < 0 || int(id) >= s.Vocab {
			return fmt.Errorf("decode: token %d forced at place %d of sequence %d does not fit", id, at, i+1)
		}
	}
	return nil
}

// Sampling are the settings of the choice of the next token, with the meaning
// that transformers' generate gives them. None may be negative.
type Sampling struct {
	Greedy            bool    // take the likeliest token, the first of equals
	Temperature       float64 // 0 means 1
	TopK              int     // 0 means all
	TopP              float64 // at most 1; 0 means 1
	RepetitionPenalty float64 // 0 means 1
	Seed              uint64
}

// Request is one sequence to generate.
type Request struct {
	Prompt []int32 // 1 to Shape.Prompt ids
	// Stream tells apart sequences of the same seed and prompt. With
	// Constrain it should be 0 to 1<<20 - 1: the numbers above are for what
	// is drawn again. Beam search does without.
	Stream int32
	// Max is the number of tokens in all at which the sequence ends, prompt
	// included: Shape.Len if it is 0 or more than that. A prompt that is as
	// long already comes back as it is.
	Max int
	// Forced gives tokens that must stand at places after the prompt, counted
	// from 0 at its beginning. A forced end token does not end the sequence.
	Forced map[int]int32
	// Constrain, if not nil, is called before each token with the tokens so
	// far. It returns how many of them stay, all or fewer, but the prompt at
	// least, and clears allowed[id] for each id that may not come next; all
	// are set when it is called, and to clear all is an error. What is taken
	// back is drawn again with other random numbers. A forced token comes
	// whether it is allowed or not. It makes decoding go token by token.
	//
	// It is called once more when the end token has been drawn, and may take
	// that back; if it does not, the sequence has ended and allowed counts for
	// nothing.
	//
	// A beam search calls it for every beam, so one call's tokens need not go
	// on from the last one's; and there all must stay, or it is an error.
	Constrain func(tokens []int32, allowed []bool) (keep int)
}

// Plan is a decoder that is compiled but not loaded.
type Plan struct {
	shape   Shape
	step    *plan.Program
	prefill prefillPlan
}

// Compile plans a decoder for the model that build declares; it is built twice.
// The error is that of a shape that leaves no room, or the first that the
// model's builders met.
func Compile(lim plan.Limits, build func(nn.Scope) Model, p nn.Policy, s Shape) (*Plan, error) {
	if err := s.validate(); err != nil {
		return nil, err
	}
	d := &Plan{shape: s}
	b, l := s.Batch, s.Len

	g := graph.New()
	m := build(nn.NewScope(g, p))
	tokens, pos := g.State(s.state("tokens"), tensor.I32, b, l), g.State(s.state("pos"), tensor.I32, b)
	done, current := g.State(s.state("done"), tensor.I32, b), g.State(s.state("current"), tensor.I32, b)
	knobs := g.Input("knobs", tensor.F32, graph.KnobsLen)
	h := m.Hidden(current, pos, transformer.Pass{Batch: b, Len: 1, Cache: s.cache(pos)})
	logits := graph.Penalty(m.Logits(h), tokens, pos, knobs)
	logits = graph.Add(logits, g.Input("mask", tensor.F32, b, s.Vocab))
	logits = graph.Filter(logits, knobs)
	next := graph.Sample(logits, g.Input("seed", tensor.I32, 2), g.Input("stream", tensor.I32, b), pos)
	allTokens, newPos, isDone := graph.TokenAppend(tokens, pos, done, current, next, g.Input("forced", tensor.I32, b, l), g.Input("limit", tensor.I32, b), s.EOS)
	var err error
	if d.step, err = plan.Compile(g, lim, plan.Options{}, map[string]*graph.Node{"tokens": allTokens, "pos": newPos, "done": isDone}); err != nil {
		return nil, err
	}
	d.prefill, err = compilePrefill(lim, build, p, s)
	return d, err
}

// Memory returns what decoding needs on the device, in bytes.
func (d *Plan) Memory() plan.Memory {
	return withPrograms(d.step.Memory(), d.prefill.programs)
}

// withPrograms adds what further programs over the same parameters and states
// need for themselves.
func withPrograms(m plan.Memory, more []*plan.Program) plan.Memory {
	for _, p := range more {
		m.Scratch += p.ScratchBytes
		m.IO += p.IOBytes
	}
	return m
}

// Decoder generates sequences on a backend.
type Decoder struct {
	shape        Shape
	backend      backend.Backend
	step         backend.Runner
	prefill      prefill
	mask, stream *tensor.Tensor
	allowed      []bool
	// What the states of these names were at the last look.
	tokens, pos, done *tensor.Tensor
}

// Load loads a plan. The parameters must have been put.
func (d *Plan) Load(b backend.Backend) (*Decoder, error) {
	dec := &Decoder{shape: d.shape, backend: b, mask: tensor.New(tensor.F32, d.shape.Batch, d.shape.Vocab),
		stream: tensor.New(tensor.I32, d.shape.Batch), allowed: make([]bool, d.shape.Vocab),
		tokens: tensor.New(tensor.I32, d.shape.Batch, d.shape.Len), pos: tensor.New(tensor.I32, d.shape.Batch), done: tensor.New(tensor.I32, d.shape.Batch)}
	var err error
	if dec.step, err = b.Load(d.step); err != nil {
		return nil, err
	}
	if dec.prefill, err = d.prefill.load(b); err != nil {
		dec.step.Close()
		return nil, err
	}
	return dec, nil
}

// chunk is the number of tokens that are decoded between looks at which
// sequences have ended: a device takes them in one submission. More would save
// little of what a submission costs, and compute more tokens that nobody wants.
const chunk = 8

// Generate completes up to Shape.Batch requests and returns their tokens,
// prompts included and the end token too, in the order of the requests. When
// ctx ends it returns that error, after the few tokens it is at.
func (d *Decoder) Generate(ctx context.Context, reqs []Request, s Sampling) ([][]int32, error) {
	if len(reqs) == 0 || len(reqs) > d.shape.Batch {
		return nil, fmt.Errorf("decode: %d requests for a batch of %d", len(reqs), d.shape.Batch)
	}
	if err := s.validate(); err != nil {
		return nil, err
	}
	if err := d.begin(reqs, s); err != nil {
		return nil, err
	}
	constrained := slices.ContainsFunc(reqs, func(r Request) bool { return r.Constrain != nil })
	ended := make([]bool, len(reqs)) // for good: the constraint has seen the end
	left := d.longest(reqs)          // tokens that a sequence may still draw, if none are taken back
	for {
		if err := ctx.Err(); err != nil {
			return nil, err
		}
		if constrained {
			if err := d.constrain(reqs, ended); err != nil {
				return nil, err
			}
		}
		if !slices.Contains(d.done.Int32(), 0) {
			return d.results(len(reqs)), nil
		}
		tokens := 1
		if !constrained {
			tokens = max(1, min(chunk, left))
		}
		if err := d.step.Repeat(ctx, tokens); err != nil {
			return nil, err
		}
		left -= tokens
		for name, t := range map[string]*tensor.Tensor{"tokens": d.tokens, "pos": d.pos, "done": d.done} {
			if err := d.step.ReadTo(name, t); err != nil {
				return nil, err
			}
		}
	}
}

// longest returns the most tokens that a request wants after its prompt.
func (d *Decoder) longest(reqs []Request) int {
	most := 0
	for _, r := range reqs {
		most = max(most, d.shape.end(r)-len(r.Prompt))
	}
	return most
}

// end returns the number of tokens at which a sequence ends.
func (s Shape) end(r Request) int {
	if r.Max > 0 {
		return min(r.Max, s.Len)
	}
	return s.Len
}

// begin sets the states and runs the prompts.
func (d *Decoder) begin(reqs []Request, s Sampling) error {
	b, l := d.shape.Batch, d.shape.Len
	tokens, pos, done := d.tokens, d.pos, d.done
	for _, t := range []*tensor.Tensor{tokens, pos, done} {
		clear(t.Int32())
	}
	forced, current := tensor.New(tensor.I32, b, l), tensor.New(tensor.I32, b)
	limit, stream := tensor.New(tensor.I32, b), d.stream
	for i := range forced.Int32() {
		forced.Int32()[i] = -1
	}
	for i := range b {
		if i >= len(reqs) { // an idle row
			done.Int32()[i] = 1
			continue
		}
		r := reqs[i]
		if err := d.shape.checkRequest(i, r); err != nil {
			return err
		}
		n := len(r.Prompt)
		copy(tokens.Int32()[i*l:], r.Prompt)
		pos.Int32()[i], current.Int32()[i] = int32(n-1), r.Prompt[n-1]
		limit.Int32()[i], stream.Int32()[i] = int32(d.shape.end(r)-1), r.Stream
		if pos.Int32()[i] >= limit.Int32()[i] {
			done.Int32()[i] = 1
		}
		for at, id := range r.Forced {
			forced.Int32()[i*l+at] = id
		}
	}
	for name, t := range map[string]*tensor.Tensor{"tokens": tokens, "pos": pos, "done": done, "current": current} {
		if err := d.backend.Put(d.shape.state(name), t); err != nil {
			return err
		}
	}
	seed := tensor.Of([]int32{int32(uint32(s.Seed)), int32(uint32(s.Seed >> 32))}, 2)
	clear(d.mask.Float32())
	for name, t := range map[string]*tensor.Tensor{"forced": forced, "limit": limit, "stream": stream, "seed": seed, "knobs": s.knobs(), "mask": d.mask} {
		if err := d.step.Write(name, t); err != nil {
			return err
		}
	}
	prompts := make([][]int32, len(reqs))
	for i, r := range reqs {
		prompts[i] = r.Prompt
	}
	return d.prefill.run(prompts)
}

func (s Sampling) validate() error {
	if !(s.Temperature >= 0) || s.TopK < 0 || !(s.TopP >= 0 && s.TopP <= 1) || !(s.RepetitionPenalty >= 0) {
		return fmt.Errorf("decode: temperature %g, top-k %d, top-p %g, repetition penalty %g; none may be negative, nor top-p more than 1",
			s.Temperature, s.TopK, s.TopP, s.RepetitionPenalty)
	}
	return nil
}

func (s Sampling) knobs() *tensor.Tensor {
	k := []float32{1, 1, float32(s.TopK), 1, 0, 0, 0, 0}
	if s.RepetitionPenalty > 0 {
		k[0] = float32(s.RepetitionPenalty)
	}
	if s.Temperature > 0 {
		k[1] = float32(s.Temperature)
	}
	if s.Greedy {
		k[1] = 0
	}
	if s.TopP > 0 {
		k[3] = float32(s.TopP)
	}
	return tensor.Of(k, graph.KnobsLen)
}

// results are the sequences so far.
func (d *Decoder) results(n int) [][]int32 {
	out := make([][]int32, n)
	for i := range out {
		row := d.tokens.Int32()[i*d.shape.Len:]
		out[i] = slices.Clone(row[:d.pos.Int32()[i]+1])
	}
	return out
}

// Close frees the programs.
func (d *Decoder) Close() error {
	return errors.Join(d.step.Close(), d.prefill.Close())
}
