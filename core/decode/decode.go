package decode

import (
	"context"
	"fmt"
	"math"
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
	Hidden(ids, positions *graph.Node, p transformer.Pass) *graph.Node
	Logits(hidden *graph.Node) *graph.Node
}

// Shape is what the programs are compiled for.
type Shape struct {
	Batch  int // sequences at once
	Len    int // tokens of a sequence at most, prompt included
	Prompt int // tokens of a prompt at most
	Vocab  int
	EOS    int32 // ends a sequence; negative for none
}

// Sampling are the settings of the choice of the next token, with the meaning
// that transformers' generate gives them.
type Sampling struct {
	Greedy            bool
	Temperature       float64 // 0 means 1
	TopK              int     // 0 means all
	TopP              float64 // 0 means 1
	RepetitionPenalty float64 // 0 means 1
	Seed              uint64
}

// Request is one sequence to generate.
type Request struct {
	Prompt []int32
	Stream int32 // sequences with the same seed and prompt differ by it
	Max    int   // tokens in all, prompt included; 0 means Shape.Len
	// Forced gives tokens that must stand at places after the prompt.
	Forced map[int]int32
	// Constrain, if not nil, is called before each token with the tokens so
	// far and sets allowed[id] for each id that may come next. All are
	// allowed when it is called. It makes decoding go token by token.
	Constrain func(tokens []int32, allowed []bool)
}

// Plan is a decoder that is compiled but not loaded.
type Plan struct {
	shape         Shape
	step, prefill *plan.Program
}

// Compile plans a decoder for the model that build declares.
func Compile(lim plan.Limits, build func(nn.Scope) Model, p nn.Policy, s Shape) (*Plan, error) {
	if s.Batch <= 0 || s.Len <= 1 || s.Prompt <= 0 || s.Prompt >= s.Len {
		return nil, fmt.Errorf("decode: batch %d, length %d, prompt %d; a prompt must leave room for a token", s.Batch, s.Len, s.Prompt)
	}
	d := &Plan{shape: s}
	b, l := s.Batch, s.Len

	g := graph.New()
	m := build(nn.NewScope(g, p))
	tokens, pos := g.State("decode.tokens", tensor.I32, b, l), g.State("decode.pos", tensor.I32, b)
	done, current := g.State("decode.done", tensor.I32, b), g.State("decode.current", tensor.I32, b)
	knobs := g.Input("knobs", tensor.F32, graph.KnobsLen)
	h := m.Hidden(current, pos, transformer.Pass{Batch: b, Len: 1, Cache: &transformer.Cache{Len: l, Pos: pos}})
	logits := graph.Penalty(m.Logits(h), tokens, pos, knobs)
	logits = graph.Add(logits, g.Input("mask", tensor.F32, b, s.Vocab))
	logits = graph.Filter(logits, knobs)
	next := graph.Sample(logits, g.Input("seed", tensor.I32, 2), g.Input("stream", tensor.I32, b), pos)
	graph.TokenAppend(tokens, pos, done, current, next, g.Input("forced", tensor.I32, b, l), g.Input("limit", tensor.I32, b), s.EOS)
	var err error
	if d.step, err = plan.Compile(g, lim, plan.Options{}, nil); err != nil {
		return nil, err
	}
	if s.Prompt == 1 {
		return d, nil
	}
	g = graph.New()
	m = build(nn.NewScope(g, p))
	t := s.Prompt - 1
	ids, places := g.Input("ids", tensor.I32, b, t), g.Input("positions", tensor.I32, b, t)
	m.Hidden(ids, places, transformer.Pass{Batch: b, Len: t, Cache: &transformer.Cache{Len: l, Pos: g.Input("start", tensor.I32, b)}})
	d.prefill, err = plan.Compile(g, lim, plan.Options{}, nil)
	return d, err
}

// Memory returns what decoding needs on the device.
func (d *Plan) Memory() plan.Memory {
	m := d.step.Memory()
	if d.prefill != nil {
		p := d.prefill.Memory()
		m.Scratch += p.Scratch
		m.IO += p.IO
	}
	return m
}

// Decoder generates sequences on a backend.
type Decoder struct {
	shape         Shape
	backend       backend.Backend
	step, prefill backend.Runner
	mask          *tensor.Tensor
}

// Load loads a plan. The parameters must have been put.
func (d *Plan) Load(b backend.Backend) (*Decoder, error) {
	dec := &Decoder{shape: d.shape, backend: b, mask: tensor.New(tensor.F32, d.shape.Batch, d.shape.Vocab)}
	var err error
	if dec.step, err = b.Load(d.step); err != nil {
		return nil, err
	}
	if d.prefill != nil {
		if dec.prefill, err = b.Load(d.prefill); err != nil {
			dec.step.Close()
			return nil, err
		}
	}
	return dec, nil
}

// chunk is the number of tokens that are decoded between looks at which
// sequences have ended.
const chunk = 8

