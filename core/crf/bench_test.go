package crf_test

import (
	"context"
	"math/rand/v2"
	"testing"

	"github.com/kiban-models/kiban/core/backend/cpu"
	"github.com/kiban-models/kiban/core/crf"
	"github.com/kiban-models/kiban/core/graph"
	"github.com/kiban-models/kiban/core/nn"
	"github.com/kiban-models/kiban/core/plan"
	"github.com/kiban-models/kiban/core/tensor"
)

// 32 sentences of 128 words with 15 labels, as Matscholar has them.
const benchBatch, benchLen, benchLabels = 32, 128, 15

// BenchmarkLayer times losses and gradients on the processor.
func BenchmarkLayer(b *testing.B) {
	machine, err := cpu.New(cpu.Options{})
	if err != nil {
		b.Fatal(err)
	}
	defer machine.Close()
	g := graph.New()
	s := nn.NewScope(g, nn.Policy{})
	x := g.Input("emissions", tensor.F32, benchBatch*benchLen, benchLabels)
	labels, lengths := g.Input("labels", tensor.I32, benchBatch*benchLen), g.Input("lengths", tensor.I32, benchBatch)
	layer := crf.NewLayer(s, benchLabels)
	loss := graph.Dot(layer.Loss(x, labels, lengths), graph.Fill(g, 1, tensor.F32, benchBatch))
	out := map[string]*graph.Node{"loss": loss}
	for i, d := range graph.Grad(loss, x, layer.Transitions, layer.Start, layer.End) {
		out[string(rune('a'+i))] = d
	}
	p, err := plan.Compile(g, machine.Limits(), plan.Options{}, out)
	if err != nil {
		b.Fatal(err)
	}
	fresh := nn.Fresh{Seed: 1, Params: s.Declared()}
	for _, d := range fresh.Params {
		w, err := fresh.Tensor(d.Name)
		if err == nil {
			err = machine.Put(d.Name, w)
		}
		if err != nil {
			b.Fatal(err)
		}
	}
	r, err := machine.Load(p)
	if err != nil {
		b.Fatal(err)
	}
	defer r.Close()
	_, emissions := random(rand.New(rand.NewPCG(1, 2)), benchLabels, benchBatch*benchLen, 1)
	full := make([]int32, benchBatch)
	for i := range full {
		full[i] = benchLen
	}
	for name, t := range map[string]*tensor.Tensor{
		"emissions": tensor.Of(emissions, benchBatch*benchLen, benchLabels),
		"labels":    tensor.New(tensor.I32, benchBatch*benchLen), "lengths": tensor.Of(full, benchBatch),
	} {
		if err := r.Write(name, t); err != nil {
			b.Fatal(err)
		}
	}
	for b.Loop() {
		if err := r.Run(context.Background()); err != nil {
			b.Fatal(err)
		}
	}
}

func BenchmarkViterbi(b *testing.B) {
	w, x := random(rand.New(rand.NewPCG(1, 2)), benchLabels, benchBatch*benchLen, 1)
	for b.Loop() {
		for i := range benchBatch {
			w.Viterbi(x[i*benchLen*benchLabels:][:benchLen*benchLabels])
		}
	}
}

func BenchmarkLattice(b *testing.B) {
	w, x := random(rand.New(rand.NewPCG(1, 2)), benchLabels, benchBatch*benchLen, 1)
	for b.Loop() {
		for i := range benchBatch {
			w.Lattice(x[i*benchLen*benchLabels:][:benchLen*benchLabels])
		}
	}
}
