package graph

import "github.com/kiban-models/kiban/core/tensor"

// KnobsLen is the length of the knobs operand of logits_penalty and
// logits_filter: repetition penalty, temperature, top-k, top-p, and unused
// ones. A temperature of 0 means greedy; top-k of 0 and top-p of 1 mean all.
const KnobsLen = 8

// Penalty applies the repetition penalty (Keskar et al. 2019, CTRL, with
// the sign rule of transformers' RepetitionPenaltyLogitsProcessor): the logit
// of each token in tokens[b, 0..pos[b]] is divided by the penalty if it is
// positive and multiplied by it otherwise, once. logits are f32 [B, V], tokens
// i32 [B, L], pos i32 [B].
func Penalty(logits, tokens, pos, knobs *Node) *Node {
	b := logits.rows()
	if tokens.rows() != b || pos.Len() != b || knobs.Len() != KnobsLen || logits.dtype != tensor.F32 {
		return logits.g.bad(tensor.F32, logits.shape, "logits_penalty: %v with tokens %v, positions %v", logits, tokens, pos)
	}
	return logits.g.op("logits_penalty", nil, tensor.F32, logits.shape, logits, tokens, pos, knobs)
}
