package figure

import "github.com/kiban-models/kiban/core/figure"

// History is what a training run recorded: losses as the latitude-weighted mean
// of squared errors of normalised variables, and Speed in samples a second.
type History = figure.History

// Loss draws the loss of training and of the validation years over steps.
func Loss(h History, baselines ...figure.Baseline) (*figure.Figure, error) {
	return h.LossCurve("validation", "weighted mean squared error", baselines...)
}

// LearningRate draws the learning rate over steps.
func LearningRate(h History) (*figure.Figure, error) { return h.RateCurve() }

// Throughput draws the samples that were trained on in a second.
func Throughput(h History) (*figure.Figure, error) { return h.SpeedCurve("samples") }
