package decode_test

import (
	"context"
	"math"
	"testing"

	"github.com/kiban-models/kiban/core/backend"
	"github.com/kiban-models/kiban/core/backend/cpu"
	"github.com/kiban-models/kiban/core/backend/reference"
	"github.com/kiban-models/kiban/core/decode"
	"github.com/kiban-models/kiban/core/graph"
	"github.com/kiban-models/kiban/core/nn"
	"github.com/kiban-models/kiban/core/plan"
	"github.com/kiban-models/kiban/core/tensor"
	"github.com/kiban-models/kiban/core/transformer"
)

const vocab, width, room = 13, 8, 32

// model is a small causal language model.
type model struct {
	tokens, places nn.Embedding
	blocks         transformer.Stack
	norm           nn.LayerNorm
	head           nn.Linear
}

func build(s nn.Scope) decode.Model {
	return &model{
		tokens: nn.NewEmbedding(s, "tokens", vocab, width, 1),
		places: nn.NewEmbedding(s, "places", room, width, 1.5),
		blocks: transformer.NewStack(s, transformer.Config{
			Layers: 2, Width: width, Heads: 2, NormEps: 1e-5, InitStd: 0.8, Act: graph.GeluTanh, Causal: true, Names: transformer.GPT2,
		}),
		norm: nn.NewLayerNorm(s, "norm", width, 1e-5),
		head: nn.NewLinear(s, "head", width, vocab, nn.LinearOpt{NoBias: true, Std: 0.7}),
	}
}

func (m *model) Hidden(ids, positions *graph.Node, p transformer.Pass) *graph.Node {
	return m.norm.Forward(m.blocks.Forward(graph.Add(m.tokens.Forward(ids), m.places.Forward(positions)), p))
}

func (m *model) Logits(hidden *graph.Node) *graph.Node {
	return graph.Cast(m.head.Forward(hidden), tensor.F32)
}

// onBackends runs a test on the reference and on the processor; open makes a
// backend that holds the model's weights.
func onBackends(t *testing.T, f func(t *testing.T, open func() backend.Backend)) {
	fill := func(b backend.Backend) backend.Backend {
		s := nn.NewScope(graph.New(), nn.Policy{})
		build(s)
		fresh := nn.Fresh{Seed: 7, Params: s.Declared()}
		for _, d := range fresh.Params {
			x, err := fresh.Tensor(d.Name)
			if err == nil {
				err = b.Put(d.Name, x)
			}
			if err != nil {
				t.Fatal(err)
			}
		}
		return b
	}
	t.Run("reference", func(t *testing.T) {
		f(t, func() backend.Backend { return fill(reference.New[float32]()) })
	})
	t.Run("cpu", func(t *testing.T) {
		f(t, func() backend.Backend {
			b, err := cpu.New(cpu.Options{Threads: 1})
			if err != nil {
				t.Fatal(err)
			}
			t.Cleanup(func() { b.Close() })
			return fill(b)
		})
	})
}

func load(t *testing.T, b backend.Backend, s decode.Shape, p nn.Policy) *decode.Decoder {
	t.Helper()
	d, err := decode.Compile(b.Limits(), build, p, s)
	if err != nil {
		t.Fatal(err)
	}
	dec, err := d.Load(b)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { dec.Close() })
	return dec
}

func shape(batch, length, prompt int) decode.Shape {
	return decode.Shape{Batch: batch, Len: length, Prompt: prompt, Vocab: vocab, EOS: -1}
}

func generate(t *testing.T, d *decode.Decoder, s decode.Sampling, reqs ...decode.Request) [][]int32 {
	t.Helper()
	out, err := d.Generate(context.Background(), reqs, s)
	if err != nil {
		t.Fatal(err)
	}
	if len(out) != len(reqs) {
		t.Fatalf("%d sequences for %d requests", len(out), len(reqs))
	}
	return out
}

// scorer computes the logits of a whole sequence, without a cache.
type scorer struct {
	t *testing.T
	r backend.Runner
	n int
}

func score(t *testing.T, b backend.Backend, length int, p nn.Policy) scorer {
	t.Helper()
	g := graph.New()
	m := build(nn.NewScope(g, p))
	h := m.Hidden(g.Input("ids", tensor.I32, length), g.Input("positions", tensor.I32, length), transformer.Pass{Batch: 1, Len: length})
	prog, err := plan.Compile(g, b.Limits(), plan.Options{}, map[string]*graph.Node{"logits": m.Logits(h)})
	if err != nil {
		t.Fatal(err)
	}
	r, err := b.Load(prog)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { r.Close() })
	positions := tensor.New(tensor.I32, length)
	for i := range length {
		positions.Int32()[i] = int32(i)
	}
	if err := r.Write("positions", positions); err != nil {
		t.Fatal(err)
	}
	return scorer{t, r, length}
}

// logits returns the scores of the token after each of tokens.
func (s scorer) logits(tokens []int32) [][]float64 {
	s.t.Helper()
	ids := tensor.New(tensor.I32, s.n)
	copy(ids.Int32(), tokens)
	if err := s.r.Write("ids", ids); err != nil {
		s.t.Fatal(err)
	}
	if err := s.r.Run(context.Background()); err != nil {
		s.t.Fatal(err)
	}
	x, err := s.r.Read("logits")
	if err != nil {
		s.t.Fatal(err)
	}
	rows := make([][]float64, len(tokens))
	for i := range rows {
		for j := range vocab {
			rows[i] = append(rows[i], x.At(i*vocab+j))
		}
	}
	return rows
}

// likeliest checks that each token from place on has the highest of the scores
// that change, if not nil, leaves, within tol.
func (s scorer) likeliest(what string, tokens []int32, from int, tol float64, change func(place int, logits []float64)) {
	s.t.Helper()
	for i, row := range s.logits(tokens)[:len(tokens)-1] {
		place := i + 1
		if place < from {
			continue
		}
		if change != nil {
			change(place, row)
		}
		best := math.Inf(-1)
		for _, v := range row {
			best = max(best, v)
		}
		if got := row[tokens[place]]; !(got >= best-tol) {
			s.t.Errorf("%s: place %d has token %d with score %g; the best is %g", what, place, tokens[place], got, best)
		}
	}
}
