package transformer_test

import (
	"fmt"

	"github.com/kiban-models/kiban/core/graph"
	"github.com/kiban-models/kiban/core/nn"
	"github.com/kiban-models/kiban/core/tensor"
	"github.com/kiban-models/kiban/core/transformer"
)

// A model adds its own embeddings and heads around a stack, and builds the
// same stack for whole sequences and for single tokens of a decode loop.
func Example() {
	c := transformer.Config{
		Layers: 2, Width: 8, Heads: 2, NormEps: 1e-5, InitStd: 0.02,
		Act: graph.GeluTanh, Causal: true, Names: transformer.GPT2,
	}
	if err := c.Validate(); err != nil {
		fmt.Println(err)
		return
	}
	g := graph.New()
	s := nn.NewScope(g, nn.Policy{})
	blocks := transformer.NewStack(s.At("h"), c)

	whole := blocks.Forward(g.Input("x", tensor.F32, 3*10, 8), transformer.Pass{Batch: 3, Len: 10})
	token := blocks.Forward(g.Input("token", tensor.F32, 3, 8), transformer.Pass{Batch: 3, Len: 1,
		Cache: &transformer.Cache{Name: "cache", Len: 10, Pos: g.Input("pos", tensor.I32, 3)}})
	fmt.Println(whole.Shape(), token.Shape(), g.Err())
	for _, d := range s.Declared()[:4] {
		fmt.Println(d.Name, d.Shape)
	}
	c.Heads = 3
	fmt.Println(c.Validate())
	// Output:
	// [30 8] [3 8] <nil>
	// h.0.ln_1.weight [8]
	// h.0.ln_1.bias [8]
	// h.0.attn.c_attn.weight [24 8]
	// h.0.attn.c_attn.bias [24]
	// transformer: width 8 is not divisible by 3 heads
}
