package reference

import (
	"context"
	"fmt"
	"maps"
	"math"
	"slices"

	"github.com/kiban-models/kiban/core/plan"
	"github.com/kiban-models/kiban/core/tensor"
)

// runner is a loaded program. Its memory has one cell for every cell bytes of
// the plan, so that values overlap here exactly where they do on a device.
type runner struct {
	b           *Backend
	p           *plan.Program
	cell        int64
	io, scratch []float64
}

func (r *runner) allocate() {
	r.cell = 4
	narrow := func(s plan.Slot) {
		if s.Region == plan.IO || s.Region == plan.Scratch {
			r.cell = min(r.cell, int64(s.DType.Size()))
		}
	}
	for _, s := range r.p.Steps {
		for _, x := range s.In {
			narrow(x)
		}
		for _, x := range s.Out {
			narrow(x)
		}
	}
	for _, s := range r.p.Inputs {
		narrow(s)
	}
	r.io = make([]float64, r.p.IOBytes/r.cell)
	r.scratch = make([]float64, r.p.ScratchBytes/r.cell)
	for i := range r.scratch { // whoever reads what was never written shall see it
		r.scratch[i] = math.NaN()
	}
}

// at returns the memory of a slot.
func (r *runner) at(s plan.Slot) []float64 {
	var all []float64
	switch s.Region {
	case plan.Params, plan.States:
		return r.b.named[s.Name].data
	case plan.IO:
		all = r.io
	case plan.Scratch:
		all = r.scratch
	}
	return all[s.Offset/r.cell:][:s.Len()]
}

// Write gives an input its value for the following runs.
func (r *runner) Write(name string, t *tensor.Tensor) error {
	s, ok := r.p.Inputs[name]
	if !ok {
		return fmt.Errorf("reference: there is no input %q; there are %q", name, slices.Sorted(maps.Keys(r.p.Inputs)))
	}
	if err := r.b.fill(r.at(s), s.DType, s.Shape, t); err != nil {
		return fmt.Errorf("reference: input %s: %w", name, err)
	}
	return nil
}

// Run executes the steps in order.
func (r *runner) Run(ctx context.Context) error { return r.Start(ctx) }

// Start executes the steps in order, before it returns.
func (r *runner) Start(ctx context.Context) error {
	if err := ctx.Err(); err != nil {
		return err
	}
	for i, s := range r.p.Steps {
		in, out := make([][]float64, len(s.In)), make([][]float64, len(s.Out))
		for j, x := range s.In {
			in[j] = r.at(x)
		}
		for j, x := range s.Out {
			out[j] = r.at(x)
		}
		kernels[s.Kernel](s, in, out)
		for j, x := range s.Out {
			r.b.round(out[j], x.DType)
		}
		if r.b.Trace == nil {
			continue
		}
		if err := r.b.Trace(s, out); err != nil {
			return fmt.Errorf("reference: step %d, %s: %w", i, s.Kernel, err)
		}
	}
	return nil
}

// Repeat executes the program so many times.
func (r *runner) Repeat(ctx context.Context, times int) error {
	for range times {
		if err := r.Run(ctx); err != nil {
			return err
		}
	}
	return nil
}

// Read returns a copy of an output of the last run.
func (r *runner) Read(name string) (*tensor.Tensor, error) {
	s, ok := r.p.Outputs[name]
	if !ok {
		return nil, fmt.Errorf("reference: there is no output %q; there are %q", name, slices.Sorted(maps.Keys(r.p.Outputs)))
	}
	return r.b.tensor(r.at(s), s.DType, s.Shape), nil
}

// ReadTo copies an output of the last run into t, which has its storage type and
// size.
func (r *runner) ReadTo(name string, t *tensor.Tensor) error {
	s, ok := r.p.Outputs[name]
	if !ok {
		return fmt.Errorf("reference: there is no output %q; there are %q", name, slices.Sorted(maps.Keys(r.p.Outputs)))
	}
	return r.b.copyTo(t, name, r.at(s), s.DType, s.Shape)
}

// Close frees the runner's memory.
func (r *runner) Close() error {
	r.io, r.scratch = nil, nil
	return nil
}

// FirstNaN is a Trace that ends the run at the first step that stores a NaN.
func FirstNaN(step plan.Step, out [][]float64) error {
	for k, data := range out {
		for i, v := range data {
			if math.IsNaN(v) {
				return fmt.Errorf("element %d of output %d (%v%v) is NaN", i, k, step.Out[k].DType, step.Out[k].Shape)
			}
		}
	}
	return nil
}
