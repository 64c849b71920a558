package train_test

import (
	"math"
	"slices"
	"strings"
	"testing"

	"github.com/kiban-models/kiban/core/backend"
	"github.com/kiban-models/kiban/core/backend/reference"
	"github.com/kiban-models/kiban/core/graph"
	"github.com/kiban-models/kiban/core/nn"
	"github.com/kiban-models/kiban/core/tensor"
	"github.com/kiban-models/kiban/core/train"
)

// slopes has four parameters, each with a constant gradient of 1 an element.
func slopes(s nn.Scope) *graph.Node {
	var sum *graph.Node
	for _, name := range []string{"a", "b", "c", "d"} {
		x := s.Matrix(name, 2, 2, nn.Init{Mean: 3})
		if sum == nil {
			sum = x
		} else {
			sum = graph.Add(sum, x)
		}
	}
	return graph.Dot(sum, s.Graph.Input("ones", tensor.F32, 2, 2))
}

// TestLRScale trains on constant gradients, for which Adam's step is the
// learning rate itself, and its decay the learning rate's share.
func TestLRScale(t *testing.T) {
	scales := map[string]float64{"a": 1, "b": 0.25, "c": 0, "d": 0.25}
	onBackends(t, func(t *testing.T, open func() backend.Backend) {
		for _, accum := range []int{1, 2} {
			o := train.Optimizer{LR: 0.1, Schedule: train.Linear, Warmup: 2, Steps: 6, WeightDecay: 0.5, Accum: accum}
			s := begin(t, open(), slopes, train.Options{
				Optimizer: o, LRScale: func(name string) float64 { return scales[name] },
				Trainable: func(name string) bool { return name != "c" },
			})
			results := s.steps(4, func(_, _ int, r backend.Runner) (int, error) {
				part := 1 / float32(accum)
				return 4, r.Write("ones", tensor.Of([]float32{part, part, part, part}, 2, 2))
			})
			for name, scale := range scales {
				want := 3.0
				for i := range results {
					want = want*(1-o.Rate(i)*scale*0.5) - o.Rate(i)*scale
				}
				for _, got := range s.get(name) {
					if math.Abs(float64(got)-want) > 1e-5 {
						t.Errorf("accumulating %d: %s is %g, wanted %g", accum, name, got, want)
					}
				}
			}
		}
	})
}

// A scale of 1 for all is the step without scales, bit for bit, and three
// scales that occur in turn make two further inputs, not one a parameter.
func TestLRScaleGroups(t *testing.T) {
	o := train.Options{Optimizer: train.Optimizer{LR: 0.01}}
	plain := begin(t, reference.New[float32](), network(8), o)
	o.LRScale = func(string) float64 { return 1 }
	scaled := begin(t, reference.New[float32](), network(8), o)
	plain.steps(2, feeder(8, 1))
	scaled.steps(2, feeder(8, 1))
	want := scaled.snapshot()
	for name, x := range plain.snapshot() {
		if !slices.Equal(x, want[name]) {
			t.Errorf("%s differs", name)
		}
	}
	o.LRScale = func(name string) float64 { return float64(len(name)%3 + 1) }
	groups := map[string]bool{}
	for name := range compile(t, reference.New[float32](), network(8), o).Program().Inputs {
		if strings.HasPrefix(name, "hyper") {
			groups[name] = true
		}
	}
	if len(groups) != 3 || !groups["hyper"] || !groups["hyper.1"] || !groups["hyper.2"] {
		t.Errorf("groups %v, wanted hyper, hyper.1 and hyper.2", groups)
	}
}

func TestLRScaleRefuses(t *testing.T) {
	for _, bad := range []float64{0, -1, math.NaN(), math.Inf(1)} {
		o := train.Options{LRScale: func(string) float64 { return bad }}
		if _, err := train.Compile(reference.New[float32]().Limits(), slopes, o); err == nil || !strings.Contains(err.Error(), "of a is multiplied by") {
			t.Errorf("a scale of %g: got %v", bad, err)
		}
	}
}
