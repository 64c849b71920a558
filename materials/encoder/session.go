package encoder

import (
	"context"
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

// Session makes vectors of texts. The vector of one does not depend on the
// others, nor on what it is padded to, which is not seen.
//
// A Session is for one goroutine.
type Session struct {
	config   Config
	policy   nn.Policy
	pools    []Pool
	programs *Programs[*Batch]
}

// maxLoaded is the number of programs that a session keeps.
const maxLoaded = 4

// NewSession returns a session over a backend that has the parameters of a
// model's body.
func NewSession(b backend.Backend, c Config, p nn.Policy, pools ...Pool) *Session {
	s := &Session{config: c.WithoutDropout(), policy: p, pools: pools}
	s.programs = &Programs[*Batch]{
		Backend: b, Context: c.Context, Keep: maxLoaded, Compile: s.Compile,
		Room: func(rows, length int) *Batch { return NewBatch(rows, length, c.Pad) },
	}
	return s
}

// firstOnly reports whether the first tokens are enough.
func (s *Session) firstOnly() bool { return !slices.Contains(s.pools, Mean) }

// Compile plans the program of a batch.
func (s *Session) Compile(lim plan.Limits, rows, length int) (*plan.Program, error) {
	g := graph.New()
	m := New(nn.NewScope(g, s.policy), s.config)
	hidden := m.Hidden(Declare(g, rows, length, false))
	if s.firstOnly() {
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
	return s.programs.Run(ctx, lengths, func(g Group, r backend.Runner, room *Batch) error {
		return s.batch(ctx, g, r, room, texts, each)
	})
}

func (s *Session) batch(ctx context.Context, g Group, r backend.Runner, room *Batch, texts [][]int32, each func(int, [][]float32) error) error {
	room.Clear()
	for i, at := range g.Members {
		room.Set(i, texts[at])
	}
	if err := room.Write(r); err != nil {
		return err
	}
	stride := s.config.Width // of a text
	if s.firstOnly() {
		first := tensor.New(tensor.I32, g.Rows)
		for i := range first.Int32() {
			first.Int32()[i] = int32(i * g.Length)
		}
		if err := r.Write("first", first); err != nil {
			return err
		}
	} else {
		stride *= g.Length
	}
	if err := r.Run(ctx); err != nil {
		return err
	}
	hidden, err := r.Read("hidden")
	if err != nil {
		return err
	}
	for i, at := range g.Members {
		vectors := make([][]float32, len(s.pools))
		for j, pool := range s.pools {
			vectors[j] = pooled(pool, hidden.Float32()[i*stride:], len(texts[at]), s.config.Width)
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
func (s *Session) Close() error { return s.programs.Close() }
