package main

import (
	"context"
	"errors"

	"github.com/urfave/cli/v2"

	"github.com/kiban-models/kiban/core/backend"
	"github.com/kiban-models/kiban/core/plan"
	"github.com/kiban-models/kiban/core/train"
)

// trainingRun is what all training verbs do alike around their training: the
// directory of the run, the device, the progress and how it ends.
type trainingRun struct {
	c      *cli.Context
	dir    string // of the run; "." in a dry run without -o
	dry    bool   // --dry-run: nothing is written
	resume bool
	device backend.Backend // after open
	record *runDir         // after start
	bar    *progress       // while it trains
	leave  func(bool)
}

// enterTraining takes the run's directory, unless --dry-run is given.
func enterTraining(c *cli.Context) (r *trainingRun, err error) {
	r = &trainingRun{c: c, dir: ".", dry: c.Bool("dry-run"), resume: c.String("resume") != ""}
	if r.dry {
		if out := c.String("out"); out != "" {
			r.dir = out
		}
		return r, nil
	}
	if r.dir, err = outputDir(c, r.resume); err != nil {
		return nil, err
	}
	if r.leave, err = enterRun(c, r.dir, r.resume); err != nil {
		return nil, err
	}
	return r, nil
}

// open opens the device.
func (r *trainingRun) open() (err error) {
	r.device, err = openBackend(r.c)
	return err
}

// Close gives the device and the directory back; what never started leaves no
// directory.
func (r *trainingRun) Close() {
	if r.device != nil {
		r.device.Close()
	}
	if r.leave != nil {
		r.leave(r.record != nil)
	}
}

// saved records the checkpoints.
func (r *trainingRun) saved(last, best string) error { return r.record.Checkpoints(last, best) }

// warn warns.
func (r *trainingRun) warn(text string) { warning(r.c, "%s", text) }

// tick shows each step; columns get the loss, smoothed over some 20 steps.
func (r *trainingRun) tick(columns func(loss float64, p train.Progress, res train.Result) []any) func(train.Progress, train.Result) {
	smooth := 0.0
	return func(p train.Progress, res train.Result) {
		if res.Skipped { // its loss may be anything
			return
		}
		if smooth == 0 {
			smooth = res.Loss
		}
		smooth += (res.Loss - smooth) / 20
		r.bar.Update(int64(p.Step), columns(smooth, p, res)...)
	}
}

// rate is how many tokens, or what else a run counts as such, it saw a second.
func rate(p train.Progress) float64 { return float64(p.Tokens) / max(1e-9, p.Seconds) }

// start begins the run's record: options are the resolved ones, all of them.
func (r *trainingRun) start(options any, seed uint64) (err error) {
	if !r.resume {
		if err := clearRun(r.dir); err != nil {
			return err
		}
	}
	r.record, err = startRun(r.c, r.dir, options, seed, r.device.Name())
	return err
}

// train runs the training, which has some steps behind it.
func (r *trainingRun) train(steps, behind int, run func(context.Context, backend.Backend) (train.Progress, error)) (train.Progress, error) {
	r.bar = newProgress(r.c, "training", int64(steps)).From(int64(behind))
	p, err := run(r.c.Context, r.device)
	r.bar.Done()
	if errors.Is(err, train.ErrInterrupted) {
		message(r.c, "saved at step %d; go on with --resume", p.Step)
		err = errInterrupted
	}
	return p, err
}

// finish records how the run ended, see runDir.Finish.
func (r *trainingRun) finish(err error, p train.Progress, results any) error {
	summary := map[string]any{"progress": p}
	if results != nil {
		summary["results"] = results
	}
	return r.record.Finish(r.c, err, summary)
}

// provenance is what a model says about the run that made it.
func (r *trainingRun) provenance(seed uint64) map[string]any {
	return map[string]any{
		"kiban": readVersion().Version, "device": r.device.Name(), "command": commandLine(r.c.App.Metadata["args"].([]string)), "seed": seed,
	}
}

// bannerEnd says on what a run trains and where it goes.
func (r *trainingRun) bannerEnd(compute string, seed uint64, m plan.Memory) {
	message(r.c, "device      %s, compute in %s, seed %d", r.device.Name(), compute, seed)
	message(r.c, "memory      %s: weights %s, optimizer %s, activations and gradients %s at most", size(m.Total()), size(m.Params), size(m.States), size(m.Scratch+m.IO))
	if !r.dry {
		message(r.c, "output      %s", r.dir)
	}
}
