package vulkan

import (
	"github.com/kiban-models/kiban/core/graph"
	"github.com/kiban-models/kiban/core/plan"
)

// The results lie over the operands, so only those are bound.
func lowerAdamW(s plan.Step, f *features) ([]dispatch, error) {
	n := s.In[0].Len()
	decay := flag(s.Attr.(graph.AdamWAttr).Decay)
	return each("adamw", n, 4, []uint32{decay}, []uint32{uint32(n)}, s.In, f)
}
