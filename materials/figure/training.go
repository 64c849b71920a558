package figure

import "github.com/kiban-models/kiban/core/figure"

// History is what a training run recorded. Losses are nats, Speed tokens a
// second.
type History = figure.History

// Loss draws the loss of masked tokens over steps, of training and of held-out
// documents, as core/figure does.
func Loss(h History, baselines ...figure.Baseline) (*figure.Figure, error) {
	return h.LossCurve("held-out", "nats per masked token", baselines...)
}

// LearningRate draws the learning rate over steps.
func LearningRate(h History) (*figure.Figure, error) { return h.RateCurve() }

// Throughput draws the tokens that were trained on in a second.
func Throughput(h History) (*figure.Figure, error) { return h.SpeedCurve("tokens") }
