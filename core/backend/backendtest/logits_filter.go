package backendtest

import (
	"fmt"

	"github.com/kiban-models/kiban/core/graph"
	"github.com/kiban-models/kiban/core/tensor"
)

func logitsFilterCases() []Case {
	var cases []Case
	for _, k := range []struct{ temperature, topK, topP float64 }{
		{1, 0, 1}, {0.7, 0, 1}, {0, 0, 1}, {0, 5, 0.3}, {1, 5, 1}, {1, 1, 1}, {2, 257, 1}, {1, 1000, 1},
		{1, 0, 0.9}, {1, 0, 0.01}, {0.8, 40, 0.95},
	} {
		cases = append(cases, Case{
			Name: fmt.Sprintf("logits_filter/temperature %g, top-k %g, top-p %g", k.temperature, k.topK, k.topP),
			Build: func(m *Maker) map[string]*graph.Node {
				return one(logitsFilter(m, k.temperature, k.topK, k.topP, normal(2), 3, 257))
			},
		})
	}
	return append(cases, Case{
		Name: "logits_filter/large vocabulary",
		Build: func(m *Maker) map[string]*graph.Node {
			return one(logitsFilter(m, 0.8, 40, 0.9, normal(3), 2, 50257))
		},
	}, Case{ // top-k keeps equals of the k-th; greedy only the first of the largest
		Name: "logits_filter/equals by top-k",
		Build: func(m *Maker) map[string]*graph.Node {
			return one(logitsFilter(m, 1, 2, 1, list(1, 3, 2, 2, 0, 2, -1), 2, 7))
		},
	}, Case{
		Name: "logits_filter/equals by top-p",
		Build: func(m *Maker) map[string]*graph.Node {
			return one(logitsFilter(m, 1, 0, 0.7, list(1, 3, 2, 2, 0, 2, -1), 2, 7))
		},
	}, Case{
		Name: "logits_filter/equals by greedy",
		Build: func(m *Maker) map[string]*graph.Node {
			return one(logitsFilter(m, 0, 0, 1, list(1, 3, 2, 3, 0, 3, -1), 2, 7))
		},
	}, Case{ // some tokens are forbidden already
		Name: "logits_filter/infinities",
		Build: func(m *Maker) map[string]*graph.Node {
			return one(logitsFilter(m, 0.5, 20, 0.9, list(negInf, 3, 2, negInf, 0, 2.5, -1), 3, 33))
		},
	})
}

func logitsFilter(m *Maker, temperature, topK, topP float64, logits Values, batch, vocab int) *graph.Node {
	knobs := m.Input("knobs", tensor.F32, list(1, temperature, topK, topP, 0, 0, 0, 0), graph.KnobsLen)
	return graph.Filter(m.Input("logits", tensor.F32, logits, batch, vocab), knobs)
}
