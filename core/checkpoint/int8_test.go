package checkpoint_test

import (
	"errors"
	"math"
	"slices"
	"strings"
	"testing"

	"github.com/kiban-models/kiban/core/checkpoint"
	"github.com/kiban-models/kiban/core/tensor"
)

// A file's matrices come in bytes where that is wanted, with scales of rows or of
// columns; all else as it is.
func TestInt8(t *testing.T) {
	w := tensor.Of([]float32{0.5, -1, 0.25, 30, 10, -20}, 2, 3)
	src := checkpoint.Tensors{"a": w, "b": w.Convert(tensor.BF16), "c": w, "extra": w}
	want := []checkpoint.Spec{
		{Name: "a", DType: tensor.I8, Shape: []int{2, 3}}, {Name: "a.scale", DType: tensor.F32, Shape: []int{2, 1}},
		{Name: "c", DType: tensor.F32, Shape: []int{2, 3}},
		{Name: "b.scale", DType: tensor.F32, Shape: []int{1, 3}}, {Name: "b", DType: tensor.I8, Shape: []int{2, 3}},
	}
	got := checkpoint.Tensors{}
	fill := func(src checkpoint.Lister) error {
		return checkpoint.Fill(func(name string, t *tensor.Tensor) error { got[name] = t; return nil }, want, checkpoint.Int8(src, want),
			checkpoint.FillOptions{AllowExtra: func(name string) bool { return name == "extra" }})
	}
	if err := fill(src); err != nil {
		t.Fatal(err)
	}
	for name, columns := range map[string]bool{"a": false, "b": true} {
		bytes, scales := w.Int8(columns)
		if !slices.Equal(got[name].Int8s(), bytes.Int8s()) || !slices.Equal(got[name+".scale"].Float32(), scales.Float32()) {
			t.Errorf("%s is %v times %v", name, got[name].Int8s(), got[name+".scale"].Float32())
		}
	}
	if !slices.Equal(got["c"].Float32(), w.Float32()) {
		t.Errorf("c is %v", got["c"].Float32())
	}
	// What a file lacks, or has in another shape, is named as ever.
	var bad *checkpoint.MismatchError
	err := fill(checkpoint.Tensors{"b": tensor.New(tensor.F32, 3, 2), "c": w})
	if !errors.As(err, &bad) || len(bad.Missing) != 2 || len(bad.Misshapen) != 1 {
		t.Errorf("got %v", err)
	}
	if err := fill(checkpoint.Tensors{"a": tensor.New(tensor.I32, 2, 3), "b": w, "c": w}); !errors.As(err, &bad) || len(bad.Misshapen) != 1 {
		t.Errorf("got %v", err)
	}
	w.Set(4, math.Inf(1))
	if err := fill(src); err == nil || !strings.Contains(err.Error(), `"a": element 4 is +Inf`) {
		t.Errorf("got %v", err)
	}
}

// Without bytes wanted a source is itself.
func TestInt8Nothing(t *testing.T) {
	dir := checkpoint.Tensors{"a": tensor.New(tensor.F32, 1)}
	if _, same := checkpoint.Int8(dir, dir.Specs()).(checkpoint.Tensors); !same {
		t.Error("the source was wrapped")
	}
}
