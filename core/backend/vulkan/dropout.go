package vulkan

import (
	"github.com/kiban-models/kiban/core/graph"
	"github.com/kiban-models/kiban/core/plan"
)

func lowerDropout(s plan.Step, f *features) ([]dispatch, error) {
	at := s.Attr.(graph.DropoutAttr)
	scale := float32(1 / (1 - float64(at.P)))
	push := []uint32{word(at.P), at.Salt, word(scale), uint32(max(1, at.Span))}
	return elementwise("dropout", s, []uint32{flag(at.Span > 0)}, push, operands(s), f)
}
