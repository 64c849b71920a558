package train

import (
	"context"
	"errors"
	"fmt"
	"slices"

	"github.com/kiban-models/kiban/core/backend"
	"github.com/kiban-models/kiban/core/graph"
	"github.com/kiban-models/kiban/core/nn"
	"github.com/kiban-models/kiban/core/plan"
	"github.com/kiban-models/kiban/core/tensor"
)

// Loss builds a model in a scope and returns its loss, one f32 element: the
// sum over rows of loss times weight, where the weights that are fed to all
// micro-batches of a step add up to 1. It declares its own inputs.
type Loss func(s nn.Scope) *graph.Node

// Options are the choices of Compile.
type Options struct {
	Optimizer Optimizer
	Policy    nn.Policy // what trains must be stored in f32: the masters
	Recompute bool
	// Trainable says which parameters train; nil means all.
	Trainable func(name string) bool
	// LRScale is what the learning rate of a parameter is multiplied by, more
	// than 0; nil means 1 for all. Each distinct value is a group of its own.
	LRScale func(name string) float64
}

// Plan is a training step that is compiled but not loaded: its memory is
// known, and nothing has been allocated.
type Plan struct {
	opt       Options
	declared  []nn.Declared
	trainable []nn.Declared
	scales    []float64     // the distinct values of LRScale: those of the inputs "hyper", "hyper.1", ...
	micro     *plan.Program // forward and backward; and the update, without accumulation
	apply     *plan.Program // the update, with accumulation
}

// Compile plans the programs of a step. It returns the first error that the
// model's builders met, and refuses parameters to train that are not f32, an unknown
// schedule, and a choice of Trainable that leaves none.
func Compile(lim plan.Limits, loss Loss, opt Options) (*Plan, error) {
	if opt.Optimizer.Schedule != "" {
		if _, err := ParseSchedule(string(opt.Optimizer.Schedule)); err != nil {
			return nil, err
		}
	}
	g := graph.New()
	s := nn.NewScope(g, opt.Policy)
	l := loss(s)
	p := &Plan{opt: opt, declared: s.Declared()}
	var params []*graph.Node
	for _, d := range p.declared {
		if opt.Trainable == nil || opt.Trainable(d.Name) {
			if d.DType != tensor.F32 {
				return nil, fmt.Errorf("train: %s is stored as %v; what is trained needs an f32 master", d.Name, d.DType)
			}
			p.trainable = append(p.trainable, d)
			params = append(params, g.Param(d.Name, d.DType, d.Shape...))
		}
	}
	if len(params) == 0 {
		return nil, fmt.Errorf("train: none of the %d parameters is to be trained", len(p.declared))
	}
	if err := p.groupRates(); err != nil {
		return nil, err
	}
	grads := graph.Grad(p.scaledLoss(l), params...)
	planning := plan.Options{Recompute: opt.Recompute}
	var err error
	if opt.Optimizer.Accum <= 1 {
		norm := p.update(g, grads)
		p.micro, err = plan.Compile(g, lim, planning, map[string]*graph.Node{"loss": l, "norm": norm})
		return p, err
	}
	for i, d := range p.trainable {
		sum := g.State("grad."+d.Name, tensor.F32, d.Shape...)
		g.Store(sum, graph.Add(grads[i], sum))
	}
	if p.micro, err = plan.Compile(g, lim, planning, map[string]*graph.Node{"loss": l}); err != nil {
		return nil, err
	}
	g = graph.New()
	for i, d := range p.trainable {
		grads[i] = g.State("grad."+d.Name, tensor.F32, d.Shape...)
	}
	norm := p.update(g, grads)
	for _, sum := range grads {
		g.Store(sum, graph.Fill(g, 0, tensor.F32, sum.Shape()...))
	}
	p.apply, err = plan.Compile(g, lim, plan.Options{}, map[string]*graph.Node{"norm": norm})
	return p, err
}

// update appends the optimizer and returns the norm.
func (p *Plan) update(g *graph.Graph, grads []*graph.Node) *graph.Node {
	hyper := make([]*graph.Node, len(p.scales))
	for i := range hyper {
		hyper[i] = g.Input(hyperName(i), tensor.F32, graph.HyperLen)
	}
	norm := graph.GradNorm(float32(p.opt.Optimizer.GradClip), p.lossScale(g), grads...)
	for i, d := range p.trainable {
		graph.AdamW(g.Param(d.Name, d.DType, d.Shape...), grads[i],
			g.State("adam.m."+d.Name, tensor.F32, d.Shape...), g.State("adam.v."+d.Name, tensor.F32, d.Shape...),
			hyper[slices.Index(p.scales, p.scale(d.Name))], norm, len(d.Shape) > 1)
	}
	return norm
}

// scaled reports whether the loss is scaled: in f16, whose smallest number is
// larger than many a gradient.
func (p *Plan) scaled() bool { return p.opt.Policy.Compute == tensor.F16 }

// lossScale returns what the loss is multiplied by, nil for 1.
func (p *Plan) lossScale(g *graph.Graph) *graph.Node {
	if !p.scaled() {
		return nil
	}
	return g.Input("loss_scale", tensor.F32, 1)
}

func (p *Plan) scaledLoss(l *graph.Node) *graph.Node {
	if !p.scaled() {
		return l
	}
	return graph.ScaleBy(l, p.lossScale(l.Graph()))
}

// Memory returns what training needs on the device, in bytes.
func (p *Plan) Memory() plan.Memory {
	m := p.micro.Memory()
	if p.apply != nil {
		a := p.apply.Memory()
		m.Scratch += a.Scratch
		m.IO += a.IO
		m.Params += further(p.micro.Params, p.apply.Params)
		m.States += further(p.micro.States, p.apply.States)
	}
	return m
}

