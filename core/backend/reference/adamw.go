package reference

import (
	"math"

	"github.com/kiban-models/kiban/core/graph"
	"github.com/kiban-models/kiban/core/plan"
)

// Operands: p, grad, m, v, hyper, norm; outputs: p, m, v, over the operands.
func adamW(s plan.Step, in, out [][]float64) {
	p, grad, m, v, hyper, factor := in[0], in[1], in[2], in[3], in[4], in[5][1]
	lr, beta1, beta2, eps := hyper[0], hyper[1], hyper[2], hyper[3]
	correction1, correction2, decay := hyper[4], hyper[5], hyper[6]
	if !s.Attr.(graph.AdamWAttr).Decay {
		decay = 0
	}
	if factor < 0 { // the gradient is not finite
		copy(out[0], p)
		copy(out[1], m)
		copy(out[2], v)
		return
	}
	for i := range p {
		g := grad[i] * factor
		mi := m[i] + (g-m[i])*(1-beta1)
		vi := beta2*v[i] + (1-beta2)*g*g
		out[0][i] = p[i]*(1-lr*decay) - lr/correction1*mi/(math.Sqrt(vi)/math.Sqrt(correction2)+eps)
		out[1][i], out[2][i] = mi, vi
	}
}
