package vulkan

import (
	"github.com/kiban-models/kiban/core/graph"
	"github.com/kiban-models/kiban/core/plan"
)

func lowerEmbed(s plan.Step, f *features) ([]dispatch, error) {
	from, err := typeOf(s.In[0].DType)
	if err != nil {
		return nil, err
	}
	to, err := typeOf(s.Out[0].DType)
	if err != nil {
		return nil, err
	}
	rows := s.Attr.(graph.EmbedAttr).Rows
	n, cols := s.Out[0].Len(), s.In[0].Len()/rows
	push := []uint32{uint32(n), uint32(cols), uint32(rows)}
	return each("embed", n, 4, []uint32{from, to, flag(cols%4 == 0)}, push, operands(s), f)
}

func lowerEmbedGradTable(s plan.Step, f *features) ([]dispatch, error) {
	t, err := typeOf(s.In[0].DType)
	if err != nil {
		return nil, err
	}
	if err := indexable(operands(s)...); err != nil {
		return nil, err
	}
	rows := s.Attr.(graph.EmbedAttr).Rows
	groups, err := grid(rows, f)
	if err != nil {
		return nil, err
	}
	return []dispatch{{
		shader: "embed_grad_table", spec: []uint32{t},
		push: []uint32{uint32(s.In[1].Len()), uint32(s.Out[0].Len() / rows), uint32(rows)},
		bind: operands(s), groups: groups,
	}}, nil
}
