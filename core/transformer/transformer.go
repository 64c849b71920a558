// Package transformer builds stacks of transformer blocks out of package nn:
// the part that the models of all fields share. A model chooses the numbers
// (Config) and the published names of the parameters (Names); it adds its own
// embeddings and heads.
package transformer

import (
	"fmt"
	"math"
	"slices"

	"github.com/kiban-models/kiban/core/graph"
	"github.com/kiban-models/kiban/core/nn"
)

// Config is the shape of a stack of blocks.
type Config struct {
	Layers, Width, Heads int
	FFN                  int // width of the feed-forward layer; 0 means 4*Width
	NormEps              float32
	InitStd              float32 // of fresh weights
	Act                  graph.Activation
	Causal               bool // a token sees itself and earlier ones, not all
	// PostNorm normalises after each half of a block is added to the residual
	// stream, as BERT does, not before it is computed.
	PostNorm bool
	// Dropout is applied to what each half of a block adds to the residual
	// stream, when the pass has a seed: 0 to below 1, the share that is
	// zeroed. The others are scaled by 1/(1-Dropout).
	Dropout float32
	// AttentionDropout is the same for the probabilities of attention.
	AttentionDropout float32
	// FFNDropout is the same inside the feed-forward layer, after its
	// activation.
	FFNDropout float32
	// DropPath is the share of sequences whose half of the last block is
	// zeroed as a whole; the others are scaled by 1/(1-DropPath). It grows from
	// 0 at the first block by equal steps (stochastic depth).
	DropPath float32
	// EvenInit begins the projections that end in the residual stream like all
	// others, also in pre-norm blocks.
	EvenInit bool
	// Turned is how many columns of each head rotary positions turn: 0 for none,
	// an even number up to the width of a head. See graph.Rotary and Pass.Rotary.
	Turned int
	// InOut says that weights are stored [in, out].
	InOut bool
	Names Names
}

// Names are the published names of a block's parts, without ".weight". The
// projections of query, key and value are one matrix, QKV, or three.
type Names struct {
	Norm1, QKV, Proj, Norm2, Up, Down string
	Query, Key, Value                 string
}

// GPT2 are the names of transformers' GPT2Block.
var GPT2 = Names{Norm1: "ln_1", QKV: "attn.c_attn", Proj: "attn.c_proj", Norm2: "ln_2", Up: "mlp.c_fc", Down: "mlp.c_proj"}

// BERT are the names of transformers' BertLayer.
var BERT = Names{
	Query: "attention.self.query", Key: "attention.self.key", Value: "attention.self.value",
	Proj: "attention.output.dense", Norm1: "attention.output.LayerNorm",
	Up: "intermediate.dense", Down: "output.dense", Norm2: "output.LayerNorm",
}

// ViT are the names of timm's vision transformers.
var ViT = Names{Norm1: "norm1", QKV: "attn.qkv", Proj: "attn.proj", Norm2: "norm2", Up: "mlp.fc1", Down: "mlp.fc2"}

// ESM are the names of transformers' EsmLayer, which is pre-norm.
var ESM = Names{
	Norm1: "attention.LayerNorm", Query: "attention.self.query", Key: "attention.self.key", Value: "attention.self.value",
	Proj: "attention.output.dense", Norm2: "LayerNorm", Up: "intermediate.dense", Down: "output.dense",
}

// HeadWidth returns the width of one head, of a Config that is valid.
func (c Config) HeadWidth() int { return c.Width / c.Heads }

// FeedForward returns the width of the feed-forward layer.
func (c Config) FeedForward() int {
	if c.FFN > 0 {
		return c.FFN
	}
	return 4 * c.Width
}

// Validate reports what cannot be built: sizes that are not positive or not
// divisible, a dropout outside [0, 1), names that are missing or the same.
func (c Config) Validate() error {
	switch {
	case c.Layers <= 0 || c.Width <= 0 || c.Heads <= 0:
		return fmt.Errorf("transformer: %d layers of width %d with %d heads; all must be positive", c.Layers, c.Width, c.Heads)
	case c.Width%c.Heads != 0:
		return fmt.Errorf("transformer: width %d is not divisible by %d heads", c.Width, c.Heads)
	case c.FFN < 0:
		return fmt.Errorf("transformer: feed-forward width %d; it must be positive, or 0 for 4 times the width", c.FFN)
	case !(c.NormEps > 0):
		return fmt.Errorf("transformer: norm epsilon %g; it must be positive", c.NormEps)
	case !(c.InitStd >= 0):
		return fmt.Errorf("transformer: standard deviation %g of fresh weights; it must not be negative", c.InitStd)
	case !(c.Dropout >= 0 && c.Dropout < 1 && c.AttentionDropout >= 0 && c.AttentionDropout < 1):
		return fmt.Errorf("transformer: dropout %g, and %g of attention; they must be 0 or more and below 1", c.Dropout, c.AttentionDropout)
	case !(c.FFNDropout >= 0 && c.FFNDropout < 1 && c.DropPath >= 0 && c.DropPath < 1):
		return fmt.Errorf("transformer: dropout %g of the feed-forward layer, and %g of paths; they must be 0 or more and below 1", c.FFNDropout, c.DropPath)
	case c.Turned < 0 || c.Turned%2 != 0 || c.Turned > c.HeadWidth():
		return fmt.Errorf("transformer: rotary positions turn %d columns of heads %d wide; it must be an even number of them", c.Turned, c.HeadWidth())
	case c.Causal && c.Names.QKV == "" && c.Names.Query != "":
		return fmt.Errorf("transformer: a causal stack, which may have a cache, needs one projection of query, key and value")
	}
	return c.Names.validate()
}

