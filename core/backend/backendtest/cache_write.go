package backendtest

import (
	"github.com/kiban-models/kiban/core/graph"
	"github.com/kiban-models/kiban/core/tensor"
)

func cacheWriteCases() []Case {
	build := func(m *Maker, t int, pos ...float64) map[string]*graph.Node {
		cache := m.State("cache", m.DT, normal(1), 3, 9, 20)
		src := m.Input("src", m.DT, normal(1), 3*t, 67)
		y := graph.CacheWrite(cache, src, m.Input("pos", tensor.I32, list(pos...), 3), 25)
		// whoever reads the new cache sees the new rows
		return map[string]*graph.Node{"twice": graph.Scale(y, 2)}
	}
	return []Case{{
		Name: "cache_write/one row", Storage: true,
		Build: func(m *Maker) map[string]*graph.Node { return build(m, 1, 0, 5, 8) },
	}, {
		Name: "cache_write/rows beyond the end", Storage: true,
		Build: func(m *Maker) map[string]*graph.Node { return build(m, 4, 5, 7, 9) },
	}}
}
