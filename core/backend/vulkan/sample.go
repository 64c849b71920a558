package vulkan

import "github.com/kiban-models/kiban/core/plan"

func lowerSample(s plan.Step, f *features) ([]dispatch, error) {
	return byLogits("sample", s, s.In[3].Len(), []uint32{wideLanes(f)}, nil)
}

// byLogits lowers a step whose workgroups take a row of logits each.
func byLogits(shader string, s plan.Step, rows int, spec, push []uint32) ([]dispatch, error) {
	if err := indexable(operands(s)...); err != nil {
		return nil, err
	}
	return []dispatch{{
		shader: shader, spec: spec, push: append([]uint32{uint32(s.In[0].Len() / max(rows, 1))}, push...), bind: operands(s),
		groups: [3]uint32{uint32(rows), 1, 1},
	}}, nil
}
