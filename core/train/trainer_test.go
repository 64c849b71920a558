package train_test

import (
	"context"
	"errors"
	"fmt"
	"math"
	"slices"
	"strings"
	"testing"

	"github.com/kiban-models/kiban/core/backend"
	"github.com/kiban-models/kiban/core/graph"
	"github.com/kiban-models/kiban/core/nn"
	"github.com/kiban-models/kiban/core/plan"
	"github.com/kiban-models/kiban/core/tensor"
	"github.com/kiban-models/kiban/core/train"
)

func TestCompileRefuses(t *testing.T) {
	misfit := func(s nn.Scope) *graph.Node {
		return graph.Add(s.Vector("a", 1, nn.Init{}), s.Vector("b", 2, nn.Init{}))
	}
	for _, c := range []struct {
		loss train.Loss
		opt  train.Options
		want string
	}{
		{network(4), train.Options{Policy: nn.Policy{Params: tensor.BF16}}, "bf16"},
		{network(4), train.Options{Trainable: func(string) bool { return false }}, "none of the 7 parameters"},
		{network(4), train.Options{Optimizer: train.Optimizer{Schedule: "cosin"}}, `"cosin"`},
		{misfit, train.Options{}, "add"},
		{misfit, train.Options{Optimizer: train.Optimizer{Accum: 2}}, "add"},
	} {
		if _, err := train.Compile(plan.Limits{}, c.loss, c.opt); err == nil || !strings.Contains(err.Error(), c.want) {
			t.Errorf("got %v, wanted an error with %q", err, c.want)
		}
	}
}

// TestUpdate trains on a constant gradient of 1, for which Adam's step is the
// learning rate itself, whatever the step: bias correction sees to that.
func TestUpdate(t *testing.T) {
	onBackends(t, func(t *testing.T, open func() backend.Backend) {
		for _, accum := range []int{1, 2} {
			loss := func(s nn.Scope) *graph.Node {
				sum := graph.Add(s.Matrix("matrix", 2, 2, nn.Init{Mean: 3}), s.Matrix("other", 2, 2, nn.Init{}))
				return graph.Add(graph.Dot(sum, s.Graph.Input("ones", tensor.F32, 2, 2)),
					graph.Dot(s.Vector("vector", 4, nn.Init{Mean: 3}), s.Graph.Input("vector of ones", tensor.F32, 4)))
			}
			o := train.Optimizer{LR: 0.1, MinLR: 0.01, Schedule: train.Linear, Warmup: 2, Steps: 6, WeightDecay: 0.5, Accum: accum}
			s := begin(t, open(), loss, train.Options{Optimizer: o})
			part := 1 / float32(accum)
			results := s.steps(6, func(_, _ int, r backend.Runner) (int, error) {
				ones := []float32{part, part, part, part}
				if err := r.Write("vector of ones", tensor.Of(ones, 4)); err != nil {
					return 0, err
				}
				return 4, r.Write("ones", tensor.Of(ones, 2, 2))
			})
			matrix, vector := 3.0, 3.0
			for i, r := range results {
				rate := o.Rate(i)
				if r.LR != rate || math.Abs(r.GradNorm-math.Sqrt(12)) > 1e-5 {
					t.Errorf("step %d: rate %g and norm %g, wanted %g and %g", i, r.LR, r.GradNorm, rate, math.Sqrt(12))
				}
				matrix, vector = matrix*(1-rate*0.5)-rate, vector-rate
			}
			for name, want := range map[string]float64{"matrix": matrix, "vector": vector} {
				for _, got := range s.get(name) {
					if math.Abs(float64(got)-want) > 1e-5 {
						t.Errorf("accumulating %d: %s is %g, wanted %g", accum, name, got, want)
					}
				}
			}
		}
	})
}

