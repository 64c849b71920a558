package vulkan

import (
	"fmt"

	"github.com/kiban-models/kiban/core/graph"
	"github.com/kiban-models/kiban/core/plan"
	"github.com/kiban-models/kiban/core/tensor"
)

func lowerFill(s plan.Step, f *features) ([]dispatch, error) {
	d, err := fillSlot(s.Out[0], s.Attr.(graph.FillAttr).Value, f)
	if err != nil {
		return nil, err
	}
	return []dispatch{d}, nil
}

// fillSlot sets all elements of a value.
func fillSlot(s plan.Slot, value float32, f *features) (dispatch, error) {
	var pattern uint32
	switch s.DType {
	case tensor.F32:
		pattern = word(value)
	case tensor.BF16:
		pattern = uint32(tensor.ToBF16(value)) * 0x10001
	case tensor.F16:
		pattern = uint32(tensor.ToF16(value)) * 0x10001
	case tensor.I32:
		pattern = uint32(int32(value))
	default:
		return dispatch{}, fmt.Errorf("fill of %v, wanted f32, bf16, f16 or i32", s.DType)
	}
	n, err := halves(s)
	if err != nil {
		return dispatch{}, err
	}
	var m *many
	if s.Region == plan.States { // a step may clear many
		m = &many{span: manySpan, own: 1, writes: 0b1}
	}
	ds, err := eachOfMany("fill", n, nil, []uint32{pattern}, []plan.Slot{s}, m, f)
	if err != nil {
		return dispatch{}, err
	}
	return ds[0], nil
}
