package figure

import (
	"errors"
	"fmt"
	"math"
)

// History is what a training run recorded: one entry of Step, Loss, Rate and
// Speed a log line, and its own steps for evaluations. Rate is the learning
// rate; Rate and Speed may be nil.
type History struct {
	Step, Loss, Rate, Speed []float64
	EvalStep, EvalLoss      []float64
}

func (h History) check() error {
	n := len(h.Step)
	if n != len(h.Loss) || h.Rate != nil && n != len(h.Rate) || h.Speed != nil && n != len(h.Speed) ||
		len(h.EvalStep) != len(h.EvalLoss) || n+len(h.EvalStep) == 0 {
		return fmt.Errorf("figure: history of %d steps with %d losses, %d rates and %d speeds, and %d evaluations with %d losses; wanted as many of each, and some",
			n, len(h.Loss), len(h.Rate), len(h.Speed), len(h.EvalStep), len(h.EvalLoss))
	}
	return nil
}

// LossCurve draws the loss over steps, of training and of what evalName calls what
// it was evaluated on, such as "held-out". unit is of a loss, such as "nats per
// token". Where there are many log lines, that of training is a running mean
// over 1 % of them; the subtitle says so.
func (h History) LossCurve(evalName, unit string, baselines ...Baseline) (*Figure, error) {
	if err := h.check(); err != nil {
		return nil, err
	}
	opt := Options{Title: "Loss", XLabel: "Step", YLabel: "Loss (" + unit + ")", Baselines: baselines}
	var series []Series
	if len(h.Step) > 0 {
		y := h.Loss
		if n := len(y) / 100; n > 1 {
			y = runningMean(y, n)
			opt.Subtitle = fmt.Sprintf("training: mean of %d log lines", n)
		}
		series = append(series, Series{Name: "training", X: h.Step, Y: y})
	}
	if len(h.EvalStep) > 0 {
		series = append(series, Series{Name: evalName, X: h.EvalStep, Y: h.EvalLoss})
	}
	return Curve(series, opt)
}

// RateCurve draws the learning rate over steps.
func (h History) RateCurve() (*Figure, error) {
	if err := h.check(); err != nil {
		return nil, err
	}
	if h.Rate == nil {
		return nil, errors.New("figure: history without learning rates")
	}
	return Curve([]Series{{Name: "learning rate", X: h.Step, Y: h.Rate}}, Options{Title: "Learning rate", XLabel: "Step", YLabel: "Learning rate"})
}

// SpeedCurve draws how much was trained on in a second; unit is of what, such
// as "tokens".
func (h History) SpeedCurve(unit string) (*Figure, error) {
	if err := h.check(); err != nil {
		return nil, err
	}
	if h.Speed == nil {
		return nil, errors.New("figure: history without speeds")
	}
	return Curve([]Series{{Name: "throughput", X: h.Step, Y: h.Speed}},
		Options{Title: "Throughput", XLabel: "Step", YLabel: "Throughput (" + unit + " per second)"})
}

// runningMean averages each value with those before it, n in all, leaving out
// what is not finite.
func runningMean(v []float64, n int) []float64 {
	out := make([]float64, len(v))
	for i := range v {
		sum, count := 0.0, 0
		for _, x := range v[max(0, i-n+1) : i+1] {
			if isFinite(x) {
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
