package graph

import "github.com/kiban-models/kiban/core/tensor"

// Filter divides logits [B, V] by the temperature, then sets to -Inf those
// below the k-th largest, then those outside the smallest set of the most
// probable ones whose probability exceeds top-p (Holtzman et al. 2020), in the
// order in which transformers warps logits. Equal logits are kept or dropped
// together: a logit stays if the larger ones' probability, summed, is below
// top-p. Greedy leaves the largest alone, the first of equals.
func Filter(logits, knobs *Node) *Node {
	if knobs.Len() != KnobsLen || logits.dtype != tensor.F32 {
		return logits.g.bad(tensor.F32, logits.shape, "logits_filter: %v with knobs %v", logits, knobs)
	}
	return logits.g.op("logits_filter", nil, tensor.F32, logits.shape, logits, knobs)
}
