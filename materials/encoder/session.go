package encoder

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
)

// Pool says how the hidden states of a text become one vector.
type Pool string

// The ways of pooling.
const (
	CLS  Pool = "cls"  // that of the first token
	Mean Pool = "mean" // the mean over all tokens, [CLS] and [SEP] among them (Reimers and Gurevych 2019)
)

// maxLoaded is the number of programs that a session keeps, each with memory of
// its own on some devices. Batches come by length, so few are used in turn.
const maxLoaded = 4

// Session makes vectors of texts. The vector of one does not depend on the
// others, nor on what it is padded to, which is not seen.
//
// A Session is for one goroutine.
type Session struct {
	b      backend.Backend
	config Config
	policy nn.Policy
	pools  []Pool
	loaded []*pass // the last used first
}

// pass is a program for texts of one padded length.
type pass struct {
	runner       backend.Runner
	rows, length int
	tokens       *tensor.Tensor
	lengths      *tensor.Tensor
}

// NewSession returns a session over a backend that has the parameters of a
// model's body.
func NewSession(b backend.Backend, c Config, p nn.Policy, pools ...Pool) *Session {
	return &Session{b: b, config: c.WithoutDropout(), policy: p, pools: pools}
}

// Compile plans the program of a batch.
func (s *Session) Compile(lim plan.Limits, rows, length int) (*plan.Program, error) {
	g := graph.New()
	m := New(nn.NewScope(g, s.policy), s.config)
	hidden := m.Hidden(Declare(g, rows, length, false))
	if !slices.Contains(s.pools, Mean) { // the first tokens are enough
		hidden = Rows(hidden, g.Input("first", tensor.I32, rows))
	}
	return plan.Compile(g, lim, plan.Options{}, map[string]*graph.Node{"hidden": graph.Cast(hidden, tensor.F32)})
}

// Memory returns what texts of up to so many tokens need at most: the weights
// once, and the scratch memory of as many programs as are kept, which on the
// cpu share it.
func (s *Session) Memory(lim plan.Limits, longest int) (plan.Memory, error) {
	var all plan.Memory
	shapes := map[int]bool{}
	for n := range min(longest, s.config.Context) {
		length := PadTo(n+1, s.config.Context)
		if shapes[length] {
			continue
		}
		shapes[length] = true
		p, err := s.Compile(lim, groupRows(length), length)
		if err != nil {
			return all, err
		}
		m := p.Memory()
		all.Params, all.IO, all.Scratch = m.Params, max(all.IO, m.IO), max(all.Scratch, m.Scratch)
	}
	n := int64(min(maxLoaded, len(shapes)))
	all.IO, all.Scratch = n*all.IO, n*all.Scratch
	return all, nil
}

// Run calls each with the vectors of every text, one for each way of pooling,
// [Width] f32, the longest text first. A text is its tokens, with [CLS] and
// [SEP]. The vectors are the callee's. Run ends early with ctx.
func (s *Session) Run(ctx context.Context, texts [][]int32, each func(text int, vectors [][]float32) error) error {
	lengths := make([]int, len(texts))
	for i, t := range texts {
		if len(t) == 0 || len(t) > s.config.Context {
			return fmt.Errorf("encoder: a text of %d tokens for a model that sees 1 to %d", len(t), s.config.Context)
		}
		lengths[i] = len(t)
	}
	for _, g := range Groups(lengths, s.config.Context) {
		if err := ctx.Err(); err != nil {
			return err
		}
		p, err := s.load(g.Rows, g.Length)
		if err != nil {
			return err
		}
		if err := s.batch(ctx, p, texts, g.Members, each); err != nil {
			return err
		}
	}
	return nil
}

func (s *Session) load(rows, length int) (*pass, error) {
	for i, p := range s.loaded {
		if p.rows == rows && p.length == length {
			s.loaded = slices.Insert(slices.Delete(s.loaded, i, i+1), 0, p)
			return p, nil
		}
	}
	if len(s.loaded) == maxLoaded {
		last := s.loaded[maxLoaded-1]
		s.loaded = s.loaded[:maxLoaded-1]
		if err := last.runner.Close(); err != nil {
			return nil, err
		}
	}
	program, err := s.Compile(s.b.Limits(), rows, length)
	if err != nil {
		return nil, err
	}
	r, err := s.b.Load(program)
	if err != nil {
		return nil, err
	}
	p := &pass{r, rows, length, tensor.New(tensor.I32, rows, length), tensor.New(tensor.I32, rows)}
	s.loaded = slices.Insert(s.loaded, 0, p)
	positions, first := tensor.New(tensor.I32, rows, length), tensor.New(tensor.I32, rows)
	for i := range positions.Int32() {
		positions.Int32()[i] = int32(i % length)
	}
	for i := range first.Int32() {
		first.Int32()[i] = int32(i * length)
	}
	err = errors.Join(r.Write("positions", positions), r.Write("types", tensor.New(tensor.I32, rows, length)))
	if _, ok := program.Inputs["first"]; ok {
		err = errors.Join(err, r.Write("first", first))
	}
	return p, err
}

func (s *Session) batch(ctx context.Context, p *pass, texts [][]int32, take []int, each func(int, [][]float32) error) error {
	for i := range p.tokens.Int32() {
		p.tokens.Int32()[i] = s.config.Pad
	}
	for i := range p.rows { // a text that is not there is one token of padding
		p.lengths.Int32()[i] = 1
	}
	for i, at := range take {
		copy(p.tokens.Int32()[i*p.length:], texts[at])
		p.lengths.Int32()[i] = int32(len(texts[at]))
	}
	if err := errors.Join(p.runner.Write("tokens", p.tokens), p.runner.Write("lengths", p.lengths)); err != nil {
		return err
	}
	if err := p.runner.Run(ctx); err != nil {
		return err
	}
	x, err := p.runner.Read("hidden")
	if err != nil {
		return err
	}
	hidden, w := x.Float32(), s.config.Width
	stride := w
	if slices.Contains(s.pools, Mean) {
		stride *= p.length
	}
	for i, at := range take {
		vectors := make([][]float32, len(s.pools))
		for j, pool := range s.pools {
			vectors[j] = pooled(pool, hidden[i*stride:], len(texts[at]), w)
		}
		if err := each(at, vectors); err != nil {
			return err
		}
	}
	return nil
}

// pooled makes a vector of n rows of width w.
func pooled(p Pool, rows []float32, n, w int) []float32 {
	if p == CLS {
		return slices.Clone(rows[:w])
	}
	sums := make([]float64, w)
	for t := range n {
		for i, v := range rows[t*w:][:w] {
			sums[i] += float64(v)
		}
	}
	mean := make([]float32, w)
	for i, v := range sums {
		mean[i] = float32(v / float64(n))
	}
	return mean
}

// Close frees the programs.
func (s *Session) Close() error {
	var errs []error
	for _, p := range s.loaded {
		errs = append(errs, p.runner.Close())
	}
	s.loaded = nil
	return errors.Join(errs...)
}
