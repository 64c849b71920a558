package vulkan

import (
	"github.com/kiban-models/kiban/core/graph"
	"github.com/kiban-models/kiban/core/plan"
)

func lowerScale(s plan.Step, f *features) ([]dispatch, error) {
	by := s.In[0] // in the place of a factor that is not there
	if len(s.In) == 2 {
		by = s.In[1]
	}
	factor := s.Attr.(graph.ScaleAttr).Factor
	return elementwise("scale", s, []uint32{flag(len(s.In) == 2)}, []uint32{word(factor)},
		[]plan.Slot{s.In[0], by, s.Out[0]}, f)
}
