package main

import (
	"context"
	"fmt"
	"math"

	"github.com/kiban-models/kiban/climate/forecast"
	"github.com/kiban-models/kiban/core/backend"
	"github.com/kiban-models/kiban/core/graph"
	"github.com/kiban-models/kiban/core/nn"
	"github.com/kiban-models/kiban/core/tensor"
	"github.com/kiban-models/kiban/core/train"
)

// climax is the shape of a ClimaX with patches of 2x2 on a grid of 5.625
// degrees, and of its batches.
type climax struct{ variables, width, depth, heads, batch int }

const (
	climateGridRows = 32
	climateColumns  = 64
)

var (
	smallClimaX     = climax{16, 256, 4, 8, 4}
	publishedClimaX = climax{48, 1024, 8, 16, 16}
	tinyClimaX      = climax{4, 32, 1, 2, 1}
)

func (x climax) of(s settings) climax {
	if s.tiny {
		return tinyClimaX
	}
	return x
}

func (x climax) config() forecast.Config {
	return forecast.NewConfig(forecast.PublishedVariables()[:x.variables], climateGridRows, climateColumns, 2, x.width, x.depth, x.heads)
}

// args are those of peers/climax.py.
func (x climax) args(task, form string, half bool, more ...string) []string {
	return append([]string{task, form, fmt.Sprint(x.variables), fmt.Sprint(x.width), fmt.Sprint(x.depth), fmt.Sprint(x.heads), fmt.Sprint(x.batch), precision(half)}, more...)
}

func climateRows() []row {
	var all []row
	for _, x := range []struct {
		name, task string
		ours       func(climax, context.Context, settings) (measured, error)
	}{
		{"ClimaX training step f32", "step", func(x climax, ctx context.Context, s settings) (measured, error) { return x.step(ctx, s, false) }},
		{"ClimaX forecast f32", "forecast", climax.forecast},
	} {
		all = append(all, row{
			name: x.name, unit: "fields", limit: arithmetic32,
			ours: func(ctx context.Context, s settings) (measured, error) { return x.ours(smallClimaX.of(s), ctx, s) },
			peers: []peer{
				{"published code", "climax.py", smallClimaX.args(x.task, "listed", false), tinyClimaX.args(x.task, "listed", false)},
				{"published, stacked", "climax.py", smallClimaX.args(x.task, "stacked", false), tinyClimaX.args(x.task, "stacked", false)},
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

// fields are random.
func (x climax) fields(c forecast.Config) [][]float32 {
	fields := make([][]float32, x.batch)
	for i := range fields {
		fields[i] = make([]float32, len(c.Variables)*climateGridRows*climateColumns)
		for j := range fields[i] {
			fields[i][j] = float32(math.Sin(float64(i*7919 + j)))
		}
	}
	return fields
}

func (x climax) forecast(ctx context.Context, s settings) (m measured, err error) {
	b, err := s.open()
	if err != nil {
		return m, err
	}
	defer b.Close()
	c := x.config()
	if err := putClimaX(b, c); err != nil {
		return m, err
	}
	session := forecast.NewSession(b, c, nn.Policy{})
	defer session.Close()
	all, err := c.IDs(c.Variables)
	if err != nil {
		return m, err
	}
	r := forecast.Request{Variables: all, Out: all, Fields: x.fields(c), LeadHours: make([]float64, x.batch)}
	for i := range r.LeadHours {
		r.LeadHours[i] = 72
	}
	m, err = clock(ctx, s, float64(x.batch), func(int) error {
		_, _, err := session.Run(ctx, r)
		return err
	})
	m.Need = climaxFLOP(c)
	return m, err
}

// climaxStep is a step of AdamW, with dropout and stochastic depth as published.
func (x climax) step(ctx context.Context, s settings, half bool) (m measured, err error) {
	b, err := s.open()
	if err != nil {
		return m, err
	}
	defer b.Close()
	c := x.config()
	if err := putClimaX(b, c); err != nil { // masters, of either precision
		return m, err
	}
	in, err := x.inputs(c)
	if err != nil {
		return m, err
	}
	p, err := train.Compile(b.Limits(), func(s nn.Scope) *graph.Node {
		return forecast.Loss(forecast.New(s, c).Forward(forecast.Declare(s.Graph, c, x.batch, len(c.Variables), c.Patches(), true)))
	}, train.Options{Optimizer: train.Optimizer{LR: 5e-4, WeightDecay: 1e-5, Beta1: 0.9, Beta2: 0.95, Eps: 1e-8}, Policy: policy(half, true)})
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
	m, err = clock(ctx, s, float64(x.batch), func(i int) error {
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

// inputs are a batch whose targets are its own fields.
func (x climax) inputs(c forecast.Config) (*forecast.Batch, error) {
	all, err := c.IDs(c.Variables)
	if err != nil {
		return nil, err
	}
	in, err := forecast.NewBatch(c, x.batch, all, c.All())
	if err != nil {
		return nil, err
	}
	fields := x.fields(c)
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
