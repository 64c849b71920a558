package train_test

import (
	"context"
	"encoding/json"
	"fmt"
	"math"
	"os"
	"slices"
	"strings"
	"testing"

	"github.com/kiban-models/kiban/core/backend"
	"github.com/kiban-models/kiban/core/backend/reference"
	"github.com/kiban-models/kiban/core/graph"
	"github.com/kiban-models/kiban/core/nn"
	"github.com/kiban-models/kiban/core/plan"
	"github.com/kiban-models/kiban/core/tensor"
	"github.com/kiban-models/kiban/core/train"
)

// layered is the network of testdata/unfreezing.py, over 8 rows.
func layered(s nn.Scope) *graph.Node { return layeredOf(8)(s) }

func layeredOf(rows int) train.Loss {
	return func(s nn.Scope) *graph.Node {
		o := nn.LinearOpt{Std: 0.5}
		x := nn.NewEmbedding(s, "wte", vocab, width, 0.5).Forward(s.Graph.Input("ids", tensor.I32, rows))
		x = graph.Activate(nn.NewLinear(s, "one", width, width, o).Forward(x), graph.SiLU)
		x = graph.Activate(nn.NewLinear(s, "two", width, width, o).Forward(x), graph.SiLU)
		head := nn.NewLinear(s, "head", width, vocab, o)
		losses := graph.LinearCrossEntropy(x, graph.Cast(head.W, s.Policy.Compute), head.B, s.Graph.Input("labels", tensor.I32, rows))
		return graph.Dot(losses, s.Graph.Input("weights", tensor.F32, rows))
	}
}

// torchRun is testdata/unfreezing.json.
type torchRun struct {
	Begin, Layer         map[string]int
	Steps                int
	LR                   float64
	First, Last, M, V    map[string][]float32
	Losses, Norms, Rates []float64
	Taken                map[string]int
}

func readTorchRun(t *testing.T) torchRun {
	data, err := os.ReadFile("testdata/unfreezing.json")
	var f torchRun
	if err == nil {
		err = json.Unmarshal(data, &f)
	}
	if err != nil {
		t.Fatal(err)
	}
	return f
}

// of looks up the layer that a parameter is of.
func of(m map[string]int) func(string) int {
	return func(name string) int {
		layer, _, _ := strings.Cut(name, ".")
		return m[layer]
	}
}

func (f torchRun) options(accum int) train.Options {
	return train.Options{
		Optimizer: train.Optimizer{LR: f.LR, Schedule: train.SlantedTriangular, Steps: f.Steps, WeightDecay: 0.1, GradClip: 0.5, Accum: accum},
		LRScale:   train.LayerRates(of(f.Layer), 3, train.LayerFactor),
		Begin:     of(f.Begin),
	}
}

// feed writes a piece of the script's batch.
func (f torchRun) feed(accum int) func(step, micro int, r backend.Runner) (int, error) {
	return func(step, micro int, r backend.Runner) (int, error) {
		n := 8 / accum
		ids, labels, weights := tensor.New(tensor.I32, n), tensor.New(tensor.I32, n), tensor.New(tensor.F32, n)
		for k := range n {
			i := micro*n + k
			ids.Int32()[k], labels.Int32()[k], weights.Float32()[k] = int32((step+i*i)%vocab), int32((2*step+3*i)%vocab), 1./8
		}
		for name, x := range map[string]*tensor.Tensor{"ids": ids, "labels": labels, "weights": weights} {
			if err := r.Write(name, x); err != nil {
				return 0, err
			}
		}
		return n, nil
	}
}

// put sets the weights that the script began with.
func (f torchRun) put(s session) {
	for _, d := range s.plan.Declared() {
		if err := s.b.Put(d.Name, tensor.Of(slices.Clone(f.First[d.Name]), d.Shape...)); err != nil {
			s.t.Fatal(err)
		}
	}
}

