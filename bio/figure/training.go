package figure

import (
	"fmt"
	"math"

	"github.com/kiban-models/kiban/core/figure"
)

// History is what a training run recorded: one entry of Step and Loss per log
// line, and its own steps for evaluation. Losses are nats per token.
type History struct {
	Step     []float64
	Loss     []float64
	EvalStep []float64
	EvalLoss []float64
}

// LossCurve draws training and validation loss over steps. Baselines are
// losses in nats per token, for instance ln of the unigram perplexity.
// Where there are many log lines, the training line is a running mean over
// 1 % of them; the subtitle says so.
func LossCurve(h History, baselines ...figure.Baseline) (*figure.Figure, error) {
	if len(h.Step) != len(h.Loss) || len(h.EvalStep) != len(h.EvalLoss) {
		return nil, fmt.Errorf("bio figure: loss curve: %d steps with %d losses and %d evaluation steps with %d losses, wanted as many of each",
			len(h.Step), len(h.Loss), len(h.EvalStep), len(h.EvalLoss))
	}
	opt := figure.Options{Title: "Loss", XLabel: "Step", YLabel: "Loss (nats per token)", Baselines: baselines}
	var series []figure.Series
	if len(h.Step) > 0 {
		y, n := h.Loss, len(h.Loss)/100
		if n > 1 {
			y = runningMean(h.Loss, n)
			opt.Subtitle = fmt.Sprintf("training: mean of %d log lines", n)
		}
		series = append(series, figure.Series{Name: "training", X: h.Step, Y: y})
	}
	if len(h.EvalStep) > 0 {
		series = append(series, figure.Series{Name: "validation", X: h.EvalStep, Y: h.EvalLoss})
	}
	return figure.Curve(series, opt)
}

// runningMean averages each value with the ones before it, n in all, skipping
// what is not finite.
func runningMean(v []float64, n int) []float64 {
	out := make([]float64, len(v))
	sum, count := 0.0, 0
	for i, x := range v {
		if finite(x) {
			sum, count = sum+x, count+1
		}
		if i >= n && finite(v[i-n]) {
			sum, count = sum-v[i-n], count-1
		}
		out[i] = math.NaN()
		if count > 0 {
			out[i] = sum / float64(count)
		}
	}
	return out
}

func finite(v float64) bool { return !math.IsNaN(v) && !math.IsInf(v, 0) }
