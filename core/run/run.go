// Package run keeps the directory of a training run: checkpoints with their
// place in the data, and the choice of the one to go on from; the history and
// TensorBoard's events. What a model is, and what decides which data a step
// sees, is the caller's.
package run

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"strings"

	"github.com/kiban-models/kiban/core/backend"
	"github.com/kiban-models/kiban/core/checkpoint"
	"github.com/kiban-models/kiban/core/plan"
	"github.com/kiban-models/kiban/core/tensor"
	"github.com/kiban-models/kiban/core/train"
)

// EventsDir is the directory of a run's TensorBoard events.
const EventsDir = "runs"

// Newest asks Find for the newest checkpoint.
const Newest = "newest"

// The files of a checkpoint beside the model's.
const (
	stateFile     = "data_state.json"
	progressFile  = "trainer_state.json"
	optimizerFile = "optimizer.safetensors"
)

// Directory is the directory of a run.
type Directory struct {
	Path string
	Keep int // checkpoints; 0 means 3
	// Model writes the model and what belongs to it into a checkpoint, so that
	// it is a model directory.
	Model func(dir string, weights checkpoint.Source) error
	// State decides which data a step sees; it is kept as JSON.
	State   any
	Moments []plan.Named // of the optimizer
	Warn    func(string) // may be nil
	// Saved, if not nil, learns the names of the last and the best checkpoint,
	// "" for none, whenever they may have changed.
	Saved func(last, best string) error
}

// Weights reads weights and moments from a backend.
func Weights(b backend.Backend) checkpoint.Source { return device{b} }

type device struct{ b backend.Backend }

func (d device) Tensor(name string) (*tensor.Tensor, error) { return d.b.Get(name) }

// Save makes the checkpoint of p and prunes older ones. One of the same step
// is replaced.
func (d *Directory) Save(b backend.Backend, p train.Progress) error {
	err := checkpoint.Save(d.Path, p.Step, func(dir string) error {
		if err := d.Model(dir, Weights(b)); err != nil {
			return err
		}
		if err := checkpoint.Write(filepath.Join(dir, optimizerFile), d.moments(), Weights(b), nil); err != nil {
			return err
		}
		if err := WriteJSON(filepath.Join(dir, progressFile), p); err != nil {
			return err
		}
		return WriteJSON(filepath.Join(dir, stateFile), d.State)
	})
	if err != nil {
		return err
	}
	if err := d.Tell(p); err != nil {
		return err
	}
	keep := d.Keep
	if keep == 0 {
		keep = 3
	}
	// This one is not the newest after going on from an earlier one.
	return checkpoint.Prune(d.Path, max(2, keep), CheckpointName(p.BestAt), CheckpointName(p.Step))
}

// CheckpointName returns the name of the checkpoint of a step.
func CheckpointName(step int) string { return fmt.Sprintf("checkpoint-%d", step) }

// Best returns the directory of the checkpoint of the best evaluation, "" if
// it was not saved.
func (d *Directory) Best(p train.Progress) string {
	dir := filepath.Join(d.Path, CheckpointName(p.BestAt))
	if st, err := os.Stat(dir); p.BestAt == 0 || err != nil || !st.IsDir() {
		return ""
	}
	return dir
}

// Tell tells the caller which checkpoints there are: that of p, and that of
// the best evaluation if it was saved. Both follow from p and the directory
// alone, so that a run that was killed says the same as one that was not.
func (d *Directory) Tell(p train.Progress) error {
	if d.Saved == nil {
		return nil
	}
	there := func(step int) string {
		name := CheckpointName(step)
		if st, err := os.Stat(filepath.Join(d.Path, name)); err != nil || !st.IsDir() {
			return ""
		}
		return name
	}
	return d.Saved(there(p.Step), there(p.BestAt))
}