// TestAccumulation takes a batch at once and in four pieces.
func TestAccumulation(t *testing.T) {
	onBackends(t, func(t *testing.T, open func() backend.Backend) {
		// Epsilon keeps rounding of gradients near zero from deciding on steps.
		o := train.Options{Optimizer: train.Optimizer{LR: 0.01, WeightDecay: 0.1, GradClip: 0.5, Eps: 1e-3}}
		whole := begin(t, open(), network(32), o)
		o.Optimizer.Accum = 4
		pieces := begin(t, open(), network(8), o)
		before := whole.snapshot()
		a, b := whole.steps(5, feeder(32, 1)), pieces.steps(5, feeder(8, 4))
		for i := range a {
			if math.Abs(a[i].Loss-b[i].Loss) > 1e-5 || math.Abs(a[i].GradNorm-b[i].GradNorm) > 1e-5 {
				t.Errorf("step %d: at once %+v, in pieces %+v", i, a[i], b[i])
			}
		}
		x, y := whole.snapshot(), pieces.snapshot()
		for name := range x {
			if d := far(x[name], y[name]); d > 1e-5 {
				t.Errorf("%s differs by %g", name, d)
			}
			if slices.Equal(x[name], before[name]) {
				t.Errorf("%s has not moved", name)
			}
		}
		for _, d := range pieces.plan.Declared() {
			if sum := pieces.get("grad." + d.Name); slices.Max(sum) != 0 || slices.Min(sum) != 0 {
				t.Errorf("gradients of %s are left after the step", d.Name)
			}
		}
	})
}

// TestBrokenOff lets the feed of a micro-batch fail; the step is run again.
func TestBrokenOff(t *testing.T) {
	onBackends(t, func(t *testing.T, open func() backend.Backend) {
		o := train.Options{Optimizer: train.Optimizer{LR: 0.01, Accum: 3}}
		a, b := begin(t, open(), network(8), o), begin(t, open(), network(8), o)
		full := errors.New("a full disk")
		_, err := a.step(0, func(step, micro int, r backend.Runner) (int, error) {
			if micro == 2 {
				return 0, full
			}
			return feeder(8, 3)(step, micro, r)
		})
		if !errors.Is(err, full) {
			t.Fatalf("got %v, wanted the feed's error", err)
		}
		a.steps(2, feeder(8, 3))
		b.steps(2, feeder(8, 3))
		if fmt.Sprint(a.snapshot()) != fmt.Sprint(b.snapshot()) {
			t.Error("a step that was broken off left something behind")
		}
	})
}

func TestStepIgnoresEndedContext(t *testing.T) {
	onBackends(t, func(t *testing.T, open func() backend.Backend) {
		s := begin(t, open(), network(8), train.Options{Optimizer: train.Optimizer{LR: 0.01, Accum: 2}})
		ctx, cancel := context.WithCancel(context.Background())
		_, err := s.trainer.Step(ctx, 0, func(micro int, r backend.Runner) error {
			cancel()
			_, err := feeder(8, 2)(0, micro, r)
			return err
		})
		if err != nil {
			t.Errorf("a step that had begun was not finished: %v", err)
		}
	})
}

func TestFrozen(t *testing.T) {
	onBackends(t, func(t *testing.T, open func() backend.Backend) {
		for _, accum := range []int{1, 2} {
			trains := func(name string) bool { return strings.HasPrefix(name, "up.") || name == "norm.bias" }
			s := begin(t, open(), network(8), train.Options{
				Optimizer: train.Optimizer{LR: 0.1, WeightDecay: 0.5, Accum: accum}, Trainable: trains,
			})
			before := s.snapshot()
			s.steps(3, feeder(8, accum))
			for _, d := range s.plan.Declared() {
				if same := slices.Equal(s.get(d.Name), before[d.Name]); same == trains(d.Name) {
					t.Errorf("accumulating %d: %s trains: %t, stayed the same: %t", accum, d.Name, trains(d.Name), same)
				}
			}
			var moments []string
			for _, m := range s.plan.Moments() {
				moments = append(moments, m.Name)
			}
			want := []string{"adam.m.up.weight", "adam.m.up.bias", "adam.m.norm.bias", "adam.v.up.weight", "adam.v.up.bias", "adam.v.norm.bias"}
			if !slices.Equal(moments, want) {
				t.Errorf("moments %q, wanted %q", moments, want)
			}
			if _, err := s.b.Get("adam.m.wte.weight"); err == nil {
				t.Error("a frozen parameter has moments")
			}
		}
	})
}

