package main

import (
	"context"
	"fmt"
	"path/filepath"
	"time"

	"github.com/urfave/cli/v2"

	"github.com/kiban-models/kiban/core/backend"
	rundir "github.com/kiban-models/kiban/core/run"
	"github.com/kiban-models/kiban/core/token"
	"github.com/kiban-models/kiban/core/train"
	"github.com/kiban-models/kiban/materials/encoder"
	"github.com/kiban-models/kiban/materials/task"
)

// finetuning is what the tasks have in common: the model to begin with, and
// what is said of a run.
type finetuning struct {
	opt   taskOptions
	model *task.Model
	seed  uint64
	by    string // the score that decides
}

// start is what a task makes of a model.
type start struct {
	task.Start
	rows   []task.Row
	data   string // its digest
	counts string // of what is learnt from, for the banner
	held   int    // and of what is held out
	// score evaluates on held-out data, by a session over the backend; nil if
	// there is none.
	score func(ctx context.Context, b backend.Backend, s *task.Session) (train.Evaluation, error)
	// report, if not nil, leaves in the run directory what the model that was
	// chosen comes to, and returns what results.json is to say of it.
	report func(c *cli.Context, dir string, b backend.Backend, s *task.Session) (any, error)
}

// beginFinetuning resolves the options and opens the model that -m names, or
// makes one of the preset's shape, whose tokenizer learns from texts.
func beginFinetuning(c *cli.Context, epochs float64, by string, texts func(add func(string)) error) (*finetuning, error) {
	f := &finetuning{opt: taskDefaults(epochs), by: by}
	if err := resolveTask(c, &f.opt); err != nil {
		return nil, err
	}
	var err error
	if f.seed, err = parseSeed(f.opt.Seed); err != nil {
		return nil, err
	}
	if c.String("model") != "" {
		path, err := requireModel(c)
		if err != nil {
			return nil, err
		}
		f.model, err = task.OpenModel(path)
		if err != nil {
			return nil, err
		}
	} else if f.model, err = newEncoder(f.opt, texts); err != nil {
		return nil, err
	}
	m := f.model
	m.About.Length = min(f.opt.MaxTokens, m.Config.Context)
	m.Config.Dropout, m.Config.AttnDrop, m.Config.ClassifierDropout = float32(f.opt.Dropout), float32(f.opt.Dropout), nil
	return f, nil
}

// newEncoder makes an encoder without weights and its tokenizer.
func newEncoder(o taskOptions, texts func(add func(string)) error) (*task.Model, error) {
	trainer, err := token.NewWordPieceTrainer(token.WordPieceOptions{VocabSize: o.VocabSize, MinFrequency: 2, Rules: token.Rules{Lowercase: true}})
	if err != nil {
		return nil, err
	}
	if err := texts(trainer.Add); err != nil {
		return nil, err
	}
	w, err := trainer.Train()
	if err != nil {
		return nil, err
	}
	c := encoder.NewConfig(w.VocabSize(), o.MaxTokens, o.Layers, o.Width, o.Heads)
	c.Pad = w.PAD()
	return task.NewModel(c, w), nil
}

// run trains.
func (f *finetuning) run(c *cli.Context, s start) error {
	run, err := enterTraining(c)
	if err != nil {
		return err
	}
	defer run.Close()
	if err := run.open(); err != nil {
		return err
	}
	b := run.device
	o, err := f.options(run, s)
	if err != nil {
		return err
	}
	o.Saved, o.Warn = run.saved, run.warn
	o.Log = func(r train.Record) {
		if r.Split == "eval" {
			detail(c, "epoch %.3g: loss %.4f, %s %.4f", r.Epoch, r.Loss, f.by, r.Scores[f.by])
		}
	}
	o.Tick = run.tick(func(loss float64, p train.Progress, r train.Result) []any {
		return []any{"loss", loss, "best_" + f.by, p.BestScore, "lr", r.LR, "tok_s", rate(p)}
	})
	t, err := task.New(b.Limits(), o)
	if err != nil {
		return err
	}
	f.banner(run, s, o, t)
	if run.dry {
		m := t.Memory()
		out := table{columns: []string{"parameters", "trainable", "steps", "device", "precision", "memory_bytes", "weights_bytes", "optimizer_bytes", "activations_bytes"}}
		out.add(o.Config.Parameters(o.Head.Declare), t.Trainable(), t.Steps(), b.Name(), o.Policy.Compute.String(), m.Total(), m.Params, m.States, m.Scratch+m.IO)
		return printTable(c, c.App.Writer, out)
	}
	if err := run.start(f.opt, f.seed); err != nil {
		return err
	}
	p, err := run.train(t.Steps(), t.Resumed(), t.Run)
	if err != nil {
		return run.finish(err, p, nil)
	}
	took := time.Duration(p.Seconds * float64(time.Second)).Round(time.Second)
	if s.score == nil {
		message(c, "trained %d steps, not evaluated (give --validation) · %s", p.Step, took)
		return run.finish(nil, p, nil)
	}
	results, err := f.results(run, s, p, task.NewSession(b, o.Head, o.Config, o.Policy))
	if err != nil {
		return run.finish(err, p, nil)
	}
	message(c, "held-out %s %.4f at epoch %.3g of %.3g · %s", f.by, results.Scores[f.by], float64(p.BestAt)/t.StepsPerEpoch(), float64(p.Step)/t.StepsPerEpoch(), took)
	return run.finish(nil, p, results)
}

