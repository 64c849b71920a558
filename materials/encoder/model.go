package encoder

import (
	"github.com/kiban-models/kiban/core/graph"
	"github.com/kiban-models/kiban/core/nn"
	"github.com/kiban-models/kiban/core/tensor"
	"github.com/kiban-models/kiban/core/transformer"
)

// Inputs are what the body of a model reads: Batch texts of Len tokens, the
// inputs "tokens", "positions" and "types" [Batch, Len] and "lengths" [Batch],
// and with dropout "dropout_seed" [2], all i32. Tokens past a text's length are
// padding.
type Inputs struct {
	Batch, Len int
	Tokens     *graph.Node
	Positions  *graph.Node
	Types      *graph.Node
	Lengths    *graph.Node
	Seed       *graph.Node // nil without dropout
}

// Declare declares the inputs of a pass, with a seed if dropout is wanted.
func Declare(g *graph.Graph, batch, length int, dropout bool) Inputs {
	in := Inputs{
		Batch: batch, Len: length,
		Tokens:    g.Input("tokens", tensor.I32, batch, length),
		Positions: g.Input("positions", tensor.I32, batch, length),
		Types:     g.Input("types", tensor.I32, batch, length),
		Lengths:   g.Input("lengths", tensor.I32, batch),
	}
	if dropout {
		in.Seed = g.Input("dropout_seed", tensor.I32, 2)
	}
	return in
}

// The salts of graph.Dropout outside the blocks; see transformer.Pass.
const (
	embeddingSalt = 0
	headSalt      = 1 << 17
)

// Model is BERT over one graph.
type Model struct {
	Config               Config
	words, places, types nn.Embedding
	norm                 nn.LayerNorm
	blocks               transformer.Stack
	scope                nn.Scope
}

// New declares the parameters of transformers' BertModel, without the pooler.
func New(s nn.Scope, c Config) *Model {
	t, err := c.stack()
	if err != nil { // c was not validated
		t.Act = graph.GeluErf
	}
	e := s.At("bert", "embeddings")
	return &Model{
		Config: c,
		words:  nn.NewTiedEmbedding(e, "word_embeddings", c.Vocab, c.Width, c.InitStd),
		places: nn.NewEmbedding(e, "position_embeddings", c.Context, c.Width, c.InitStd),
		types:  nn.NewEmbedding(e, "token_type_embeddings", c.Types, c.Width, c.InitStd),
		norm:   nn.NewLayerNorm(e, "LayerNorm", c.Width, c.NormEps),
		blocks: transformer.NewStack(s.At("bert", "encoder", "layer"), t),
		scope:  s,
	}
}

// Scope is where the model is declared, for heads of others.
func (m *Model) Scope() nn.Scope { return m.scope }

// Hidden returns the final hidden states [Batch*Len, Width]. The rows of
// padding hold numbers without a meaning.
func (m *Model) Hidden(in Inputs) *graph.Node {
	x := graph.Add(graph.Add(m.words.Forward(in.Tokens), m.places.Forward(in.Positions)), m.types.Forward(in.Types))
	x = m.norm.Forward(x)
	if in.Seed != nil {
		x = graph.Dropout(x, in.Seed, m.Config.Dropout, embeddingSalt)
	}
	return m.blocks.Forward(x, transformer.Pass{Batch: in.Batch, Len: in.Len, Keys: in.Lengths, Seed: in.Seed})
}

// Rows returns the rows of x [N, C] that at names, i32 [M], stored like x; a
// negative one gives zeros.
func Rows(x, at *graph.Node) *graph.Node { return graph.Embed(x, at, x.DType()) }
