package graph

import "github.com/kiban-models/kiban/core/tensor"

// AdamWAttr says whether weight decay applies to the parameter.
type AdamWAttr struct{ Decay bool }

// HyperLen is the length of AdamW's hyper operand: learning rate, beta1,
// beta2, epsilon, 1-beta1^t, 1-beta2^t, weight decay, and one unused.
const HyperLen = 8

// AdamW stores one step of decoupled weight decay Adam (Loshchilov & Hutter
// 2019, arXiv:1711.05101) into param and the moments m and v, all f32 and of
// one shape:
//
//	p ← p·(1 - lr·decay)
//	m ← m + (g-m)·(1-β1);  v ← β2·v + (1-β2)·g²
//	p ← p - lr/(1-β1^t) · m / (√v/√(1-β2^t) + ε)
//
// where g is grad times element 1 of norm, the output of GradNorm. If that is
// negative nothing changes, whatever grad holds. hyper is f32 [HyperLen], so
// that schedules are data.
func AdamW(param, grad, m, v, hyper, norm *Node, decay bool) {
	g := param.g
	for _, x := range []*Node{param, grad, m, v} {
		if x.Len() != param.Len() || x.dtype != tensor.F32 {
			g.fail("adamw: %v does not fit f32 parameter %v", x, param)
		}
	}
	if hyper.Len() != HyperLen || norm.Len() != 2 {
		g.fail("adamw: hyper %v and norm %v, wanted f32[%d] and f32[2]", hyper, norm, HyperLen)
	}
	n := g.op("adamw", AdamWAttr{decay}, tensor.F32, param.shape, param, grad, m, v, hyper, norm)
	g.Store(param, n)
	g.Store(m, g.part(n, tensor.F32, m.shape...))
	g.Store(v, g.part(n, tensor.F32, v.shape...))
}