// further returns the bytes of what is in more but not in have.
func further(have, more []plan.Named) int64 {
	var bytes int64
	for _, n := range more {
		if !slices.ContainsFunc(have, func(h plan.Named) bool { return h.Name == n.Name }) {
			bytes += n.Bytes()
		}
	}
	return bytes
}

// Declared returns the model's parameters, frozen ones included.
func (p *Plan) Declared() []nn.Declared { return p.declared }

// Program returns the program of a micro-batch, to be looked at.
func (p *Plan) Program() *plan.Program { return p.micro }

// Trainer runs training steps on a backend.
type Trainer struct {
	plan         *Plan
	backend      backend.Backend
	micro, apply backend.Runner
	hyper        *tensor.Tensor
	scaling      Scaling
}

// Load loads a plan. The parameters must have been put; so must the Moments
// for a run that is resumed, or they are zero.
func (p *Plan) Load(b backend.Backend) (*Trainer, error) {
	t := &Trainer{plan: p, backend: b, hyper: tensor.New(tensor.F32, graph.HyperLen)}
	var err error
	if t.micro, err = b.Load(p.micro); err != nil {
		return nil, err
	}
	t.apply = t.micro
	if p.apply != nil {
		if t.apply, err = b.Load(p.apply); err != nil {
			t.micro.Close()
			return nil, err
		}
	}
	return t, nil
}

// Result is what a step came to.
type Result struct {
	Loss      float64 // in nats, weighted, summed over the micro-batches, before the update
	GradNorm  float64 // Euclidean, of all gradients together, before clipping; 0 if Skipped
	LR        float64 // of this step
	LossScale float64 // of this step, of training in f16
	Skipped   bool    // the gradients overflowed f16: nothing was changed but the scale
}

// Step runs one optimizer step, counted from 0. feed writes the inputs of each
// micro-batch, counted from 0. A loss or norm that is not finite is an error,
// or in f16 a step that is skipped, until that has happened too many times in a
// row; parameters and moments are as they were before the step. After another
// error no gradients are left behind, and the step can be run again.
func (t *Trainer) Step(ctx context.Context, step int, feed func(micro int, r backend.Runner) error) (Result, error) {
	if err := t.writeHyper(step); err != nil {
		return Result{}, err
	}
	r := Result{LR: t.plan.opt.Optimizer.Rate(step), LossScale: t.scaling.Scale}
	var err error
	if r.Loss, err = t.gradients(ctx, feed); err != nil {
		return r, errors.Join(err, t.drop())
	}
	if t.apply != t.micro {
		if err := t.apply.Run(context.WithoutCancel(ctx)); err != nil {
			return r, err
		}
	}
	norm, err := t.apply.Read("norm")
	if err != nil {
		return r, err
	}
	r.GradNorm = norm.At(0)
	return r, t.finish(step, &r)
}

// writeHyper gives the programs what depends on the step alone. Adam counts
// the steps that were taken.
func (t *Trainer) writeHyper(step int) error {
	for i, scale := range t.plan.scales {
		t.plan.opt.Optimizer.hyper(step, step+1-t.scaling.Skipped, scale, t.hyper.Float32())
		if err := t.apply.Write(hyperName(i), t.hyper); err != nil {
			return err
		}
	}
	if !t.plan.scaled() {
		return nil
	}
	if t.scaling.Scale == 0 {
		t.scaling.Scale = firstScale
	}
	scale := tensor.Of([]float32{float32(t.scaling.Scale)}, 1)
	if err := t.micro.Write("loss_scale", scale); err != nil || t.apply == t.micro {
		return err
	}
	return t.apply.Write("loss_scale", scale)
}

// Scaling returns the state of loss scaling, zero if there is none.
func (t *Trainer) Scaling() Scaling { return t.scaling }

// SetScaling goes on with the state of an earlier run.
func (t *Trainer) SetScaling(s Scaling) { t.scaling = s }

// gradients runs the micro-batches of a step and returns their loss.
func (t *Trainer) gradients(ctx context.Context, feed func(micro int, r backend.Runner) error) (float64, error) {
	sum := 0.0
	for micro := range max(1, t.plan.opt.Optimizer.Accum) {
		if err := feed(micro, t.micro); err != nil {
			return 0, err
		}
		// A step that has begun is finished, or accumulated gradients would
		// be left half added.
		if err := t.micro.Run(context.WithoutCancel(ctx)); err != nil {
			return 0, err
		}
		loss, err := t.micro.Read("loss")
		if err != nil {
			return 0, err
		}
		sum += loss.At(0)
	}
	return sum, nil
}

// drop forgets the gradients of the micro-batches that have run.
func (t *Trainer) drop() error {
	if t.apply == t.micro {
		return nil
	}
	for _, d := range t.plan.trainable {
		if err := t.backend.Put("grad."+d.Name, tensor.New(tensor.F32, d.Shape...)); err != nil {
			return err
		}
	}
	return nil
}

// Moments names the optimizer's states, f32 and of their parameters' shapes,
// for checkpoints: with them a run goes on as if it had not been broken off.
func (p *Plan) Moments() []plan.Named {
	var all []plan.Named
	for _, prefix := range []string{"adam.m.", "adam.v."} {
		for _, d := range p.trainable {
			all = append(all, plan.Named{Name: prefix + d.Name, DType: tensor.F32, Shape: d.Shape})
		}
	}
	return all
}

// Close frees the programs.
func (t *Trainer) Close() error {
	err := t.micro.Close()
	if t.apply != t.micro {
		if e := t.apply.Close(); err == nil {
			err = e
		}
	}
	return err
}
