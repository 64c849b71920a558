package main

import (
	"context"
	"fmt"
	"strings"

	"github.com/urfave/cli/v2"

	"github.com/kiban-models/kiban/climate/field"
	"github.com/kiban-models/kiban/climate/pair"
	stores "github.com/kiban-models/kiban/climate/store"
	"github.com/kiban-models/kiban/climate/task"
	"github.com/kiban-models/kiban/core/backend"
	"github.com/kiban-models/kiban/core/nn"
	"github.com/kiban-models/kiban/core/train"
)

// climateRun is a run of climate pretrain or finetune.
type climateRun struct {
	c     *cli.Context
	fine  bool
	opt   climateOptions
	seed  uint64
	set   *stores.Set
	pairs *pair.Pairs // with --to
	model *task.Model // of finetune
	setup task.Setup
	reach int
	eval  []int
	begun task.Begun // of finetune
	about task.About
	run   *trainingRun
}

func runClimatePretrain(c *cli.Context) error { return runClimateTraining(c, false) }
func runClimateFinetune(c *cli.Context) error { return runClimateTraining(c, true) }

func runClimateTraining(c *cli.Context, fine bool) (err error) {
	r := &climateRun{c: c, fine: fine, opt: climateDefaults(fine)}
	if err := r.resolve(); err != nil {
		return err
	}
	if r.set, err = openStores(c); err != nil {
		return err
	}
	defer r.set.Close()
	if to := c.String("to"); to != "" {
		if err := r.openTarget(to); err != nil {
			return err
		}
		defer r.pairs.Target.Close()
	}
	if fine {
		path, err := requireModel(c)
		if err != nil {
			return err
		}
		if r.model, err = task.OpenModel(path, task.OpenOptions{Heads: c.Int("heads")}); err != nil {
			return err
		}
		defer r.model.Close()
		if err := r.inheritHistory(); err != nil {
			return err
		}
	}
	if r.pairs == nil && r.opt.History > 0 {
		return usagef("flag --history: %d records of what leads to which climate? Name it with --to. See %s --help", r.opt.History, c.Command.HelpName)
	}
	if err := r.describe(); err != nil {
		return err
	}
	if r.run, err = enterTraining(c); err != nil {
		return err
	}
	defer r.run.Close()
	if err := r.run.open(); err != nil {
		return err
	}
	b := r.run.device
	o, err := r.options()
	if err != nil {
		return err
	}
	r.watch(&o)
	var fitting *progress
	o.Fitting = func(done, total int) {
		if fitting == nil || done == 1 {
			fitting = newProgress(c, "fitting baselines", int64(total)).Unit("field")
		}
		if fitting.Update(int64(done)); done == total {
			fitting.Done()
		}
	}
	t, err := task.New(c.Context, b.Limits(), o)
	if err != nil {
		return err
	}
	r.banner(o, t)
	if r.run.dry {
		m := t.Memory()
		out := table{columns: []string{"parameters", "trainable", "steps", "device", "precision", "memory_bytes", "weights_bytes", "optimizer_bytes", "activations_bytes"}}
		out.add(o.Config.Parameters(), t.Trainable(), t.Steps(), b.Name(), o.Policy.Compute.String(), m.Total(), m.Params, m.States, m.Scratch+m.IO)
		return printTable(c, c.App.Writer, out)
	}
	if err := r.run.start(r.opt, r.seed); err != nil {
		return err
	}
	var out task.Outcome
	p, err := r.run.train(t.Steps(), t.Resumed(), func(ctx context.Context, b backend.Backend) (_ train.Progress, err error) {
		out, err = t.Run(ctx, b)
		return out.Progress, err
	})
	if err != nil {
		return r.run.finish(err, p, nil)
	}
	res := newClimateResults(out)
	if err = res.write(r.run.dir); err == nil {
		err = writeClimateReport(c, r.run.dir, r.title(), res, out)
	}
	if err == nil {
		r.tell(o.Config, t, out)
	}
	return r.run.finish(err, p, res)
}

