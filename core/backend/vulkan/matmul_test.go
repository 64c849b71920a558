package vulkan

import (
	"bytes"
	"context"
	"fmt"
	"math"
	"strings"
	"testing"

	"github.com/kiban-models/kiban/core/backend"
	"github.com/kiban-models/kiban/core/backend/reference"
	"github.com/kiban-models/kiban/core/graph"
	"github.com/kiban-models/kiban/core/plan"
	"github.com/kiban-models/kiban/core/tensor"
)

// TestMatMulVariants holds every variant of the shader to the reference, in
// every layout, at sizes that are no multiple of a tile.
func TestMatMulVariants(t *testing.T) {
	sizes := map[string][][3]int{
		"tile":                   {{1, 33, 40}, {3, 130, 77}, {70, 67, 33}, {132, 136, 20}},
		"shared":                 {{3, 70, 20}, {67, 36, 33}},
		"vec":                    {{1, 33, 40}, {3, 130, 77}, {8, 36, 260}},
		"vec, without subgroups": {{1, 33, 40}, {8, 36, 260}},
		"vec, wide":              {{1, 130, 1030}, {2, 260, 72}, {5, 136, 272}},
	}
	layouts := []graph.MatMulOpt{{}, {TransA: true}, {TransB: true}, {TransA: true, TransB: true}}
	for name, sizes := range sizes {
		t.Run(name, func(t *testing.T) {
			variant, detail, _ := strings.Cut(name, ", ")
			b := open(t, Options{MatMul: variant})
			switch {
			case detail == "without subgroups":
				b.f.SubgroupOps = 0
			case detail == "wide":
				b.f.cores = 1
			}
			for i, s := range sizes {
				for j, o := range layouts {
					dt := []tensor.DType{tensor.F32, tensor.BF16, tensor.F16}[(i+j)%3]
					full := j%2 == 0
					compareProduct(t, b, s, o, dt, full)
					if !o.TransA {
						compareWeights(t, b, s, o, dt, tensor.I8, full != (i%2 == 1))
					}
				}
			}
		})
	}
}

// TestMatMulLongSum has sums past lavapipe's limit of loop turns, and past what
// adding one by one can round well.
func TestMatMulLongSum(t *testing.T) {
	for variant, k := range map[string]int{"tile": 300_000, "shared": 20_000} {
		compareProduct(t, open(t, Options{MatMul: variant}), [3]int{1, 3, k}, graph.MatMulOpt{TransB: true}, tensor.F32, false)
	}
}

// TestMatMulWideTiles has a product that is worth the large tiles.
func TestMatMulWideTiles(t *testing.T) {
	for _, dt := range []tensor.DType{tensor.F32, tensor.BF16} {
		compareProduct(t, open(t, Options{MatMul: "tile"}), [3]int{70, 260, 300}, graph.MatMulOpt{TransA: true}, dt, true)
	}
}

// compareProduct holds a product to the reference, full with all that may
// follow one, and returns the largest error as a part of what a sum of so many
// products is like.
func compareProduct(t *testing.T, b *Backend, size [3]int, o graph.MatMulOpt, dt tensor.DType, full bool) (largest float64) {
	t.Helper()
	return compareWeights(t, b, size, o, dt, dt, full)
}

// compareWeights is compareProduct with b stored as weights.
func compareWeights(t *testing.T, b *Backend, size [3]int, o graph.MatMulOpt, dt, weights tensor.DType, full bool) (largest float64) {
	t.Helper()
	m, n, k := size[0], size[1], size[2]
	name := fmt.Sprintf("%v,%v,%v/%dx%dx%d,a=%t,b=%t", dt, weights, full, m, n, k, o.TransA, o.TransB)
	as, bs := []int{m, k}, []int{k, n}
	if o.TransA {
		as = []int{k, m}
	}
	if o.TransB {
		bs = []int{n, k}
	}
	g := graph.New()
	if full {
		o.Bias = g.Input("bias", tensor.F32, n)
	}
	if weights == tensor.I8 {
		o.Scale = g.Input("scale", tensor.F32, n)
	}
	y := graph.MatMul(g.Input("a", dt, as...), g.Input("b", weights, bs...), o)
	if full {
		y = graph.Add(graph.Activate(y, graph.GeluErf), g.Input("residual", dt, m, n))
	}
	run := func(b backend.Backend) *tensor.Tensor {
		p, err := plan.Compile(g, b.Limits(), plan.Options{}, map[string]*graph.Node{"y": y})
		must(t, err)
		r, err := b.Load(p)
		must(t, err)
		defer r.Close()
		for i, in := range []string{"a", "b", "bias", "residual", "scale"} {
			if s, ok := p.Inputs[in]; ok {
				x := tensor.Of(numbers(s.Len(), uint32(i)), s.Shape...)
				for j, v := range x.Float32() {
					if s.DType == tensor.I8 { // the scales make it as large as other weights
						x.Float32()[j] = 127 * v
					} else if in == "scale" {
						x.Float32()[j] = v / 127
					}
				}
				if s.DType == tensor.I8 {
					x = x.Convert(tensor.I8)
				}
				must(t, r.Write(in, x))
			}
		}
		must(t, r.Run(context.Background()))
		y, err := r.Read("y")
		must(t, err)
		first := bytes.Clone(y.Bytes())
		must(t, r.Run(context.Background()))
		if y, err = r.Read("y"); err != nil || !bytes.Equal(first, y.Bytes()) {
			t.Errorf("%s: two runs gave different bytes (%v)", name, err)
		}
		return y
	}
	got, want := run(b), run(reference.New[float32]())
	tol := map[tensor.DType]float64{tensor.F32: 1e-5, tensor.BF16: 1.0 / 128, tensor.F16: 1.0 / 1024}[dt]
	scale := math.Sqrt(float64(k)) / 3
	for i := range want.Len() {
		// Large elements may be rounded to the next number of the type.
		e := math.Abs(got.At(i)-want.At(i)) / max(scale, math.Abs(want.At(i)))
		if !(e <= tol) {
			t.Fatalf("%s: element %d is %g, wanted %g", name, i, got.At(i), want.At(i))
		}
		largest = max(largest, e)
	}
	return largest
}