// TestGradClip reads the clipped gradient off the first moments of one step,
// which are a tenth of it.
func TestGradClip(t *testing.T) {
	onBackends(t, func(t *testing.T, open func() backend.Backend) {
		for _, accum := range []int{1, 2} {
			run := func(clip float64) (norm float64, moments []float32, all string) {
				s := begin(t, open(), network(8), train.Options{Optimizer: train.Optimizer{LR: 0.1, GradClip: clip, Accum: accum}})
				norm = s.steps(1, feeder(8, accum))[0].GradNorm
				for _, m := range s.plan.Moments() {
					if strings.HasPrefix(m.Name, "adam.m.") {
						moments = append(moments, s.get(m.Name)...)
					}
				}
				return norm, moments, fmt.Sprint(s.snapshot())
			}
			norm, free, all := run(0)
			clip := norm / 3
			clippedNorm, clipped, _ := run(clip)
			if clippedNorm != norm {
				t.Errorf("norm %g with clipping, %g without", clippedNorm, norm)
			}
			var square float64
			for i, m := range clipped {
				square += float64(m) * float64(m)
				if math.Abs(float64(m)-float64(free[i])/3) > 1e-6 {
					t.Fatalf("element %d of the gradient is %g, clipped %g: not a third", i, 10*free[i], 10*m)
				}
			}
			if got := math.Sqrt(square) / (1 - 0.9); math.Abs(got-clip) > 1e-4*clip {
				t.Errorf("the clipped gradient has norm %g, wanted %g", got, clip)
			}
			if _, _, loose := run(2 * norm); loose != all {
				t.Error("a bound that is not reached changed the step")
			}
		}
	})
}

func TestNotFinite(t *testing.T) {
	onBackends(t, func(t *testing.T, open func() backend.Backend) {
		for _, accum := range []int{1, 2} {
			for _, bad := range []float64{math.NaN(), math.Inf(1)} {
				s := begin(t, open(), network(8), train.Options{Optimizer: train.Optimizer{LR: 0.01, Accum: accum}})
				s.steps(2, feeder(8, accum))
				before := fmt.Sprint(s.snapshot())
				_, err := s.step(2, func(step, micro int, r backend.Runner) (int, error) {
					if n, err := feeder(8, accum)(step, micro, r); micro > 0 || err != nil {
						return n, err
					}
					weights := tensor.New(tensor.F32, 8)
					weights.Set(3, bad)
					return 8, r.Write("weights", weights)
				})
				if err == nil || !strings.Contains(err.Error(), "step 2:") || !strings.Contains(err.Error(), "not finite") {
					t.Errorf("a weight of %g: got %v, wanted an error that names step 2", bad, err)
				}
				if fmt.Sprint(s.snapshot()) != before {
					t.Errorf("accumulating %d: a weight of %g changed parameters or moments", accum, bad)
				}
				if _, err := s.step(3, feeder(8, accum)); err != nil {
					t.Errorf("after a weight of %g: %v", bad, err)
				}
			}
		}
	})
}

func TestRecomputeSameStep(t *testing.T) {
	onBackends(t, func(t *testing.T, open func() backend.Backend) {
		o := train.Options{Optimizer: train.Optimizer{LR: 0.01, Eps: 1e-3}}
		a := begin(t, open(), network(8), o)
		o.Recompute = true
		b := begin(t, open(), network(8), o)
		a.steps(3, feeder(8, 1))
		b.steps(3, feeder(8, 1))
		x, y := a.snapshot(), b.snapshot()
		for name := range x {
			if d := far(x[name], y[name]); d > 1e-5 {
				t.Errorf("%s differs by %g", name, d)
			}
		}
	})
}
