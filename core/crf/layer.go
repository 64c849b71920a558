package crf

import (
	"github.com/kiban-models/kiban/core/graph"
	"github.com/kiban-models/kiban/core/nn"
	"github.com/kiban-models/kiban/core/tensor"
)

// Layer is the last layer of a model that labels sequences.
type Layer struct{ Transitions, Start, End *graph.Node }

// The names of a layer's parameters within its scope.
const (
	TransitionsName = "transitions"
	StartName       = "start_transitions"
	EndName         = "end_transitions"
)

// NewLayer declares the parameters for so many labels, in f32 whatever the
// policy, uniform within 0.1 of 0 as in pytorch-crf. To forbid moves, change the
// initial values with Moves.Forbid; keep the three out of weight decay, and they
// stay forbidden (see graph.CRF).
func NewLayer(s nn.Scope, labels int) Layer {
	s.Policy.Params = tensor.F32
	init := nn.Init{Bound: 0.1}
	return Layer{
		Transitions: s.Matrix(TransitionsName, labels, labels, init),
		Start:       s.Vector(StartName, labels, init),
		End:         s.Vector(EndName, labels, init),
	}
}

// Loss returns the negative log-likelihood of each sequence in nats, f32 [B].
// emissions is [B*T, L] of any float storage, labels i32 [B*T], lengths i32 [B]:
// see graph.CRF. Emissions are used in f32.
func (l Layer) Loss(emissions, labels, lengths *graph.Node) *graph.Node {
	return graph.CRF(graph.Cast(emissions, tensor.F32), l.Transitions, l.Start, l.End, labels, lengths)
}
