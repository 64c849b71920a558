package main

import (
	"cmp"
	"context"
	"fmt"

	"github.com/kiban-models/kiban/bio/protein"
	"github.com/kiban-models/kiban/core/backend"
	"github.com/kiban-models/kiban/core/decode"
	"github.com/kiban-models/kiban/core/nn"
	"github.com/kiban-models/kiban/core/train"
)

// decoder is the shape of a GPT-2.
type decoder struct {
	name                              string
	layers, width, heads, vocab, size int  // size is the batch of a training step
	length                            int  // of its rows, or of those scored; 0 means trainLength
	bytes                             bool // weights in 8 bits, where it does not train
}

const (
	trainLength  = 512
	decodePrompt = 8
	decodeLength = 136 // tokens of a sequence, prompt included
)

// products are the numbers that a token's matrix products multiply by: weights
// without embeddings, and the logits'.
func (d decoder) products() float64 {
	w := float64(d.width)
	return 12*w*w*float64(d.layers) + w*float64(d.vocab)
}

// row is the length of a row that is trained on or scored.
func (d decoder) row() int { return cmp.Or(d.length, trainLength) }

// stepFLOP is what a token of a training step takes: three times the products
// of the forward pass, and attention's seven of half a square.
func (d decoder) stepFLOP() float64 { return 6*d.products() + d.stepAttention() }

func (d decoder) stepAttention() float64 {
	return 14 * float64(d.row()) / 2 * float64(d.width*d.layers)
}

// scoreFLOP is what a token's likelihood takes.
func (d decoder) scoreFLOP() float64 { return 2*d.products() + d.scoreAttention() }

func (d decoder) scoreAttention() float64 {
	return 4 * float64(d.row()) / 2 * float64(d.width*d.layers)
}

// decodeBytes is what one token of each sequence reads: all weights once, and
// the keys and values of the places before it, for each.
func (d decoder) decodeBytes(batch int, place float64, half bool) float64 {
	if d.bytes {
		return d.products() + float64(batch)*d.cacheBytes(place, half)
	}
	return weightSize(half)*d.products() + float64(batch)*d.cacheBytes(place, half)
}

func (d decoder) cacheBytes(places float64, half bool) float64 {
	return weightSize(half) * 2 * float64(d.width*d.layers) * places
}

func weightSize(half bool) float64 {
	if half {
		return 2
	}
	return 4
}

func (d decoder) config() protein.Config {
	return protein.NewConfig(d.vocab, max(1024, d.length), d.layers, d.width, d.heads, 0)
}

var (
	tinyDecoder = decoder{"tiny", 2, 64, 2, 400, 2, 64, false}
	gpt2        = decoder{"124M", 12, 768, 12, 50257, 4, 0, false}
	gpt2Int8    = decoder{"124M", 12, 768, 12, 50257, 4, 0, true}
	gpt25M      = decoder{"25M", 8, 512, 8, 8192, 8, 0, false}
	gpt2Medium  = decoder{"354M", 24, 1024, 16, 50257, 1, 0, false}
	protGPT2    = decoder{"ProtGPT2", 36, 1280, 20, 50257, 1, 0, false}
)

// of is the decoder, or with --tiny a small one.
func (d decoder) of(s settings) decoder {
	if s.tiny {
		tiny := tinyDecoder
		tiny.bytes = d.bytes
		return tiny
	}
	return d
}

// args are those of peers/gpt2.py.
func (d decoder) args(task string, batch int, half bool, more ...string) []string {
	return append([]string{task, fmt.Sprint(d.layers), fmt.Sprint(d.width), fmt.Sprint(d.heads), fmt.Sprint(d.vocab), fmt.Sprint(batch), fmt.Sprint(d.row()), precision(half)}, more...)
}

func decoderRows() []row {
	var all []row
	for _, half := range []bool{false, true} {
		for _, d := range []decoder{gpt25M, gpt2} {
			all = append(all, row{
				name: "train " + d.name + " " + precision(half), unit: "tokens", limit: arithmetic(half),
				ours:  func(ctx context.Context, s settings) (measured, error) { return d.of(s).train(ctx, s, half) },
				peers: gpt2Peers("train", d, d.size, half, true),
			})
		}
		for _, w := range []struct {
			decoder
			batch int
		}{{gpt2, 1}, {gpt2, 16}, {protGPT2, 1}} {
			all = append(all, row{
				name: fmt.Sprintf("decode %s batch %d %s", w.name, w.batch, precision(half)), unit: "tokens", limit: bandwidth,
				ours:  func(ctx context.Context, s settings) (measured, error) { return w.of(s).decode(ctx, s, w.batch, half) },
				peers: append(gpt2Peers("decode", w.decoder, w.batch, half, w.layers < 36), ggufPeers(w.decoder, w.batch, half)...),
			})
		}
		all = append(all, row{
			name: "score 124M " + precision(half), unit: "tokens", limit: arithmetic(half),
			ours:  func(ctx context.Context, s settings) (measured, error) { return gpt2.of(s).score(ctx, s, half) },
			peers: gpt2Peers("score", gpt2, gpt2.size, half, true),
		})
	}
	return append(all, row{
		name: "decode 124M batch 1 int8", unit: "tokens", limit: bandwidth,
		ours: func(ctx context.Context, s settings) (measured, error) {
			return gpt2Int8.of(s).decode(ctx, s, 1, false)
		},
		peers: []peer{ggufPeer(gpt2, 1, "q8_0")},
	})
}