// validate makes sure that each part has a name of its own: two of one name
// would share weights.
func (n Names) validate() error {
	all := append([]string{n.Norm1, n.Proj, n.Norm2, n.Up, n.Down}, n.projections()...)
	for i, name := range all {
		if name == "" || slices.Contains(all[:i], name) {
			return fmt.Errorf("transformer: names %q of a block's parts; each needs one of its own", all)
		}
	}
	return nil
}

// projections are the names of what makes queries, keys and values.
func (n Names) projections() []string {
	if n.QKV != "" {
		return []string{n.QKV}
	}
	return []string{n.Query, n.Key, n.Value}
}

// Pass is what a forward pass runs over: Batch sequences of Len tokens, rows
// b*Len+t.
type Pass struct {
	Batch, Len int
	// Keys, if not nil, i32 [Batch], says how many tokens of a sequence are no
	// padding: the others are not seen. What their own rows hold means nothing.
	Keys *graph.Node
	// Cache, if not nil, says that keys and values of earlier tokens are
	// stored and that these tokens' are to be added. It is for causal models:
	// whatever lies in the cache past these tokens must not be seen.
	Cache *Cache
	// Rotary is the table of graph.Rotary, f32 [places, Config.Turned], which a
	// model that turns must give: as many places as a sequence or the cache has.
	Rotary *graph.Node
	// Seed, if not nil, i32 [2], switches dropout on. Half h of layer l draws
	// with the salt 1+2l+h of graph.Dropout, its attention with
	// attentionSalt+l, its feed-forward layer with ffnSalt+l, its paths with
	// pathSalt+2l+h; 0 is left to the model.
	Seed *graph.Node
}

// Cache is the key/value cache of a decode loop: states "<Name>.<layer>",
// [Batch, Len, 2*Width], keys before values, stored as the activations are.
// Tokens at places past Len are dropped.
type Cache struct {
	Name string
	Len  int
	Pos  *graph.Node // i32 [Batch]: the place of the pass's first token
}

// Block is one block of a stack, pre-norm or with Config.PostNorm post-norm:
//
//	x = x + attention(norm1(x));  x = x + mlp(norm2(x))
//	x = norm1(x + attention(x));  x = norm2(x + mlp(x))
type Block struct {
	Norm1, Norm2   nn.LayerNorm
	QKV            []nn.Linear // one of three times the width, or three
	Proj, Up, Down nn.Linear
	cfg            Config
	layer          int
}

// NewBlock declares the parameters of block number layer, counted from 0, of a
// Config that is valid. In a pre-norm block the projections that end in the
// residual stream start smaller by √(2·Layers) (Radford et al. 2019), unless
// they begin even.
func NewBlock(s nn.Scope, c Config, layer int) Block {
	std := c.InitStd
	in := nn.LinearOpt{InOut: c.InOut, Std: std}
	out := in
	if !c.PostNorm && !c.EvenInit {
		out.Std = std / float32(math.Sqrt(2*float64(c.Layers)))
	}
	n, w := c.Names, c.Width
	norm1 := nn.NewLayerNorm(s, n.Norm1, w, c.NormEps)
	projections := n.projections()
	qkv := make([]nn.Linear, len(projections))
	for i, name := range projections {
		qkv[i] = nn.NewLinear(s, name, w, 3*w/len(qkv), in)
	}
	return Block{
		Norm1: norm1,
		QKV:   qkv,
		Proj:  nn.NewLinear(s, n.Proj, w, w, out),
		Norm2: nn.NewLayerNorm(s, n.Norm2, w, c.NormEps),
		Up:    nn.NewLinear(s, n.Up, w, c.FeedForward(), in),
		Down:  nn.NewLinear(s, n.Down, c.FeedForward(), w, out),
		cfg:   c, layer: layer,
	}
}

