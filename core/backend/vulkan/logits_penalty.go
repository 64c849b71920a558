package vulkan

import "github.com/kiban-models/kiban/core/plan"

func lowerLogitsPenalty(s plan.Step, f *features) ([]dispatch, error) {
	rows := s.In[2].Len()
	return byLogits("logits_penalty", s, rows, nil, []uint32{uint32(s.In[1].Len() / max(rows, 1))})
}