func (r *climateRun) title() string {
	switch {
	case r.projects():
		return "Projector"
	case r.pairs != nil:
		return "Downscaler"
	}
	if r.fine {
		return "Fine-tuned forecaster"
	}
	return "Pretrained forecaster"
}

// resolve reads the options.
func (r *climateRun) resolve() error {
	p := climatePresets
	if r.fine {
		p = finePresets
	} else if r.c.String("model") != "" {
		return usagef("flag --model: pretrain begins a new model; give the model to kiban climate finetune. See %s --help", r.c.Command.HelpName)
	}
	text, err := p.read(r.c.String("preset"))
	if err != nil {
		return err
	}
	if err := resolveTraining(r.c, &r.opt, text); err != nil {
		return err
	}
	if r.seed, err = parseSeed(r.opt.Seed); err != nil {
		return err
	}
	if err := r.checkTo(); err != nil {
		return err
	}
	return r.opt.check(r.c.Command.HelpName, r.fine)
}

// describe says what is to be learnt.
func (r *climateRun) describe() (err error) {
	o, help := &r.opt, r.c.Command.HelpName
	step := r.set.Stores[0].Step()
	if (step == field.Step{}) {
		return fmt.Errorf("%s: has one time only; nothing can be forecast from it", r.set.Stores[0].Dir())
	}
	r.setup = task.Setup{Target: task.Target(o.Target), Season: o.Season, Iterations: o.Iterate, Mirrored: o.Mirrored}
	for name := range strings.SplitSeq(o.Vars, ",") {
		if name = strings.TrimSpace(name); name != "" {
			r.setup.Variables = append(r.setup.Variables, name)
		}
	}
	if o.Region != "" {
		region, err := field.ParseRegion(o.Region, "climax")
		if err != nil {
			return usagef("flag --region: %s. See %s --help", strings.TrimPrefix(err.Error(), "field: "), help)
		}
		r.setup.Region = &region
	}
	if r.fine {
		r.inherit()
	}
	switch {
	case r.projects():
		return r.describeProjection()
	case r.pairs != nil:
		return r.describeDownscaling()
	}
	text := o.Lead
	switch {
	case text != "":
	case r.setup.Leads != nil: // the model's
	case r.fine:
		text = someLead(step)
	default:
		text = usualLeads(step)
	}
	if text != "" {
		if r.setup.Leads, r.reach, err = o.leads(text, "lead", help, step); err != nil {
			return err
		}
	}
	if o.EvalLead != "" {
		if r.eval, _, err = o.leads(o.EvalLead, "eval-lead", help, step); err != nil {
			return err
		}
	}
	if r.about, err = task.Describe(r.set.Stores, r.setup); err != nil {
		return err
	}
	o.Lead = text
	return r.begin(r.set.Stores[0].Dir())
}

// begin looks at the patches of the grid, that of some data, and at what the
// model begins with.
func (r *climateRun) begin(data string) (err error) {
	o := &r.opt
	patch := o.Patch
	if r.fine {
		patch = r.model.Config.Patch
	}
	if err := wholePatches(data, len(r.about.Grid.Lat), len(r.about.Grid.Lon), patch, r.fine); err != nil {
		return err
	}
	// config.yaml says what holds.
	o.Target, o.Season = string(r.about.Target), r.about.Season
	if r.fine {
		r.begun, err = r.model.Begin(&r.about, r.seed)
	}
	return err
}

// inherit takes from the model what the options leave open.
func (r *climateRun) inherit() {
	north := false // as published
	if a := r.model.About; a != nil {
		if g, err := a.Grid.Field(); err == nil {
			north = g.NorthFirst()
		}
		if r.setup.Target == "" && (a.Task == task.Downscale) == (r.pairs != nil) {
			r.setup.Target = a.Target
		}
		r.setup.Season = r.setup.Season || a.Season
		if where := a.Where(); r.setup.Region == nil && len(where.Boxes) > 0 {
			r.setup.Region, r.setup.Mirrored = &where, a.Mirrored
		}
		if a.Task == task.Forecast && a.Step() == r.set.Stores[0].Step() && r.setup.Iterations <= 1 {
			r.setup.Leads = a.Leads
		}
		if a.Target != r.setup.Target && r.setup.Target != "" && r.pairs == nil {
			warning(r.c, "the model made the %s, and is now to learn the %s", a.Target, r.setup.Target)
		}
	}
	r.setup.NorthFirst = &north
}

