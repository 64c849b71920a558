package decode_test

import (
	"context"
	"fmt"
	"math"

	"github.com/kiban-models/kiban/core/backend/reference"
	"github.com/kiban-models/kiban/core/decode"
	"github.com/kiban-models/kiban/core/graph"
	"github.com/kiban-models/kiban/core/nn"
	"github.com/kiban-models/kiban/core/tensor"
	"github.com/kiban-models/kiban/core/transformer"
)

// bigram knows the logarithm of the probability of each token after each other.
type bigram struct{ table nn.Embedding }

func (m bigram) Hidden(ids, _ *graph.Node, _ transformer.Pass) *graph.Node {
	return m.table.Forward(ids)
}

func (m bigram) Logits(hidden *graph.Node) *graph.Node { return hidden }

// After token 1 comes 2, after 2 most often 3, and 0 ends the sequence.
func Example() {
	b := reference.New[float32]()
	p, err := decode.Compile(b.Limits(), func(s nn.Scope) decode.Model {
		return bigram{nn.NewEmbedding(s, "table", 4, 4, 0)}
	}, nn.Policy{}, decode.Shape{Batch: 2, Len: 8, Prompt: 2, Vocab: 4, EOS: 0})
	if err != nil {
		fmt.Println(err)
		return
	}
	table := tensor.New(tensor.F32, 4, 4)
	for i, p := range []float64{1, 0, 0, 0, 0, 0, 1, 0, 0.1, 0, 0, 0.9, 0.2, 0.5, 0.3, 0} {
		table.Set(i, math.Log(p))
	}
	if err := b.Put("table.weight", table); err != nil {
		fmt.Println(err)
	}
	d, err := p.Load(b)
	if err != nil {
		fmt.Println(err)
		return
	}
	defer d.Close()
	requests := []decode.Request{{Prompt: []int32{1}}, {Prompt: []int32{3, 1}, Stream: 1, Max: 5}}
	for _, s := range []decode.Sampling{{Greedy: true}, {Temperature: 1, Seed: 4}} {
		out, err := d.Generate(context.Background(), requests, s)
		if err != nil {
			fmt.Println(err)
			return
		}
		fmt.Println(out)
	}
	// Output:
	// [[1 2 3 1 2 3 1 2] [3 1 2 3 1]]
	// [[1 2 3 2 0] [3 1 2 3 0]]
}

// After 2, token 1 is less likely than 3, but leads to the likelier sequence.
func ExampleBeamDecoder() {
	b := reference.New[float32]()
	p, err := decode.CompileBeams(b.Limits(), func(s nn.Scope) decode.Model {
		return bigram{nn.NewEmbedding(s, "table", 4, 4, 0)}
	}, nn.Policy{}, decode.Shape{Batch: 2, Len: 4, Prompt: 1, Vocab: 4, EOS: 0}, 2)
	if err != nil {
		fmt.Println(err)
		return
	}
	table := tensor.New(tensor.F32, 4, 4)
	for i, p := range []float64{1, 0, 0, 0, 1, 0, 0, 0, 0, 0.4, 0, 0.6, 0.3, 0.2, 0.25, 0.25} {
		table.Set(i, math.Log(p))
	}
	if err := b.Put("table.weight", table); err != nil {
		fmt.Println(err)
		return
	}
	d, err := p.Load(b)
	if err != nil {
		fmt.Println(err)
		return
	}
	defer d.Close()
	out, err := d.Search(context.Background(), []decode.Request{{Prompt: []int32{2}}}, decode.BeamSearch{Return: 2})
	if err != nil {
		fmt.Println(err)
		return
	}
	for _, h := range out[0] {
		fmt.Printf("%v %.2f\n", h.Tokens, math.Exp(float64(h.Score)))
	}
	// Output:
	// [2 1 0] 0.40
	// [2 3 0] 0.18
}
