package figure

import (
	"math"

	"github.com/kiban-models/kiban/core/figure"
)

// History is what a training run recorded. Losses are nats per token.
type History = figure.History

// LossCurve draws training and validation loss over steps, as core/figure does.
// Baselines are losses in nats per token, for instance ln of the unigram
// perplexity.
func LossCurve(h History, baselines ...figure.Baseline) (*figure.Figure, error) {
	return h.LossCurve("validation", "nats per token", baselines...)
}

func finite(v float64) bool { return !math.IsNaN(v) && !math.IsInf(v, 0) }
