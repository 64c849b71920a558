package vulkan

import (
	"github.com/kiban-models/kiban/core/plan"
	"github.com/kiban-models/kiban/core/tensor"
)

func lowerAdd(s plan.Step, f *features) ([]dispatch, error) {
	t, err := typeOf(s.Out[0].DType)
	if err != nil {
		return nil, err
	}
	var m *many
	// The gradients of a micro-batch are added to those before, all at the end.
	if s.Out[0].Region == plan.States && s.Out[0].DType == tensor.F32 {
		m = &many{span: manySpan, own: 3, writes: 0b100}
	}
	return eachOfMany("add", s.Out[0].Len(), []uint32{t}, nil, operands(s), m, f)
}
