package vulkan

import "github.com/kiban-models/kiban/core/plan"

func lowerMul(s plan.Step, f *features) ([]dispatch, error) {
	return elementwise("mul", s, nil, nil, operands(s), f)
}
