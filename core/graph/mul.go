package graph

import "slices"

// Mul returns the elementwise product a * b, of the same shape and type.
func Mul(a, b *Node) *Node {
	if !slices.Equal(a.shape, b.shape) || a.dtype != b.dtype {
		return a.g.bad(a.dtype, a.shape, "mul: %v does not fit %v", b, a)
	}
	return a.g.op("mul", nil, a.dtype, a.shape, a, b)
}

func gradMul(n, d *Node, need []bool) []*Node {
	out := make([]*Node, 2)
	if need[0] {
		out[0] = Mul(d, n.in[1])
	}
	if need[1] {
		out[1] = Mul(d, n.in[0])
	}
	return out
}
