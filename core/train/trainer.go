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
	// NoDecay says which matrices do not decay either; nil means none.
	NoDecay func(name string) bool
	// Shape says which of the losses of CompileShapes a micro-batch, counted
	// from 0 in its step, is of; nil means the first. It is a function of its
	// arguments.
	Shape func(step, micro int) int
}

// Plan is a training step that is compiled but not loaded: its memory is
// known, and nothing has been allocated.
type Plan struct {
	opt       Options
	declared  []nn.Declared
	trainable []nn.Declared
	scales    []float64       // the distinct values of LRScale: those of the inputs "hyper", "hyper.1", ...
	micro     []*plan.Program // of each shape: forward and backward; and the update, without accumulation
	apply     *plan.Program   // the update, with accumulation
}

// Compile plans the programs of a step. It returns the first error that the
// model's builders met, and refuses parameters to train that are not f32, an unknown
// schedule, and a choice of Trainable that leaves none.
func Compile(lim plan.Limits, loss Loss, opt Options) (*Plan, error) {
	return CompileShapes(lim, []Loss{loss}, opt)
}

// CompileShapes is Compile for batches of several shapes, such as texts of
// different lengths: there is a loss for each, over the same parameters.
// Options.Shape chooses among them.
func CompileShapes(lim plan.Limits, losses []Loss, opt Options) (*Plan, error) {
	if opt.Optimizer.Schedule != "" {
		if _, err := ParseSchedule(string(opt.Optimizer.Schedule)); err != nil {
			return nil, err
		}
	}
	p := &Plan{opt: opt}
	for _, loss := range losses {
		if err := p.addShape(lim, loss); err != nil {
			return nil, err
		}
	}
	if opt.Optimizer.Accum <= 1 {
		return p, nil
	}
	g := graph.New()
	sums := make([]*graph.Node, len(p.trainable))
	for i, d := range p.trainable {
		sums[i] = g.State("grad."+d.Name, tensor.F32, d.Shape...)
	}
	norm := p.update(g, sums)
	for _, sum := range sums {
		g.Store(sum, graph.Fill(g, 0, tensor.F32, sum.Shape()...))
	}
	var err error
	p.apply, err = plan.Compile(g, lim, plan.Options{}, map[string]*graph.Node{"norm": norm})
	return p, err
}

// addShape plans the program of a micro-batch.
func (p *Plan) addShape(lim plan.Limits, loss Loss) error {
	opt := p.opt
	g := graph.New()
	s := nn.NewScope(g, opt.Policy)
	l := loss(s)
	if len(p.micro) > 0 && !slices.EqualFunc(p.declared, s.Declared(), func(a, b nn.Declared) bool {
		return a.Name == b.Name && a.DType == b.DType && slices.Equal(a.Shape, b.Shape)
	}) {
		return fmt.Errorf("train: the losses of two shapes declare different parameters")
	}
	p.declared, p.trainable = s.Declared(), nil
	var params []*graph.Node
	for _, d := range p.declared {
		if opt.Trainable == nil || opt.Trainable(d.Name) {
			if d.DType != tensor.F32 {
				return fmt.Errorf("train: %s is stored as %v; what is trained needs an f32 master", d.Name, d.DType)
			}
			p.trainable = append(p.trainable, d)
			params = append(params, g.Param(d.Name, d.DType, d.Shape...))
		}
	}
	if len(params) == 0 {
		return fmt.Errorf("train: none of the %d parameters is to be trained", len(p.declared))
	}
	if err := p.groupRates(); err != nil {
		return err
	}
	grads := graph.Grad(p.scaledLoss(l), params...)
	planning := plan.Options{Recompute: opt.Recompute}
	out := map[string]*graph.Node{"loss": l}
	if opt.Optimizer.Accum <= 1 {
		out["norm"] = p.update(g, grads)
	} else {
		for i, d := range p.trainable {
			sum := g.State("grad."+d.Name, tensor.F32, d.Shape...)
			g.Store(sum, graph.Add(grads[i], sum))
		}
	}
	micro, err := plan.Compile(g, lim, planning, out)
	p.micro = append(p.micro, micro)
	return err
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
			hyper[slices.Index(p.scales, p.scale(d.Name))], norm, len(d.Shape) > 1 && (p.opt.NoDecay == nil || !p.opt.NoDecay(d.Name)))
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

