package task

import (
	"context"
	"errors"
	"fmt"
	"maps"
	"math"
	"path/filepath"
	"slices"
	"strings"

	"github.com/kiban-models/kiban/climate/baseline"
	"github.com/kiban-models/kiban/climate/forecast"
	"github.com/kiban-models/kiban/climate/skill"
	"github.com/kiban-models/kiban/climate/store"
	"github.com/kiban-models/kiban/climate/window"
	"github.com/kiban-models/kiban/core/backend"
	"github.com/kiban-models/kiban/core/checkpoint"
	"github.com/kiban-models/kiban/core/graph"
	"github.com/kiban-models/kiban/core/nn"
	"github.com/kiban-models/kiban/core/plan"
	"github.com/kiban-models/kiban/core/run"
	"github.com/kiban-models/kiban/core/train"
)

// Training is a run that is set up: programs planned, baselines fitted, nothing
// allocated on the device yet.
type Training struct {
	opt      Options
	Plan     *train.Plan
	net      network
	examples []*examples
	judges   []*judge // of stores with years to validate with
	batches  batches
	patches  []int32
	shapes   []int // numbers of variables that differ, a program each
	state    state
	dir      *run.Directory
	from     string
	declared []nn.Declared
	eval     plan.Memory // of the evaluation
}

// New plans a run. If it is to resume, it finds the checkpoint and makes sure
// that it belongs to this run.
func New(ctx context.Context, lim plan.Limits, o Options) (*Training, error) {
	if err := o.check(); err != nil {
		return nil, err
	}
	if o.Fitting == nil {
		o.Fitting = func(int, int) {}
	}
	t := &Training{opt: o, net: network{o.Config, o.LoRA}}
	var err error
	if t.patches, err = o.About.patches(o.Config); err != nil {
		return nil, err
	}
	if err := t.data(ctx); err != nil {
		return nil, err
	}
	t.opt.Optimizer = o.Optimizer.Over(o.Epochs, t.StepsPerEpoch(), o.WarmupShare)
	t.declared = t.net.declared(o.Policy)
	if o.LoRA != nil {
		if err := o.LoRA.Validate(t.declared); err != nil {
			return nil, err
		}
	}
	if err := t.plan(lim); err != nil {
		return nil, err
	}
	if t.state, err = t.describe(); err != nil {
		return nil, err
	}
	t.dir = &run.Directory{
		Path: o.Dir, Keep: o.Keep, State: t.state, Moments: t.Plan.Moments(), Warn: o.Warn, Saved: o.Saved, Model: t.checkpoint,
	}
	t.from, err = run.GoOn(t.dir, o.Resume, t.state, state.fields)
	return t, err
}

// data finds the examples of all stores.
func (t *Training) data(ctx context.Context) error {
	o := &t.opt
	shape := window.Shape{Leads: o.About.Leads, Draw: len(o.About.Leads) > 1, Reach: o.Reach}
	t.batches = batches{size: o.BatchSize, seed: o.Seed}
	all, err := o.examples(ctx, shape)
	if err != nil {
		return err
	}
	for _, e := range all {
		t.examples = append(t.examples, e)
		t.batches.sizes = append(t.batches.sizes, e.windows.Len())
		if n := len(e.variables); !slices.Contains(t.shapes, n) {
			t.shapes = append(t.shapes, n)
		}
	}
	t.judges, err = t.judgesOf(store.Validation)
	return err
}

// examples are those of each store, or of the pairs of two.
func (o *Options) examples(ctx context.Context, shape window.Shape) ([]*examples, error) {
	if o.About.Task == Project {
		e, err := ofForcings(ctx, o.Pairs, o.About, o.Config, shape, o.Fitting)
		return []*examples{e}, err
	}
	if o.Pairs != nil {
		e, err := ofPairs(ctx, o.Pairs, o.About, o.Config, shape, o.Fitting)
		return []*examples{e}, err
	}
	var all []*examples
	for _, st := range o.Stores {
		e, err := ofOne(ctx, st, o.About, o.Config, shape, o.fitLeads(), o.Fitting)
		if err != nil {
			return nil, err
		}
		all = append(all, e)
	}
	return all, nil
}

