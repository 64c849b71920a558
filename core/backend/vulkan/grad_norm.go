package vulkan

import (
	"github.com/kiban-models/kiban/core/graph"
	"github.com/kiban-models/kiban/core/plan"
)

// The partial sums of each gradient, then the sum of all.
func lowerGradNorm(s plan.Step, f *features) ([]dispatch, error) {
	if err := indexable(s.In...); err != nil {
		return nil, err
	}
	var ds []dispatch
	partial, first := s.Out[1], 0
	grads, scale := s.In[:len(s.In)-1], s.In[len(s.In)-1]
	for _, x := range grads {
		blocks := graph.NormBlocks(x.Len())
		groups, err := grid(blocks, f)
		if err != nil {
			return nil, err
		}
		ds = append(ds, dispatch{
			shader: "grad_norm", spec: []uint32{0}, push: []uint32{uint32(x.Len()), uint32(first)},
			bind: []plan.Slot{x, partial, nothing}, groups: groups,
			many: &many{span: graph.NormBlock, own: 1, writes: 0b10},
		})
		first += blocks
	}
	limit := s.Attr.(graph.GradNormAttr).MaxNorm
	return append(ds, dispatch{
		shader: "grad_norm.final", push: []uint32{uint32(first), word(limit)}, bind: []plan.Slot{partial, s.Out[0], scale},
		groups: [3]uint32{1, 1, 1}, wait: true,
	}), nil
}