// Forward maps x [Batch*Len, Width], stored as the policy's Compute, to the
// same shape and storage.
func (b Block) Forward(x *graph.Node, p Pass) *graph.Node {
	x = graph.Keep(x)
	if b.cfg.PostNorm {
		x = b.Norm1.Forward(graph.Add(b.dropout(b.attend(x, p), p, 0), x))
		return b.Norm2.Forward(graph.Add(b.dropout(b.feed(x, p), p, 1), x))
	}
	x = graph.Add(b.dropout(b.attend(b.Norm1.Forward(x), p), p, 0), x)
	return graph.Add(b.dropout(b.feed(b.Norm2.Forward(x), p), p, 1), x)
}

func (b Block) attend(x *graph.Node, p Pass) *graph.Node {
	return b.Proj.Forward(b.attention(x, p))
}

func (b Block) feed(x *graph.Node, p Pass) *graph.Node {
	x = graph.Activate(b.Up.Forward(x), b.cfg.Act)
	if p.Seed != nil {
		x = graph.Dropout(x, p.Seed, b.cfg.FFNDropout, ffnSalt+uint32(b.layer))
	}
	return b.Down.Forward(x)
}

func (b Block) dropout(x *graph.Node, p Pass, half int) *graph.Node {
	if p.Seed == nil {
		return x
	}
	x = graph.Dropout(x, p.Seed, b.cfg.Dropout, uint32(1+2*b.layer+half))
	path := b.cfg.DropPath * float32(b.layer) / float32(max(1, b.cfg.Layers-1))
	return graph.DropPath(x, p.Seed, p.Batch, path, pathSalt+uint32(2*b.layer+half))
}

// The salts keep the random numbers of a block's places apart.
const (
	attentionSalt = 1 << 16
	ffnSalt       = 1 << 18
	pathSalt      = 1 << 19
)

func (b Block) attention(x *graph.Node, p Pass) *graph.Node {
	c, d := b.cfg.Width, b.cfg.HeadWidth()
	at := graph.AttentionAttr{
		Batch: p.Batch, QueryLen: p.Len, KeyLen: p.Len,
		Heads: b.cfg.Heads, KVHeads: b.cfg.Heads, Width: d,
		Q: graph.HeadLayout{Offset: 0, Stride: d}, K: graph.HeadLayout{Offset: c, Stride: d}, V: graph.HeadLayout{Offset: 2 * c, Stride: d},
		Scale: float32(1 / math.Sqrt(float64(d))), Causal: b.cfg.Causal,
		Dropout: b.cfg.AttentionDropout, Salt: attentionSalt + uint32(b.layer),
	}
	qkv := b.QKV[0].Forward(x)
	if len(b.QKV) == 3 {
		at.K.Offset, at.V.Offset = 0, 0
		q, k := b.rotary(qkv, p, b.cfg.Heads), b.rotary(b.QKV[1].Forward(x), p, b.cfg.Heads)
		return graph.Attention(q, k, b.QKV[2].Forward(x), at, graph.AttentionOpt{Keys: p.Keys, Seed: p.Seed})
	}
	qkv = b.rotary(qkv, p, 2*b.cfg.Heads) // queries and keys, not values
	if p.Cache == nil {
		return graph.Attention(qkv, qkv, qkv, at, graph.AttentionOpt{Keys: p.Keys, Seed: p.Seed})
	}
	state := qkv.Graph().State(fmt.Sprintf("%s.%d", p.Cache.Name, b.layer), qkv.DType(), p.Batch, p.Cache.Len, 2*c)
	kv := graph.CacheWrite(state, qkv, p.Cache.Pos, c)
	at.KeyLen, at.K.Offset, at.V.Offset = p.Cache.Len, 0, c
	return graph.Attention(qkv, kv, kv, at, graph.AttentionOpt{Start: p.Cache.Pos})
}

// rotary turns the first heads of x where the model has rotary positions. Keys
// go to the cache turned.
func (b Block) rotary(x *graph.Node, p Pass, heads int) *graph.Node {
	if b.cfg.Turned == 0 {
		return x
	}
	d := b.cfg.HeadWidth()
	var start *graph.Node
	if p.Cache != nil {
		start = p.Cache.Pos
	}
	return graph.Rotary(x, p.Rotary, graph.RotaryAttr{
		Batch: p.Batch, Len: p.Len, Heads: heads, Width: d, Layout: graph.HeadLayout{Stride: d}, Turned: b.cfg.Turned,
	}, start)
}

// Stack is a sequence of blocks.
type Stack []Block

// NewStack declares the blocks in s.At(0), s.At(1), ...
func NewStack(s nn.Scope, c Config) Stack {
	blocks := make(Stack, c.Layers)
	for i := range blocks {
		blocks[i] = NewBlock(s.At(i), c, i)
	}
	return blocks
}

// Forward maps x [Batch*Len, Width] through all blocks.
func (s Stack) Forward(x *graph.Node, p Pass) *graph.Node {
	for _, b := range s {
		x = b.Forward(x, p)
	}
	return x
}
