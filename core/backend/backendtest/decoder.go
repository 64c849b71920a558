package backendtest

import (
	"fmt"
	"math"
	"math/rand/v2"

	"github.com/kiban-models/kiban/core/graph"
	"github.com/kiban-models/kiban/core/tensor"
)

// Decoder is a small pre-norm transformer decoder made of bare operations,
// with odd sizes. Its weights are f32 masters, cast to the storage type.
type Decoder struct {
	Batch, Len              int
	Layers, Heads, Width, V int
	DT                      tensor.DType
	Dropout                 float32
}

// SmallDecoder has two blocks of 3 heads of width 20 and a vocabulary of 69.
func SmallDecoder(dt tensor.DType) Decoder {
	return Decoder{Batch: 3, Len: 13, Layers: 2, Heads: 3, Width: 20, V: 69, DT: dt, Dropout: 0.1}
}

func (d Decoder) channels() int { return d.Heads * d.Width }

// Training returns the graph of one AdamW step with gradient clipping, and its
// outputs: the mean loss and the norm of the gradients. The inputs are ids,
// places, labels and weights [B*T], seed and hyper; the parameters carry GPT-2's
// names; each has the moments NAME.m and NAME.v.
func (d Decoder) Training() (*graph.Graph, map[string]*graph.Node) {
	b := decoderBuilder{Decoder: d, g: graph.New()}
	n := d.Batch * d.Len
	if d.Dropout > 0 {
		b.seed = b.g.Input("seed", tensor.I32, 2)
	}
	x := b.body(n, b.attendAll)
	losses := graph.LinearCrossEntropy(x, b.weight("wte", d.V, d.channels()), nil, b.g.Input("labels", tensor.I32, n))
	loss := graph.Dot(losses, b.g.Input("weights", tensor.F32, n))
	grads := graph.Grad(loss, b.params...)
	norm := graph.GradNorm(1, nil, grads...)
	hyper := b.g.Input("hyper", tensor.F32, graph.HyperLen)
	for i, p := range b.params {
		first := b.g.State(p.Name()+".m", tensor.F32, p.Shape()...)
		second := b.g.State(p.Name()+".v", tensor.F32, p.Shape()...)
		graph.AdamW(p, grads[i], first, second, hyper, norm, len(p.Shape()) > 1)
	}
	return b.g, map[string]*graph.Node{"loss": loss, "norm": norm}
}

// Forward returns the graph of the logits [B*T, V] at every place, without
// dropout.
func (d Decoder) Forward() (*graph.Graph, map[string]*graph.Node) {
	b := decoderBuilder{Decoder: d, g: graph.New()}
	return b.g, b.logits(d.Batch*d.Len, b.attendAll)
}

// Step returns the graph that takes t further tokens of each sequence, the
// first at place pos [B], and gives their logits [B*t, V]. Keys and values of
// earlier ones are in the states cache.N.k and cache.N.v.
func (d Decoder) Step(t int) (*graph.Graph, map[string]*graph.Node) {
	b := decoderBuilder{Decoder: d, g: graph.New()}
	pos := b.g.Input("pos", tensor.I32, d.Batch)
	return b.g, b.logits(d.Batch*t, func(layer int, qkv *graph.Node) *graph.Node {
		c := d.channels()
		cache := func(name string, offset int) *graph.Node {
			state := b.g.State(fmt.Sprintf("cache.%d.%s", layer, name), d.DT, d.Batch, d.Len, c)
			return graph.CacheWrite(state, qkv, pos, offset)
		}
		at := d.attention(t)
		at.K.Offset, at.V.Offset = 0, 0
		return graph.Attention(qkv, cache("k", c), cache("v", 2*c), at, graph.AttentionOpt{Start: pos})
	})
}