// TestUnfreezingTorch compares ULMFiT's recipe with PyTorch's: rates, losses,
// norms of what is not frozen, weights and moments.
func TestUnfreezingTorch(t *testing.T) {
	f := readTorchRun(t)
	onBackends(t, func(t *testing.T, open func() backend.Backend) {
		for _, accum := range []int{1, 2} {
			s := begin(t, open(), layeredOf(8/accum), f.options(accum))
			f.put(s)
			largest := 0.0
			for i, r := range s.steps(f.Steps, f.feed(accum)) {
				for _, d := range []float64{r.Loss - f.Losses[i], r.GradNorm - f.Norms[i], r.LR - f.Rates[i]} {
					if largest = max(largest, math.Abs(d)); !(math.Abs(d) < 1e-5) {
						t.Fatalf("step %d: %+v, torch has loss %g, norm %g, rate %g", i, r, f.Losses[i], f.Norms[i], f.Rates[i])
					}
				}
			}
			for prefix, want := range map[string]map[string][]float32{"": f.Last, "adam.m.": f.M, "adam.v.": f.V} {
				for name, w := range want {
					d := far(s.get(prefix+name), w)
					if largest = max(largest, d); d > 1e-5 {
						t.Errorf("accumulating %d: %s differs by %g from torch's", accum, prefix+name, d)
					}
				}
			}
			t.Logf("accumulating %d: largest difference %.2g", accum, largest)
			for name, n := range f.Taken {
				if want := f.Steps - of(f.Begin)(name); n != want {
					t.Errorf("torch took %d steps with %s, wanted %d", n, name, want)
				}
			}
		}
	})
}

// TestUnfreezingFrozen demands that a stage computes nothing of what it does
// not train.
func TestUnfreezingFrozen(t *testing.T) {
	f := readTorchRun(t)
	onBackends(t, func(t *testing.T, open func() backend.Backend) {
		s := begin(t, open(), layered, f.options(1))
		before := s.snapshot()
		s.steps(7, f.feed(1)) // "two" began at 4, "one" will at 8
		after := s.snapshot()
		for name, x := range after {
			base := strings.TrimPrefix(strings.TrimPrefix(name, "adam.m."), "adam.v.")
			if moved := !slices.Equal(x, before[name]); moved != (of(f.Begin)(base) < 7) {
				t.Errorf("%s moved: %t", name, moved)
			}
		}
	})
}

// TestUnfreezingResume breaks a run off before, at and after the beginning of a
// stage, in another backend each time.
func TestUnfreezingResume(t *testing.T) {
	f := readTorchRun(t)
	onBackends(t, func(t *testing.T, open func() backend.Backend) {
		for _, accum := range []int{1, 2} {
			whole := begin(t, open(), layeredOf(8/accum), f.options(accum))
			whole.steps(f.Steps, f.feed(accum))
			want := fmt.Sprint(whole.snapshot())
			part := begin(t, open(), layeredOf(8/accum), f.options(accum))
			for i := range f.Steps {
				if slices.Contains([]int{3, 4, 5, 8, 11}, i) {
					next := begin(t, open(), layeredOf(8/accum), f.options(accum))
					for name := range part.snapshot() {
						x, err := part.b.Get(name)
						if err == nil {
							err = next.b.Put(name, x)
						}
						if err != nil {
							t.Fatal(err)
						}
					}
					next.trainer.SetScaling(part.trainer.Scaling())
					next.trainer.SetSkipped(part.trainer.Skipped())
					part = next
				}
				if _, err := part.step(i, f.feed(accum)); err != nil {
					t.Fatal(err)
				}
			}
			if fmt.Sprint(part.snapshot()) != want {
				t.Errorf("accumulating %d: a run that was broken off five times ends elsewhere", accum)
			}
		}
	})
}

