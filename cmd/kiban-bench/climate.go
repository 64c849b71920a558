package main

import (
	"context"
	"math"

	"github.com/kiban-models/kiban/climate/forecast"
	"github.com/kiban-models/kiban/core/backend"
	"github.com/kiban-models/kiban/core/graph"
	"github.com/kiban-models/kiban/core/nn"
	"github.com/kiban-models/kiban/core/tensor"
	"github.com/kiban-models/kiban/core/train"
)

// The work of the climate rows: batches of 16 variables at 5.625 degrees, by a
// ClimaX of width 256 with 4 blocks and patches of 2x2.
const (
	climateBatch    = 4
	climateGridRows = 32
	climateColumns  = 64
)

func climateConfig(s settings) forecast.Config {
	width, depth := 256, 4
	if s.tiny {
		width, depth = 32, 1
	}
	return forecast.NewConfig(forecast.PublishedVariables()[:16], climateGridRows, climateColumns, 2, width, depth, 8)
}

func climateRows() []row {
	var all []row
	for _, x := range []struct {
		name, task string
		ours       func(context.Context, settings) (measured, error)
	}{{"ClimaX training step f32", "step", climaxStep}, {"ClimaX forecast f32", "forecast", climaxForecast}} {
		all = append(all, row{
			name: x.name, unit: "fields", limit: arithmetic32, ours: x.ours,
			peers: []peer{
				{"published code", "climax.py", []string{x.task, "listed", "256", "4"}, []string{x.task, "listed", "32", "1"}},
				{"published, stacked", "climax.py", []string{x.task, "stacked", "256", "4"}, []string{x.task, "stacked", "32", "1"}},
			},
		})
	}
	return all
}

// climaxFLOP is what the products of a forecast take: blocks, attention, and the
// projections of variables as this program has them (graph.AffineAttention),
// which are fewer than the published.
func climaxFLOP(c forecast.Config) float64 {
	w, n, patches := float64(c.Width), float64(c.Patches()), float64(c.Patch*c.Patch)
	block := n * (24*w*w + 4*n*w)
	head := n * (2*w*w*float64(c.DecoderDepth) + 2*w*patches*float64(len(c.Variables)))
	return float64(c.Depth)*block + head + n*2*w*w
}

// climaxFields are random fields.
func climaxFields(c forecast.Config) [][]float32 {
	fields := make([][]float32, climateBatch)
	for i := range fields {
		fields[i] = make([]float32, len(c.Variables)*climateGridRows*climateColumns)
		for j := range fields[i] {
			fields[i][j] = float32(math.Sin(float64(i*7919 + j)))
		}
	}
	return fields
}

func climaxForecast(ctx context.Context, s settings) (m measured, err error) {
	b, err := s.open()
	if err != nil {
		return m, err
	}
	defer b.Close()
	c := climateConfig(s)
	if err := putClimaX(b, c); err != nil {
		return m, err
	}
	session := forecast.NewSession(b, c, nn.Policy{})
	defer session.Close()
	all, err := c.IDs(c.Variables)
	if err != nil {
		return m, err
	}
	r := forecast.Request{Variables: all, Out: all, Fields: climaxFields(c), LeadHours: make([]float64, climateBatch)}
	for i := range r.LeadHours {
		r.LeadHours[i] = 72
	}
	m, err = clock(ctx, s, climateBatch, func(int) error {
		_, _, err := session.Run(ctx, r)
		return err
	})
	m.Need = climaxFLOP(c)
	return m, err
}

// climaxStep is a step of AdamW, with dropout and stochastic depth as published.
func climaxStep(ctx context.Context, s settings) (m measured, err error) {
	b, err := s.open()
	if err != nil {
		return m, err
	}
	defer b.Close()
	c := climateConfig(s)
	if err := putClimaX(b, c); err != nil {
		return m, err
	}
	in, err := climaxBatch(c)
	if err != nil {
		return m, err
	}
	p, err := train.Compile(b.Limits(), func(s nn.Scope) *graph.Node {
		return forecast.Loss(forecast.New(s, c).Forward(forecast.Declare(s.Graph, c, climateBatch, len(c.Variables), c.Patches(), true)))
	}, train.Options{Optimizer: train.Optimizer{LR: 5e-4, WeightDecay: 1e-5, Beta1: 0.9, Beta2: 0.95, Eps: 1e-8}})
	if err != nil {
		return m, err
	}
	for _, x := range p.Moments() {
		if err := b.Put(x.Name, tensor.New(x.DType, x.Shape...)); err != nil {
			return m, err
		}
	}
	t, err := p.Load(b)
	if err != nil {
		return m, err
	}
	defer t.Close()
	seed := tensor.New(tensor.I32, 2)
	m, err = clock(ctx, s, climateBatch, func(i int) error {
		seed.Int32()[1] = int32(i)
		_, err := t.Step(ctx, i, func(_ int, r backend.Runner) error {
			if err := r.Write("dropout_seed", seed); err != nil {
				return err
			}
			return in.Write(r)
		})
		return err
	})
	m.Need = 3 * climaxFLOP(c)
	return m, err
}

func putClimaX(b backend.Backend, c forecast.Config) error {
	fresh := forecast.NewFresh(c, 1)
	for _, d := range c.Declared(nn.Policy{}) {
		x, err := fresh.Tensor(d.Name)
		if err == nil {
			err = b.Put(d.Name, x)
		}
		if err != nil {
			return err
		}
	}
	return nil
}

// climaxBatch is a batch whose targets are its own fields.
func climaxBatch(c forecast.Config) (*forecast.Batch, error) {
	all, err := c.IDs(c.Variables)
	if err != nil {
		return nil, err
	}
	in, err := forecast.NewBatch(c, climateBatch, all, c.All())
	if err != nil {
		return nil, err
	}
	fields := climaxFields(c)
	for i, f := range fields {
		if _, err := in.SetField(i, f, 72); err != nil {
			return nil, err
		}
	}
	lat := make([]float64, climateGridRows)
	for i := range lat {
		lat[i] = -90 + 180.0/climateGridRows*(float64(i)+0.5)
	}
	if err := in.Weigh(lat); err != nil {
		return nil, err
	}
	_, err = in.SetTargets(all, fields)
	return in, err
}
