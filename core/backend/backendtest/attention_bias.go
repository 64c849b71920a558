package backendtest

import (
	"github.com/kiban-models/kiban/core/graph"
	"github.com/kiban-models/kiban/core/tensor"
)

// attentionBiasCases are those of scores with a bias: of as many places as queries
// and keys can be apart, of fewer, so that keys lie beyond both ends, and of more.
// Most have one width and are in f32, since lavapipe compiles for seconds whatever
// differs.
func attentionBiasCases() []Case {
	var cases []Case
	all := []string{"bias", "k", "q", "v"}
	for _, c := range []struct {
		name        string
		at          graph.AttentionAttr
		start, keys []float64
		wrt         []string
		storage     bool
	}{
		{"places beyond both ends", graph.AttentionAttr{Batch: 2, QueryLen: 9, KeyLen: 9, Heads: 3, KVHeads: 3, Width: 20, Places: 7}, nil, nil, all, true},
		{"grouped heads of several tiles", graph.AttentionAttr{Batch: 2, QueryLen: 35, KeyLen: 70, Heads: 4, KVHeads: 2, Width: 20, Places: 21}, nil, nil, all, false},
		// One changes nothing, and its gradient is rounding.
		{"one place", graph.AttentionAttr{Batch: 2, QueryLen: 6, KeyLen: 7, Heads: 2, KVHeads: 2, Width: 20, Places: 1}, nil, nil, all[1:], false},
		{"every place", graph.AttentionAttr{Batch: 2, QueryLen: 13, KeyLen: 13, Heads: 2, KVHeads: 2, Width: 20, Places: 25, Causal: true}, nil, nil, all, false},
		{"long", graph.AttentionAttr{Batch: 1, QueryLen: 131, KeyLen: 131, Heads: 2, KVHeads: 2, Width: 20, Places: 65, Causal: true}, nil, nil, all, false},
		{"more places than there are", graph.AttentionAttr{Batch: 1, QueryLen: 5, KeyLen: 11, Heads: 2, KVHeads: 1, Width: 15, Places: 41}, nil, nil, all, false},
		{"masked keys", graph.AttentionAttr{Batch: 3, QueryLen: 5, KeyLen: 19, Heads: 2, KVHeads: 2, Width: 20, Places: 9}, nil, []float64{19, 4, 1}, all, false},
		{"queries over a cache with masked keys", graph.AttentionAttr{Batch: 2, QueryLen: 19, KeyLen: 40, Heads: 2, KVHeads: 1, Width: 20, Places: 31, Causal: true},
			[]float64{3, 21}, []float64{6, 40}, all, false},
		{"queries before and behind all keys", graph.AttentionAttr{Batch: 2, QueryLen: 5, KeyLen: 9, Heads: 2, KVHeads: 2, Width: 20, Places: 11},
			[]float64{-3, 12}, nil, all, false},
		{"few queries over a cache", graph.AttentionAttr{Batch: 3, QueryLen: 2, KeyLen: 67, Heads: 4, KVHeads: 2, Width: 20, Places: 33, Causal: true},
			[]float64{0, 40, 65}, nil, nil, true},
		{"dropout", graph.AttentionAttr{Batch: 2, QueryLen: 21, KeyLen: 37, Heads: 2, KVHeads: 1, Width: 20, Places: 15, Dropout: 0.3, Salt: 6}, nil, nil, all, false},
	} {
		cases = append(cases, Case{
			Name: "attention/bias, " + c.name, Wrt: c.wrt, Storage: c.storage, Large: c.at.QueryLen > 100,
			Build: func(m *Maker) map[string]*graph.Node { return attendWith(m, c.at, c.start, c.keys) },
		})
	}
	return cases
}

// attendWith is attend with a bias of at.Places, and what else is given.
func attendWith(m *Maker, at graph.AttentionAttr, start, keys []float64) map[string]*graph.Node {
	var opt graph.AttentionOpt
	if at.Places > 0 {
		opt.Bias = m.Param("bias", tensor.F32, normal(1), at.Heads, at.Places)
	}
	if start != nil {
		opt.Start = m.Input("start", tensor.I32, list(start...), at.Batch)
	}
	if keys != nil {
		opt.Keys = m.Input("keys", tensor.I32, list(keys...), at.Batch)
	}
	return attend(m, at, opt)
}
