package plan

import "github.com/kiban-models/kiban/core/graph"

// logits lets as many logits exist at a time as the backend wants. The gradient
// of the output embedding is read and written once a chunk, which for a device
// with much memory is most of the work's bytes if chunks are small.
func (d *draft) logits(lim Limits) {
	if lim.Logits == 0 {
		return
	}
	for _, it := range d.items {
		at, ok := it.attr.(graph.LinearCrossEntropyAttr)
		if !ok {
			continue
		}
		at.Chunk = graph.LogitsChunk(at.Rows, at.Vocab, lim.Logits)
		it.attr = at
		scratch := it.out[1:2]
		if it.kernel == "linear_cross_entropy_grad" {
			scratch = it.out[3:4]
			if it.in[1].dtype != it.out[3].dtype { // that of their gradient
				scratch = it.out[3:5]
			}
		}
		for _, v := range scratch {
			v.shape = []int{at.Chunk, at.Vocab}
		}
	}
}
