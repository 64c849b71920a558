package graph

import "github.com/kiban-models/kiban/core/tensor"

// CRFAttr holds the constants of "crf" and "crf_grad": Batch sequences of Len
// places, Labels labels. Row b*Len+t of the emissions is place t of sequence b.
type CRFAttr struct{ Batch, Len, Labels int }

// CRF returns for each sequence the negative log-likelihood in nats, f32 [B],
// of its labels under a linear-chain conditional random field (Lafferty,
// McCallum and Pereira 2001): log Σ exp(score of a path) over all paths, less
// the score of the labels. The score of a path y is
//
//	start[y_0] + Σ emissions[t, y_t] + Σ transitions[y_t-1, y_t] + end[y_last]
//
// over the first lengths[b] places, at most Len. emissions is f32 [B*T, L],
// transitions f32 [L, L] (from, to), start and end f32 [L], labels i32 [B*T],
// lengths i32 [B]. A sequence of length 0 gives 0 and no gradient. A label
// among the first lengths[b] that is none of 0 to L-1 gives NaN: a mistake
// that a loss of 0 would hide.
//
// A move is forbidden by a large negative transition, such as -1e4: it then has
// the probability 0 in f32, and a gradient of exactly 0, so that an optimizer
// without weight decay leaves it as it is.
//
// All is kept relative to the best label of a place, so that emissions of any
// size lose no digits. The parts, which the gradient reads, are of each place
// log-sums over the paths up to it, f32 [B*T, L]: alpha, less its largest; and
// reach, over the ways from the place before, less the largest alpha of that.
func CRF(emissions, transitions, start, end, labels, lengths *Node) *Node {
	g := emissions.g
	at := CRFAttr{Batch: lengths.Len(), Labels: emissions.cols()}
	at.Len = emissions.rows() / at.Batch
	shape := []int{at.Batch}
	floats := []struct {
		x *Node
		n int
	}{{emissions, at.Batch * at.Len * at.Labels}, {transitions, at.Labels * at.Labels}, {start, at.Labels}, {end, at.Labels}}
	ok := labels.Len() == at.Batch*at.Len && labels.dtype == tensor.I32 && lengths.dtype == tensor.I32
	for _, f := range floats {
		ok = ok && f.x.Len() == f.n && f.x.dtype == tensor.F32
	}
	if !ok {
		return g.bad(tensor.F32, shape, "crf: emissions %v with transitions %v, start %v, end %v, labels %v, lengths %v",
			emissions, transitions, start, end, labels, lengths)
	}
	n := g.op("crf", at, tensor.F32, shape, emissions, transitions, start, end, labels, lengths)
	g.part(n, tensor.F32, at.Batch*at.Len, at.Labels)
	g.part(n, tensor.F32, at.Batch*at.Len, at.Labels)
	return n
}

// The gradient's operands are d [B], transitions, end, labels, lengths, alpha
// and reach; its outputs the gradients of emissions, transitions, start, end,
// and a scratch of sums by sequence, f32 [B, L*L+2L]. With p_t the marginals,
// from the last place backwards:
//
//	p_last = softmax(alpha_last + end)
//	p_t-1,t[i, j] = p_t[j]·exp(alpha_t-1[i] + transitions[i, j] - reach_t[j])
//	p_t-1[i] = Σ_j p_t-1,t[i, j]
//
// The gradient of a score is its marginal less 1 where the labels have it, times
// d. Sums run over the places of a sequence from the last, then over sequences.
func gradCRF(n, d *Node, _ []bool) []*Node {
	g := n.g
	at := n.attr.(CRFAttr)
	transitions, end, labels, lengths := n.in[1], n.in[3], n.in[4], n.in[5]
	op := g.op("crf_grad", at, tensor.F32, n.in[0].shape, d, transitions, end, labels, lengths, n.parts[0], n.parts[1])
	grads := []*Node{op}
	for _, x := range n.in[1:4] {
		grads = append(grads, g.part(op, tensor.F32, x.shape...))
	}
	g.part(op, tensor.F32, at.Batch, at.Labels*(at.Labels+2))
	return append(grads, nil, nil)
}
