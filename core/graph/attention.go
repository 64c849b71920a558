package graph

import (
	"math"
	"slices"

	"github.com/kiban-models/kiban/core/tensor"
)

// HeadLayout says where the heads lie in the columns of a matrix: head h
// occupies columns Offset+h*Stride to Offset+h*Stride+Width. So a fused
// projection of query, key and value needs no splitting, whatever its order.
type HeadLayout struct{ Offset, Stride int }

// AttentionAttr holds the constants of "attention" and "attention_grad".
// Queries are rows b*QueryLen+t of q, keys and values rows b*KeyLen+t of k and
// v. Query head h reads key/value head h/(Heads/KVHeads).
type AttentionAttr struct {
	Batch, QueryLen, KeyLen int
	Heads, KVHeads, Width   int
	Q, K, V                 HeadLayout
	Scale                   float32
	Causal                  bool // key j is visible to query t if j <= t + start[b]
	HasStart, HasKeys       bool // which of the optional operands follow
	Places                  int  // of the bias of each head, which follows them; 0 without one
	// Dropout is the share of probabilities that are zeroed, of a pass with a
	// seed, which then is the last operand; the others are scaled up. Salt tells
	// apart the places of a model that share a seed.
	Dropout float32
	Salt    uint32
	// Out gives, for attention_grad, the output that holds the gradient of
	// q, k and v: operands that are one node share one. BiasGrad says that the
	// bias's is wanted, too.
	Out      [3]int
	BiasGrad bool
}

// AttentionOpt are the operands of Attention that may be absent; the zero value
// has none of them.
type AttentionOpt struct {
	// Start, or nil for zeros, is i32 [B]: the key at which query 0 of a
	// sequence stands.
	Start *Node
	// Keys, or nil for KeyLen, is i32 [B]: how many keys of a sequence are valid.
	Keys *Node
	// Bias, or nil, is f32 [Heads, R], R odd, all finite: what is added to the
	// scores of a head by how far the key stands behind the query. See
	// AttentionAttr.Place.
	Bias *Node
	// Seed, or nil for no dropout, is i32 [2]: probabilities are dropped, each
	// with probability AttentionAttr.Dropout, and the others scaled by
	// 1/(1-Dropout), after the softmax and before the values (Devlin et al. 2019,
	// as transformers has it). See AttentionAttr.Keep for what is dropped.
	Seed *Node
}

// Place returns which of a head's biases is added to the score of a query,
// counted as keys are (its number plus start), with a key: the middle one of the key
// at the same place, later ones of later keys, and the first and the last of all
// beyond. So T5's last buckets are (Raffel et al. 2020, arXiv:1910.10683), and
// with 2*KeyLen-1 places nothing is beyond, as ALiBi wants it.
func (at AttentionAttr) Place(query, key int) int {
	return min(max(key-query+at.Places/2, 0), at.Places-1)
}

// DropBelow is Dropout in steps of 1/65536: of the 16 random bits of a
// probability, smaller ones drop it.
func (at AttentionAttr) DropBelow() uint32 {
	return uint32(math.Round(float64(at.Dropout) * (1 << 16)))
}

// Keep returns what the probability of query t, head and key is multiplied by:
// 0, or 1/(1-Dropout) with Dropout as DropBelow has it. Its 16 bits are half key
// mod 8 of the block of Philox with counter (key/8, row, Salt), where row is
// (b*Heads+head)*QueryLen+t, under key (k0, k1): words in order, low half first.
func (at AttentionAttr) Keep(row, key int, k0, k1 uint32) float64 {
	block := PhiloxBlock(uint32(key/8), uint32(row), at.Salt, k0, k1)
	bits := block[key%8/2] >> (key % 2 * 16) & 0xffff
	if bits < at.DropBelow() {
		return 0
	}
	return float64(at.KeepFactor())
}

// KeepFactor is what probabilities that stay are multiplied by.
func (at AttentionAttr) KeepFactor() float32 {
	return float32((1 << 16) / ((1 << 16) - float64(at.DropBelow())))
}

