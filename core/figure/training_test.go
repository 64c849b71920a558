package figure

import (
	"math"
	"testing"
)

func TestRunningMean(t *testing.T) {
	got := runningMean([]float64{1, 3, math.NaN(), 5, 7}, 2)
	for i, want := range []float64{1, 2, 3, 5, 6} {
		if got[i] != want {
			t.Errorf("mean %d is %v, want %v", i, got[i], want)
		}
	}
}

func TestHistoryRefuses(t *testing.T) {
	for name, h := range map[string]History{
		"empty":       {},
		"no losses":   {Step: []float64{1}},
		"few rates":   {Step: []float64{1, 2}, Loss: []float64{1, 2}, Rate: []float64{1}},
		"evaluations": {EvalStep: []float64{1}},
	} {
		if _, err := h.LossCurve("held-out", "nats"); err == nil {
			t.Errorf("%s: a loss was drawn", name)
		}
	}
	h := History{Step: []float64{1, 2}, Loss: []float64{1, 2}}
	if _, err := h.RateCurve(); err == nil {
		t.Error("rates were drawn that there are none of")
	}
	if _, err := h.SpeedCurve("tokens"); err == nil {
		t.Error("speeds were drawn that there are none of")
	}
	if _, err := h.LossCurve("held-out", "nats"); err != nil {
		t.Error(err)
	}
}
