package vulkan

import (
	"slices"

	"github.com/kiban-models/kiban/core/graph"
	"github.com/kiban-models/kiban/core/plan"
)

// Without a start the table is bound in its place, and not read as one.
func lowerRotary(s plan.Step, f *features) ([]dispatch, error) {
	at := s.Attr.(graph.RotaryAttr)
	t, err := typeOf(s.Out[0].DType)
	if err != nil {
		return nil, err
	}
	n, start := s.Out[0].Len(), s.In[1]
	if at.HasStart {
		start = s.In[2]
	}
	sign := float32(1)
	if at.Back {
		sign = -1
	}
	push := []uint32{
		uint32(n), uint32(n / (at.Batch * at.Len)), uint32(at.Len), uint32(at.Heads), uint32(at.Layout.Offset), uint32(at.Layout.Stride),
		uint32(at.Turned / 2), uint32(at.Places), word(sign),
	}
	bind := slices.Concat(s.In[:2], []plan.Slot{start}, s.Out)
	return each("rotary", n, 1, []uint32{t, flag(at.HasStart)}, push, bind, f)
}
