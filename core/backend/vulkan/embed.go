package vulkan

import (
	"github.com/kiban-models/kiban/core/graph"
	"github.com/kiban-models/kiban/core/plan"
)

func lowerEmbed(s plan.Step, f *features) ([]dispatch, error) {
	at := s.Attr.(graph.EmbedAttr)
	table, scale := s.In[0], s.In[0] // a scale that is not there
	var from uint32
	var err error
	if at.Scaled {
		scale = s.In[2]
	} else if from, err = typeOf(table.DType); err != nil {
		return nil, err
	}
	to, err := typeOf(s.Out[0].DType)
	if err != nil {
		return nil, err
	}
	n, cols := s.Out[0].Len(), table.Len()/at.Rows
	push := []uint32{uint32(n), uint32(cols), uint32(at.Rows)}
	spec := []uint32{from, to, flag(cols%4 == 0), flag(at.Scaled)}
	return each("embed", n, 4, spec, push, []plan.Slot{table, s.In[1], s.Out[0], scale}, f)
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