// judgesOf are judges for the stores that have records of a part.
func (t *Training) judgesOf(part store.Part) ([]*judge, error) {
	o := &t.opt
	outside := make([]bool, len(o.About.Grid.Lat)*len(o.About.Grid.Lon))
	for i := range outside {
		outside[i] = true
	}
	t.inside(func(cell int) { outside[cell] = false })
	region := o.About.Region
	if region == "" {
		region = "global"
	}
	var all []*judge
	for _, e := range t.examples {
		j := &judge{examples: e, leads: o.evalLeads(), iterations: o.About.Iterations, most: o.EvalExamples, part: part, outside: outside, region: region}
		if !j.has() {
			continue
		}
		if _, err := j.windows(); err != nil {
			return nil, err
		}
		all = append(all, j)
	}
	return all, nil
}

// inside calls f with the cells of the model's patches.
func (t *Training) inside(f func(cell int)) {
	p, columns := t.opt.Config.Patch, t.opt.Config.Grid[1]
	for _, patch := range t.patches {
		row, column := int(patch)/(columns/p)*p, int(patch)%(columns/p)*p
		for k := range p * p {
			f((row+k/p)*columns + column + k%p)
		}
	}
}

// plan compiles the programs of a step and of the evaluation.
func (t *Training) plan(lim plan.Limits) error {
	o := &t.opt
	var losses []train.Loss
	for _, n := range t.shapes {
		sh := shape{o.BatchSize, n, len(t.patches)}
		losses = append(losses, func(s nn.Scope) *graph.Node {
			return graph.Scale(forecast.Loss(t.net.build(s, sh, true)), 1/float32(t.accum()))
		})
	}
	var err error
	t.Plan, err = train.CompileShapes(lim, losses, train.Options{
		Optimizer: o.Optimizer, Policy: o.Policy, Recompute: o.Recompute, Trainable: t.trainable,
		NoDecay: func(name string) bool { return !forecast.Decays(name) },
		Shape: func(step, micro int) int {
			which, _, _ := t.batches.storeAt(step*t.accum() + micro)
			return slices.Index(t.shapes, len(t.examples[which].variables))
		},
	})
	if err != nil {
		return err
	}
	still := t.net
	still.config = still.config.WithoutDropout()
	for _, j := range t.judges {
		p, err := still.compile(lim, o.Policy, shape{o.BatchSize, len(j.variables), len(t.patches)}, false)
		if err != nil {
			return err
		}
		m := p.Memory()
		t.eval.Scratch += m.Scratch
		t.eval.IO += m.IO
	}
	return nil
}

func (t *Training) trainable(name string) bool {
	o := &t.opt
	if o.LoRA != nil {
		_, adapter := nn.AdaptedLayer(name)
		return adapter || beside(name)
	}
	c := o.Config
	c.Frozen = o.Freeze == FreezeBody
	return c.Trains(name)
}

func (t *Training) accum() int { return max(1, t.opt.Optimizer.Accum) }

// describe is the state of the run.
func (t *Training) describe() (state, error) {
	o := &t.opt
	sum, err := digest(o.data())
	s := state{
		Data: sum, Variables: strings.Join(o.About.Variables(), " "), Target: o.About.Target, Leads: fmt.Sprint(o.About.Leads, o.Reach), Patches: len(t.patches),
		Region: fmt.Sprint(o.About.Region, o.About.Mirrored), Seed: o.Seed, Batch: o.BatchSize, Accum: t.accum(), Steps: o.Optimizer.Steps, LR: o.Optimizer.LR,
		Freeze: o.Freeze, Dropout: o.Config.Dropout, DropPath: o.Config.DropPath,
	}
	if a := &o.About; a.Task == Project {
		s.Leads = fmt.Sprintf("history of %d, cells that count alike %v", a.History, a.Even)
	}
	if l := o.LoRA; l != nil {
		s.Adapter = fmt.Sprintf("rank %d, factor %g, %s", l.Rank, l.Factor(), strings.Join(l.Targets, " "))
	}
	return s, err
}

// StepsPerEpoch returns the number of optimizer steps of a pass over the data.
func (t *Training) StepsPerEpoch() float64 { return float64(t.batches.perEpoch()) / float64(t.accum()) }

