package graph

import "github.com/kiban-models/kiban/core/tensor"

// ScaleAttr holds the constant factor of a "scale" kernel.
type ScaleAttr struct{ Factor float32 }

// Scale returns x * factor.
func Scale(x *Node, factor float32) *Node {
	return x.g.op("scale", ScaleAttr{factor}, x.dtype, x.shape, x)
}

// ScaleBy returns x * s, where s is one f32 element. The gradient does not
// reach s.
func ScaleBy(x, s *Node) *Node {
	if s.Len() != 1 || s.dtype != tensor.F32 {
		return x.g.bad(x.dtype, x.shape, "scale: factor %v is not one f32 element", s)
	}
	return x.g.op("scale", ScaleAttr{1}, x.dtype, x.shape, x, s)
}

func gradScale(n, d *Node, need []bool) []*Node {
	if len(n.in) == 2 {
		if need[1] {
			n.g.fail("scale: the gradient of a factor is not taken; use Mul")
		}
		return []*Node{ScaleBy(d, n.in[1]), nil}
	}
	return []*Node{Scale(d, n.attr.(ScaleAttr).Factor)}
}
