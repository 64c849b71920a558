package graph

import "github.com/kiban-models/kiban/core/tensor"

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
