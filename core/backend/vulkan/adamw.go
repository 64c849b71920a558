package vulkan

import (
	"github.com/kiban-models/kiban/core/graph"
	"github.com/kiban-models/kiban/core/plan"
)

// The results lie over the operands, so only those are bound.
func lowerAdamW(s plan.Step, f *features) ([]dispatch, error) {
	n := s.In[0].Len()
	decay := flag(s.Attr.(graph.AdamWAttr).Decay)
	// The moments and the parameter are written.
	return eachOfMany("adamw", n, nil, []uint32{decay}, s.In, &many{span: manySpan, own: 5, writes: 0b1101}, f)
}
