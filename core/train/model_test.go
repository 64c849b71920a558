package train_test

import (
	"context"
	"math"
	"math/rand/v2"
	"testing"

	"github.com/kiban-models/kiban/core/backend"
	"github.com/kiban-models/kiban/core/backend/cpu"
	"github.com/kiban-models/kiban/core/backend/reference"
	"github.com/kiban-models/kiban/core/graph"
	"github.com/kiban-models/kiban/core/nn"
	"github.com/kiban-models/kiban/core/tensor"
	"github.com/kiban-models/kiban/core/train"
)

const vocab, width = 7, 6

// onBackends runs a test on the reference and on the processor; open makes a
// new backend.
func onBackends(t *testing.T, f func(t *testing.T, open func() backend.Backend)) {
	t.Run("reference", func(t *testing.T) {
		f(t, func() backend.Backend { return reference.New[float32]() })
	})
	t.Run("cpu", func(t *testing.T) {
		f(t, func() backend.Backend {
			b, err := cpu.New(cpu.Options{Threads: 1})
			if err != nil {
				t.Fatal(err)
			}
			t.Cleanup(func() { b.Close() })
			return b
		})
	})
}

// network returns the loss of a small model that guesses a token from another,
// over rows.
func network(rows int) train.Loss {
	return func(s nn.Scope) *graph.Node {
		e := nn.NewEmbedding(s, "wte", vocab, width, 0.5)
		up := nn.NewLinear(s, "up", width, 2*width, nn.LinearOpt{Std: 0.5})
		down := nn.NewLinear(s, "down", 2*width, width, nn.LinearOpt{Std: 0.5})
		norm := nn.NewLayerNorm(s, "norm", width, 1e-5)
		x := e.Forward(s.Graph.Input("ids", tensor.I32, rows))
		x = graph.Add(x, down.Forward(graph.Activate(up.Forward(x), graph.SiLU)))
		losses := e.Losses(norm.Forward(x), nil, s.Graph.Input("labels", tensor.I32, rows))
		return graph.Dot(losses, s.Graph.Input("weights", tensor.F32, rows))
	}
}

// feeder writes rows of data that is a function of the step and the place:
// micro-batches of a step are pieces of one batch.
func feeder(rows, micros int) func(step, micro int, r backend.Runner) (int, error) {
	return func(step, micro int, r backend.Runner) (int, error) {
		ids, labels, weights := tensor.New(tensor.I32, rows), tensor.New(tensor.I32, rows), tensor.New(tensor.F32, rows)
		for i := range rows {
			random := rand.New(rand.NewPCG(uint64(step), uint64(micro*rows+i)))
			id := random.Int32N(vocab)
			ids.Int32()[i], labels.Int32()[i] = id, (id*id+random.Int32N(2))%vocab
			weights.Float32()[i] = 1 / float32(rows*micros)
		}
		for name, x := range map[string]*tensor.Tensor{"ids": ids, "labels": labels, "weights": weights} {
			if err := r.Write(name, x); err != nil {
				return 0, err
			}
		}
		return rows, nil
	}
}

// session is a plan that is loaded with fresh weights.
type session struct {
	t       *testing.T
	b       backend.Backend
	plan    *train.Plan
	trainer *train.Trainer
}

func compile(t *testing.T, b backend.Backend, loss train.Loss, o train.Options) *train.Plan {
	t.Helper()
	p, err := train.Compile(b.Limits(), loss, o)
	if err != nil {
		t.Fatal(err)
	}
	return p
}

func begin(t *testing.T, b backend.Backend, loss train.Loss, o train.Options) session {
	t.Helper()
	s := session{t: t, b: b, plan: compile(t, b, loss, o)}
	fresh := nn.Fresh{Seed: 11, Params: s.plan.Declared()}
	for _, d := range fresh.Params {
		x, err := fresh.Tensor(d.Name)
		if err != nil {
			t.Fatal(err)
		}
		if err := b.Put(d.Name, x); err != nil {
			t.Fatal(err)
		}
	}
	var err error
	if s.trainer, err = s.plan.Load(b); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { s.trainer.Close() })
	return s
}

// step runs one step.
func (s session) step(n int, feed func(step, micro int, r backend.Runner) (int, error)) (train.Result, error) {
	return s.trainer.Step(context.Background(), n, func(micro int, r backend.Runner) error {
		_, err := feed(n, micro, r)
		return err
	})
}

// steps runs n steps and returns their results.
func (s session) steps(n int, feed func(step, micro int, r backend.Runner) (int, error)) []train.Result {
	s.t.Helper()
	var all []train.Result
	for i := range n {
		r, err := s.step(i, feed)
		if err != nil {
			s.t.Fatal(err)
		}
		all = append(all, r)
	}
	return all
}

// get returns a copy of a parameter or moment.
func (s session) get(name string) []float32 {
	s.t.Helper()
	x, err := s.b.Get(name)
	if err != nil {
		s.t.Fatal(err)
	}
	return x.Float32()
}

// snapshot returns the parameters and moments.
func (s session) snapshot() map[string][]float32 {
	s.t.Helper()
	all := map[string][]float32{}
	for _, d := range s.plan.Declared() {
		all[d.Name] = s.get(d.Name)
	}
	for _, m := range s.plan.Moments() {
		all[m.Name] = s.get(m.Name)
	}
	return all
}

// far returns the largest difference between two tensors.
func far(a, b []float32) float64 {
	largest := 0.0
	for i := range a {
		if d := math.Abs(float64(a[i]) - float64(b[i])); !(d <= largest) {
			largest = d
		}
	}
	return largest
}
