package train_test

import (
	"context"
	"fmt"
	"math"
	"path/filepath"
	"strings"
	"testing"

	"github.com/kiban-models/kiban/core/backend"
	"github.com/kiban-models/kiban/core/nn"
	"github.com/kiban-models/kiban/core/tensor"
	"github.com/kiban-models/kiban/core/train"
)

func halves(accum int) train.Options {
	return train.Options{
		Policy:    nn.Policy{Compute: tensor.F16},
		Optimizer: train.Optimizer{LR: 0.01, Accum: accum, GradClip: 1, Eps: 1e-3},
	}
}

// lighter feeds what feeder does, with all weights times factor.
func lighter(rows, micros int, factor float32) func(step, micro int, r backend.Runner) (int, error) {
	return func(step, micro int, r backend.Runner) (int, error) {
		n, err := feeder(rows, micros)(step, micro, r)
		if err != nil {
			return n, err
		}
		weights := tensor.New(tensor.F32, rows)
		for i := range weights.Float32() {
			weights.Float32()[i] = factor / float32(rows*micros)
		}
		return n, r.Write("weights", weights)
	}
}

// Gradients of a millionth of their size, which f16 does not hold, train as in
// f32: the scale lifts them, is taken off the norm, and never shows in the loss.
func TestScaledLoss(t *testing.T) {
	onBackends(t, func(t *testing.T, open func() backend.Backend) {
		for _, accum := range []int{1, 2} {
			o := halves(accum)
			o.Optimizer.Eps, o.Optimizer.GradClip = 1e-12, 0
			half := begin(t, open(), network(8), o)
			o.Policy = nn.Policy{}
			full := begin(t, open(), network(8), o)
			a, b := half.steps(10, lighter(8, accum, 1e-6)), full.steps(10, lighter(8, accum, 1e-6))
			for i := range a {
				if math.Abs(a[i].Loss-b[i].Loss) > 0.02*b[i].Loss || math.Abs(a[i].GradNorm-b[i].GradNorm) > 0.02*b[i].GradNorm {
					t.Errorf("accumulating %d, step %d: in f16 %+v, in f32 %+v", accum, i, a[i], b[i])
				}
				if a[i].LossScale != 1<<16 || a[i].Skipped || b[i].LossScale != 0 {
					t.Errorf("step %d: %+v and %+v", i, a[i], b[i])
				}
			}
			if s := half.trainer.Scaling(); s != (train.Scaling{Scale: 1 << 16, Good: 10}) {
				t.Errorf("after ten good steps: %+v", s)
			}
		}
	})
}

// A scale that is too large is halved until it fits. Steps that overflow leave
// everything as it was, and Adam does not count them.
func TestScaleTooLarge(t *testing.T) {
	onBackends(t, func(t *testing.T, open func() backend.Backend) {
		for _, accum := range []int{1, 2} {
			s := begin(t, open(), network(8), halves(accum))
			s.trainer.SetScaling(train.Scaling{Scale: 1 << 24})
			before := fmt.Sprint(s.snapshot())
			skipped := 0
			same := func(_, micro int, r backend.Runner) (int, error) { return feeder(8, accum)(0, micro, r) }
			for {
				r, err := s.step(skipped, same)
				if err != nil {
					t.Fatal(err)
				}
				if !r.Skipped {
					break
				}
				if skipped++; r.LossScale != float64(uint64(1)<<(25-skipped)) || r.GradNorm != 0 || fmt.Sprint(s.snapshot()) != before {
					t.Fatalf("accumulating %d: skipped step %d is %+v, or changed something", accum, skipped, r)
				}
			}
			if skipped < 3 || skipped > 12 {
				t.Errorf("%d steps were skipped", skipped)
			}
			if got := s.trainer.Scaling(); got.Skipped != skipped || got.InARow != 0 || got.Good != 1 {
				t.Errorf("%+v after %d skipped steps and a good one", got, skipped)
			}
			// The first step that is taken is Adam's first: of the size of the rate.
			once := begin(t, open(), network(8), halves(accum))
			once.trainer.SetScaling(train.Scaling{Scale: s.trainer.Scaling().Scale})
			once.steps(1, same)
			if fmt.Sprint(once.snapshot()) != fmt.Sprint(s.snapshot()) {
				t.Errorf("accumulating %d: the first step that was taken differs from one without those that were not", accum)
			}
		}
	})
}