func gpt2Peers(task string, d decoder, batch int, half, compiled bool) []peer {
	all := []peer{{"torch eager", "gpt2.py", d.args(task, batch, half), tinyDecoder.args(task, min(batch, 2), half)}}
	if compiled {
		all = append(all, peer{"torch.compile", "gpt2.py", d.args(task, batch, half, "compile"), tinyDecoder.args(task, min(batch, 2), half, "compile")})
	}
	return all
}

// ggufPeers are llama.cpp with weights of as many bits; it keeps keys and values
// in f16, as it does by default.
func ggufPeers(d decoder, batch int, half bool) (all []peer) {
	kinds := []string{"f32"}
	if half {
		kinds = []string{"bf16", "f16"}
	}
	for _, kind := range kinds {
		all = append(all, ggufPeer(d, batch, kind))
	}
	return all
}

func ggufPeer(d decoder, batch int, kind string) peer {
	args := func(d decoder, batch int) []string {
		return []string{fmt.Sprint(d.layers), fmt.Sprint(d.width), fmt.Sprint(d.heads), fmt.Sprint(d.vocab), fmt.Sprint(batch), kind}
	}
	return peer{"llama.cpp " + kind, "gguf_gpt2.py", args(d, batch), args(tinyDecoder, min(batch, 2))}
}

// tokens are random but for the first.
func (d decoder) tokens(n int) []int32 {
	out := make([]int32, n)
	x := uint32(1)
	for i := range out {
		x = x*1664525 + 1013904223
		out[i] = int32(1 + x>>8%uint32(d.vocab-1))
	}
	return out
}

func (d decoder) fill(in *protein.Batch) {
	copy(in.Tokens, d.tokens(len(in.Tokens)))
	for i := range in.Labels {
		if in.Labels[i] = -1; i%in.Len < in.Len-1 {
			in.Labels[i] = in.Tokens[i+1]
		}
	}
}

// train is a step of AdamW with clipping, on random tokens.
func (d decoder) train(ctx context.Context, s settings, half bool) (m measured, err error) {
	b, err := s.open()
	if err != nil {
		return m, err
	}
	defer b.Close()
	p, err := train.Compile(b.Limits(), d.config().Loss(d.size, d.row()), train.Options{
		Optimizer: train.Optimizer{LR: 1e-4, GradClip: 1}, Policy: policy(half, true),
	})
	if err != nil {
		return m, err
	}
	if err := put(b, p.Declared()); err != nil {
		return m, err
	}
	t, err := p.Load(b)
	if err != nil {
		return m, err
	}
	defer t.Close()
	in := protein.NewBatch(d.size, d.row())
	d.fill(in)
	write := func(_ int, r backend.Runner) error { return in.Write(r, 1/float32(in.Count())) }
	m, err = clock(ctx, s, float64(d.size*d.row()), func(i int) error {
		_, err := t.Step(ctx, i, write)
		return err
	})
	m.Need, m.Attention = d.stepFLOP(), attention(b)
	return m, err
}

// score is the loss of every token of a batch.
func (d decoder) score(ctx context.Context, s settings, half bool) (m measured, err error) {
	b, err := s.open()
	if err != nil {
		return m, err
	}
	defer b.Close()
	p := policy(half, false)
	if err := put(b, d.config().Declared(p)); err != nil {
		return m, err
	}
	r, err := protein.NewScorer(b, d.config(), p, d.size, d.row())
	if err != nil {
		return m, err
	}
	defer r.Close()
	d.fill(r.Batch)
	m, err = clock(ctx, s, float64(d.size*d.row()), func(int) error {
		_, err := r.Losses(ctx)
		return err
	})
	m.Need, m.Attention = d.scoreFLOP(), attention(b)
	return m, err
}

// generator is a decoder with random weights and as many prompts of random
// tokens as a batch has.
func (d decoder) generator(b backend.Backend, half bool, batch, prompt, length int) (*decode.Decoder, []decode.Request, error) {
	p := policy(half, false)
	p.Int8 = d.bytes
	c := d.config()
	if err := put(b, c.Declared(p)); err != nil {
		return nil, nil, err
	}
	plan, err := decode.Compile(b.Limits(), func(s nn.Scope) decode.Model { return protein.NewCausal(s, c) }, p,
		decode.Shape{Batch: batch, Len: length, Prompt: prompt, Vocab: d.vocab, EOS: -1})
	if err != nil {
		return nil, nil, err
	}
	requests := make([]decode.Request, batch)
	ids := d.tokens(batch * prompt)
	for i := range requests {
		requests[i].Prompt = ids[i*prompt:][:prompt]
	}
	x, err := plan.Load(b)
	return x, requests, err
}

// decode makes sequences of decodeLength tokens by greedy choice; its prompt
// is part of the time.
func (d decoder) decode(ctx context.Context, s settings, batch int, half bool) (m measured, err error) {
	b, err := s.open()
	if err != nil {
		return m, err
	}
	defer b.Close()
	x, requests, err := d.generator(b, half, batch, decodePrompt, decodeLength)
	if err != nil {
		return m, err
	}
	defer x.Close()
	made := decodeLength - decodePrompt
	m, err = clock(ctx, s, float64(batch*made), func(int) error {
		out, err := x.Generate(ctx, requests, decode.Sampling{Greedy: true})
		if err == nil && len(out[0]) != decodeLength {
			err = fmt.Errorf("%d tokens of %d came", len(out[0]), decodeLength)
		}
		return err
	})
	m.Need = d.decodeBytes(batch, (decodePrompt+decodeLength)/2, half) / float64(batch)
	if m.Allocs != nil { // of a token of all sequences, as it is for peers
		*m.Allocs /= float64(made)
	}
	return m, err
}
