package reference

import (
	"math"

	"github.com/kiban-models/kiban/core/plan"
)

// Operands: q, k, log-sum-exp, start if HasStart, keys if HasKeys, bias if Places;
// output: the probabilities [B, Heads, QueryLen, KeyLen], zeros of keys not seen.
func attentionProbabilities(s plan.Step, in, out [][]float64) {
	h := headsOf(s, in[3:])
	clear(out[0])
	h.each(func(b, head, t, visible int) {
		row := (b*h.Heads+head)*h.QueryLen + t
		q := h.query(in[0], h.Q, b, t, head)
		for j := range visible {
			_, bias := h.biasOf(b, head, t, j)
			score := float64(h.Scale)*inner(q, h.key(in[1], h.K, b, j, head)) + bias
			out[0][row*h.KeyLen+j] = math.Exp(score - in[2][row])
		}
	})
}