// taskResults is results.json.
type taskResults struct {
	BestStep int                `json:"best_step"`
	HeldOut  any                `json:"held_out,omitempty"`
	Loss     float64            `json:"loss"`
	Scores   map[string]float64 `json:"scores"`
}

// results scores what was trained, and writes that and the report.
func (f *finetuning) results(run *trainingRun, s start, p train.Progress, session *task.Session) (r taskResults, err error) {
	defer session.Close()
	e, err := s.score(run.c.Context, run.device, session)
	if err != nil {
		return r, err
	}
	r = taskResults{BestStep: p.BestAt, Loss: e.Loss, Scores: e.Scores}
	if s.report != nil {
		if r.HeldOut, err = s.report(run.c, run.dir, run.device, session); err != nil {
			return r, err
		}
	}
	return r, rundir.WriteJSON(filepath.Join(run.dir, "results.json"), r)
}

// options are those of a run on a device.
func (f *finetuning) options(run *trainingRun, s start) (task.Options, error) {
	c, b, opt := run.c, run.device, f.opt
	o := task.Options{
		Dir: run.dir, Config: s.Config, Head: s.Head, Source: s.Source, Train: s.rows, Data: s.data,
		Optimizer: train.Optimizer{
			LR: opt.LR, Schedule: train.Schedule(opt.Schedule), Steps: opt.MaxSteps, WeightDecay: opt.WeightDecay,
			Beta1: opt.Beta1, Beta2: opt.Beta2, GradClip: opt.GradClip, Accum: opt.GradAccum,
		},
		Epochs: opt.Epochs, BatchSize: opt.BatchSize, Seed: f.seed, HeadLR: opt.HeadLR, LayerDecay: opt.LRDecay,
		Freeze: opt.FreezeTo, Unfreeze: opt.Unfreeze, Patience: opt.Patience, Resume: c.String("resume"),
		MaxTime: opt.MaxTime, SaveInterval: opt.SaveTime, LogEvery: opt.LogEvery, Keep: opt.Keep,
	}
	if opt.FreezeTo == 0 {
		o.Freeze = -1
	}
	if opt.Schedule == "slanted_triangular" && opt.Warmup == taskDefaults(1).Warmup {
		o.WarmupShare = 0 // its own
	} else if opt.Warmup < 1 {
		o.WarmupShare = opt.Warmup
	} else {
		o.Optimizer.Warmup = int(opt.Warmup)
	}
	var err error
	if o.Policy, err = policy(opt.Precision, true, b); err != nil {
		return o, err
	}
	if s.score != nil {
		o.Score = func(ctx context.Context, session *task.Session) (train.Evaluation, error) {
			return s.score(ctx, b, session)
		}
	}
	about := s.About
	hash, err := f.model.Hash()
	if err != nil {
		return o, err
	}
	about.Provenance = run.provenance(f.seed)
	about.Provenance["data_sha256"] = s.data
	if hash != "" {
		about.Provenance["model"], about.Provenance["model_sha256"] = f.model.Path, hash
	}
	o.Files = func(dir string) error { return task.WriteFiles(dir, s.WordPiece, f.model.Path, about) }
	return o, nil
}

// banner says before the first step what is going to happen.
func (f *finetuning) banner(run *trainingRun, s start, o task.Options, t *task.Training) {
	c := run.c
	if len(s.Fresh) > 0 && c.String("model") != "" {
		message(c, "new         %d tensors of the head are drawn: %s has none for %d labels", len(s.Fresh), f.model.Path, len(o.Head.Labels))
	}
	message(c, "model       %d layers, width %d, %d heads, vocabulary %s, %s head: %s parameters, %s train", o.Config.Layers, o.Config.Width, o.Config.Heads, human(o.Config.Vocab), o.Head.Kind, human(o.Config.Parameters(o.Head.Declare)), human(t.Trainable()))
	if s.held > 0 {
		s.counts += fmt.Sprintf(", %d held out", s.held)
	}
	message(c, "data        %s, %d labels", s.counts, len(o.Head.Labels))
	message(c, "steps       %s of %d texts, %.3g epochs", human(t.Steps()), o.BatchSize*max(1, f.opt.GradAccum), float64(t.Steps())/t.StepsPerEpoch())
	message(c, "optimizer   AdamW, learning rate %g, of the head %g, %s, weight decay %g, clip %g", f.opt.LR, f.opt.HeadLR, f.opt.Schedule, f.opt.WeightDecay, f.opt.GradClip)
	run.bannerEnd(o.Policy.Compute.String(), o.Seed, t.Memory())
}
