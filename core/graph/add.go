package graph

import "slices"

// Add returns a + b, of the same shape and type.
func Add(a, b *Node) *Node {
	if !slices.Equal(a.shape, b.shape) || a.dtype != b.dtype {
		return a.g.bad(a.dtype, a.shape, "add: %v does not fit %v", b, a)
	}
	return a.g.op("add", nil, a.dtype, a.shape, a, b)
}

func gradAdd(_, d *Node, _ []bool) []*Node { return []*Node{d, d} }
