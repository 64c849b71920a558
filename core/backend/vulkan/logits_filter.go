package vulkan

import "github.com/kiban-models/kiban/core/plan"

func lowerLogitsFilter(s plan.Step, f *features) ([]dispatch, error) {
	rows, _ := matrix(s.In[0])
	return byLogits("logits_filter", s, rows, []uint32{wideLanes(f)}, nil)
}
