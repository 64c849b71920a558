package reference

import (
	"math"

	"github.com/kiban-models/kiban/core/graph"
	"github.com/kiban-models/kiban/core/plan"
)

// heads gives attention's kernels the pieces that they work on.
type heads struct {
	graph.AttentionAttr
	start, keys, bias, seed []float64 // nil where not given
}

func headsOf(s plan.Step, optional [][]float64) heads {
	h := heads{AttentionAttr: s.Attr.(graph.AttentionAttr)}
	if h.HasStart {
		h.start, optional = optional[0], optional[1:]
	}
	if h.HasKeys {
		h.keys, optional = optional[0], optional[1:]
	}
	if h.Places > 0 {
		h.bias, optional = optional[0], optional[1:]
	}
	if h.Dropout > 0 {
		h.seed = optional[0]
	}
	return h
}

// keep is what dropout multiplies a probability by.
func (h heads) keep(row, key int) float64 {
	if h.seed == nil {
		return 1
	}
	return h.Keep(row, key, word(h.seed[0]), word(h.seed[1]))
}

// biasOf returns which bias the score of a query and a key has, and what is to be
// added to it: 0 without one.
func (h heads) biasOf(b, head, t, key int) (at int, bias float64) {
	if h.bias == nil {
		return 0, 0
	}
	if h.HasStart {
		t += int(h.start[b])
	}
	at = head*h.Places + h.Place(t, key)
	return at, h.bias[at]
}

// each calls f with every sequence, query head and query. visible is the
// number of keys that the query sees, the first ones.
func (h heads) each(f func(b, head, t, visible int)) {
	for b := range h.Batch {
		keys, start := h.KeyLen, 0
		if h.HasKeys {
			keys = min(keys, int(h.keys[b]))
		}
		if h.HasStart {
			start = int(h.start[b])
		}
		for head := range h.Heads {
			for t := range h.QueryLen {
				visible := keys
				if h.Causal {
					visible = min(visible, t+start+1)
				}
				f(b, head, t, max(visible, 0))
			}
		}
	}
}

// piece returns head's columns of a row of x, a matrix of the given number of
// rows.
func (h heads) piece(x []float64, l graph.HeadLayout, rows, row, head int) []float64 {
	return x[row*(len(x)/rows)+l.Offset+head*l.Stride:][:h.Width]
}

func (h heads) query(x []float64, l graph.HeadLayout, b, t, head int) []float64 {
	return h.piece(x, l, h.Batch*h.QueryLen, b*h.QueryLen+t, head)
}

func (h heads) key(x []float64, l graph.HeadLayout, b, j, head int) []float64 {
	return h.piece(x, l, h.Batch*h.KeyLen, b*h.KeyLen+j, head/(h.Heads/h.KVHeads))
}

// Operands: q, k, v, start if HasStart, keys if HasKeys, bias if Places, seed if
// Dropout; outputs: the result [B*QueryLen, Heads*Width], log-sum-exp
// [B, Heads, QueryLen] (-Inf of no key).
func attention(s plan.Step, in, out [][]float64) {
	h := headsOf(s, in[3:])
	plain := graph.HeadLayout{Stride: h.Width}
	scores := make([]float64, h.KeyLen)
	h.each(func(b, head, t, visible int) {
		q, o := h.query(in[0], h.Q, b, t, head), h.query(out[0], plain, b, t, head)
		scores := scores[:visible]
		for j := range scores {
			_, bias := h.biasOf(b, head, t, j)
			scores[j] = float64(h.Scale)*inner(q, h.key(in[1], h.K, b, j, head)) + bias
		}
		lse, row := logSumExp(scores), (b*h.Heads+head)*h.QueryLen+t
		clear(o)
		for j, score := range scores {
			p := h.keep(row, j) * math.Exp(score-lse)
			for i, v := range h.key(in[2], h.V, b, j, head) {
				o[i] += p * v
			}
		}
		out[1][row] = lse
	})
}

// Operands: d, q, k, v, o, log-sum-exp, start if HasStart, keys if HasKeys, bias if
// Places, seed if Dropout; outputs: the gradients of q, k, v as Out says, in full
// (columns that no head reads get zeros), with BiasGrad that of the bias, and last
// Σ d·o by row. With P = exp(scale·q·kᵀ + bias - lse) and K what dropout multiplies
// by: dv = (K·P)ᵀ·d, dS = P·(K·(d·vᵀ) - Σ d·o), dq = scale·dS·k, dk = scale·dSᵀ·q,
// and dbias sums dS by head and place.
func attentionGrad(s plan.Step, in, out [][]float64) {
	h := headsOf(s, in[6:])
	d, q, k, v, o, lse := in[0], in[1], in[2], in[3], in[4], in[5]
	rowSum := out[len(out)-1]
	for _, x := range out {
		clear(x)
	}
	plain, scale := graph.HeadLayout{Stride: h.Width}, float64(h.Scale)
	h.each(func(b, head, t, visible int) {
		row := (b*h.Heads+head)*h.QueryLen + t
		dt, qt := h.query(d, plain, b, t, head), h.query(q, h.Q, b, t, head)
		dq := h.query(out[h.Out[0]], h.Q, b, t, head)
		rowSum[row] = inner(dt, h.query(o, plain, b, t, head))
		for j := range visible {
			kj, vj := h.key(k, h.K, b, j, head), h.key(v, h.V, b, j, head)
			dk, dv := h.key(out[h.Out[1]], h.K, b, j, head), h.key(out[h.Out[2]], h.V, b, j, head)
			place, bias := h.biasOf(b, head, t, j)
			p := math.Exp(scale*inner(qt, kj) + bias - lse[row])
			keep := h.keep(row, j)
			ds := p * (keep*inner(dt, vj) - rowSum[row])
			if h.BiasGrad {
				out[len(out)-2][place] += ds
			}
			ds *= scale
			for i := range h.Width {
				dv[i] += keep * p * dt[i]
				dq[i] += ds * kj[i]
				dk[i] += ds * qt[i]
			}
		}
	})
}

func inner(a, b []float64) float64 {
	sum := 0.0
	for i, x := range a {
		sum += x * b[i]
	}
	return sum
}

// logSumExp returns log Σ exp(x), -Inf of nothing.
func logSumExp(x []float64) float64 {
	top := math.Inf(-1)
	for _, v := range x {
		top = max(top, v)
	}
	if math.IsInf(top, -1) {
		return top
	}
	sum := 0.0
	for _, v := range x {
		sum += math.Exp(v - top)
	}
	return top + math.Log(sum)
}
