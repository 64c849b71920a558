package protein_test

import (
	"context"
	"fmt"
	"testing"

	"github.com/kiban-models/kiban/bio/protein"
	"github.com/kiban-models/kiban/core/backend"
	"github.com/kiban-models/kiban/core/backend/cpu"
	"github.com/kiban-models/kiban/core/nn"
	"github.com/kiban-models/kiban/core/tensor"
	"github.com/kiban-models/kiban/core/train"
)

// BenchmarkTraining measures a whole optimizer step on the cpu; its peer is
// cmd/kiban-bench/peers/gpt2.py with the same numbers.
func BenchmarkTraining(b *testing.B) {
	for _, s := range []struct {
		name                                       string
		layers, width, heads, vocab, batch, length int
	}{
		{"tiny", 4, 128, 4, 400, 16, 256},
		{"25M", 8, 512, 8, 8192, 8, 512},
		{"124M", 12, 768, 12, 50257, 4, 512},
	} {
		for _, compute := range []tensor.DType{tensor.F32, tensor.BF16} {
			b.Run(fmt.Sprintf("%s/%v", s.name, compute), func(b *testing.B) {
				m, err := cpu.New(cpu.Options{})
				if err != nil {
					b.Fatal(err)
				}
				defer m.Close()
				c := protein.NewConfig(s.vocab, s.length, s.layers, s.width, s.heads, 0)
				p, err := train.Compile(m.Limits(), c.Loss(s.batch, s.length), train.Options{
					Optimizer: train.Optimizer{LR: 1e-4, GradClip: 1}, Policy: nn.Policy{Compute: compute},
				})
				if err != nil {
					b.Fatal(err)
				}
				fresh := nn.Fresh{Seed: 1, Params: p.Declared()}
				for _, d := range fresh.Params {
					x, err := fresh.Tensor(d.Name)
					if err == nil {
						err = m.Put(d.Name, x)
					}
					if err != nil {
						b.Fatal(err)
					}
				}
				tr, err := p.Load(m)
				if err != nil {
					b.Fatal(err)
				}
				defer tr.Close()
				in := protein.NewBatch(s.batch, s.length)
				shifted(in, drawTokens(s.batch*s.length, 1, uint32(s.vocab)))
				b.ReportAllocs()
				for i := 0; b.Loop(); i++ {
					if _, err := tr.Step(context.Background(), i, func(_ int, r backend.Runner) error {
						return in.Write(r, 1/float32(in.Count()))
					}); err != nil {
						b.Fatal(err)
					}
				}
				b.ReportMetric(float64(s.batch*s.length*b.N)/b.Elapsed().Seconds(), "tokens/s")
			})
		}
	}
}
