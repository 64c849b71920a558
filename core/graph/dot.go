package graph

import "github.com/kiban-models/kiban/core/tensor"

// Dot returns the sum over all elements of a * b, one f32 element; a and b are
// f32 and of the same length. With b the weights of the rows (1/count for rows
// that count, 0 for the others) it is the mean of a loss.
func Dot(a, b *Node) *Node {
	if a.Len() != b.Len() || a.dtype != tensor.F32 || b.dtype != tensor.F32 {
		return a.g.bad(tensor.F32, []int{1}, "dot: %v with %v", a, b)
	}
	return a.g.op("dot", nil, tensor.F32, []int{1}, a, b)
}

func gradDot(n, d *Node, need []bool) []*Node {
	out := make([]*Node, 2)
	for i := range out {
		if need[i] { // in the operand's own shape, not the other's
			out[i] = n.g.op("scale", ScaleAttr{1}, tensor.F32, n.in[i].shape, n.in[1-i], d)
		}
	}
	return out
}
