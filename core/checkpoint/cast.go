package checkpoint

import (
	"fmt"

	"github.com/kiban-models/kiban/core/tensor"
)

type cast struct {
	Lister
	to tensor.DType
}

// Cast shows src with its floating-point tensors in another floating-point
// type; the others stay as they are. A number that is finite in src and not in
// the other type is an error that names the tensor, when it is read.
func Cast(src Lister, to tensor.DType) Lister { return cast{src, to} }

func (c cast) Spec(name string) (Spec, error) {
	s, err := c.Lister.Spec(name)
	if s.DType.IsFloat() {
		s.DType = c.to
	}
	return s, err
}

func (c cast) Tensor(name string) (*tensor.Tensor, error) {
	t, err := c.Lister.Tensor(name)
	if err != nil || !t.DType().IsFloat() {
		return t, err
	}
	out := t.Convert(c.to)
	if i := NonFinite(out); i >= 0 {
		for ; i < out.Len(); i++ {
			if !finite(out.At(i)) && finite(t.At(i)) {
				return nil, fmt.Errorf("checkpoint: tensor %q: element %d is %g, which %v cannot hold; choose a type of a larger range", name, i, t.At(i), c.to)
			}
		}
	}
	return out, nil
}

func finite(v float64) bool { return v-v == 0 }