func TestScaleGrows(t *testing.T) {
	onBackends(t, func(t *testing.T, open func() backend.Backend) {
		s := begin(t, open(), network(8), halves(1))
		s.trainer.SetScaling(train.Scaling{Scale: 32, Good: 1998})
		r := s.steps(3, feeder(8, 1))
		if r[1].LossScale != 32 || r[2].LossScale != 64 || s.trainer.Scaling() != (train.Scaling{Scale: 64, Good: 1}) {
			t.Errorf("%+v, then %+v", r, s.trainer.Scaling())
		}
	})
}

func TestScaleGivesUp(t *testing.T) {
	onBackends(t, func(t *testing.T, open func() backend.Backend) {
		s := begin(t, open(), network(8), halves(1))
		before := fmt.Sprint(s.snapshot())
		for i := range 20 {
			r, err := s.step(i, lighter(8, 1, float32(math.NaN())))
			if i < 19 && (err != nil || !r.Skipped) {
				t.Fatalf("step %d: %+v, %v", i, r, err)
			}
			if i == 19 && (err == nil || !strings.Contains(err.Error(), "step 19: gradients are not finite for 20 steps in a row")) {
				t.Errorf("got %v after 20 bad steps", err)
			}
		}
		if fmt.Sprint(s.snapshot()) != before {
			t.Error("bad steps changed parameters or moments")
		}
	})
}

// A run that is resumed has the scale and the count of steps of an unbroken
// one, and its history says how many were skipped.
func TestScalingResumed(t *testing.T) {
	onBackends(t, func(t *testing.T, open func() backend.Backend) {
		loop := func(s session, saved *train.Progress, steps int) train.Loop {
			h, err := train.OpenHistory(filepath.Join(t.TempDir(), "metrics.jsonl"), 0)
			if err != nil {
				t.Fatal(err)
			}
			t.Cleanup(func() { h.Close() })
			return train.Loop{
				Trainer: s.trainer, Steps: steps, LogEvery: 1,
				Feed: feeder(8, 1), Log: h.Add,
				Save: func(p train.Progress) error { *saved = p; return nil },
			}
		}
		var p, q train.Progress
		first := train.Progress{Scaling: train.Scaling{Scale: 1 << 24}}
		whole := begin(t, open(), network(8), halves(1))
		l := loop(whole, &p, 14)
		if _, err := l.Run(context.Background(), first); err != nil {
			t.Fatal(err)
		}
		if p.Scaling.Skipped == 0 || p.Scaling.Skipped+p.Scaling.Good != 14 {
			t.Errorf("%+v after 14 steps", p.Scaling)
		}
		part := begin(t, open(), network(8), halves(1))
		l = loop(part, &q, 5)
		if _, err := l.Run(context.Background(), first); err != nil {
			t.Fatal(err)
		}
		rest := begin(t, open(), network(8), halves(1))
		for name, x := range part.snapshot() {
			at, err := part.b.Get(name)
			if err != nil {
				t.Fatal(err)
			}
			if err := rest.b.Put(name, tensor.Of(x, at.Shape()...)); err != nil {
				t.Fatal(err)
			}
		}
		l = loop(rest, &q, 14)
		if _, err := l.Run(context.Background(), q); err != nil {
			t.Fatal(err)
		}
		if fmt.Sprint(rest.snapshot()) != fmt.Sprint(whole.snapshot()) || q.Scaling != p.Scaling {
			t.Errorf("resumed at step 5: %+v, unbroken: %+v, or weights differ", q.Scaling, p.Scaling)
		}
	})
}
