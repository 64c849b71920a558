package graph

import (
	"slices"

	"github.com/kiban-models/kiban/core/tensor"
)

// LayerNormAttr holds the constants of the layer_norm kernels. Residual says
// that layer_norm_grad_x has a last operand that is added to its result; plan
// sets it.
type LayerNormAttr struct {
	Eps      float32
	Residual bool
}

// LayerNorm returns (x-mean)/√(var+eps)·w + b over the last axis of x [N, C];
// w and b are f32 [C] (Ba et al. 2016, arXiv:1607.06450). The part holds mean
// and 1/√(var+eps) of each row, f32 [N, 2].
func LayerNorm(x, w, b *Node, eps float32) *Node {
	g := x.g
	c := x.cols()
	if w.Len() != c || b.Len() != c || w.dtype != tensor.F32 || b.dtype != tensor.F32 {
		return g.bad(x.dtype, x.shape, "layer_norm: weight %v and bias %v, wanted f32[%d]", w, b, c)
	}
	n := g.op("layer_norm", LayerNormAttr{Eps: eps}, x.dtype, x.shape, x, w, b)
	g.part(n, tensor.F32, x.rows(), 2)
	return n
}

// With x̂ = (x-mean)·rstd and e = d·w:
// dx = rstd·(e - mean(e) - x̂·mean(e·x̂)), dw = Σ d·x̂, db = Σ d.
func gradLayerNorm(n, d *Node, need []bool) []*Node {
	g := n.g
	x, w, stats := n.in[0], n.in[1], n.parts[0]
	out := make([]*Node, 3)
	if !slices.Equal(d.shape, x.shape) {
		g.fail("layer_norm: gradient %v of %v", d, n)
	}
	if need[0] {
		out[0] = g.op("layer_norm_grad_x", n.attr, x.dtype, x.shape, d, x, w, stats)
	}
	if need[1] || need[2] {
		out[1] = g.op("layer_norm_grad_w", n.attr, tensor.F32, w.shape, d, x, stats)
		out[2] = g.part(out[1], tensor.F32, w.shape...)
	}
	return out
}
