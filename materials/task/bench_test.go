package task_test

import (
	"context"
	"testing"

	"github.com/kiban-models/kiban/core/backend"
	"github.com/kiban-models/kiban/core/backend/cpu"
	"github.com/kiban-models/kiban/core/graph"
	"github.com/kiban-models/kiban/core/nn"
	"github.com/kiban-models/kiban/core/tensor"
	"github.com/kiban-models/kiban/core/train"
	"github.com/kiban-models/kiban/materials/encoder"
	"github.com/kiban-models/kiban/materials/task"
)

// sentences are rows of as many tokens as sentences of abstracts have: 8 to
// 103, 40 on average. docs/bench/bert.py draws the same.
func sentences(n, vocab int) []task.Row {
	var rows []task.Row
	for i := range n {
		u := func(k uint32) int { return int(graph.Philox(uint32(i), k, 0, 5, 0) % 33) }
		length := 8 + u(0) + u(1)*u(2)/16
		row := task.Row{}
		for j := range length {
			row.IDs = append(row.IDs, int32(graph.Philox(uint32(j), uint32(i), 0, 6, 0)%uint32(vocab)))
		}
		for j := 1; j < length-1; j += 2 {
			row.Places = append(row.Places, int32(j))
			row.Labels = append(row.Labels, int32(j%15))
		}
		rows = append(rows, row)
	}
	return rows
}

func base(b *testing.B, policy nn.Policy) (backend.Backend, encoder.Config, task.Head) {
	m, err := cpu.New(cpu.Options{})
	if err != nil {
		b.Fatal(err)
	}
	b.Cleanup(func() { m.Close() })
	c := encoder.NewConfig(31090, 512, 12, 768, 12)
	h := task.Head{Kind: task.Words, Labels: make([]string, 15)}
	declared := c.Declared(policy, h.Declare)
	source := nn.Fresh{Seed: 1, Params: declared}
	for _, d := range declared {
		x, err := source.Tensor(d.Name)
		if err == nil {
			err = m.Put(d.Name, x.Convert(d.DType))
		}
		if err != nil {
			b.Fatal(err)
		}
	}
	return m, c, h
}

// count is the number of sentences that BenchmarkBase labels.
const count = 1000

// BenchmarkBase labels 1,000 sentences with BERT-base.
func BenchmarkBase(b *testing.B) {
	for _, p := range []struct {
		name   string
		policy nn.Policy
	}{{"f32", nn.Policy{}}, {"bf16", nn.Policy{Params: tensor.BF16, Compute: tensor.BF16}}} {
		b.Run(p.name, func(b *testing.B) {
			m, c, h := base(b, p.policy)
			rows := sentences(count, c.Vocab)
			tokens := 0
			for _, r := range rows {
				tokens += len(r.IDs)
			}
			s := task.NewSession(m, h, c, p.policy)
			defer s.Close()
			run := func() {
				if err := s.Run(context.Background(), rows, func(int, [][]float32) error { return nil }); err != nil {
					b.Fatal(err)
				}
			}
			for b.Loop() {
				run()
			}
			b.ReportMetric(float64(len(rows)*b.N)/b.Elapsed().Seconds(), "sentences/s")
			b.ReportMetric(float64(tokens*b.N)/b.Elapsed().Seconds(), "tok/s")
		})
	}
}

// BenchmarkBaseStep is a fine-tuning step of BERT-base: 16 sentences, dropout,
// clipping and AdamW over all weights, which are f32 in both.
func BenchmarkBaseStep(b *testing.B) {
	for _, p := range []struct {
		name   string
		policy nn.Policy
	}{{"f32", nn.Policy{}}, {"bf16", nn.Policy{Compute: tensor.BF16}}} {
		b.Run(p.name, func(b *testing.B) {
			m, c, h := base(b, p.policy)
			rows := sentences(160, c.Vocab)
			steps := 0
			o := task.Options{
				Dir: b.TempDir(), Config: c, Head: h, Policy: p.policy, Train: rows, BatchSize: 16, Freeze: -1,
				Optimizer: train.Optimizer{LR: 1e-9, GradClip: 1, Steps: 10}, Files: func(string) error { return nil },
				LogEvery: 1 << 30,
			}
			x, err := task.New(m.Limits(), o)
			if err != nil {
				b.Fatal(err)
			}
			step, err := x.Stepper(m)
			if err != nil {
				b.Fatal(err)
			}
			defer step.Close()
			for i := range 10 { // each length once
				if _, err := step.Step(context.Background(), i); err != nil {
					b.Fatal(err)
				}
			}
			for b.Loop() {
				if _, err := step.Step(context.Background(), steps%10); err != nil {
					b.Fatal(err)
				}
				steps++
			}
			b.ReportMetric(float64(16*steps)/b.Elapsed().Seconds(), "sentences/s")
		})
	}
}
