package nn_test

import (
	"fmt"

	"github.com/kiban-models/kiban/core/graph"
	"github.com/kiban-models/kiban/core/nn"
	"github.com/kiban-models/kiban/core/tensor"
)

// A model declares its parameters under their published names; a source of
// weights, here fresh ones, then gives each of them.
func Example() {
	g := graph.New()
	s := nn.NewScope(g, nn.Policy{Params: tensor.BF16, Compute: tensor.BF16})
	table := nn.NewEmbedding(s, "wte", 10, 4, 0.02)
	h := s.At("h", 0)
	norm := nn.NewLayerNorm(h, "ln", 4, 1e-5)
	up := nn.NewLinear(h, "up", 4, 6, nn.LinearOpt{Std: 0.02})

	y := up.Forward(norm.Forward(table.Forward(g.Input("ids", tensor.I32, 2, 3))))
	fmt.Println(y)
	fresh := nn.Fresh{Seed: 1, Params: s.Declared()}
	for _, d := range s.Declared() {
		t, err := fresh.Tensor(d.Name)
		if err != nil {
			fmt.Println(err)
			return
		}
		fmt.Println(d.Name, d.DType, t)
	}
	// Output:
	// matmul bf16[6 6]
	// wte.weight bf16 f32[10 4]
	// h.0.ln.weight f32 f32[4]
	// h.0.ln.bias f32 f32[4]
	// h.0.up.weight bf16 f32[6 4]
	// h.0.up.bias f32 f32[6]
}
