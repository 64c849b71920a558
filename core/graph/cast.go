package graph

import "github.com/kiban-models/kiban/core/tensor"

// Cast returns x stored as dt (f32, bf16 or f16), rounded to nearest even. It
// returns x itself when nothing is to be done.
func Cast(x *Node, dt tensor.DType) *Node {
	if x.dtype == dt {
		return x
	}
	if !x.dtype.IsFloat() || !dt.IsFloat() || dt == tensor.F64 {
		return x.g.bad(dt, x.shape, "cast: from %v to %v", x, dt)
	}
	return x.g.op("cast", nil, dt, x.shape, x)
}

func gradCast(n, d *Node, _ []bool) []*Node { return []*Node{Cast(d, n.in[0].dtype)} }
