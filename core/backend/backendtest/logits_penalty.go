package backendtest

import (
	"github.com/kiban-models/kiban/core/graph"
	"github.com/kiban-models/kiban/core/tensor"
)

func logitsPenaltyCases() []Case {
	return []Case{{
		Name: "logits_penalty/repeated tokens",
		Build: func(m *Maker) map[string]*graph.Node {
			return one(logitsPenalty(m, 257, list(3, 3, 250, 256, 0, 7, 3, 256, 9)))
		},
	}, {
		Name: "logits_penalty/ids outside the vocabulary",
		Build: func(m *Maker) map[string]*graph.Node {
			return one(logitsPenalty(m, 33, list(-1, 3, 33, 1000, 32, 0, 3, -7, 9)))
		},
	}, {
		Name: "logits_penalty/large vocabulary",
		Build: func(m *Maker) map[string]*graph.Node {
			return one(logitsPenalty(m, 50257, integers(0, 50256)))
		},
	}}
}

func logitsPenalty(m *Maker, vocab int, tokens Values) *graph.Node {
	return graph.Penalty(
		m.Input("logits", tensor.F32, normal(2), 3, vocab),
		m.Input("tokens", tensor.I32, tokens, 3, 9),
		m.Input("pos", tensor.I32, list(0, 4, 8), 3),
		m.Input("knobs", tensor.F32, list(1.3, 1, 0, 1, 0, 0, 0, 0), graph.KnobsLen))
}
