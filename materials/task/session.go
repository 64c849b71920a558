package task

import (
	"cmp"
	"context"
	"fmt"
	"slices"

	"github.com/kiban-models/kiban/core/backend"
	"github.com/kiban-models/kiban/core/graph"
	"github.com/kiban-models/kiban/core/nn"
	"github.com/kiban-models/kiban/core/plan"
	"github.com/kiban-models/kiban/core/tensor"
	"github.com/kiban-models/kiban/materials/encoder"
)

// Session runs a model over rows. What it says of a row does not depend on the
// others.
type Session struct {
	b      backend.Backend
	head   Head
	config encoder.Config
	policy nn.Policy
	tokens int // of a batch, about
	loaded map[int]*loaded
}

type loaded struct {
	runner backend.Runner
	batch  *batch
}

// batchTokens is the size of a batch of a session: enough work for a product
// of matrices, and little enough to stay in a cache.
const batchTokens = 2048

// NewSession returns a session over a backend that has the parameters.
func NewSession(b backend.Backend, h Head, c encoder.Config, p nn.Policy) *Session {
	return &Session{b: b, head: h, config: c.WithoutDropout(), policy: p, tokens: batchTokens, loaded: map[int]*loaded{}}
}

// rowsAt returns the number of rows of a batch of the given length.
func (s *Session) rowsAt(length int) int { return max(1, min(64, s.tokens/length)) }

// Compile plans the program for rows of a length, which Padded has returned.
func (s *Session) Compile(lim plan.Limits, length int) (*plan.Program, error) {
	g := graph.New()
	scores := s.head.Scores(nn.NewScope(g, s.policy), s.config, s.rowsAt(length), length)
	return plan.Compile(g, lim, plan.Options{}, map[string]*graph.Node{"scores": scores})
}

func (s *Session) load(length int) (*loaded, error) {
	if l := s.loaded[length]; l != nil {
		return l, nil
	}
	p, err := s.Compile(s.b.Limits(), length)
	if err != nil {
		return nil, err
	}
	r, err := s.b.Load(p)
	if err != nil {
		return nil, err
	}
	l := &loaded{r, newBatch(s.head, s.config.Pad, s.rowsAt(length), length)}
	s.loaded[length] = l
	return l, nil
}

// Run calls each with the scores of every row, in the order of batches of like
// length: of each place of a row of words, [places][labels], or of the row,
// [1][labels]. The scores are the callee's. It ends early with ctx.
func (s *Session) Run(ctx context.Context, rows []Row, each func(row int, scores [][]float32) error) error {
	order := make([]int, len(rows))
	for i := range order {
		order[i] = i
		if err := s.head.Check(rows[i], false); err != nil {
			return err
		}
		if n := len(rows[i].IDs); n > s.config.Context {
			return fmt.Errorf("task: a row of %d tokens for a model that sees %d", n, s.config.Context)
		}
	}
	slices.SortStableFunc(order, func(a, b int) int { return cmp.Compare(len(rows[a].IDs), len(rows[b].IDs)) })
	for len(order) > 0 {
		length := min(Padded(len(rows[order[0]].IDs)), s.config.Context)
		n := 0
		for n < min(len(order), s.rowsAt(length)) && len(rows[order[n]].IDs) <= length {
			n++
		}
		if err := ctx.Err(); err != nil {
			return err
		}
		if err := s.batch(ctx, length, rows, order[:n], each); err != nil {
			return err
		}
		order = order[n:]
	}
	return nil
}

func (s *Session) batch(ctx context.Context, length int, rows []Row, take []int, each func(int, [][]float32) error) error {
	l, err := s.load(length)
	if err != nil {
		return err
	}
	some := make([]Row, len(take))
	for i, at := range take {
		some[i] = rows[at]
	}
	l.batch.fill(some)
	if err := l.batch.write(l.runner, false); err != nil {
		return err
	}
	if err := l.runner.Run(ctx); err != nil {
		return err
	}
	x, err := l.runner.Read("scores")
	if err != nil {
		return err
	}
	scores, n := x.Convert(tensor.F32).Float32(), len(s.head.Labels)
	for i, at := range take {
		var out [][]float32
		if s.head.Kind == Words || s.head.Kind == Chain {
			for _, p := range some[i].Places {
				out = append(out, slices.Clone(scores[(i*length+int(p))*n:][:n]))
			}
		} else {
			out = [][]float32{slices.Clone(scores[i*n:][:n])}
		}
		if err := each(at, out); err != nil {
			return err
		}
	}
	return nil
}

// Close frees the programs.
func (s *Session) Close() error {
	for length, l := range s.loaded {
		delete(s.loaded, length)
		if err := l.runner.Close(); err != nil {
			return err
		}
	}
	return nil
}