// Memory returns what training needs on the device, in bytes: all shapes have
// memory of their own beside the parameters and states.
func (p *Plan) Memory() plan.Memory {
	first := p.micro[0]
	m := first.Memory()
	rest := p.micro[1:]
	if p.apply != nil {
		rest = append(slices.Clone(rest), p.apply)
	}
	for _, q := range rest {
		a := q.Memory()
		m.Scratch += a.Scratch
		m.IO += a.IO
		m.Params += further(first.Params, q.Params)
		m.States += further(first.States, q.States)
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

// Program returns the program of a micro-batch of the first shape, to be
// looked at.
func (p *Plan) Program() *plan.Program { return p.micro[0] }

// Trainer runs training steps on a backend.
type Trainer struct {
	plan    *Plan
	backend backend.Backend
	micro   []backend.Runner // of each shape
	apply   backend.Runner   // nil without accumulation
	hyper   *tensor.Tensor
	scaling Scaling
}

// Load loads a plan. The parameters must have been put; so must the Moments
// for a run that is resumed, or they are zero.
func (p *Plan) Load(b backend.Backend) (*Trainer, error) {
	t := &Trainer{plan: p, backend: b, hyper: tensor.New(tensor.F32, graph.HyperLen)}
	for _, q := range p.micro {
		r, err := b.Load(q)
		if err != nil {
			return nil, errors.Join(err, t.Close())
		}
		t.micro = append(t.micro, r)
	}
	if p.apply != nil {
		var err error
		if t.apply, err = b.Load(p.apply); err != nil {
			return nil, errors.Join(err, t.Close())
		}
	}
	return t, nil
}

// runner is the program of a micro-batch.
func (t *Trainer) runner(step, micro int) backend.Runner {
	if t.plan.opt.Shape == nil {
		return t.micro[0]
	}
	return t.micro[t.plan.opt.Shape(step, micro)]
}

// updater is the program that ends a step: without accumulation, that of its
// only micro-batch.
func (t *Trainer) updater(step int) backend.Runner {
	if t.apply == nil {
		return t.runner(step, 0)
	}
	return t.apply
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
	if r.Loss, err = t.gradients(ctx, step, feed); err != nil {
		return r, errors.Join(err, t.drop())
	}
	if t.apply != nil {
		if err := t.apply.Run(context.WithoutCancel(ctx)); err != nil {
			return r, err
		}
	}
	norm, err := t.updater(step).Read("norm")
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
		if err := t.updater(step).Write(hyperName(i), t.hyper); err != nil {
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
	programs := t.micro
	if t.apply != nil {
		programs = append(slices.Clone(programs), t.apply)
	}
	for _, r := range programs {
		if err := r.Write("loss_scale", scale); err != nil {
			return err
		}
	}
	return nil
}

// Scaling returns the state of loss scaling, zero if there is none.
func (t *Trainer) Scaling() Scaling { return t.scaling }

// SetScaling goes on with the state of an earlier run.
func (t *Trainer) SetScaling(s Scaling) { t.scaling = s }

// gradients runs the micro-batches of a step and returns their loss.
func (t *Trainer) gradients(ctx context.Context, step int, feed func(micro int, r backend.Runner) error) (float64, error) {
	sum := 0.0
	for micro := range max(1, t.plan.opt.Optimizer.Accum) {
		r := t.runner(step, micro)
		if err := feed(micro, r); err != nil {
			return 0, err
		}
		// A step that has begun is finished, or accumulated gradients would
		// be left half added.
		if err := r.Run(context.WithoutCancel(ctx)); err != nil {
			return 0, err
		}
		loss, err := r.Read("loss")
		if err != nil {
			return 0, err
		}
		sum += loss.At(0)
	}
	return sum, nil
}

// drop forgets the gradients of the micro-batches that have run.
func (t *Trainer) drop() error {
	if t.apply == nil {
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
	var errs []error
	for _, r := range t.micro {
		errs = append(errs, r.Close())
	}
	if t.apply != nil {
		errs = append(errs, t.apply.Close())
	}
	return errors.Join(errs...)
}
