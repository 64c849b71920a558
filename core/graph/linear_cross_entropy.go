package graph

import "github.com/kiban-models/kiban/core/tensor"

// LinearCrossEntropyAttr holds the constants of the two kernels. Chunk is the
// number of rows whose logits exist at a time. NeedX, NeedW and NeedB say, for
// the gradient, which outputs are wanted.
type LinearCrossEntropyAttr struct {
	Rows, Channels, Vocab int
	Chunk                 int
	Scaled                bool // f32, Vocab elements: of each column of logits; w is i8
	Bias                  bool // f32 [Vocab], the last operand
	NeedX, NeedW, NeedB   bool
}

// logitsBytes bounds the memory of the logits that exist at a time, unless a
// backend wants others (plan.Limits).
const logitsBytes = 32 << 20

// LogitsChunk returns the rows whose f32 logits exist at a time: as many as so
// many bytes hold, a multiple of 32 and at least 32, or all; chunks of a batch
// are of about one size.
func LogitsChunk(rows, vocab int, bytes int64) int {
	most := max(32, int(bytes/(4*int64(vocab)))/32*32)
	chunks := (rows + most - 1) / most
	even := (rows + chunks - 1) / chunks
	return min(rows, (even+31)/32*32)
}

// LinearCrossEntropy returns for each row of x [N, C] the cross-entropy
// -log softmax(x·wᵀ + bias)[label] in nats, f32 [N], with w [V, C] the output
// embedding, bias f32 [V] or nil, and labels i32 [N]. A row whose label is negative gives 0. The
// logits, often larger than all else, are made and used a chunk of rows at a
// time. The part is that scratch, f32 [Chunk, V].
func LinearCrossEntropy(x, w, bias, labels *Node) *Node {
	return linearCrossEntropy(x, w, nil, bias, labels)
}

// LinearCrossEntropyInt8 is LinearCrossEntropy for w in 8 bits, as tensor.Int8
// makes it: each column of the logits is multiplied by its scale, f32 with V
// elements, before the bias. It has no gradient.
func LinearCrossEntropyInt8(x, w, scale, bias, labels *Node) *Node {
	return linearCrossEntropy(x, w, scale, bias, labels)
}

// The operands are x, w, labels, the scale if Scaled, and the bias if Bias.
func linearCrossEntropy(x, w, scale, bias, labels *Node) *Node {
	g := x.g
	at := LinearCrossEntropyAttr{Rows: x.rows(), Channels: x.cols(), Vocab: w.rows()}
	shape := []int{at.Rows}
	if w.cols() != at.Channels || labels.Len() != at.Rows || labels.dtype != tensor.I32 || !multiplies(x, w, scale) {
		return g.bad(tensor.F32, shape, "linear_cross_entropy: %v with weight %v and labels %v", x, w, labels)
	}
	in := []*Node{x, w, labels}
	if scale != nil {
		if scale.Len() != at.Vocab {
			return g.bad(tensor.F32, shape, "linear_cross_entropy: scale %v, wanted f32[%d]", scale, at.Vocab)
		}
		at.Scaled, in = true, append(in, scale)
	}
	if bias != nil {
		if bias.Len() != at.Vocab || bias.dtype != tensor.F32 {
			return g.bad(tensor.F32, shape, "linear_cross_entropy: bias %v, wanted f32[%d]", bias, at.Vocab)
		}
		at.Bias, in = true, append(in, bias)
	}
	at.Chunk = min(at.Rows, max(32, logitsBytes/(4*at.Vocab)/32*32))
	n := g.op("linear_cross_entropy", at, tensor.F32, shape, in...)
	g.part(n, tensor.F32, at.Chunk, at.Vocab)
	return n
}

// The gradient's operands are d [N], x, w, labels, the bias; its outputs dx (as
// x), dw (f32), the losses themselves (so that plan can drop the forward
// kernel), scratch for the logits and, where x is stored in 16 bits, for their
// gradient, and with a bias last its gradient (f32). With p = softmax(x·wᵀ): dlogits = d·(p - onehot(label)), dx = dlogits·w,
// dw = dlogitsᵀ·x, db = Σ dlogits.
func gradLinearCrossEntropy(n, d *Node, need []bool) []*Node {
	g := n.g
	at := n.attr.(LinearCrossEntropyAttr)
	if at.Scaled {
		return inference(n)
	}
	at.NeedX, at.NeedW, at.NeedB = need[0], need[1], at.Bias && need[3]
	x, w := n.in[0], n.in[1]
	dx := g.op("linear_cross_entropy_grad", at, x.dtype, x.shape, append([]*Node{d}, n.in...)...)
	dw := g.part(dx, tensor.F32, w.shape...)
	g.part(dx, tensor.F32, at.Rows)
	g.part(dx, tensor.F32, at.Chunk, at.Vocab)
	if x.dtype != tensor.F32 {
		g.part(dx, x.dtype, at.Chunk, at.Vocab)
	}
	out := []*Node{dx, Cast(dw, gradType(w)), nil}
	if at.Bias {
		out = append(out, g.part(dx, tensor.F32, at.Vocab))
	}
	return out
}
