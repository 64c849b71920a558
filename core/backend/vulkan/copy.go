package vulkan

import (
	"fmt"

	"github.com/kiban-models/kiban/core/plan"
)

// halves returns the number of 16-bit pieces of a value.
func halves(s plan.Slot) (int, error) {
	if s.Bytes()%2 != 0 || s.Bytes()/2 >= 1<<32-1<<16 {
		return 0, fmt.Errorf("a value %v%v, wanted elements of 2 or 4 bytes and at most 8 GiB", s.DType, s.Shape)
	}
	return int(s.Bytes() / 2), nil
}

func lowerCopy(s plan.Step, f *features) ([]dispatch, error) {
	n, err := halves(s.Out[0])
	if err != nil {
		return nil, err
	}
	return each("copy", n, 4, nil, []uint32{uint32(n)}, operands(s), f)
}