// Steps returns the number of optimizer steps of the whole run.
func (t *Training) Steps() int { return t.opt.Optimizer.Steps }

// Examples returns the number of examples of an epoch, of all stores.
func (t *Training) Examples() int {
	n := 0
	for _, k := range t.batches.sizes {
		n += k
	}
	return n
}

// Patches returns the number of patches that the model sees and forecasts.
func (t *Training) Patches() int { return len(t.patches) }

// Reached returns, of the cells that a downscaler makes, how many its input's grid
// reaches, and their number: beyond the outermost centres of the input it sees
// the mean, and there is no interpolated field to hold it against. Of a forecaster
// that is all.
func (t *Training) Reached() (reached, cells int) {
	if r, ok := t.examples[0].records.(*fromCoarse); ok {
		return r.reached(t.inside)
	}
	n := len(t.patches) * t.opt.Config.Patch * t.opt.Config.Patch
	return n, n
}

// Validates tells whether any store has years to validate with.
func (t *Training) Validates() bool { return len(t.judges) > 0 }

// Trainable returns the number of weights that train.
func (t *Training) Trainable() int { return t.Plan.Trainable() }

// Resumed returns the step of the checkpoint that the run goes on from, 0 for
// none.
func (t *Training) Resumed() int {
	if t.from == "" {
		return 0
	}
	step, _ := checkpoint.Step(t.from) // GoOn has read it
	return step
}

// Memory returns what the run needs on the device.
func (t *Training) Memory() plan.Memory {
	m := t.Plan.Memory()
	m.Scratch += t.eval.Scratch
	m.IO += t.eval.IO
	return m
}

// checkpoint writes a model directory that does not say how it was made, which
// may be another command after going on.
func (t *Training) checkpoint(dir string, weights checkpoint.Source) error {
	return t.save(dir, weights, nil)
}

// save writes a model directory.
func (t *Training) save(dir string, weights checkpoint.Source, provenance map[string]any) (err error) {
	o := &t.opt
	about := o.About
	about.Provenance = provenance
	if o.LoRA != nil {
		merged, done, err := t.writeAdapted(dir, weights)
		if err != nil {
			return err
		}
		defer func() { err = errors.Join(err, done()) }()
		weights = merged
	}
	var c *baseline.Climatology
	if o.About.Climatologies > 1 {
		return WriteModel(dir, o.Config, weights, about, nil)
	}
	if o.About.Target.anomalous() {
		c = t.examples[0].frame.climate
		about.Channels = t.examples[0].about.Channels // with AnomalyStd
	}
	if o.About.Target == Damped && o.About.Task == Downscale {
		if err := writeRegression(filepath.Join(dir, RegressionFile), &about, t.examples[0].frame.regress); err != nil {
			return err
		}
	} else if o.About.Target == Damped {
		of := t.examples[0].frame.damping
		about.Damping = slices.Sorted(maps.Keys(of))
		if err := writeDamping(filepath.Join(dir, DampingFile), &about, of); err != nil {
			return err
		}
	}
	if d, ok := t.examples[0].records.(*fromCoarse); ok && d.fixed != nil {
		if err := writeStatic(filepath.Join(dir, StaticFile), &about, d.fixed); err != nil {
			return err
		}
	}
	return WriteModel(dir, o.Config, weights, about, c)
}

// LoadWeights puts the weights, fresh, given or of a checkpoint.
func (t *Training) LoadWeights(b backend.Backend) (train.Progress, error) {
	o := &t.opt
	if t.from != "" {
		return t.dir.Restore(b, t.from, o.Optimizer.Steps, func(dir string) error { return t.putSaved(b, dir) })
	}
	if err := t.putBase(b); err != nil || o.LoRA == nil {
		return train.Progress{}, err
	}
	return train.Progress{}, load(b, t.adapters(), listed{nn.Fresh{Seed: o.Seed, Params: t.declared}, t.adapters()})
}

