package protein

import (
	"context"
	"math"

	"github.com/kiban-models/kiban/core/backend"
	"github.com/kiban-models/kiban/core/graph"
	"github.com/kiban-models/kiban/core/nn"
	"github.com/kiban-models/kiban/core/plan"
	"github.com/kiban-models/kiban/core/tensor"
	"github.com/kiban-models/kiban/core/train"
	"github.com/kiban-models/kiban/core/transformer"
)

// Batch is Batch sequences of Len tokens with their labels, as a program reads
// it: the inputs "tokens", "positions", "labels" and, for training, "weights".
type Batch struct {
	Batch, Len int
	// Tokens and Labels are [Batch, Len]: the label of a place is the token
	// that follows, or negative where none counts.
	Tokens, Labels []int32

	tokens, positions, labels, weights *tensor.Tensor
}

// NewBatch returns a batch with room for batch sequences of length tokens.
func NewBatch(batch, length int) *Batch {
	b := &Batch{
		Batch: batch, Len: length,
		tokens: tensor.New(tensor.I32, batch, length), positions: tensor.New(tensor.I32, batch, length),
		labels: tensor.New(tensor.I32, batch, length), weights: tensor.New(tensor.F32, batch, length),
	}
	b.Tokens, b.Labels = b.tokens.Int32(), b.labels.Int32()
	for i := range b.positions.Int32() {
		b.positions.Int32()[i] = int32(i % length)
	}
	return b
}

// Count returns the number of labels that count.
func (b *Batch) Count() int {
	n := 0
	for _, l := range b.Labels {
		if l >= 0 {
			n++
		}
	}
	return n
}

// Write gives a program the batch. A program that has the input "weights"
// weighs each label that counts by weight.
func (b *Batch) Write(r backend.Runner, weight float32) error {
	if err := r.Write("tokens", b.tokens); err != nil {
		return err
	}
	if err := r.Write("positions", b.positions); err != nil {
		return err
	}
	if err := r.Write("labels", b.labels); err != nil || weight == 0 {
		return err
	}
	weights := b.weights.Float32()
	for i, l := range b.Labels {
		if weights[i] = 0; l >= 0 {
			weights[i] = weight
		}
	}
	return r.Write("weights", b.weights)
}

// losses builds the model over a batch's inputs and returns the loss of each
// label, f32 [Batch*Len].
func (c Config) losses(s nn.Scope, batch, length int, seed *graph.Node) *graph.Node {
	s.AdapterSeed = seed
	in := func(name string) *graph.Node { return s.Graph.Input(name, tensor.I32, batch, length) }
	m := NewCausal(s, c)
	h := m.Hidden(in("tokens"), in("positions"), transformer.Pass{Batch: batch, Len: length, Seed: seed})
	return m.Losses(h, in("labels"))
}

// drops reports whether training has dropout.
func (c Config) drops() bool {
	return c.ResidDrop > 0 || c.EmbedDrop > 0 || c.AttnDrop > 0 || c.LoRA != nil && c.LoRA.Dropout > 0
}

// Loss returns the training loss over batches of the given size. If the
// configuration has dropout, the program also has the input "dropout_seed",
// i32 [2].
func (c Config) Loss(batch, length int) train.Loss {
	return func(s nn.Scope) *graph.Node {
		var seed *graph.Node
		if c.drops() {
			seed = s.Graph.Input("dropout_seed", tensor.I32, 2)
		}
		losses := c.losses(s, batch, length, seed)
		return graph.Dot(losses, s.Graph.Input("weights", tensor.F32, batch, length))
	}
}

// Scorer computes the loss of every label of a batch.
type Scorer struct {
	Batch  *Batch
	runner backend.Runner
}

// CompileScorer plans a scorer for batches of the given size.
func CompileScorer(lim plan.Limits, c Config, p nn.Policy, batch, length int) (*plan.Program, error) {
	g := graph.New()
	return plan.Compile(g, lim, plan.Options{}, map[string]*graph.Node{"losses": c.losses(nn.NewScope(g, p), batch, length, nil)})
}

// NewScorer loads a scorer. The parameters must have been put.
func NewScorer(b backend.Backend, c Config, p nn.Policy, batch, length int) (*Scorer, error) {
	prog, err := CompileScorer(b.Limits(), c, p, batch, length)
	if err != nil {
		return nil, err
	}
	r, err := b.Load(prog)
	if err != nil {
		return nil, err
	}
	return &Scorer{NewBatch(batch, length), r}, nil
}

// Losses returns the loss of each label of s.Batch in nats, [Batch*Len]; where
// the label is negative it is 0.
func (s *Scorer) Losses(ctx context.Context) ([]float32, error) {
	if err := s.Batch.Write(s.runner, 0); err != nil {
		return nil, err
	}
	if err := s.runner.Run(ctx); err != nil {
		return nil, err
	}
	t, err := s.runner.Read("losses")
	if err != nil {
		return nil, err
	}
	return t.Convert(tensor.F32).Float32(), nil
}

// Close frees the program.
func (s *Scorer) Close() error { return s.runner.Close() }

// Perplexity is exp of the mean loss.
func Perplexity(nats float64, n int) float64 { return math.Exp(nats / float64(max(1, n))) }
