package backendtest

import (
	"math"
	"math/rand/v2"

	"github.com/kiban-models/kiban/core/graph"
	"github.com/kiban-models/kiban/core/tensor"
)

func sampleCases() []Case {
	// What top-k leaves of a large vocabulary: few enough that rounding does
	// not decide.
	sparse := func(r *rand.Rand, i int) float64 {
		v := r.NormFloat64()
		if i%1009 != 7 {
			return math.Inf(-1)
		}
		return v
	}
	return []Case{{
		Name:  "sample/257",
		Build: func(m *Maker) map[string]*graph.Node { return one(sample(m, 50, 257, normal(1))) },
	}, {
		Name:  "sample/filtered",
		Build: func(m *Maker) map[string]*graph.Node { return one(sample(m, 5, 50257, sparse)) },
	}, {
		Name: "sample/certain",
		Build: func(m *Maker) map[string]*graph.Node {
			return one(sample(m, 4, 5, list(negInf, negInf, negInf, -3, negInf)))
		},
	}}
}

func sample(m *Maker, batch, vocab int, logits Values) *graph.Node {
	return graph.Sample(
		m.Input("logits", tensor.F32, logits, batch, vocab),
		m.Input("seed", tensor.I32, list(-12, 1<<31-1), 2),
		m.Input("stream", tensor.I32, func(_ *rand.Rand, i int) float64 { return float64(i) }, batch),
		m.Input("pos", tensor.I32, integers(0, 1000), batch))
}
