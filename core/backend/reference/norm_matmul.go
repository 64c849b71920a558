package reference

import (
	"slices"

	"github.com/kiban-models/kiban/core/graph"
	"github.com/kiban-models/kiban/core/plan"
)

// Operands: x, the norm's weight and bias, the caches and pos if there are any,
// what matmul has after its first; outputs: the product and the caches. It is
// layer_norm, matmul and cache_write, one after the other.
func normMatMul(s plan.Step, in, out [][]float64) {
	at := s.Attr.(graph.NormMatMulAttr)
	norm, rest := in[:3], in[3:]
	var caches, pos [][]float64
	if n := len(at.Caches); n > 0 {
		caches, pos, rest = rest[:n], rest[n:n+1], rest[n+1:]
	}
	rows, stats := make([]float64, len(in[0])), make([]float64, 2*at.MatMul.M)
	layerNorm(plan.Step{Attr: at.Norm}, norm, [][]float64{rows, stats})
	round(rows, s.In[0].DType) // as memory would
	matMul(plan.Step{Attr: at.MatMul}, slices.Concat([][]float64{rows}, rest), out[:1])
	for i, c := range at.Caches {
		cacheWrite(plan.Step{Attr: c}, slices.Concat(caches[i:i+1], out[:1], pos), out[1+i:])
	}
}
