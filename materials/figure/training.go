package figure

import (
	"fmt"
	"math"

	"github.com/kiban-models/kiban/core/figure"
)

// History is what a training run recorded: one entry of Step, Loss, Rate and
// Speed a log line, and its own steps for evaluations. Losses are nats, Rate is
// the learning rate, Speed tokens a second.
type History struct {
	Step, Loss, Rate, Speed []float64
	EvalStep, EvalLoss      []float64
}

func (h History) check() error {
	if n := len(h.Step); n == 0 || n != len(h.Loss) || n != len(h.Rate) || n != len(h.Speed) || len(h.EvalStep) != len(h.EvalLoss) {
		return fmt.Errorf("materials figure: history of %d steps with %d losses, %d rates and %d speeds, and %d evaluations with %d losses; wanted as many of each, and some",
			n, len(h.Loss), len(h.Rate), len(h.Speed), len(h.EvalStep), len(h.EvalLoss))
	}
	return nil
}

// Loss draws the loss of masked tokens over steps, of training and of held-out
// documents. Where there are many log lines, that of training is a running mean
// over 1 % of them; the subtitle says so.
func Loss(h History, baselines ...figure.Baseline) (*figure.Figure, error) {
	if err := h.check(); err != nil {
		return nil, err
	}
	opt := figure.Options{Title: "Loss", XLabel: "Step", YLabel: "Loss (nats per masked token)", Baselines: baselines}
	y := h.Loss
	if n := len(y) / 100; n > 1 {
		y = runningMean(y, n)
		opt.Subtitle = fmt.Sprintf("training: mean of %d log lines", n)
	}
	series := []figure.Series{{Name: "training", X: h.Step, Y: y}}
	if len(h.EvalStep) > 0 {
		series = append(series, figure.Series{Name: "held-out", X: h.EvalStep, Y: h.EvalLoss})
	}
	return figure.Curve(series, opt)
}

// LearningRate draws the learning rate over steps.
func LearningRate(h History) (*figure.Figure, error) {
	if err := h.check(); err != nil {
		return nil, err
	}
	return figure.Curve([]figure.Series{{Name: "learning rate", X: h.Step, Y: h.Rate}},
		figure.Options{Title: "Learning rate", XLabel: "Step", YLabel: "Learning rate"})
}

// Throughput draws the tokens that were trained on in a second.
func Throughput(h History) (*figure.Figure, error) {
	if err := h.check(); err != nil {
		return nil, err
	}
	return figure.Curve([]figure.Series{{Name: "throughput", X: h.Step, Y: h.Speed}},
		figure.Options{Title: "Throughput", XLabel: "Step", YLabel: "Throughput (tokens per second)"})
}

// runningMean averages each value with those before it, n in all, leaving out
// what is not finite.
func runningMean(v []float64, n int) []float64 {
	out := make([]float64, len(v))
	for i := range v {
		sum, count := 0.0, 0
		for _, x := range v[max(0, i-n+1) : i+1] {
			if !math.IsNaN(x) && !math.IsInf(x, 0) {
				sum, count = sum+x, count+1
			}
		}
		out[i] = math.NaN()
		if count > 0 {
			out[i] = sum / float64(count)
		}
	}
	return out
}