// Generate completes up to Shape.Batch requests and returns their tokens,
// prompts included and the end token too, in the order of the requests.
func (d *Decoder) Generate(ctx context.Context, reqs []Request, s Sampling) ([][]int32, error) {
	if len(reqs) == 0 || len(reqs) > d.shape.Batch {
		return nil, fmt.Errorf("decode: %d requests for a batch of %d", len(reqs), d.shape.Batch)
	}
	if err := d.begin(reqs, s); err != nil {
		return nil, err
	}
	constrained := slices.ContainsFunc(reqs, func(r Request) bool { return r.Constrain != nil })
	for steps := 0; ; steps++ {
		if err := ctx.Err(); err != nil {
			return nil, err
		}
		if constrained || steps%chunk == 0 {
			done, err := d.backend.Get("decode.done")
			if err != nil {
				return nil, err
			}
			if !slices.Contains(done.Int32(), 0) {
				break
			}
			if constrained {
				if err := d.constrain(reqs, done.Int32()); err != nil {
					return nil, err
				}
			}
		}
		if err := d.step.Run(ctx); err != nil {
			return nil, err
		}
	}
	return d.results(len(reqs))
}

// begin sets the states and runs the prompts.
func (d *Decoder) begin(reqs []Request, s Sampling) error {
	b, l := d.shape.Batch, d.shape.Len
	tokens, forced := tensor.New(tensor.I32, b, l), tensor.New(tensor.I32, b, l)
	pos, done, current := tensor.New(tensor.I32, b), tensor.New(tensor.I32, b), tensor.New(tensor.I32, b)
	limit, stream := tensor.New(tensor.I32, b), tensor.New(tensor.I32, b)
	for i := range forced.Int32() {
		forced.Int32()[i] = -1
	}
	for i := range b {
		if i >= len(reqs) { // an idle row
			done.Int32()[i] = 1
			continue
		}
		r := reqs[i]
		n := len(r.Prompt)
		if n == 0 || n > d.shape.Prompt {
			return fmt.Errorf("decode: prompt %d has %d tokens; 1 to %d fit", i+1, n, d.shape.Prompt)
		}
		for _, id := range r.Prompt {
			if id < 0 || int(id) >= d.shape.Vocab {
				return fmt.Errorf("decode: prompt %d has token %d; the vocabulary has %d", i+1, id, d.shape.Vocab)
			}
		}
		copy(tokens.Int32()[i*l:], r.Prompt)
		pos.Int32()[i], current.Int32()[i] = int32(n-1), r.Prompt[n-1]
		limit.Int32()[i], stream.Int32()[i] = int32(l-1), r.Stream
		if r.Max > 0 {
			limit.Int32()[i] = int32(min(r.Max, l) - 1)
		}
		if pos.Int32()[i] >= limit.Int32()[i] {
			done.Int32()[i] = 1
		}
		for at, id := range r.Forced {
			if at < n || at >= l || id < 0 || int(id) >= d.shape.Vocab {
				return fmt.Errorf("decode: token %d forced at place %d of sequence %d does not fit", id, at, i+1)
			}
			forced.Int32()[i*l+at] = id
		}
	}
	for name, t := range map[string]*tensor.Tensor{"decode.tokens": tokens, "decode.pos": pos, "decode.done": done, "decode.current": current} {
		if err := d.backend.Put(name, t); err != nil {
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
	if d.prefill == nil || !slices.ContainsFunc(reqs, func(r Request) bool { return len(r.Prompt) > 1 }) {
		return nil
	}
	t := d.shape.Prompt - 1
	ids, places := tensor.New(tensor.I32, b, t), tensor.New(tensor.I32, b, t)
	for i := range b {
		for j := range t {
			places.Int32()[i*t+j] = int32(j)
		}
		copy(ids.Int32()[i*t:(i+1)*t], tokens.Int32()[i*l:])
	}
	for name, x := range map[string]*tensor.Tensor{"ids": ids, "positions": places, "start": tensor.New(tensor.I32, b)} {
		if err := d.prefill.Write(name, x); err != nil {
			return err
		}
	}
	return d.prefill.Run(context.Background())
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

// constrain writes which tokens each sequence may take next.
func (d *Decoder) constrain(reqs []Request, done []int32) error {
	now, err := d.results(len(reqs))
	if err != nil {
		return err
	}
	allowed := make([]bool, d.shape.Vocab)
	mask := d.mask.Float32()
	for i, r := range reqs {
		row := mask[i*d.shape.Vocab : (i+1)*d.shape.Vocab]
		clear(row)
		if r.Constrain == nil || done[i] != 0 {
			continue
		}
		for id := range allowed {
			allowed[id] = true
		}
		r.Constrain(now[i], allowed)
		if !slices.Contains(allowed, true) {
			return fmt.Errorf("decode: sequence %d has no token left that its constraints allow", i+1)
		}
		for id, ok := range allowed {
			if !ok {
				row[id] = float32(math.Inf(-1))
			}
		}
	}
	return d.step.Write("mask", d.mask)
}

func (d *Decoder) results(n int) ([][]int32, error) {
	tokens, err := d.backend.Get("decode.tokens")
	if err != nil {
		return nil, err
	}
	pos, err := d.backend.Get("decode.pos")
	if err != nil {
		return nil, err
	}
	out := make([][]int32, n)
	for i := range out {
		row := tokens.Int32()[i*d.shape.Len:]
		out[i] = slices.Clone(row[:pos.Int32()[i]+1])
	}
	return out, nil
}

// Close frees the programs.
func (d *Decoder) Close() error {
	err := d.step.Close()
	if d.prefill != nil {
		if e := d.prefill.Close(); err == nil {
			err = e
		}
	}
	return err
}