// TestUnfreezingSkips lets f16 skip the steps before the second stage and some
// of it: the first step that is taken with its parameters is Adam's first, by
// the learning rate itself.
func TestUnfreezingSkips(t *testing.T) {
	f := readTorchRun(t)
	o := f.options(1)
	o.Policy.Compute = tensor.F16
	onBackends(t, func(t *testing.T, open func() backend.Backend) {
		s := begin(t, open(), layered, o)
		f.put(s)
		for i := range 7 {
			scaling := s.trainer.Scaling()
			if scaling.Scale = 1 << 10; i < 6 {
				scaling.Scale = math.MaxFloat64 // infinite in f32
			}
			s.trainer.SetScaling(scaling)
			before := s.get("two.bias")
			r, err := s.step(i, f.feed(1))
			if err != nil || r.Skipped != (i < 6) {
				t.Fatalf("step %d: %+v, %v", i, r, err)
			}
			if i < 6 {
				continue
			}
			if n := s.trainer.Skipped(); !slices.Equal(n, []int{0, 4}) {
				t.Errorf("skipped before stages %d", n)
			}
			after, want := s.get("two.bias"), r.LR/train.LayerFactor
			for k := range after {
				if d := math.Abs(float64(after[k] - before[k])); math.Abs(d-want) > 1e-2*want {
					t.Errorf("two.bias[%d] moved by %g, wanted %g", k, d, want)
				}
			}
		}
	})
}

func TestUnfreezingPlan(t *testing.T) {
	f := readTorchRun(t)
	b := reference.New[float32]()
	o := f.options(1)
	whole := o
	whole.Begin = nil
	staged, plain := compile(t, b, layered, o), compile(t, b, layered, whole)
	if m, w := staged.Memory(), plain.Memory(); m.Params != w.Params || m.States != w.States || m.Scratch < w.Scratch {
		t.Errorf("memory %+v, without stages %+v", m, w)
	}
	if !slices.EqualFunc(staged.Moments(), plain.Moments(), func(x, y plan.Named) bool { return x.Name == y.Name }) {
		t.Error("other moments")
	}
	// What begins when the run has ended never trains.
	o.Optimizer.Steps = 13
	if n := len(compile(t, b, layered, o).Moments()); n != 12 {
		t.Errorf("%d moments, wanted those of six parameters", n)
	}
	o.Begin = func(string) int { return 2 }
	if _, err := train.Compile(b.Limits(), layered, o); err == nil || !strings.Contains(err.Error(), "before step 2") {
		t.Errorf("nothing to train at first: %v", err)
	}
	o.Begin = func(string) int { return -1 }
	if _, err := train.Compile(b.Limits(), layered, o); err == nil || !strings.Contains(err.Error(), "0 or more") {
		t.Errorf("a negative step: %v", err)
	}
}

func TestUnfreezingRule(t *testing.T) {
	layer := of(map[string]int{"wte": 0, "one": 1, "two": 2, "head": 3})
	at, scale := train.Unfreezing(layer, 2, 100), train.LayerRates(layer, 2, 2.6)
	own := train.OwnRate(scale, func(n string) bool { return n == "head" }, 15)
	for name, want := range map[string]struct {
		at         int
		scale, own float64
	}{"head": {0, 1, 15}, "two": {0, 1, 1}, "one": {100, 1 / 2.6, 1 / 2.6}, "wte": {200, 1 / 2.6 / 2.6, 1 / 2.6 / 2.6}} {
		if at(name) != want.at || math.Abs(scale(name)-want.scale) > 1e-15 || math.Abs(own(name)-want.own) > 1e-15 {
			t.Errorf("%s: from step %d, times %g, times %g; wanted %+v", name, at(name), scale(name), own(name), want)
		}
	}
}

