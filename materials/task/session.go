package task

import (
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
// others, but for rounding where a device computes batches of other sizes in
// another order. A Session is for one goroutine.
type Session struct {
	head     Head
	config   encoder.Config
	policy   nn.Policy
	programs *encoder.Programs[*batch]
}

// maxLoaded is the number of programs that a session keeps.
const maxLoaded = 8

// NewSession returns a session over a backend that has the parameters.
func NewSession(b backend.Backend, h Head, c encoder.Config, p nn.Policy) *Session {
	s := &Session{head: h, config: c.WithoutDropout(), policy: p}
	s.programs = &encoder.Programs[*batch]{
		Backend: b, Context: c.Context, Keep: maxLoaded, Compile: s.Compile,
		Room: func(rows, length int) *batch { return newBatch(h, c.Pad, rows, length) },
	}
	return s
}

// Compile plans the program of a batch.
func (s *Session) Compile(lim plan.Limits, rows, length int) (*plan.Program, error) {
	g := graph.New()
	scores := s.head.Scores(nn.NewScope(g, s.policy), s.config, rows, length)
	return plan.Compile(g, lim, plan.Options{}, map[string]*graph.Node{"scores": scores})
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
	return s.programs.Run(ctx, lengths, func(g encoder.Group, r backend.Runner, room *batch) error {
		return s.batch(ctx, g, r, room, rows, each)
	})
}

func (s *Session) batch(ctx context.Context, g encoder.Group, r backend.Runner, room *batch, rows []Row, each func(int, [][]float32) error) error {
	some := make([]Row, len(g.Members))
	for i, at := range g.Members {
		some[i] = rows[at]
	}
	room.fill(some)
	if err := room.write(r, false); err != nil {
		return err
	}
	if err := r.Run(ctx); err != nil {
		return err
	}
	x, err := r.Read("scores")
	if err != nil {
		return err
	}
	scores, n := x.Convert(tensor.F32).Float32(), len(s.head.Labels)
	for i, at := range g.Members {
		out := [][]float32{nil}
		if s.head.Kind == Words || s.head.Kind == Chain {
			out = make([][]float32, len(some[i].Places))
			all := make([]float32, n*len(out)) // in one piece
			for k, p := range some[i].Places {
				out[k], all = all[:n:n], all[n:]
				copy(out[k], scores[(i*g.Length+int(p))*n:])
			}
		} else {
			out[0] = slices.Clone(scores[i*n:][:n])
		}
		if err := each(at, out); err != nil {
			return err
		}
	}
	return nil
}

// Close frees the programs.
func (s *Session) Close() error { return s.programs.Close() }