// attention gives the constants for t queries over fused q, k and v.
func (d Decoder) attention(t int) graph.AttentionAttr {
	c := d.channels()
	return graph.AttentionAttr{
		Batch: d.Batch, QueryLen: t, KeyLen: d.Len, Heads: d.Heads, KVHeads: d.Heads, Width: d.Width,
		Q: graph.HeadLayout{Stride: d.Width}, K: graph.HeadLayout{Offset: c, Stride: d.Width},
		V: graph.HeadLayout{Offset: 2 * c, Stride: d.Width}, Scale: float32(1 / math.Sqrt(float64(d.Width))), Causal: true,
	}
}

type decoderBuilder struct {
	Decoder
	g      *graph.Graph
	params []*graph.Node // f32, in order of first use
	seed   *graph.Node
	salt   uint32
}

func (b *decoderBuilder) param(name string, shape ...int) *graph.Node {
	p := b.g.Param(name, tensor.F32, shape...)
	for _, q := range b.params {
		if p == q {
			return p
		}
	}
	b.params = append(b.params, p)
	return p
}

func (b *decoderBuilder) weight(name string, shape ...int) *graph.Node {
	return graph.Cast(b.param(name, shape...), b.DT)
}

func (b *decoderBuilder) linear(x *graph.Node, name string, in, out int) *graph.Node {
	return graph.MatMul(x, b.weight(name+".weight", in, out), graph.MatMulOpt{Bias: b.param(name+".bias", out)})
}

func (b *decoderBuilder) norm(x *graph.Node, name string) *graph.Node {
	c := b.channels()
	return graph.LayerNorm(x, b.param(name+".weight", c), b.param(name+".bias", c), 1e-5)
}

func (b *decoderBuilder) dropout(x *graph.Node) *graph.Node {
	if b.seed == nil {
		return x
	}
	b.salt++
	return graph.Dropout(x, b.seed, b.Dropout, b.salt)
}

// body returns the final norm of n rows, attend given each layer's q, k and v.
func (b *decoderBuilder) body(n int, attend func(layer int, qkv *graph.Node) *graph.Node) *graph.Node {
	c := b.channels()
	tokens := graph.Embed(b.weight("wte", b.V, c), b.g.Input("ids", tensor.I32, n), b.DT)
	places := graph.Embed(b.weight("wpe", b.Len, c), b.g.Input("places", tensor.I32, n), b.DT)
	x := b.dropout(graph.Add(tokens, places))
	for l := range b.Layers {
		name := fmt.Sprintf("h.%d.", l)
		graph.Keep(x)
		y := attend(l, b.linear(b.norm(x, name+"ln_1"), name+"attn.c_attn", c, 3*c))
		x = graph.Add(x, b.dropout(b.linear(y, name+"attn.c_proj", c, c)))
		y = b.linear(b.norm(x, name+"ln_2"), name+"mlp.c_fc", c, 4*c)
		y = b.linear(graph.Activate(y, graph.GeluTanh), name+"mlp.c_proj", 4*c, c)
		x = graph.Add(x, b.dropout(y))
	}
	return graph.Keep(b.norm(graph.Keep(x), "ln_f"))
}

func (b *decoderBuilder) attendAll(_ int, qkv *graph.Node) *graph.Node {
	return graph.Attention(qkv, qkv, qkv, b.attention(b.Len), graph.AttentionOpt{})
}

func (b *decoderBuilder) logits(n int, attend func(layer int, qkv *graph.Node) *graph.Node) map[string]*graph.Node {
	x := b.body(n, attend)
	y := graph.MatMul(x, b.weight("wte", b.V, b.channels()), graph.MatMulOpt{TransB: true, Out: tensor.F32, As: true})
	return map[string]*graph.Node{"logits": y}
}

// Weights draws a value for every parameter of the graph.
func (d Decoder) Weights(g *graph.Graph) map[string]*tensor.Tensor {
	all := map[string]*tensor.Tensor{}
	r := rand.New(rand.NewPCG(7, 7))
	for _, n := range g.Nodes() {
		if n.Kind() != graph.Param {
			continue
		}
		t := tensor.New(n.DType(), n.Shape()...)
		for i := range t.Len() {
			t.Set(i, 0.2*r.NormFloat64())
		}
		all[n.Name()] = t
	}
	return all
}
