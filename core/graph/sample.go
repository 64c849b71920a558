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

// Filter divides logits [B, V] by the temperature, then sets to -Inf those
// below the k-th largest, then those outside the smallest set of the most
// probable ones whose probability exceeds top-p (Holtzman et al. 2020), in the
// order in which transformers warps logits. Greedy leaves the largest alone,
// the first of equals.
func Filter(logits, knobs *Node) *Node {
	if knobs.Len() != KnobsLen || logits.dtype != tensor.F32 {
		return logits.g.bad(tensor.F32, logits.shape, "logits_filter: %v with knobs %v", logits, knobs)
	}
	return logits.g.op("logits_filter", nil, tensor.F32, logits.shape, logits, knobs)
}

// Sample draws an index of each row of logits [B, V] with probability
// softmax(logits): the first whose cumulated probability exceeds u, where u is
// the uniform number of counter (pos[b], stream[b]) under key seed (i32 [2]).
// So a sequence's draws depend on its own stream and place only, not on the
// batch it is in. The result is i32 [B].
func Sample(logits, seed, stream, pos *Node) *Node {
	b := logits.rows()
	if stream.Len() != b || pos.Len() != b || seed.Len() != 2 || logits.dtype != tensor.F32 {
		return logits.g.bad(tensor.I32, []int{b}, "sample: %v with seed %v, streams %v, positions %v", logits, seed, stream, pos)
	}
	return logits.g.op("sample", nil, tensor.I32, []int{b}, logits, seed, stream, pos)
}