// Attention returns softmax(scale·q·kᵀ + bias)·v by heads, [B*QueryLen, Heads*Width]
// (Vaswani et al. 2017). The matrix of probabilities is never stored; the part
// is the log-sum-exp of each row's scores, f32 [B, Heads, QueryLen], which
// dropout does not change. A query that sees no key gives zeros. The gradient
// drops what the pass dropped.
func Attention(q, k, v *Node, at AttentionAttr, opt AttentionOpt) *Node {
	g, seed := q.g, opt.Seed
	shape := []int{at.Batch * at.QueryLen, at.Heads * at.Width}
	if seed != nil && (seed.dtype != tensor.I32 || seed.Len() != 2 || !(at.Dropout >= 0 && at.Dropout < 1) || at.DropBelow() == 1<<16) {
		return g.bad(q.dtype, shape, "attention: dropout %g with seed %v, wanted 0 <= dropout < 1 and i32[2]", at.Dropout, seed)
	}
	if seed == nil || at.DropBelow() == 0 {
		at.Dropout, at.Salt, seed = 0, 0, nil
	}
	fits := func(x *Node, l HeadLayout, rows, heads int) bool {
		return x.rows() == rows && l.Offset >= 0 && l.Stride >= at.Width &&
			l.Offset+(heads-1)*l.Stride+at.Width <= x.cols() && x.dtype == q.dtype
	}
	if at.KVHeads <= 0 || at.Heads <= 0 || at.Heads%at.KVHeads != 0 || at.Width <= 0 ||
		!fits(q, at.Q, at.Batch*at.QueryLen, at.Heads) ||
		!fits(k, at.K, at.Batch*at.KeyLen, at.KVHeads) || !fits(v, at.V, at.Batch*at.KeyLen, at.KVHeads) {
		return g.bad(q.dtype, shape, "attention: query %v, key %v, value %v do not fit %+v", q, k, v, at)
	}
	in := []*Node{q, k, v}
	at.HasStart, at.HasKeys, at.Places, at.BiasGrad = opt.Start != nil, opt.Keys != nil, 0, false
	for _, x := range []*Node{opt.Start, opt.Keys} {
		if x == nil {
			continue
		}
		if x.Len() != at.Batch || x.dtype != tensor.I32 {
			return g.bad(q.dtype, shape, "attention: start or keys %v, wanted i32[%d]", x, at.Batch)
		}
		in = append(in, x)
	}
	if b := opt.Bias; b != nil {
		at.Places = b.Len() / at.Heads
		if b.dtype != tensor.F32 || b.Len() != at.Heads*at.Places || at.Places%2 == 0 {
			return g.bad(q.dtype, shape, "attention: bias %v, wanted f32[%d R] with R odd", b, at.Heads)
		}
		in = append(in, b)
	}
	if seed != nil {
		if at.Batch*at.Heads*at.QueryLen > math.MaxUint32 {
			return g.bad(q.dtype, shape, "attention: dropout over more rows than 32 bits count: %+v", at)
		}
		in = append(in, seed)
	}
	n := g.op("attention", at, q.dtype, shape, in...)
	g.part(n, tensor.F32, at.Batch, at.Heads, at.QueryLen)
	return n
}

// The gradient's operands are d, q, k, v, the result o, the log-sum-exp, and
// the optional four. Its outputs are the gradients of the distinct nodes among
// q, k and v, with BiasGrad that of the bias, and last a scratch row sum of d·o,
// f32 [B, Heads, QueryLen]. With P = exp(scale·q·kᵀ + bias - lse) and K what Keep
// says, 1 without dropout: dv = (K·P)ᵀ·d, dS = P·(K·(d·vᵀ) - Σ d·o),
// dq = scale·dS·k, dk = scale·dSᵀ·q (Dao et al. 2022, arXiv:2205.14135), and
// dbias sums dS by head and place.
func gradAttention(n, d *Node, need []bool) []*Node {
	g := n.g
	at := n.attr.(AttentionAttr)
	qkv := n.in[:3]
	bias := 3 // its number among the operands
	for _, has := range []bool{at.HasStart, at.HasKeys} {
		if has {
			bias++
		}
	}
	at.BiasGrad = at.Places > 0 && need[bias]
	var distinct []*Node
	for i, x := range qkv {
		at.Out[i] = -1
		for j, y := range distinct {
			if x == y {
				at.Out[i] = j
			}
		}
		if at.Out[i] < 0 {
			at.Out[i] = len(distinct)
			distinct = append(distinct, x)
		}
	}
	in := append([]*Node{Cast(d, n.dtype), qkv[0], qkv[1], qkv[2], n, n.parts[0]}, n.in[3:]...)
	op := g.op("attention_grad", at, distinct[0].dtype, distinct[0].shape, in...)
	grads := []*Node{op}
	for _, x := range distinct[1:] {
		grads = append(grads, g.part(op, x.dtype, x.shape...))
	}
	out := make([]*Node, len(n.in))
	if at.BiasGrad {
		out[bias] = g.part(op, tensor.F32, n.in[bias].shape...)
	}
	g.part(op, tensor.F32, at.Batch, at.Heads, at.QueryLen)
	for i := range qkv {
		if !slices.Contains(at.Out[:i], at.Out[i]) { // a shared node's gradient is given once
			out[i] = grads[at.Out[i]]
		}
	}
	return out
}
