package vulkan

import (
	"github.com/kiban-models/kiban/core/graph"
	"github.com/kiban-models/kiban/core/plan"
)

func lowerActivation(s plan.Step, f *features) ([]dispatch, error) {
	act := s.Attr.(graph.ActivationAttr).Act
	return elementwise("activation", s, []uint32{uint32(act)}, nil, operands(s), f)
}

func lowerActivationGrad(s plan.Step, f *features) ([]dispatch, error) {
	act := s.Attr.(graph.ActivationAttr).Act
	return elementwise("activation_grad", s, []uint32{uint32(act)}, nil, operands(s), f)
}