// TestLoopUnfreezing interrupts a loop in each stage; evaluations with a score,
// patience and the ends of epochs come with it.
func TestLoopUnfreezing(t *testing.T) {
	f := readTorchRun(t)
	run := func(stops ...int) (string, train.Progress, []train.Record) {
		var p train.Progress
		var records []train.Record
		var weights map[string]*tensor.Tensor
		var s session
		for _, stop := range append(stops, -1) {
			s = begin(t, reference.New[float32](), layered, f.options(1))
			for name, x := range weights {
				if err := s.b.Put(name, x); err != nil {
					t.Fatal(err)
				}
			}
			ctx, cancel := context.WithCancel(context.Background())
			loop := train.Loop{
				Trainer: s.trainer, Feed: f.feed(1), Steps: f.Steps, StepsPerEpoch: 2.5, EpochEnds: true, Patience: 100,
				Score: func(context.Context) (train.Evaluation, error) {
					x := s.get("head.bias")
					return train.Evaluation{Loss: 1, Scores: train.Scores{"f1": math.Abs(float64(x[0]))}, By: "f1"}, nil
				},
				Save: func(p train.Progress) error {
					weights = map[string]*tensor.Tensor{}
					for name := range s.snapshot() {
						x, err := s.b.Get(name)
						if err != nil {
							return err
						}
						weights[name] = x
					}
					return nil
				},
				Log: func(r train.Record) error {
					r.Time, r.TokensPerSec = 0, 0
					records = append(records, r)
					return nil
				},
				Tick: func(p train.Progress, _ train.Result) {
					if p.Step == stop {
						cancel()
					}
				},
			}
			var err error
			if p, err = loop.Run(ctx, p); err != nil && stop < 0 {
				t.Fatal(err)
			}
			cancel()
		}
		p.Seconds = 0
		return fmt.Sprint(s.snapshot()), p, records
	}
	weights, p, records := run()
	again, q, rest := run(2, 4, 7, 10, 13, 19)
	if weights != again || fmt.Sprint(p) != fmt.Sprint(q) || fmt.Sprint(records) != fmt.Sprint(rest) {
		t.Errorf("unbroken %+v, broken off %+v", p, q)
	}
	var evals []int
	for _, r := range records {
		if r.Split == "eval" {
			evals = append(evals, r.Step)
		}
	}
	if want := []int{3, 5, 8, 10, 13, 15, 18, 20}; !slices.Equal(evals, want) {
		t.Errorf("evaluated after %d steps, wanted %d", evals, want)
	}
}

// TestPatience gives scores of which the third is the best, until the sixth is.
func TestPatience(t *testing.T) {
	for _, c := range []struct{ patience, want int }{{0, 40}, {2, 20}, {3, 36}} {
		s := begin(t, reference.New[float32](), network(8), train.Options{Optimizer: train.Optimizer{LR: 0.01}})
		scores := []float64{0.5, 0.6, 0.9, 0.8, 0.7, 0.95, 0.9, 0.9, 0.9, 0.9}
		var p train.Progress
		saves := []int{}
		loop := train.Loop{
			Trainer: s.trainer, Feed: feeder(8, 1), Steps: 40, EvalEvery: 4, Patience: c.patience,
			Score: func(context.Context) (train.Evaluation, error) {
				score := scores[0]
				scores = scores[1:]
				return train.Evaluation{Loss: 1, Scores: train.Scores{"f1": score}, By: "f1"}, nil
			},
			Save: func(p train.Progress) error { saves = append(saves, p.Step); return nil },
			Log:  func(train.Record) error { return nil },
		}
		p, err := loop.Run(context.Background(), p)
		if err != nil || p.Step != c.want || !slices.Equal(saves, []int{c.want}) {
			t.Errorf("patience %d: ended after %d steps, saved at %d, %v; wanted %d", c.patience, p.Step, saves, err, c.want)
		}
		if c.patience > 0 { // what has ended does not go on
			if q, err := loop.Run(context.Background(), p); err != nil || q.Step != p.Step || len(saves) != 1 {
				t.Errorf("patience %d: went on to step %d, %v", c.patience, q.Step, err)
			}
		}
	}
}