// Find returns the checkpoint that resume asks for, Newest or a directory,
// which is whole, and reads its state into state; "" if a run was stopped
// before its first save. Whether it belongs to this run is for the caller to
// say.
func (d *Directory) Find(resume string, state any) (string, error) {
	if resume == "" {
		return "", nil
	}
	warn := d.Warn
	if warn == nil {
		warn = func(string) {}
	}
	dir := resume
	if dir == Newest {
		newest, _, warnings, err := checkpoint.Latest(d.Path)
		for _, w := range warnings {
			warn(w)
		}
		if errors.Is(err, fs.ErrNotExist) { // stopped before the first save
			warn(d.Path + ": no checkpoint yet; starting from the beginning")
			return "", nil
		}
		if err != nil {
			return "", err
		}
		dir = newest
	} else if err := checkpoint.Verify(dir); err != nil {
		return "", err
	}
	return dir, ReadJSON(filepath.Join(dir, stateFile), state)
}

// Field is one of those that decide which data a step sees, as it is shown.
type Field struct {
	Name  string
	Value any // comparable
}

// GoOn is Find for a run whose state is now, and whose fields are what it is
// refused by if they were others.
func GoOn[S comparable](d *Directory, resume string, now S, fields func(S) []Field) (string, error) {
	var was S
	dir, err := d.Find(resume, &was)
	if err != nil || dir == "" || was == now {
		return dir, err
	}
	var all []string
	is := fields(now)
	for i, f := range fields(was) {
		if f != is[i] {
			all = append(all, fmt.Sprintf("%s was %v and is %v", f.Name, f.Value, is[i].Value))
		}
	}
	return "", fmt.Errorf("%s: cannot go on from it with other data or batches: %s; give the options of its config.yaml, or start a new run", dir, strings.Join(all, ", "))
}

// Restore puts the checkpoint dir of a run of so many steps, whose weights put
// loads, and returns how far it had come.
func (d *Directory) Restore(b backend.Backend, dir string, steps int, put func(dir string) error) (train.Progress, error) {
	p, err := ReadProgress(dir, steps)
	if err != nil {
		return p, err
	}
	if err := put(dir); err != nil {
		return p, err
	}
	return p, d.RestoreMoments(b, dir)
}

// RestoreMoments puts the moments of a checkpoint.
func (d *Directory) RestoreMoments(b backend.Backend, dir string) error {
	path := filepath.Join(dir, optimizerFile)
	f, err := checkpoint.Open(path)
	if err != nil {
		return err
	}
	defer f.Close()
	if err := checkpoint.Fill(b.Put, d.moments(), f, checkpoint.FillOptions{}); err != nil {
		return fmt.Errorf("%s: %w", path, err)
	}
	return nil
}

func (d *Directory) moments() []checkpoint.Spec {
	var specs []checkpoint.Spec
	for _, m := range d.Moments {
		specs = append(specs, checkpoint.Spec{Name: m.Name, DType: m.DType, Shape: m.Shape})
	}
	return specs
}

// Loop runs a loop whose Log, and Save if it is nil, are this directory's: it
// leaves checkpoints, metrics.jsonl and TensorBoard's events there, and warns of
// steps that were skipped. log, if not nil, sees each record first.
func (d *Directory) Loop(ctx context.Context, b backend.Backend, l train.Loop, p train.Progress, log func(train.Record)) (train.Progress, error) {
	history, err := train.OpenHistory(filepath.Join(d.Path, "metrics.jsonl"), p.Step)
	if err != nil {
		return p, err
	}
	defer history.Close()
	events, err := train.OpenEvents(filepath.Join(d.Path, EventsDir), p.Step)
	if err != nil {
		return p, err
	}
	defer events.Close()
	l.Log = func(r train.Record) error {
		if log != nil {
			log(r)
		}
		return errors.Join(history.Add(r), events.Add(r))
	}
	if tick := l.Tick; d.Warn != nil {
		l.Tick = func(p train.Progress, r train.Result) {
			if r.Skipped {
				d.Warn(fmt.Sprintf("step %d: the gradients overflow f16; it was skipped, and the loss scale is %g from now on", p.Step, p.Scaling.Scale))
			}
			if tick != nil {
				tick(p, r)
			}
		}
	}
	if l.Save == nil {
		l.Save = func(p train.Progress) error { return d.Save(b, p) }
	}
	return l.Run(ctx, p)
}
