package graph

import "github.com/kiban-models/kiban/core/tensor"

// AttentionProbabilities returns what an attention y, a result of Attention,
// weighs values by, before dropout: softmax(scale·q·kᵀ + bias), f32 [B, Heads,
// QueryLen, KeyLen], zeros where a query does not see a key. It is made from the
// log-sum-exp of y in one pass. So much memory is for looking at, as in maps of
// attention and of ESM-2's contacts (Rao et al. 2021, doi:10.1101/2020.12.15.422761):
// it has no gradient. Its operands are q, k, the log-sum-exp, and of the optional
// ones start, keys and bias.
func AttentionProbabilities(y *Node) *Node {
	at, ok := y.attr.(AttentionAttr)
	if !ok || y.kernel != "attention" {
		return y.g.bad(tensor.F32, []int{1}, "attention_probabilities: %v is not the result of Attention", y)
	}
	in := append([]*Node{y.in[0], y.in[1], y.parts[0]}, y.in[3:]...)
	if at.Dropout > 0 {
		at.Dropout, at.Salt, in = 0, 0, in[:len(in)-1]
	}
	return y.g.op("attention_probabilities", at, tensor.F32, []int{at.Batch, at.Heads, at.QueryLen, at.KeyLen}, in...)
}
