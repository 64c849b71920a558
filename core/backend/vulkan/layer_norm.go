package vulkan

import (
	"github.com/kiban-models/kiban/core/graph"
	"github.com/kiban-models/kiban/core/plan"
)

func lowerLayerNorm(s plan.Step, f *features) ([]dispatch, error) {
	rows, cols := normed(s.In[0], s.In[1])
	eps := s.Attr.(graph.LayerNormAttr).Eps
	return byRow("layer_norm", s.In[0], rows, cols, nil, []uint32{word(eps)}, operands(s), f)
}

func lowerLayerNormGradX(s plan.Step, f *features) ([]dispatch, error) {
	rows, cols := normed(s.In[1], s.In[2])
	bind := append([]plan.Slot{}, s.In[:4]...)
	residual := s.Attr.(graph.LayerNormAttr).Residual
	if residual {
		bind = append(bind, s.In[4])
	} else {
		bind = append(bind, s.In[0]) // bound, but not read
	}
	bind = append(bind, s.Out[0])
	return byRow("layer_norm_grad_x", s.In[1], rows, cols, []uint32{flag(residual)}, nil, bind, f)
}

func lowerLayerNormGradW(s plan.Step, f *features) ([]dispatch, error) {
	rows, cols := normed(s.In[1], s.Out[0])
	return columns("layer_norm_grad_w", s, rows, cols, f)
}

// normed returns the shape of x, whose rows are as long as the weight.
func normed(x, w plan.Slot) (rows, cols int) { return x.Len() / w.Len(), w.Len() }

// byRow lowers a step whose workgroups take a row of x each, with
// vkshaders/include/rows.glsl. Its push constants are the shape and push.
func byRow(shader string, x plan.Slot, rows, cols int, spec, push []uint32, bind []plan.Slot, f *features) ([]dispatch, error) {
	t, err := typeOf(x.DType)
	if err != nil {
		return nil, err
	}
	if err := indexable(bind...); err != nil {
		return nil, err
	}
	groups, err := grid(rows, f)
	if err != nil {
		return nil, err
	}
	size := lanes(cols, f)
	own := uint32(ceil(cols, 4*int(size)))
	return []dispatch{{
		shader: shader,
		spec:   append([]uint32{size, t, own, flag(cols%4 == 0)}, spec...),
		push:   append([]uint32{uint32(rows), uint32(cols)}, push...),
		bind:   bind, groups: groups,
	}}, nil
}
