package task

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
	"github.com/kiban-models/kiban/materials/encoder"
)

// Session runs a model over rows. What it says of a row does not depend on the
// others, but for rounding where a device computes batches of other sizes in
// another order. A Session is for one goroutine.
type Session struct {
	b      backend.Backend
	head   Head
	config encoder.Config
	policy nn.Policy
	loaded []*loaded // the last used first
}

type loaded struct {
	runner backend.Runner
	batch  *batch
}

// maxLoaded is the number of programs that a session keeps, each with memory of
// its own.
const maxLoaded = 8

// NewSession returns a session over a backend that has the parameters.
func NewSession(b backend.Backend, h Head, c encoder.Config, p nn.Policy) *Session {
	return &Session{b: b, head: h, config: c.WithoutDropout(), policy: p}
}

// Compile plans the program of a batch.
func (s *Session) Compile(lim plan.Limits, rows, length int) (*plan.Program, error) {
	g := graph.New()
	scores := s.head.Scores(nn.NewScope(g, s.policy), s.config, rows, length)
	return plan.Compile(g, lim, plan.Options{}, map[string]*graph.Node{"scores": scores})
}

func (s *Session) load(rows, length int) (*loaded, error) {
	for i, l := range s.loaded {
		if l.batch.size == rows && l.batch.length == length {
			s.loaded = slices.Insert(slices.Delete(s.loaded, i, i+1), 0, l)
			return l, nil
		}
	}
	if len(s.loaded) == maxLoaded {
		last := s.loaded[maxLoaded-1]
		s.loaded = s.loaded[:maxLoaded-1]
		if err := last.runner.Close(); err != nil {
			return nil, err
		}
	}
	p, err := s.Compile(s.b.Limits(), rows, length)
	if err != nil {
		return nil, err
	}
	r, err := s.b.Load(p)
	if err != nil {
		return nil, err
	}
	l := &loaded{r, newBatch(s.head, s.config.Pad, rows, length)}
	s.loaded = slices.Insert(s.loaded, 0, l)
	return l, nil
}

// Run calls each with the scores of every row, in the order of batches of like
// length: of each place of a row of words, [places][labels], or of the row,
// [1][labels]. The scores are the callee's. It ends early with ctx.
func (s *Session) Run(ctx context.Context, rows []Row, each func(row int, scores [][]float32) error) error {
	lengths := make([]int, len(rows))
	for i, r := range rows {
		if err := s.head.Check(r, false); err != nil {
			return err
		}
		if lengths[i] = len(r.IDs); lengths[i] > s.config.Context {
			return fmt.Errorf("task: a row of %d tokens for a model that sees %d", lengths[i], s.config.Context)
		}
	}
	for _, g := range encoder.Groups(lengths, s.config.Context) {
		if err := ctx.Err(); err != nil {
			return err
		}
		if err := s.batch(ctx, g, rows, each); err != nil {
			return err
		}
	}
	return nil
}

func (s *Session) batch(ctx context.Context, g encoder.Group, rows []Row, each func(int, [][]float32) error) error {
	take := g.Members
	l, err := s.load(g.Rows, g.Length)
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
				out = append(out, slices.Clone(scores[(i*g.Length+int(p))*n:][:n]))
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
	var errs []error
	for _, l := range s.loaded {
		errs = append(errs, l.runner.Close())
	}
	s.loaded = nil
	return errors.Join(errs...)
}
