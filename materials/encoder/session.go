package encoder

import (
	"cmp"
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

// batchTokens is the size of a session's batches: enough work for a product of
// matrices, and little enough to stay in a cache.
const batchTokens = 2048

// Session makes vectors of texts. The vector of one does not depend on the
// others: its own length chooses the program, and padding is not seen.
//
// A Session is for one goroutine.
type Session struct {
	b      backend.Backend
	config Config
	policy nn.Policy
	pools  []Pool
	loaded map[int]*pass
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
	return &Session{b: b, config: c.WithoutDropout(), policy: p, pools: pools, loaded: map[int]*pass{}}
}

// rowsAt returns the number of texts of a batch.
func rowsAt(length int) int { return max(1, min(64, batchTokens/length)) }

// Compile plans the program for texts of a length, which Padded has returned.
func (s *Session) Compile(lim plan.Limits, length int) (*plan.Program, error) {
	g, rows := graph.New(), rowsAt(length)
	m := New(nn.NewScope(g, s.policy), s.config)
	hidden := m.Hidden(Declare(g, rows, length, false))
	if !slices.Contains(s.pools, Mean) { // the first tokens are enough
		hidden = Rows(hidden, g.Input("first", tensor.I32, rows))
	}
	return plan.Compile(g, lim, plan.Options{}, map[string]*graph.Node{"hidden": graph.Cast(hidden, tensor.F32)})
}

// Memory returns what texts of up to so many tokens need at most: the weights
// once, and the scratch memory of a program for each length, which on the cpu
// the programs share.
func (s *Session) Memory(lim plan.Limits, longest int) (plan.Memory, error) {
	longest = min(longest, s.config.Context)
	var all plan.Memory
	for n := 1; ; {
		length := Padded(n, s.config.Context)
		p, err := s.Compile(lim, length)
		if err != nil {
			return all, err
		}
		m := p.Memory()
		all.Params = m.Params
		all.IO += m.IO
		all.Scratch += m.Scratch
		if length >= longest {
			return all, nil
		}
		n = length + 1
	}
}

// Run calls each with the vectors of every text, one for each way of pooling,
// [Width] f32, the longest text first. A text is its tokens, with [CLS] and
// [SEP]. The vectors are the callee's. Run ends early with ctx.
func (s *Session) Run(ctx context.Context, texts [][]int32, each func(text int, vectors [][]float32) error) error {
	order := make([]int, len(texts))
	for i, t := range texts {
		if len(t) == 0 || len(t) > s.config.Context {
			return fmt.Errorf("encoder: a text of %d tokens for a model that sees 1 to %d", len(t), s.config.Context)
		}
		order[i] = i
	}
	slices.SortStableFunc(order, func(a, b int) int { return cmp.Compare(len(texts[b]), len(texts[a])) })
	for len(order) > 0 {
		length := Padded(len(texts[order[0]]), s.config.Context)
		n := 0
		for n < min(len(order), rowsAt(length)) && Padded(len(texts[order[n]]), s.config.Context) == length {
			n++
		}
		if err := ctx.Err(); err != nil {
			return err
		}
		p, err := s.load(length)
		if err != nil {
			return err
		}
		if err := s.batch(ctx, p, texts, order[:n], each); err != nil {
			return err
		}
		order = order[n:]
	}
	return nil
}

func (s *Session) load(length int) (*pass, error) {
	if p := s.loaded[length]; p != nil {
		return p, nil
	}
	program, err := s.Compile(s.b.Limits(), length)
	if err != nil {
		return nil, err
	}
	r, err := s.b.Load(program)
	if err != nil {
		return nil, err
	}
	rows := rowsAt(length)
	p := &pass{r, rows, length, tensor.New(tensor.I32, rows, length), tensor.New(tensor.I32, rows)}
	s.loaded[length] = p
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
	if len(hidden) > p.rows*w {
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
	for length, p := range s.loaded {
		delete(s.loaded, length)
		errs = append(errs, p.runner.Close())
	}
	return errors.Join(errs...)
}