// options are those of a run on a device.
func (r *climateRun) options() (o task.Options, err error) {
	c, opt := r.c, &r.opt
	o = task.Options{
		Dir: r.run.dir, About: r.about, Stores: r.set.Stores, Pairs: r.pairs, BatchSize: opt.BatchSize, Seed: r.seed, Recompute: opt.Recompute, Epochs: opt.Epochs,
		Optimizer: train.Optimizer{
			LR: opt.LR, MinLR: opt.MinLR, Schedule: train.Schedule(opt.Schedule), Steps: opt.MaxSteps, WeightDecay: opt.WeightDecay,
			Beta1: opt.Beta1, Beta2: opt.Beta2, GradClip: opt.GradClip, Accum: opt.GradAccum,
		},
		Reach: r.reach, Freeze: task.Freeze(opt.Freeze), EvalLeads: r.eval, EvalExamples: opt.EvalExamples, Patience: opt.Patience,
		Resume: c.String("resume"), MaxTime: opt.MaxTime, SaveInterval: opt.SaveTime, Keep: opt.Keep, LogEvery: opt.LogEvery,
		Saved: r.run.saved, Warn: r.run.warn,
	}
	if r.pairs != nil {
		o.Stores = nil
	}
	if opt.Warmup < 1 {
		o.WarmupShare = opt.Warmup
	} else {
		o.Optimizer.Warmup = int(opt.Warmup)
	}
	if o.Policy, err = policy(opt.Precision, true, r.run.device); err != nil {
		return o, err
	}
	o.About.Provenance = r.run.provenance(r.seed)
	o.About.Provenance["sources"] = r.sources()
	if !r.fine {
		o.Config = r.about.NewConfig(opt.Patch, opt.Width, opt.Layers, opt.Heads)
		if r.projects() {
			o.Config = r.about.NewProjector(opt.Patch, opt.Width, opt.Layers, opt.Heads)
		}
		o.Config.DecoderDepth = opt.DecoderDepth
	} else {
		o.Config, o.Source, o.Base = r.begun.Config, r.begun.Source, r.model.Path
		hash, err := r.model.Hash()
		if err != nil {
			return o, err
		}
		o.About.Provenance["model"], o.About.Provenance["model_sha256"] = r.model.Path, hash
	}
	if opt.LoRARank > 0 {
		o.LoRA = &nn.LoRA{Rank: opt.LoRARank, Alpha: opt.LoRAAlpha, Dropout: float32(opt.LoRADropout),
			Targets: strings.FieldsFunc(opt.LoRATargets, func(r rune) bool { return r == ',' || r == ' ' })}
	}
	o.Config.Frozen = r.projects() && o.Freeze == task.FreezeBody
	o.Config.Dropout, o.Config.DropPath = float32(opt.Dropout), float32(opt.DropPath)
	if err := o.Config.Validate(); err != nil {
		return o, fmt.Errorf("%s: %w", r.set.Stores[0].Dir(), err)
	}
	return o, nil
}

// sources are the files that the data came from.
func (r *climateRun) sources() []stores.Source {
	var all []stores.Source
	for _, s := range r.set.Stores {
		all = append(all, s.Manifest().Sources...)
	}
	if r.pairs != nil {
		all = append(all, r.pairs.Target.Manifest().Sources...)
	}
	return all
}

// watch shows how a run goes.
func (r *climateRun) watch(o *task.Options) {
	o.Log = func(rec train.Record) {
		if rec.Split == "eval" {
			detail(r.c, "epoch %.3g: normalised RMSE %.4f (%s)", rec.Epoch, rec.Scores["w_rmse"], besideText(rec.Scores, r.about.Baselines()))
		}
	}
	o.Tick = r.run.tick(func(loss float64, p train.Progress, res train.Result) []any {
		return []any{"loss", loss, "best_eval_loss", p.Best, "lr", res.LR, "samples_s", rate(p)}
	})
}
