package vulkan

import (
	"github.com/kiban-models/kiban/core/graph"
	"github.com/kiban-models/kiban/core/plan"
)

// The result lies over the first operand, so only the operands are bound.
func lowerCacheWrite(s plan.Step, f *features) ([]dispatch, error) {
	at := s.Attr.(graph.CacheWriteAttr)
	n := at.Batch * at.Len * at.Width
	cols := s.In[1].Len() / (at.Batch * at.Len)
	push := []uint32{uint32(n), uint32(at.Len), uint32(at.CacheLen), uint32(at.Width), uint32(cols), uint32(at.Offset)}
	return each("cache_write", n, 1, []uint32{flag(s.In[0].DType.Size() == 4)}, push, s.In, f)
}
