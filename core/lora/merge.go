package lora

import (
	"fmt"
	"slices"
	"strings"

	"github.com/kiban-models/kiban/core/checkpoint"
	"github.com/kiban-models/kiban/core/nn"
	"github.com/kiban-models/kiban/core/tensor"
)

// merged is a model's weights with an adapter in them.
type merged struct {
	checkpoint.Lister
	a       *Adapter
	weights checkpoint.Source
	layer   map[string]string // by the name of its weight
}

// Merge shows base with the adapter in its weights: W + factor·(B·A),
// transposed where the adapter's FanInOut says so. A tensor is computed when it
// is read, in f32 from whatever is stored, and the adapted ones are f32; the
// others are base's. Layers that base has not, or has in other sizes, are one
// error.
func Merge(base checkpoint.Lister, a *Adapter) (checkpoint.Lister, error) {
	m := merged{base, a, a.Weights, map[string]string{}}
	var bad []string
	for _, layer := range a.Layers() {
		in, out, err := a.shape(layer)
		if err != nil {
			return nil, fmt.Errorf("%s: %w", a.path, err)
		}
		want := []int{out, in}
		if a.FanInOut {
			want = []int{in, out}
		}
		name := layer + ".weight"
		got, err := base.Spec(name)
		switch {
		case err != nil:
			bad = append(bad, layer+" is not there")
		case !slices.Equal(got.Shape, want) || !got.DType.IsFloat():
			bad = append(bad, fmt.Sprintf("%v, wanted %v", got, want))
		}
		m.layer[name] = layer
	}
	if bad != nil {
		return nil, fmt.Errorf("%s: the adapter does not fit the model:\n  %s", a.path, strings.Join(bad, "\n  "))
	}
	return m, nil
}

func (m merged) Spec(name string) (checkpoint.Spec, error) {
	s, err := m.Lister.Spec(name)
	if m.layer[name] != "" {
		s.DType = tensor.F32
	}
	return s, err
}

func (m merged) Tensor(name string) (*tensor.Tensor, error) {
	w, err := m.Lister.Tensor(name)
	layer := m.layer[name]
	if err != nil || layer == "" {
		return w, err
	}
	a, err := m.weights.Tensor(layer + nn.LoRAA)
	if err != nil {
		return nil, err
	}
	b, err := m.weights.Tensor(layer + nn.LoRAB)
	if err != nil {
		return nil, err
	}
	if w.DType() == tensor.F32 {
		w = w.Clone() // base keeps its own
	}
	w = w.Convert(tensor.F32)
	a, b = a.Convert(tensor.F32), b.Convert(tensor.F32)
	add := addProduct
	if m.a.FanInOut {
		add = addTransposed
	}
	add(w.Float32(), a.Float32(), b.Float32(), m.a.Rank, m.a.Factor())
	return w, nil
}

// addProduct adds factor·(b·a) to w [out, in]; a is [rank, in], b [out, rank].
func addProduct(w, a, b []float32, rank int, factor float32) {
	in, out := len(a)/rank, len(b)/rank
	sum := make([]float32, in)
	for o := range out {
		clear(sum)
		for k, x := range b[o*rank : (o+1)*rank] {
			for i, y := range a[k*in : (k+1)*in] {
				sum[i] += x * y
			}
		}
		for i, x := range sum {
			w[o*in+i] += x * factor
		}
	}
}

// addTransposed adds factor·(b·a)ᵀ to w [in, out].
func addTransposed(w, a, b []float32, rank int, factor float32) {
	addProduct(w, transposed(b, rank), transposed(a, len(a)/rank), rank, factor)
}

// transposed returns x, whose rows have cols elements, with rows and columns
// exchanged.
func transposed(x []float32, cols int) []float32 {
	rows := len(x) / cols
	out := make([]float32, len(x))
	for r := range rows {
		for c := range cols {
			out[c*rows+r] = x[r*cols+c]
		}
	}
	return out
}
