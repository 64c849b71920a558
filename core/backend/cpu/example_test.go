package cpu_test

import (
	"context"
	"fmt"
	"log"

	"github.com/kiban-models/kiban/core/backend/cpu"
	"github.com/kiban-models/kiban/core/graph"
	"github.com/kiban-models/kiban/core/plan"
	"github.com/kiban-models/kiban/core/tensor"
)

func Example() {
	g := graph.New()
	x := g.Input("x", tensor.F32, 1, 2)
	w := g.Param("w", tensor.F32, 2, 3)
	y := graph.Activate(graph.MatMul(x, w, graph.MatMulOpt{}), graph.ReLU)

	b, err := cpu.New(cpu.Options{})
	if err != nil {
		log.Fatal(err)
	}
	defer b.Close()
	if err := b.Put("w", tensor.Of([]float32{1, -1, 0, 0, 1, 2}, 2, 3)); err != nil {
		log.Fatal(err)
	}
	p, err := plan.Compile(g, b.Limits(), plan.Options{}, map[string]*graph.Node{"y": y})
	if err != nil {
		log.Fatal(err)
	}
	r, err := b.Load(p)
	if err != nil {
		log.Fatal(err)
	}
	if err := r.Write("x", tensor.Of([]float32{3, 2}, 1, 2)); err != nil {
		log.Fatal(err)
	}
	if err := r.Run(context.Background()); err != nil {
		log.Fatal(err)
	}
	out, err := r.Read("y")
	if err != nil {
		log.Fatal(err)
	}
	fmt.Println(out, out.Float32())
	// Output: f32[1 3] [3 0 4]
}
