package vulkan

import (
	"github.com/kiban-models/kiban/core/graph"
	"github.com/kiban-models/kiban/core/plan"
)

// The results lie over the first four operands, so only the operands are bound.
func lowerTokenAppend(s plan.Step, f *features) ([]dispatch, error) {
	at := s.Attr.(graph.TokenAppendAttr)
	return each("token_append", at.Batch, 1, nil, []uint32{uint32(at.Batch), uint32(at.Len), uint32(at.EOS)}, s.In, f)
}
