package vulkan

import (
	"testing"

	"github.com/kiban-models/kiban/core/backend"
	"github.com/kiban-models/kiban/core/decode"
	"github.com/kiban-models/kiban/core/graph"
	"github.com/kiban-models/kiban/core/nn"
	"github.com/kiban-models/kiban/core/transformer"
)

// gptShape is a model of GPT-2's kind, whose table is embedding and output at once.
type gptShape struct{ layers, width, heads, vocab, room int }

type gpt struct {
	tokens, places nn.Embedding
	blocks         transformer.Stack
	norm           nn.LayerNorm
}

func (s gptShape) build(scope nn.Scope) decode.Model {
	return &gpt{
		tokens: nn.NewEmbedding(scope, "tokens", s.vocab, s.width, 0.7),
		places: nn.NewEmbedding(scope, "places", s.room, s.width, 1.5),
		blocks: transformer.NewStack(scope, transformer.Config{
			Layers: s.layers, Width: s.width, Heads: s.heads, NormEps: 1e-5, InitStd: 0.5, Act: graph.GeluTanh, Causal: true, InOut: true,
			Names: transformer.GPT2,
		}),
		norm: nn.NewLayerNorm(scope, "norm", s.width, 1e-5),
	}
}

func (m *gpt) Hidden(ids, positions *graph.Node, p transformer.Pass) *graph.Node {
	return m.norm.Forward(m.blocks.Forward(graph.Add(m.tokens.Forward(ids), m.places.Forward(positions)), p))
}

func (m *gpt) Logits(hidden *graph.Node) *graph.Node { return m.tokens.Logits(hidden, nil) }

// put gives a backend weights, stored as the policy says.
func (s gptShape) put(t testing.TB, b backend.Backend, p nn.Policy) {
	t.Helper()
	scope := nn.NewScope(graph.New(), p)
	s.build(scope)
	fresh := nn.Fresh{Seed: 7, Params: scope.Declared()}
	for _, d := range fresh.Params {
		x, err := fresh.Tensor(d.Name)
		must(t, err)
		must(t, b.Put(d.Name, x.Convert(d.DType)))
	}
}

// decoder is what a decoder is compiled for.
func (s gptShape) decoder(batch, prompt int) decode.Shape {
	return decode.Shape{Batch: batch, Len: s.room, Prompt: prompt, Vocab: s.vocab, EOS: -1}
}
