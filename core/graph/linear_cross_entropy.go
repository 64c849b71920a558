package graph

import "github.com/kiban-models/kiban/core/tensor"

// LinearCrossEntropyAttr holds the constants of the two kernels. Chunk is the
// number of rows whose logits exist at a time. NeedX and NeedW say, for the
// gradient, which outputs are wanted.
type LinearCrossEntropyAttr struct {
	Rows, Channels, Vocab int
	Chunk                 int
	NeedX, NeedW          bool
}

// logitsBytes bounds the memory of the logits that exist at a time.
const logitsBytes = 32 << 20

// LinearCrossEntropy returns for each row of x [N, C] the cross-entropy
// -log softmax(x·wᵀ)[label] in nats, f32 [N], with w [V, C] the output
// embedding and labels i32 [N]. A row whose label is negative gives 0. The
// logits, often larger than all else, are made and used a chunk of rows at a
// time. The part is that scratch, f32 [Chunk, V].
func LinearCrossEntropy(x, w, labels *Node) *Node {
	g := x.g
	at := LinearCrossEntropyAttr{Rows: x.rows(), Channels: x.cols(), Vocab: w.rows()}
	shape := []int{at.Rows}
	if w.cols() != at.Channels || labels.Len() != at.Rows || labels.dtype != tensor.I32 || x.dtype != w.dtype {
		return g.bad(tensor.F32, shape, "linear_cross_entropy: %v with weight %v and labels %v", x, w, labels)
	}
	at.Chunk = min(at.Rows, max(32, logitsBytes/(4*at.Vocab)/32*32))
	n := g.op("linear_cross_entropy", at, tensor.F32, shape, x, w, labels)
	g.part(n, tensor.F32, at.Chunk, at.Vocab)
	return n
}

// The gradient's operands are d [N], x, w, labels; its outputs dx (as x), dw
// (f32), the losses themselves (so that plan can drop the forward kernel), and
// scratch for the logits and, where x is stored in 16 bits, for their gradient.
// With p = softmax(x·wᵀ): dlogits = d·(p - onehot(label)), dx = dlogits·w,
// dw = dlogitsᵀ·x.
func gradLinearCrossEntropy(n, d *Node, need []bool) []*Node {
	g := n.g
	at := n.attr.(LinearCrossEntropyAttr)
	at.NeedX, at.NeedW = need[0], need[1]
	x, w, labels := n.in[0], n.in[1], n.in[2]
	dx := g.op("linear_cross_entropy_grad", at, x.dtype, x.shape, d, x, w, labels)
	dw := g.part(dx, tensor.F32, w.shape...)
	g.part(dx, tensor.F32, at.Rows)
	g.part(dx, tensor.F32, at.Chunk, at.Vocab)
	if x.dtype != tensor.F32 {
		g.part(dx, x.dtype, at.Chunk, at.Vocab)
	}
	return []*Node{dx, Cast(dw, gradType(w)), nil}
}
