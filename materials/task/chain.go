package task

import (
	"errors"

	"github.com/kiban-models/kiban/core/backend"
	"github.com/kiban-models/kiban/core/checkpoint"
	"github.com/kiban-models/kiban/core/crf"
	"github.com/kiban-models/kiban/core/run"
	"github.com/kiban-models/kiban/core/tensor"
)

// The parameters of a chain, as MatSciBERT's BERT_CRF names them.
const (
	transitions = "crf." + crf.TransitionsName
	starts      = "crf." + crf.StartName
	ends        = "crf." + crf.EndName
)

// ChainWeights reads a chain's parameters from a source.
func ChainWeights(from checkpoint.Source) (crf.Weights, error) {
	var all [3]*tensor.Tensor
	for i, name := range []string{transitions, starts, ends} {
		x, err := from.Tensor(name)
		if err != nil {
			return crf.Weights{}, err
		}
		all[i] = x
	}
	return crf.NewWeights(all[0], all[1], all[2])
}

// forbid gives the moves that no labels of BIO make the score that MatSciBERT
// gives them: training leaves it as it is.
func forbid(b backend.Backend, labels []string) error {
	moves, err := crf.NewMoves(labels)
	if err != nil {
		return err
	}
	w, err := ChainWeights(run.Weights(b))
	if err != nil {
		return err
	}
	if err := moves.Forbid(w); err != nil {
		return err
	}
	n := w.Labels
	return errors.Join(
		b.Put(transitions, tensor.Of(w.Transitions, n, n)), b.Put(starts, tensor.Of(w.Start, n)), b.Put(ends, tensor.Of(w.End, n)))
}
