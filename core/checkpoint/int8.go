package checkpoint

import (
	"fmt"
	"slices"
	"strings"

	"github.com/kiban-models/kiban/core/tensor"
)

// inBytes is a source with some of its matrices in 8 bits.
type inBytes struct {
	Lister
	scales map[string]Spec // by the name of the matrix
	// The scales of the matrix that was read last, which are mostly wanted next.
	last   string
	latest *tensor.Tensor
}

// Int8 shows src with the matrices that are wanted as i8 in that form, and beside
// each the scales that tensor.Int8 gives for it, which are wanted under its name
// and tensor.ScaleSuffix: [rows, 1] or [1, cols]. A matrix that has no such form,
// since it is not finite, is an error that names it when it is read. All else is
// src's.
func Int8(src Lister, want []Spec) Lister {
	s := inBytes{Lister: src, scales: map[string]Spec{}}
	for _, w := range want {
		if w.DType == tensor.I8 {
			s.scales[w.Name] = Spec{}
		}
	}
	for _, w := range want {
		of, ok := strings.CutSuffix(w.Name, tensor.ScaleSuffix)
		if _, bytes := s.scales[of]; ok && bytes {
			s.scales[of] = w
		}
	}
	if len(s.scales) == 0 {
		return src
	}
	return &s
}

func (s *inBytes) Names() []string {
	names := slices.Clone(s.Lister.Names())
	for _, name := range s.Lister.Names() {
		if w := s.scales[name]; w.Name != "" {
			names = append(names, w.Name)
		}
	}
	slices.Sort(names)
	return names
}

// matrix returns the name of the matrix whose scales are asked for, or "".
func (s *inBytes) matrix(name string) string {
	of := strings.TrimSuffix(name, tensor.ScaleSuffix)
	if of != name && s.scales[of].Name == name {
		return of
	}
	return ""
}

func (s *inBytes) Spec(name string) (Spec, error) {
	if of := s.matrix(name); of != "" {
		return s.scales[of], nil
	}
	spec, err := s.Lister.Spec(name)
	if _, ok := s.scales[name]; ok && len(spec.Shape) == 2 && spec.DType.IsFloat() {
		spec.DType = tensor.I8
	}
	return spec, err
}

func (s *inBytes) Tensor(name string) (*tensor.Tensor, error) {
	if of := s.matrix(name); of != "" {
		if of != s.last {
			if _, err := s.bytes(of); err != nil {
				return nil, err
			}
		}
		return s.latest, nil
	}
	if _, ok := s.scales[name]; ok {
		return s.bytes(name)
	}
	return s.Lister.Tensor(name)
}

// bytes returns a matrix in 8 bits and keeps its scales.
func (s *inBytes) bytes(name string) (*tensor.Tensor, error) {
	t, err := s.Lister.Tensor(name)
	if err != nil {
		return nil, err
	}
	if len(t.Shape()) != 2 || !t.DType().IsFloat() {
		return nil, fmt.Errorf("checkpoint: tensor %q is %v; only a matrix of floats has a form in 8 bits", name, t)
	}
	if i := NonFinite(t); i >= 0 {
		return nil, fmt.Errorf("checkpoint: tensor %q: element %d is %v, which 8 bits cannot hold; the weights are damaged", name, i, t.At(i))
	}
	scale := s.scales[name].Shape
	x, scales := t.Int8(len(scale) == 2 && scale[0] == 1 && scale[1] == t.Shape()[1])
	s.last, s.latest = name, scales
	return x, nil
}
