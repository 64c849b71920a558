package backendtest

import (
	"github.com/kiban-models/kiban/core/graph"
	"github.com/kiban-models/kiban/core/tensor"
)

// Sequences in order: ordinary; done before; ended by EOS; EOS but forced;
// forced; at its limit; at the last place; no room left.
func tokenAppendCases() []Case {
	const b, n, eos = 8, 6, 9
	forced := make([]float64, b*n)
	for i := range forced {
		forced[i] = -1
	}
	forced[3*n+3], forced[4*n+3] = eos, 5
	build := func(m *Maker, end int32) map[string]*graph.Node {
		all, pos, done := graph.TokenAppend(
			m.State("tokens", tensor.I32, integers(0, 99), b, n),
			m.State("pos", tensor.I32, list(2, 2, 2, 2, 2, 2, 4, 5), b),
			m.State("done", tensor.I32, list(0, 1, 0, 0, 0, 0, 0, 0), b),
			m.State("current", tensor.I32, integers(0, 99), b),
			m.Input("next", tensor.I32, list(7, 7, eos, 7, 7, 7, 7, 7), b),
			m.Input("forced", tensor.I32, list(forced...), b, n),
			m.Input("limit", tensor.I32, list(5, 5, 5, 5, 5, 3, 50, 50), b), end)
		return map[string]*graph.Node{"all": all, "new pos": pos, "is done": done}
	}
	return []Case{{
		Name:  "token_append/with an end",
		Build: func(m *Maker) map[string]*graph.Node { return build(m, eos) },
	}, {
		Name:  "token_append/without an end",
		Build: func(m *Maker) map[string]*graph.Node { return build(m, -1) },
	}}
}
