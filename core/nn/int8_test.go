package nn_test

import (
	"math"
	"slices"
	"strings"
	"testing"

	"github.com/kiban-models/kiban/core/backend"
	"github.com/kiban-models/kiban/core/graph"
	"github.com/kiban-models/kiban/core/nn"
	"github.com/kiban-models/kiban/core/tensor"
)

// Only what products are made with is in bytes, each matrix with a scale for each
// of its outputs, wherever these lie.
func TestInt8Declared(t *testing.T) {
	s := nn.NewScope(graph.New(), nn.Policy{Params: tensor.BF16, Compute: tensor.BF16, Int8: true})
	nn.NewTiedEmbedding(s, "words", 7, 4, 1)
	nn.NewEmbedding(s, "places", 9, 4, 1)
	nn.NewLinear(s, "a", 4, 5, nn.LinearOpt{})
	nn.NewLinear(s, "b", 4, 5, nn.LinearOpt{InOut: true})
	nn.NewLayerNorm(s, "ln", 4, 1e-5)
	want := map[string]struct {
		dt    tensor.DType
		shape []int
	}{
		"words.weight": {tensor.I8, []int{7, 4}}, "words.weight.scale": {tensor.F32, []int{7, 1}},
		"places.weight": {tensor.BF16, []int{9, 4}},
		"a.weight":      {tensor.I8, []int{5, 4}}, "a.weight.scale": {tensor.F32, []int{5, 1}}, "a.bias": {tensor.F32, []int{5}},
		"b.weight": {tensor.I8, []int{4, 5}}, "b.weight.scale": {tensor.F32, []int{1, 5}}, "b.bias": {tensor.F32, []int{5}},
		"ln.weight": {tensor.F32, []int{4}}, "ln.bias": {tensor.F32, []int{4}},
	}
	for _, d := range s.Declared() {
		if w, ok := want[d.Name]; !ok || d.DType != w.dt || !slices.Equal(d.Shape, w.shape) {
			t.Errorf("%s is declared %v%v, wanted %v%v", d.Name, d.DType, d.Shape, w.dt, w.shape)
		}
		delete(want, d.Name)
	}
	for name := range want {
		t.Errorf("%s is not declared", name)
	}
}

// A layer in 8 bits gives what it gives with the weights that its bytes stand for.
func TestInt8Forward(t *testing.T) {
	onBackends(t, func(t *testing.T, b backend.Backend) {
		for _, inOut := range []bool{false, true} {
			name := map[bool]string{false: "a", true: "b"}[inOut]
			shape := []int{3, 2} // [out, in]
			if inOut {
				shape = []int{2, 3}
			}
			w := tensor.Of([]float32{0.3, -2, 0.7, 11, 0.02, -0.01}, shape...)
			bytes, scales := w.Int8(inOut)
			for of, x := range map[string]*tensor.Tensor{".weight": bytes, ".weight.scale": scales, ".bias": tensor.Of([]float32{1, 2, 3}, 3)} {
				if err := b.Put(name+of, x); err != nil {
					t.Fatal(err)
				}
			}
			s := nn.NewScope(graph.New(), nn.Policy{Int8: true})
			y := nn.NewLinear(s, name, 2, 3, nn.LinearOpt{InOut: inOut}).Forward(s.Graph.Input("x", tensor.F32, 1, 2))
			got := run(t, b, s.Graph, y, map[string]*tensor.Tensor{"x": tensor.Of([]float32{3, -5}, 1, 2)}).Float32()
			back := tensor.FromInt8(bytes, scales)
			for o := range 3 {
				i, j := 2*o, 2*o+1
				if inOut {
					i, j = o, 3+o
				}
				want := 3*back.At(i) - 5*back.At(j) + float64(o+1)
				if math.Abs(float64(got[o])-want) > 1e-5 {
					t.Errorf("%s: output %d is %g, wanted %g", name, o, got[o], want)
				}
			}
		}
	})
}

func TestInt8DoesNotTrain(t *testing.T) {
	for name, losses := range map[string]func(s nn.Scope) *graph.Node{
		"linear": func(s nn.Scope) *graph.Node {
			return nn.NewLinear(s, "l", 4, 5, nn.LinearOpt{}).Forward(s.Graph.Param("x", tensor.F32, 3, 4))
		},
		"embedding": func(s nn.Scope) *graph.Node {
			return nn.NewTiedEmbedding(s, "e", 4, 5, 1).Forward(s.Graph.Input("ids", tensor.I32, 3))
		},
		"loss": func(s nn.Scope) *graph.Node {
			return nn.NewTiedEmbedding(s, "e", 5, 4, 1).Losses(s.Graph.Param("x", tensor.F32, 15, 4), nil, s.Graph.Input("labels", tensor.I32, 15))
		},
	} {
		s := nn.NewScope(graph.New(), nn.Policy{Int8: true})
		y := losses(s)
		loss := graph.Dot(y, graph.Fill(s.Graph, 1, tensor.F32, y.Shape()...))
		graph.Grad(loss, y.In()[0], y.In()[1])
		if err := s.Graph.Err(); err == nil || !strings.Contains(err.Error(), "8 bits, which are for inference; train in f32") {
			t.Errorf("%s: got %v", name, err)
		}
	}
}
