package forecast_test

import (
	"context"
	"testing"

	"github.com/kiban-models/kiban/climate/forecast"
	"github.com/kiban-models/kiban/core/backend"
	"github.com/kiban-models/kiban/core/graph"
	"github.com/kiban-models/kiban/core/nn"
	"github.com/kiban-models/kiban/core/tensor"
	"github.com/kiban-models/kiban/core/train"
)

// The shape of the ClimaX rows of kiban-bench: 5.625 degrees, patches of 2x2.
const benchBatch = 4

func benchConfig() forecast.Config {
	return forecast.NewConfig(forecast.PublishedVariables()[:16], 32, 64, 2, 256, 4, 8)
}

// benchInputs are a batch whose targets are all variables.
func benchInputs(b *testing.B, c forecast.Config) *forecast.Batch {
	all, err := c.IDs(c.Variables)
	if err != nil {
		b.Fatal(err)
	}
	in, err := forecast.NewBatch(c, benchBatch, all, c.All())
	if err != nil {
		b.Fatal(err)
	}
	n := len(all) * 32 * 64
	x := draw(1, benchBatch*n)
	var targets [][]float32
	for i := range benchBatch {
		if _, err := in.SetField(i, x[i*n:][:n], 72); err != nil {
			b.Fatal(err)
		}
		targets = append(targets, x[i*n:][:n])
	}
	if err := in.Weigh(grid(b, c).Lat); err != nil {
		b.Fatal(err)
	}
	if _, err := in.SetTargets(all, targets); err != nil {
		b.Fatal(err)
	}
	return in
}

func benchBackend(b *testing.B, c forecast.Config) backend.Backend {
	m := openCPU(b)
	b.Cleanup(func() { m.Close() })
	f := forecast.NewFresh(c, 1)
	for _, d := range c.Declared(nn.Policy{}) {
		x, err := f.Tensor(d.Name)
		if err != nil {
			b.Fatal(err)
		}
		if err := m.Put(d.Name, x); err != nil {
			b.Fatal(err)
		}
	}
	return m
}

// BenchmarkForecast is a forecast of a batch, from normalised fields to them.
func BenchmarkForecast(b *testing.B) {
	c := benchConfig()
	m := benchBackend(b, c)
	s := forecast.NewSession(m, c, nn.Policy{})
	defer s.Close()
	all, err := c.IDs(c.Variables)
	if err != nil {
		b.Fatal(err)
	}
	r := forecast.Request{Variables: all, Out: all}
	n := len(all) * 32 * 64
	for range benchBatch {
		r.Fields, r.LeadHours = append(r.Fields, draw(1, n)), append(r.LeadHours, 72)
	}
	for b.Loop() {
		if _, _, err := s.Run(context.Background(), r); err != nil {
			b.Fatal(err)
		}
	}
	b.ReportMetric(float64(b.N*benchBatch)/b.Elapsed().Seconds(), "fields/s")
}

// BenchmarkTrainingStep is a step of AdamW, with dropout and stochastic depth as
// published.
func BenchmarkTrainingStep(b *testing.B) {
	c := benchConfig()
	m, in := benchBackend(b, c), benchInputs(b, c)
	p, err := train.Compile(m.Limits(), func(s nn.Scope) *graph.Node {
		return forecast.Loss(forecast.New(s, c).Forward(forecast.Declare(s.Graph, c, benchBatch, len(c.Variables), c.Patches(), true)))
	}, train.Options{Optimizer: train.Optimizer{LR: 5e-4, WeightDecay: 1e-5, Beta1: 0.9, Beta2: 0.95, Eps: 1e-8}})
	if err != nil {
		b.Fatal(err)
	}
	for _, x := range p.Moments() {
		if err := m.Put(x.Name, tensor.New(x.DType, x.Shape...)); err != nil {
			b.Fatal(err)
		}
	}
	trainer, err := p.Load(m)
	if err != nil {
		b.Fatal(err)
	}
	defer trainer.Close()
	n := 0
	for b.Loop() {
		_, err := trainer.Step(context.Background(), n, func(_ int, r backend.Runner) error {
			if err := r.Write("dropout_seed", tensor.Of([]int32{1, int32(n)}, 2)); err != nil {
				return err
			}
			return in.Write(r)
		})
		if err != nil {
			b.Fatal(err)
		}
		n++
	}
	b.ReportMetric(float64(b.N*benchBatch)/b.Elapsed().Seconds(), "fields/s")
}
