package main

import (
	"context"
	"fmt"

	"github.com/kiban-models/kiban/core/backend"
	"github.com/kiban-models/kiban/core/graph"
	"github.com/kiban-models/kiban/core/nn"
	"github.com/kiban-models/kiban/core/tensor"
	"github.com/kiban-models/kiban/core/train"
	"github.com/kiban-models/kiban/core/transformer"
)

// esm is the shape of an ESM-2 (Lin et al. 2023) and of its batches.
type esm struct{ layers, width, heads, rows, length int }

const esmVocab = 33

func (e esm) of(s settings) esm {
	if s.tiny {
		return tinyESM
	}
	return e
}

// args are those of peers/esm.py.
func (e esm) args(more ...string) []string {
	return append([]string{fmt.Sprint(e.layers), fmt.Sprint(e.width), fmt.Sprint(e.heads), fmt.Sprint(e.rows), fmt.Sprint(e.length), "bf16"}, more...)
}

// flop is what a token of a forward pass takes.
func (e esm) flop() float64 {
	w := float64(e.width)
	return float64(e.layers)*(24*w*w+4*float64(e.length)*w) + 2*w*w + 2*w*esmVocab
}

// loss is that of masked tokens, as transformers' EsmForMaskedLM has it.
func (e esm) loss(s nn.Scope) *graph.Node {
	c := transformer.Config{Layers: e.layers, Width: e.width, Heads: e.heads, NormEps: 1e-5, InitStd: 0.02, Act: graph.GeluErf,
		Turned: e.width / e.heads, Names: transformer.ESM}
	g, body, head := s.Graph, s.At("esm"), s.At("lm_head")
	words := nn.NewTiedEmbedding(body.At("embeddings"), "word_embeddings", esmVocab, e.width, c.InitStd)
	blocks := transformer.NewStack(body.At("encoder", "layer"), c)
	after := nn.NewLayerNorm(body.At("encoder"), "emb_layer_norm_after", e.width, c.NormEps)
	dense := nn.NewLinear(head, "dense", e.width, e.width, nn.LinearOpt{Std: c.InitStd})
	norm := nn.NewLayerNorm(head, "layer_norm", e.width, c.NormEps)
	bias := head.Vector("bias", esmVocab, nn.Init{})

	x := words.Forward(g.Input("tokens", tensor.I32, e.rows, e.length))
	x = after.Forward(blocks.Forward(x, transformer.Pass{Batch: e.rows, Len: e.length, Rotary: g.Input("rotary", tensor.F32, e.length, c.Turned)}))
	x = norm.Forward(graph.Activate(dense.Forward(x), graph.GeluErf))
	losses := words.Losses(x, bias, g.Input("labels", tensor.I32, e.rows*e.length))
	return graph.Dot(losses, g.Input("weights", tensor.F32, e.rows*e.length))
}

// train is a step of AdamW with clipping; each seventh token is masked.
func (e esm) train(ctx context.Context, s settings, half bool) (measured, error) {
	return onDevice(s, func(b backend.Backend) (m measured, err error) {
		p, err := train.Compile(b.Limits(), e.loss, train.Options{
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
		n := e.rows * e.length
		ids := decoder{vocab: esmVocab}.tokens(n)
		labels, weights := make([]int32, n), make([]float32, n)
		for i := range labels {
			if labels[i] = -1; i%7 == 0 {
				labels[i], weights[i], ids[i] = ids[i], 7/float32(n), esmVocab-1
			}
		}
		inputs := map[string]*tensor.Tensor{
			"tokens": tensor.Of(ids, e.rows, e.length), "labels": tensor.Of(labels, n), "weights": tensor.Of(weights, n),
			"rotary": graph.RotaryTable(graph.RotaryFrequencies(e.width/e.heads, 10000), e.length),
		}
		m, err = clock(ctx, s, float64(n), func(i int) error {
			_, err := t.Step(ctx, i, func(_ int, r backend.Runner) error {
				for name, x := range inputs {
					if err := r.Write(name, x); err != nil {
						return err
					}
				}
				return nil
			})
			return err
		})
		m.Need = 3 * e.flop()
		return m, err
	})
}