// putSaved puts the weights of a checkpoint.
func (t *Training) putSaved(b backend.Backend, path string) error {
	if t.opt.LoRA != nil {
		return t.putAdapted(b, path)
	}
	dir, err := checkpoint.OpenDir(path)
	if err != nil {
		return err
	}
	defer dir.Close()
	view, _, err := forecast.Weights(dir, t.opt.Config, t.opt.Config, nil)
	if err != nil {
		return err
	}
	return load(b, t.declared, view)
}

// Outcome is what a run came to.
type Outcome struct {
	train.Progress
	// Validation has the scores of the chosen model and of the baselines on the
	// validation years, in units, a table of each store that has such.
	Validation []skill.Table
	Loss       float64 // the model's there
	Scores     train.Scores
	Baselines  []string // the names of those
}

// Run trains. When ctx ends it saves a checkpoint and returns
// train.ErrInterrupted. At the end the run directory is a model directory: of
// the best evaluation if there was any, else of the last step.
func (t *Training) Run(ctx context.Context, b backend.Backend) (out Outcome, err error) {
	o := &t.opt
	p, err := t.LoadWeights(b)
	out.Progress, out.Baselines = p, t.opt.About.Baselines()
	if err != nil {
		return out, err
	}
	if t.from != "" {
		if err := t.dir.Tell(p); err != nil {
			return out, err
		}
	}
	steps, err := t.Stepper(b)
	if err != nil {
		return out, err
	}
	defer steps.Close()
	done, err := t.openJudges(b, t.judges)
	defer done()
	if err != nil {
		return out, err
	}
	baselines, err := withoutModel(t.judges)
	if err != nil {
		return out, err
	}
	epoch := max(1, int(math.Round(t.StepsPerEpoch())))
	loop := train.Loop{
		Trainer: steps.trainer, Feed: steps.feed, Tick: o.Tick, Steps: o.Optimizer.Steps, StepsPerEpoch: t.StepsPerEpoch(), MaxTime: o.MaxTime,
		LogEvery: o.LogEvery, EvalEvery: epoch, SaveEvery: epoch, SaveInterval: o.SaveInterval, Patience: o.Patience,
	}
	if len(t.judges) > 0 {
		loop.Score = func(ctx context.Context) (train.Evaluation, error) {
			models, err := withModel(ctx, t.judges)
			return evaluation(t.judges, models, baselines), err
		}
	}
	if out.Progress, err = t.dir.Loop(ctx, b, loop, p, o.Log); err != nil {
		return out, err
	}
	p = out.Progress
	if best := t.dir.Best(p); best != "" && p.BestAt != p.Step {
		if err := t.putSaved(b, best); err != nil {
			return out, err
		}
	}
	if err := t.save(o.Dir, run.Weights(b), o.About.Provenance); err != nil || len(t.judges) == 0 {
		return out, err
	}
	models, err := withModel(ctx, t.judges)
	if err != nil {
		return out, err
	}
	e := evaluation(t.judges, models, baselines)
	out.Loss, out.Scores = e.Loss, e.Scores
	for i := range models {
		out.Validation = append(out.Validation, append(baselines[i], models[i]...))
	}
	return out, nil
}

// openJudges loads the programs of evaluations.
func (t *Training) openJudges(b backend.Backend, judges []*judge) (done func(), err error) {
	done = func() {
		for _, j := range judges {
			if j.forecaster != nil {
				j.forecaster.Close()
			}
		}
	}
	for _, j := range judges {
		r, err := newRunner(b, t.net, t.opt.Policy, t.opt.BatchSize, j.variables, j.made, t.patches, false)
		if err != nil {
			return done, err
		}
		j.forecaster = newForecaster(&j.about, j.frame, r)
	}
	return done, nil
}

// Evaluate scores the weights on a backend, and the baselines, on the years of a
// part: a table for each store that has such.
func (t *Training) Evaluate(ctx context.Context, b backend.Backend, part store.Part) ([]skill.Table, error) {
	judges, err := t.judgesOf(part)
	if err != nil {
		return nil, err
	}
	done, err := t.openJudges(b, judges)
	defer done()
	if err != nil {
		return nil, err
	}
	baselines, err := withoutModel(judges)
	if err != nil {
		return nil, err
	}
	models, err := withModel(ctx, judges)
	for i := range models {
		models[i] = append(baselines[i], models[i]...)
	}
	return models, err
}
