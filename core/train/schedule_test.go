package train_test

import (
	"math"
	"strings"
	"testing"

	"github.com/kiban-models/kiban/core/train"
)

func TestRate(t *testing.T) {
	const lr, least = 1.0, 0.1
	cos := func(part float64) float64 { return least + (lr-least)*(1+math.Cos(math.Pi*part))/2 }
	for _, c := range []struct {
		schedule      train.Schedule
		warmup, steps int
		want          map[int]float64 // by step
	}{
		{train.Cosine, 4, 24, map[int]float64{0: 0.25, 1: 0.5, 3: 1, 4: 1, 9: cos(0.25), 14: 0.55, 23: cos(0.95), 24: least, 1000: least}},
		{train.Linear, 4, 24, map[int]float64{0: 0.25, 1: 0.5, 3: 1, 4: 1, 9: 0.775, 14: 0.55, 23: 0.145, 24: least, 1000: least}},
		{train.Constant, 4, 24, map[int]float64{0: 0.25, 1: 0.5, 3: 1, 4: 1, 14: 1, 24: 1, 1000: 1}},
		{"", 2, 24, map[int]float64{0: 0.5, 1: 1, 2: 1, 24: 1}},
		{train.Cosine, 0, 10, map[int]float64{0: 1, 5: 0.55, 10: least}},
		{train.Linear, 0, 10, map[int]float64{0: 1, 5: 0.55, 10: least}},
		{train.Linear, 0, 0, map[int]float64{0: 1, 5: 1}}, // no end is known
		{train.Polynomial, 4, 24, map[int]float64{0: 0.25, 4: 1, 9: 0.775, 24: least, 1000: least}},
		{train.SlantedTriangular, 0, 50, map[int]float64{0: least, 3: least + 0.9*0.6, 5: 1, 14: least + 0.9*0.8, 50: least, 99: least}},
		{train.SlantedTriangular, 2, 12, map[int]float64{1: 0.55, 2: 1, 7: 0.55, 12: least}},
		{train.SlantedTriangular, 0, 4, map[int]float64{0: least, 1: 1, 4: least}}, // too short for a tenth
		{train.Cosine, 8, 4, map[int]float64{0: 0.125, 3: 0.5, 7: 1}},              // it ends before it has warmed up
	} {
		o := train.Optimizer{LR: lr, MinLR: least, Schedule: c.schedule, Warmup: c.warmup, Steps: c.steps}
		for step, want := range c.want {
			if got := o.Rate(step); math.Abs(got-want) > 1e-12 {
				t.Errorf("%q, warm-up %d of %d: step %d has %g, wanted %g", c.schedule, c.warmup, c.steps, step, got, want)
			}
		}
	}
}

// TestPolynomial has values of get_polynomial_decay_schedule_with_warmup of
// transformers (power 2, lr_end 1e-7), whose warm-up is a step behind.
func TestPolynomial(t *testing.T) {
	o := train.Optimizer{LR: 1e-3, MinLR: 1e-7, Schedule: train.Polynomial, Power: 2, Warmup: 5, Steps: 25}
	for step, want := range map[int]float64{5: 1e-3, 10: 5.625437500000001e-4, 20: 6.259375e-5, 25: 1e-7, 30: 1e-7} {
		if got := o.Rate(step); math.Abs(got-want) > 1e-12 {
			t.Errorf("step %d: %g, wanted %g", step, got, want)
		}
	}
}

func TestParseSchedule(t *testing.T) {
	for _, s := range []train.Schedule{train.Cosine, train.Linear, train.Constant, train.Polynomial, train.SlantedTriangular} {
		if got, err := train.ParseSchedule(string(s)); got != s || err != nil {
			t.Errorf("%q: got %q, %v", s, got, err)
		}
	}
	for _, s := range []string{"", "Cosine", "triangular"} {
		if got, err := train.ParseSchedule(s); err == nil || !strings.Contains(err.Error(), "cosine, linear, constant") {
			t.Errorf("%q: got %q, %v, wanted an error that lists the known ones", s, got, err)
		}
	}
}

func TestOver(t *testing.T) {
	for _, x := range []struct {
		o                      train.Optimizer
		epochs, perEpoch, warm float64
		steps, warmup          int
	}{
		{train.Optimizer{}, 3, 10.5, 0.1, 32, 3},
		{train.Optimizer{}, 0.001, 10, 0, 1, 0},
		{train.Optimizer{Steps: 7}, 3, 10, 0.5, 7, 4},
		{train.Optimizer{Warmup: 2}, 1, 100, 0.5, 100, 2},
	} {
		if got := x.o.Over(x.epochs, x.perEpoch, x.warm); got.Steps != x.steps || got.Warmup != x.warmup {
			t.Errorf("%+v over %g epochs of %g: %d steps, %d of warm-up, wanted %d and %d", x.o, x.epochs, x.perEpoch, got.Steps, got.Warmup, x.steps, x.warmup)
		}
	}
}
