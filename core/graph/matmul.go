package graph

import "github.com/kiban-models/kiban/core/tensor"

// MatMulAttr holds the constants of a "matmul" kernel. The operands in order
// are a, b, the scale if Scaled, the bias if Bias, and the residual if Residual.
// The first output is
//
//	act(op(a)·op(b)·scale + bias) + residual
//
// and with Pre there is a second output, the value before act. Act, Pre and
// Residual are set by plan when it fuses neighbours.
type MatMulAttr struct {
	M, N, K        int  // op(a) is [M, K], op(b) is [K, N]
	TransA, TransB bool // a is stored [K, M]; b is stored [N, K]
	Scaled         bool // f32, N elements: of each column of the product; b is i8
	Bias           bool // f32 [N]
	Act            Activation
	Pre            bool
	Residual       bool // of the output's type, [M, N]
}

// MatMulOpt are the choices of MatMul; the zero value multiplies a [M, K] by b
// [K, N].
type MatMulOpt struct {
	TransA, TransB bool
	Scale          *Node        // f32, N elements, of a b in 8 bits; else nil
	Bias           *Node        // f32 [N], or nil
	Out            tensor.DType // storage of the result, if As
	As             bool         // use Out; otherwise the result is stored like a
}

// MatMul returns op(a)·op(b) + bias, [M, N], accumulated in f32. All
// dimensions of an operand but its last are rows. a and b have one storage
// type; or b is i8, as tensor.Int8 makes it, and each column of the product is
// multiplied by its scale before the bias. That is for inference: it has no
// gradient.
func MatMul(a, b *Node, o MatMulOpt) *Node {
	g := a.g
	at := MatMulAttr{M: a.rows(), K: a.cols(), TransA: o.TransA, TransB: o.TransB, Scaled: o.Scale != nil, Bias: o.Bias != nil}
	if o.TransA {
		at.M, at.K = at.K, at.M
	}
	kb := b.rows()
	at.N = b.cols()
	if o.TransB {
		kb, at.N = at.N, kb
	}
	dt := a.dtype
	if o.As {
		dt = o.Out
	}
	shape := []int{at.M, at.N}
	if kb != at.K || !multiplies(a, b, o.Scale) {
		return g.bad(dt, shape, "matmul: %v (transposed: %t) does not fit %v (transposed: %t)", a, o.TransA, b, o.TransB)
	}
	in := []*Node{a, b}
	if o.Scale != nil {
		if o.Scale.Len() != at.N {
			return g.bad(dt, shape, "matmul: scale %v, wanted f32[%d]", o.Scale, at.N)
		}
		in = append(in, o.Scale)
	}
	if o.Bias != nil {
		if o.Bias.Len() != at.N || o.Bias.dtype != tensor.F32 {
			return g.bad(dt, shape, "matmul: bias %v, wanted f32[%d]", o.Bias, at.N)
		}
		in = append(in, o.Bias)
	}
	return g.op("matmul", at, dt, shape, in...)
}

// multiplies reports whether a product of a with weights w, in 8 bits if there
// is a scale, can be made.
func multiplies(a, w, scale *Node) bool {
	if scale == nil {
		return a.dtype == w.dtype
	}
	return a.dtype.IsFloat() && w.dtype == tensor.I8 && scale.dtype == tensor.F32
}

// inference says that a gradient is asked for of weights in 8 bits.
func inference(n *Node) []*Node {
	n.g.fail("grad: %v has weights in 8 bits, which are for inference; train in f32, bf16 or f16", n)
	return make([]*Node, len(n.in))
}

// The gradients are matrix products as well: with y = a·b,
// da = d·bᵀ and db = aᵀ·d. Those of f32 masters are kept in f32.
func gradMatMul(n, d *Node, need []bool) []*Node {
	at := n.attr.(MatMulAttr)
	if at.Scaled {
		return inference(n)
	}
	a, b := n.in[0], n.in[1]
	out := make([]*Node, len(n.in))
	d = Cast(d, a.dtype)
	if need[0] {
		if at.TransA { // a [K, M]: da = op(b)·dᵀ
			out[0] = MatMul(b, d, MatMulOpt{TransA: at.TransB, TransB: true, Out: a.dtype, As: true})
		} else {
			out[0] = MatMul(d, b, MatMulOpt{TransB: !at.TransB, Out: a.dtype, As: true})
		}
	}
	if need[1] {
		if at.TransB { // b [N, K]: db = dᵀ·op(a)
			out[1] = MatMul(d, a, MatMulOpt{TransA: true, TransB: at.TransA, Out: gradType(b), As: true})
		} else {
			out[1] = MatMul(a, d, MatMulOpt{TransA: !at.TransA, Out: gradType(b), As: true})
		}
	}
	if at.Bias && need[2] {
		out[2] = SumRows(d)
	}
	return out
}
