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
	// Begin is the step, counted from 0, from which a parameter trains: gradual
	// unfreezing. Until then it is frozen, as torch's are without requires_grad:
	// it has no part in the norm of the gradients, does not decay, and its
	// moments and its count of steps begin there. nil means 0 for all; what
	// begins at Optimizer.Steps or later never trains.
	Begin func(name string) int
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
	trainable []nn.Declared // in the last stage
	rates     []rate        // that differ: of the inputs "hyper", "hyper.1", ...
	stages    []stage       // in order
	lim       plan.Limits
	losses    []Loss
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
	p := &Plan{opt: opt, lim: lim, losses: losses}
	if err := p.declare(); err != nil {
		return nil, err
	}
	// The stages before the last one train less, and are planned when they are
	// entered: there may be many, of many shapes.
	if err := p.stages[len(p.stages)-1].compile(p); err != nil {
		return nil, err
	}
	return p, nil
}

// declare finds out what the losses' parameters are, and which train.
func (p *Plan) declare() error {
	for i, loss := range p.losses {
		s := nn.NewScope(graph.New(), p.opt.Policy)
		loss(s)
		if i == 0 {
			p.declared = s.Declared()
		} else if !slices.EqualFunc(p.declared, s.Declared(), func(a, b nn.Declared) bool {
			return a.Name == b.Name && a.DType == b.DType && slices.Equal(a.Shape, b.Shape)
		}) {
			return fmt.Errorf("train: the losses of two shapes declare different parameters")
		}
	}
	for _, d := range p.declared {
		if p.opt.Trainable != nil && !p.opt.Trainable(d.Name) || p.never(d.Name) {
			continue
		}
		if d.DType != tensor.F32 {
			return fmt.Errorf("train: %s is stored as %v; what is trained needs an f32 master", d.Name, d.DType)
		}
		p.trainable = append(p.trainable, d)
	}
	if len(p.trainable) == 0 {
		return fmt.Errorf("train: none of the %d parameters is to be trained", len(p.declared))
	}
	if err := p.setStages(); err != nil {
		return err
	}
	return p.groupRates()
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
// memory of their own beside the parameters and states. It is that of the last
// stage, in which most trains.
func (p *Plan) Memory() plan.Memory { return p.stages[len(p.stages)-1].memory() }

// Declared returns the model's parameters, frozen ones included.
func (p *Plan) Declared() []nn.Declared { return p.declared }

// Trainable returns the number of weights that train.
func (p *Plan) Trainable() int {
	n := 0
	for _, d := range p.trainable {
		n += tensor.NumElements(d.Shape)
	}
	return n
}

// Seed is the input "dropout_seed" of programs with dropout.
type Seed struct{ value *tensor.Tensor }

// Write gives a program the seed of micro-batch n of a run, counted from 0, so
// that each drops others.
func (s *Seed) Write(r backend.Runner, n int64, seed uint64) error {
	if s.value == nil {
		s.value = tensor.New(tensor.I32, 2)
	}
	x := s.value.Int32()
	x[0], x[1] = int32(uint32(n)), int32(uint32(seed)^uint32(n>>32))
	return r.Write("dropout_seed", s.value)
}

// Program returns the program of a micro-batch of the first shape, in which all
// that ever trains does, to be looked at.
func (p *Plan) Program() *plan.Program { return p.stages[len(p.stages)-1].micro[0] }

// Trainer runs training steps on a backend.
type Trainer struct {
	plan    *Plan
	backend backend.Backend
	stage   int              // that is loaded
	micro   []backend.Runner // of each shape
	apply   backend.Runner   // nil without accumulation
	hyper   *tensor.Tensor
	hypers  []string       // the inputs that take it, of each rate
	scale   *tensor.Tensor // of the loss
	loss    *tensor.Tensor // what is read of a step:
	norm    *tensor.Tensor // the gradient's, and the factor that clips it
	scaling Scaling
	skipped []int // steps, before each stage that has begun
}

// Load loads a plan. The parameters must have been put; so must the Moments
// for a run that is resumed, or they are zero.
func (p *Plan) Load(b backend.Backend) (*Trainer, error) {
	t := &Trainer{plan: p, backend: b, hyper: tensor.New(tensor.F32, graph.HyperLen), scale: tensor.New(tensor.F32, 1), loss: tensor.New(tensor.F32, 1), norm: tensor.New(tensor.F32, 2)}
	for i := range p.rates {
		t.hypers = append(t.hypers, hyperName(i))
	}
	// The last stage makes all the moments, and its memory is the largest: what
	// does not fit is known now.
	if err := t.load(len(p.stages) - 1); err != nil {
		return nil, err
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
// micro-batch, counted from 0, while the device is at work on the one before. A loss or norm that is not finite is an error,
// or in f16 a step that is skipped, until that has happened too many times in a
// row; parameters and moments are as they were before the step. After another
// error no gradients are left behind, and the step can be run again.
func (t *Trainer) Step(ctx context.Context, step int, feed func(micro int, r backend.Runner) error) (Result, error) {
	return t.step(step, feed, nil)
}

// step is Step. When all of it has been started, and before it is waited for, ahead,
// if not nil, may write inputs of the program of the next step's first micro-batch.
// It is not called where that step loads other programs.
func (t *Trainer) step(step int, feed func(micro int, r backend.Runner) error, ahead func(r backend.Runner)) (Result, error) {
	if err := t.enter(step); err != nil {
		return Result{}, err
	}
	if err := t.writeHyper(step); err != nil {
		return Result{}, err
	}
	r := Result{LR: t.plan.opt.Optimizer.Rate(step), LossScale: t.scaling.Scale}
	var err error
	if r.Loss, err = t.run(step, feed, ahead); err != nil {
		if also := t.drop(); also != nil && !errors.Is(err, also) { // a device that is lost says so twice
			err = errors.Join(err, also)
		}
		return r, err
	}
	if err := t.updater(step).ReadTo("norm", t.norm); err != nil {
		return r, err
	}
	r.GradNorm = t.norm.At(0)
	return r, t.finish(step, &r)
}

// writeHyper gives the programs what depends on the step alone. Adam counts
// the steps that were taken since a parameter began to train.
func (t *Trainer) writeHyper(step int) error {
	for i, r := range t.plan.rates {
		if r.stage > t.stage {
			continue // frozen
		}
		begin := t.plan.stages[r.stage].from
		taken := step - begin + 1 - (t.scaling.Skipped - t.skipped[r.stage])
		t.plan.opt.Optimizer.hyper(step, taken, r.scale, t.hyper.Float32())
		if err := t.updater(step).Write(t.hypers[i], t.hyper); err != nil {
			return err
		}
	}
	if !t.plan.scaled() {
		return nil
	}
	if t.scaling.Scale == 0 {
		t.scaling.Scale = firstScale
	}
	t.scale.Float32()[0] = float32(t.scaling.Scale)
	for _, r := range t.micro {
		if err := r.Write("loss_scale", t.scale); err != nil {
			return err
		}
	}
	if t.apply == nil {
		return nil
	}
	return t.apply.Write("loss_scale", t.scale)
}

// Scaling returns the state of loss scaling, zero if there is none.
func (t *Trainer) Scaling() Scaling { return t.scaling }

// SetScaling goes on with the state of an earlier run.
func (t *Trainer) SetScaling(s Scaling) { t.scaling = s }

// run runs the micro-batches of a step, starts the update, and returns their loss.
func (t *Trainer) run(step int, feed func(micro int, r backend.Runner) error, ahead func(r backend.Runner)) (float64, error) {
	// A step that has begun is finished, or accumulated gradients would be left
	// half added.
	ctx := context.Background()
	if err := feed(0, t.runner(step, 0)); err != nil {
		return 0, err
	}
	sum, last := 0.0, max(1, t.plan.opt.Optimizer.Accum)-1
	for micro := range last + 1 {
		r := t.runner(step, micro)
		if err := r.Start(ctx); err != nil {
			return 0, err
		}
		if micro < last {
			if err := feed(micro+1, t.runner(step, micro+1)); err != nil {
				return 0, err
			}
		} else {
			if t.apply != nil {
				if err := t.apply.Start(ctx); err != nil {
					return 0, err
				}
			}
			if ahead != nil && t.plan.stageAt(step+1) == t.stage {
				ahead(t.runner(step+1, 0))
			}
		}
		if err := r.ReadTo("loss", t.loss); err != nil {
			return 0, err
		}
		sum += t.loss.At(0)
	}
	return sum, nil
}

// drop forgets the gradients of the micro-batches that have run.
func (t *Trainer) drop() error {
	if t.apply == nil {
		return nil
	}
	for _, d := range t.plan.stages[t.stage].trainable {
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
	t.micro, t.apply = nil, nil
	return errors.Join(errs...)
}
