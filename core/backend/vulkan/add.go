package vulkan

import "github.com/kiban-models/kiban/core/plan"

func lowerAdd(s plan.Step, f *features) ([]dispatch, error) {
	return elementwise("add", s, nil, nil, operands(s), f)
}
