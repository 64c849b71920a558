package backendtest

import (
	"github.com/kiban-models/kiban/core/graph"
)

func attentionProbabilitiesCases() []Case {
	var cases []Case
	for i, c := range []struct {
		name        string
		at          graph.AttentionAttr
		start, keys []float64
	}{
		{"odd", graph.AttentionAttr{Batch: 2, QueryLen: 5, KeyLen: 7, Heads: 3, KVHeads: 3, Width: 15}, nil, nil},
		{"several tiles of grouped heads", graph.AttentionAttr{Batch: 1, QueryLen: 70, KeyLen: 68, Heads: 4, KVHeads: 2, Width: 24, Causal: true}, nil, nil},
		{"one query over a cache", graph.AttentionAttr{Batch: 3, QueryLen: 1, KeyLen: 67, Heads: 2, KVHeads: 2, Width: 20, Causal: true}, []float64{0, 40, 66}, nil},
		{"masked keys", graph.AttentionAttr{Batch: 4, QueryLen: 9, KeyLen: 36, Heads: 2, KVHeads: 2, Width: 20}, nil, []float64{36, 4, 1, 0}},
		{"bias, start and masked keys", graph.AttentionAttr{Batch: 2, QueryLen: 19, KeyLen: 40, Heads: 2, KVHeads: 1, Width: 20, Causal: true, Places: 31},
			[]float64{3, 21}, []float64{6, 40}},
		{"bias and dropout, which it knows not", graph.AttentionAttr{Batch: 2, QueryLen: 21, KeyLen: 21, Heads: 2, KVHeads: 2, Width: 8, Places: 9, Dropout: 0.4}, nil, nil},
	} {
		cases = append(cases, Case{
			Name: "attention_probabilities/" + c.name, Storage: i < 2,
			Build: func(m *Maker) map[string]*graph.Node {
				return one(graph.AttentionProbabilities(attendWith(m, c.at, c.start, c.keys)["y"]))
			},
		})
	}
	return cases
}
