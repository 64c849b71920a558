package main

import (
	"context"
	"errors"
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
func (f *finetuning) run(c *cli.Context, s start) (err error) {
	resume := c.String("resume") != ""
	dir := "."
	if c.Bool("dry-run") && c.String("out") != "" {
		dir = c.String("out")
	} else if !c.Bool("dry-run") {
		if dir, err = outputDir(c, resume); err != nil {
			return err
		}
	}
	var record *runDir
	if !c.Bool("dry-run") {
		leave, err := enterRun(c, dir, resume)
		if err != nil {
			return err
		}
		defer func() { leave(record != nil) }()
	}
	b, err := openBackend(c)
	if err != nil {
		return err
	}
	defer b.Close()
	o, err := f.options(c, s, dir, b)
	if err != nil {
		return err
	}
	o.Saved = func(last, best string) error { return record.Checkpoints(last, best) }
	var bar *progress
	o.Log = func(r train.Record) {
		if r.Split == "eval" {
			detail(c, "epoch %.3g: loss %.4f, %s %.4f", r.Epoch, r.Loss, f.by, r.Scores[f.by])
		}
	}
	smooth := 0.0
	o.Tick = func(p train.Progress, r train.Result) {
		if r.Skipped { // its loss may be anything
			return
		}
		if smooth == 0 {
			smooth = r.Loss
		}
		smooth += (r.Loss - smooth) / 20
		bar.Update(int64(p.Step), "loss", smooth, "best_"+f.by, p.BestScore, "lr", r.LR, "tok_s", float64(p.Tokens)/max(1e-9, p.Seconds))
	}
	t, err := task.New(b.Limits(), o)
	if err != nil {
		return err
	}
	f.banner(c, s, o, t, b)
	if c.Bool("dry-run") {
		m := t.Memory()
		out := table{columns: []string{"parameters", "trainable", "steps", "device", "precision", "memory_bytes", "weights_bytes", "optimizer_bytes", "activations_bytes"}}
		out.add(o.Config.Parameters(o.Head.Declare), t.Trainable(), t.Steps(), b.Name(), o.Policy.Compute.String(), m.Total(), m.Params, m.States, m.Scratch+m.IO)
		return printTable(c, c.App.Writer, out)
	}
	if !resume {
		if err := clearRun(dir); err != nil {
			return err
		}
	}
	if record, err = startRun(c, dir, f.opt, f.seed, b.Name()); err != nil {
		return err
	}
	bar = newProgress(c, "training", int64(t.Steps())).From(int64(t.Resumed()))
	p, err := t.Run(c.Context, b)
	bar.Done()
	if prof, ok := b.(interface{ Profile() string }); ok && c.Bool("profile") {
		message(c, "time by kernel\n%s", prof.Profile())
	}
	summary := map[string]any{"progress": p}
	if err != nil {
		if errors.Is(err, train.ErrInterrupted) {
			message(c, "saved at step %d; go on with --resume", p.Step)
			err = errInterrupted
		}
		return record.Finish(c, err, summary)
	}
	if s.score != nil {
		session := task.NewSession(b, o.Head, o.Config, o.Policy)
		e, err := s.score(c.Context, b, session)
		var more any
		if err == nil && s.report != nil {
			more, err = s.report(c, dir, b, session)
		}
		session.Close()
		if err != nil {
			return record.Finish(c, err, summary)
		}
		results := map[string]any{"loss": e.Loss, "scores": e.Scores, "best_step": p.BestAt}
		if more != nil {
			results["held_out"] = more
		}
		summary["results"] = results
		if err := rundir.WriteJSON(filepath.Join(dir, "results.json"), summary["results"]); err != nil {
			return record.Finish(c, err, summary)
		}
		message(c, "held-out %s %.4f at epoch %.3g of %.3g · %s", f.by, e.Scores[f.by], float64(p.BestAt)/t.StepsPerEpoch(), float64(p.Step)/t.StepsPerEpoch(), time.Duration(p.Seconds*float64(time.Second)).Round(time.Second))
	} else {
		message(c, "trained %d steps, not evaluated (give --validation) · %s", p.Step, time.Duration(p.Seconds*float64(time.Second)).Round(time.Second))
	}
	return record.Finish(c, nil, summary)
}

// options are those of a run on a device.
func (f *finetuning) options(c *cli.Context, s start, dir string, b backend.Backend) (task.Options, error) {
	opt := f.opt
	o := task.Options{
		Dir: dir, Config: s.Config, Head: s.Head, Source: s.Source, Train: s.rows, Data: s.data,
		Optimizer: train.Optimizer{
			LR: opt.LR, Schedule: train.Schedule(opt.Schedule), Steps: opt.MaxSteps, WeightDecay: opt.WeightDecay,
			Beta1: opt.Beta1, Beta2: opt.Beta2, GradClip: opt.GradClip, Accum: opt.GradAccum,
		},
		Epochs: opt.Epochs, BatchSize: opt.BatchSize, Seed: f.seed, HeadLR: opt.HeadLR, LayerDecay: opt.LRDecay,
		Freeze: opt.FreezeTo, Unfreeze: opt.Unfreeze, Patience: opt.Patience, Resume: c.String("resume"),
		MaxTime: opt.MaxTime, SaveInterval: opt.SaveTime, LogEvery: opt.LogEvery, Keep: opt.Keep,
		Warn: func(w string) { warning(c, "%s", w) },
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
	about.Provenance = map[string]any{
		"kiban": readVersion().Version, "device": b.Name(), "command": commandLine(c.App.Metadata["args"].([]string)), "seed": f.seed, "data_sha256": s.data,
	}
	if hash != "" {
		about.Provenance["model"], about.Provenance["model_sha256"] = f.model.Path, hash
	}
	o.Files = func(dir string) error { return task.WriteFiles(dir, s.WordPiece, f.model.Path, about) }
	return o, nil
}

// banner says before the first step what is going to happen.
func (f *finetuning) banner(c *cli.Context, s start, o task.Options, t *task.Training, b backend.Backend) {
	m := t.Memory()
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
	message(c, "device      %s, compute in %v, seed %d", b.Name(), o.Policy.Compute, o.Seed)
	message(c, "memory      %s: weights %s, optimizer %s, activations and gradients %s at most", size(m.Total()), size(m.Params), size(m.States), size(m.Scratch+m.IO))
	if !c.Bool("dry-run") {
		message(c, "output      %s", o.Dir)
	}
}
