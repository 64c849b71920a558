package graph

import (
	"math"

	"github.com/kiban-models/kiban/core/tensor"
)

// AffineAttentionAttr holds the constants of "affine_attention" and its
// gradient: Rows N places, each with Tokens T tokens of Numbers K numbers, seen
// by Heads of Width. NeedX says, for the gradient, that that of x is wanted.
type AffineAttentionAttr struct {
	Rows, Tokens, Numbers int
	Heads, Width          int
	Scale                 float32
	NeedX                 bool
}

// AffineAttention is attention (Vaswani et al. 2017) of one query, the same at
// all places, to the tokens of each place, whose keys and values are affine
// functions of a few numbers: it joins the variables of a patch, as ClimaX does
// (Nguyen et al. 2023, arXiv:2301.10343, section 3.1), without ever making
// their tokens. x [N, T*K] holds the numbers, w [T*K, 3C] what each adds to the
// query (not read), key and value of its token, c [T, 3C] the constants of
// these, and q [1, 3C] the query, in its first C columns. With C channels, head
// h those from h*C/heads on:
//
//	score[n, t] = (Σ_k x[n, tK+k]·key(w[tK+k]) + key(c[t]))·q / √(C/heads)
//	y[n] = Σ_t softmax(score[n])[t]·(Σ_k x[n, tK+k]·value(w[tK+k]) + value(c[t]))
//
// All four are stored alike, as is y [N, C]. The parts, which the gradient
// reads, are the probabilities, f32 [N, T, heads], and the scores of the rows of
// w and then of c alone, f32 [T*K+T, heads].
func AffineAttention(x, w, c, q *Node, heads int) *Node {
	g := x.g
	width, tokens := q.cols()/3, c.rows()
	shape := []int{x.rows(), width}
	if heads <= 0 || width <= 0 || width%heads != 0 || q.Len() != 3*width || c.cols() != 3*width || w.cols() != 3*width ||
		w.rows() != x.cols() || x.cols()%tokens != 0 || w.dtype != x.dtype || c.dtype != x.dtype || q.dtype != x.dtype {
		return g.bad(x.dtype, shape, "affine_attention: %v with weight %v, constant %v and query %v of %d heads", x, w, c, q, heads)
	}
	at := AffineAttentionAttr{Rows: x.rows(), Tokens: tokens, Numbers: x.cols() / tokens, Heads: heads, Width: width / heads}
	at.Scale = float32(1 / math.Sqrt(float64(at.Width)))
	n := g.op("affine_attention", at, x.dtype, shape, x, w, c, q)
	g.part(n, tensor.F32, at.Rows, at.Tokens, at.Heads)
	g.part(n, tensor.F32, x.cols()+at.Tokens, at.Heads)
	return n
}

// The gradient's operands are d, x, w, c, q and the parts. Its outputs are dw,
// dc and dq, whose columns of the query or of keys and values that are not read
// are zeros; scratch, the gradients of the scores, f32 [N, T, heads], and of
// those of rows, f32 [T*K+T, heads]; and dx if it is needed. With P the
// probabilities, x = 1 for a row of c, and values v of rows r of token t:
// ds[t] = P[t]·(Σ_r x[r]·(d·v[r]) - Σ_t of the same times P), dv[r] =
// Σ_n P[n, t]·x[n, r]·d[n], dscore[r] = Σ_n ds[n, t]·x[n, r], dkey[r] =
// scale·dscore[r]·q, dq = scale·Σ_r dscore[r]·key[r],
// dx[r] = Σ_h ds[t]·score[r] + P[t]·(d·v[r]).
func gradAffineAttention(n, d *Node, need []bool) []*Node {
	g := n.g
	at := n.attr.(AffineAttentionAttr)
	at.NeedX = need[0]
	x, w, c, q := n.in[0], n.in[1], n.in[2], n.in[3]
	dw := g.op("affine_attention_grad", at, w.dtype, w.shape, Cast(d, n.dtype), x, w, c, q, n.parts[0], n.parts[1])
	dc := g.part(dw, c.dtype, c.shape...)
	dq := g.part(dw, q.dtype, q.shape...)
	g.part(dw, tensor.F32, n.parts[0].shape...)
	g.part(dw, tensor.F32, n.parts[1].shape...)
	var dx *Node
	if need[0] {
		dx = g.part(dw, x.dtype, x.shape...)
	}
	return []*Node{dx, dw, dc, dq}
}
