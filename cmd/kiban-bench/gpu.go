package main

import (
	"context"
	"fmt"
)

// The shapes of a GPU: those of published models, with batches that keep one
// busy.
var (
	protGPT2Batch = decoder{"ProtGPT2", 36, 1280, 20, 50257, 16, 0, false}
	esm650M       = esm{33, 1280, 20, 16, 512}
	tinyESM       = esm{2, 64, 2, 2, 32}
)

// few is how many rows a batch has, two with --tiny.
func (s settings) few(rows int) int {
	if s.tiny {
		return min(rows, 2)
	}
	return rows
}

// gpuRows are measured on a GPU, where they are all that is measured unless
// others are named.
func gpuRows() []row {
	var all []row
	for _, p := range []product{
		{4096, 4096, 4096, false, false}, {8192, 8192, 8192, false, false},
		{8192, 3840, 1280, false, true}, {8192, 1280, 5120, false, true}, {8192, 50257, 1280, false, true}, // of ProtGPT2, at 16 x 512
		{5120, 1280, 8192, true, false}, // and the gradient of weights
	} {
		all = append(all, row{
			name: "GPU matmul " + p.String() + " bf16", unit: "TFLOP", limit: arithmetic16,
			ours:  func(ctx context.Context, s settings) (measured, error) { return p.of(s).measure(ctx, s) },
			peers: []peer{{"torch.matmul", "matmul.py", p.args(), p.tiny().args()}},
		})
	}
	for _, a := range []attended{{8, 1024, 20, 64, true, false}, {8, 1024, 20, 64, true, true}, {16, 512, 20, 64, false, true}} {
		all = append(all, row{
			name: "GPU attention " + a.String() + " bf16", unit: "TFLOP", limit: arithmetic16,
			ours:  func(ctx context.Context, s settings) (measured, error) { return a.of(s).measure(ctx, s) },
			peers: []peer{{"torch SDPA", "attention.py", a.args(), a.tiny().args()}},
		})
	}
	for _, batch := range []int{1, 64} {
		all = append(all, row{
			name: fmt.Sprintf("GPU decode ProtGPT2 batch %d bf16", batch), unit: "tokens", limit: bandwidth,
			ours: func(ctx context.Context, s settings) (measured, error) {
				return protGPT2.of(s).decode(ctx, s, s.few(batch), true)
			},
			peers: []peer{
				{"generate()", "gpt2.py", protGPT2.args("decode", batch, true), tinyDecoder.args("decode", min(batch, 2), true)},
				{"compiled, CUDA graphs", "gpt2_graphs.py", protGPT2.args("decode", batch, true), tinyDecoder.args("decode", min(batch, 2), true)},
			},
		})
	}
	const bertRows, bertLength = 64, 128
	all = append(all, row{
		name: "GPU train ProtGPT2 16x512 bf16", unit: "tokens", limit: arithmetic16,
		ours: func(ctx context.Context, s settings) (measured, error) {
			return protGPT2Batch.of(s).train(ctx, s, true)
		},
		peers: gpt2Peers("train", protGPT2Batch, protGPT2Batch.size, true, true),
	}, row{
		name: "GPU train ESM-2-650M 16x512 bf16", unit: "tokens", limit: arithmetic16,
		ours: func(ctx context.Context, s settings) (measured, error) { return esm650M.of(s).train(ctx, s, true) },
		peers: []peer{
			{"torch eager", "esm.py", esm650M.args(), tinyESM.args()},
			{"torch.compile", "esm.py", esm650M.args("compile"), tinyESM.args("compile")},
		},
	}, row{
		name: "GPU train BERT-base 64x128 bf16", unit: "tokens", limit: arithmetic16,
		ours: func(ctx context.Context, s settings) (measured, error) {
			return bertBase.of(s).step(ctx, s, s.few(bertRows), bertLength, true)
		},
		peers: []peer{
			{"torch eager", "bert.py", bertBase.args("step", bertRows, bertLength, true, "eager"), tinyBert.args("step", 2, bertLength, true, "eager")},
			{"torch.compile", "bert.py", bertBase.args("step", bertRows, bertLength, true, "compile"), tinyBert.args("step", 2, bertLength, true, "compile")},
		},
	}, row{
		name: "GPU train ClimaX published 16 fields bf16", unit: "fields", limit: arithmetic16,
		ours: func(ctx context.Context, s settings) (measured, error) {
			return publishedClimaX.of(s).step(ctx, s, true)
		},
		peers: []peer{
			{"published code", "climax.py", publishedClimaX.args("step", "stacked", true), tinyClimaX.args("step", "stacked", true)},
			{"with SDPA, compiled", "climax.py", publishedClimaX.args("step", "stacked", true, "compile"), tinyClimaX.args("step", "stacked", true, "compile")},
		},
	})
	for i := range all {
		all[i].gpu = true
	}
	return all
}
