package vulkan

import (
	"github.com/kiban-models/kiban/core/graph"
	"github.com/kiban-models/kiban/core/plan"
)

// lowerAttentionProbabilities takes the tiles in f32 whatever the device has: so
// much is written that products are little.
func lowerAttentionProbabilities(s plan.Step, f *features) ([]dispatch, error) {
	at := s.Attr.(graph.AttentionAttr)
	at.V = at.K // which the kernel knows nothing of
	a, err := attentionOf(at, []plan.Slot{s.In[0], s.In[1], s.In[1]}, s.In[3:], f)
	if err != nil {
		return nil, err
	}
	bind := []plan.Slot{a.q, a.k, s.In[2], a.start, a.keys, a.bias, s.Out[0]}
	d, err := a.plain("attention_probabilities", bind, at.QueryLen, at.Heads, tile{own: 1, other: 1, scores: 1}, flag(at.KeyLen%4 == 0))
	return []dispatch{d}, err
}
