package vulkan

import "github.com/kiban-models/kiban/core/plan"

func lowerCast(s plan.Step, f *features) ([]dispatch, error) {
	from, err := typeOf(s.In[0].DType)
	if err != nil {
		return nil, err
	}
	to, err := typeOf(s.Out[0].DType)
	if err != nil {
		return nil, err
	}
	n := s.Out[0].Len()
	return each("cast", n, 4, []uint32{from, to}, []uint32{uint32(n)}, operands(s), f)
}
