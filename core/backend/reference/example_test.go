package reference_test

import (
	"context"
	"fmt"

	"github.com/kiban-models/kiban/core/backend/reference"
	"github.com/kiban-models/kiban/core/graph"
	"github.com/kiban-models/kiban/core/plan"
	"github.com/kiban-models/kiban/core/tensor"
)

// The gradient of Σ (x·w)² with respect to w is 2·xᵀ·(x·w).
func Example() {
	g := graph.New()
	x := g.Input("x", tensor.F32, 2, 2)
	w := g.Param("w", tensor.F32, 2, 1)
	y := graph.MatMul(x, w, graph.MatMulOpt{})
	loss := graph.Dot(y, y)

	b := reference.New[float32]()
	p, err := plan.Compile(g, b.Limits(), plan.Options{}, map[string]*graph.Node{
		"loss": loss, "dw": graph.Grad(loss, w)[0],
	})
	if err != nil {
		fmt.Println(err)
		return
	}
	if _, err := b.Load(p); err != nil {
		fmt.Println(err)
	}
	if err := b.Put("w", tensor.Of([]float32{1, -1}, 2, 1)); err != nil {
		fmt.Println(err)
	}
	r, err := b.Load(p)
	if err != nil {
		fmt.Println(err)
		return
	}
	if err := r.Write("x", tensor.Of([]float32{1, 2, 3, 5}, 2, 2)); err != nil {
		fmt.Println(err)
	}
	if err := r.Run(context.Background()); err != nil {
		fmt.Println(err)
	}
	for _, name := range []string{"loss", "dw"} {
		t, err := r.Read(name)
		if err != nil {
			fmt.Println(err)
			return
		}
		fmt.Println(name, t.Float32())
	}
	// Output:
	// reference: the program cannot be loaded:
	// parameter w f32[2 1] is missing
	// loss [5]
	// dw [-14 -24]
}
