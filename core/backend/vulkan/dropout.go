package vulkan

import (
	"github.com/kiban-models/kiban/core/graph"
	"github.com/kiban-models/kiban/core/plan"
)

func lowerDropout(s plan.Step, f *features) ([]dispatch, error) {
	at := s.Attr.(graph.DropoutAttr)
	scale := float32(1 / (1 - float64(at.P)))
	return elementwise("dropout", s, nil, []uint32{word(at.P), at.Salt, word(scale)}, operands(s), f)
}
