package vulkan

import "github.com/kiban-models/kiban/core/plan"

func lowerDot(s plan.Step, f *features) ([]dispatch, error) {
	if err := indexable(s.In...); err != nil {
		return nil, err
	}
	return []dispatch{{
		shader: "dot", push: []uint32{uint32(s.In[0].Len())}, bind: operands(s), groups: [3]uint32{1, 1, 1},
	}}, nil
}
