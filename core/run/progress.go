package run

import (
	"encoding/json"
	"fmt"
	"io"
	"path/filepath"
	"slices"

	"github.com/kiban-models/kiban/core/checkpoint"
	"github.com/kiban-models/kiban/core/train"
)

// ReadProgress reads how far the run of a checkpoint had come, of steps in all.
// Its checksum says that the file is as it was written, not that it was written
// by Kiban.
func ReadProgress(dir string, steps int) (train.Progress, error) {
	var p train.Progress
	path := filepath.Join(dir, progressFile)
	if err := ReadJSON(path, &p); err != nil {
		return p, err
	}
	saved, err := checkpoint.Step(dir)
	if err != nil {
		return p, err
	}
	switch {
	case p.Step != saved:
		err = fmt.Errorf("%s: it is of step %d, but the checkpoint of step %d", path, p.Step, saved)
	case p.Step > steps:
		err = fmt.Errorf("%s: step %d of a run of %d steps", path, p.Step, steps)
	case p.Tokens < 0 || p.Seconds < 0 || p.LossSteps < 0 || p.BestAt < 0 || p.BestAt > p.Step || p.EvalAt < 0 || p.EvalAt > p.Step || p.Worse < 0,
		!(p.Scaling.Scale >= 0) || p.Scaling.Skipped < 0 || p.Scaling.Skipped > p.Step || p.Scaling.Good < 0 || p.Scaling.InARow < 0,
		slices.ContainsFunc(p.Skipped, func(n int) bool { return n < 0 || n > p.Scaling.Skipped }):
		err = fmt.Errorf("%s: its numbers cannot be those of a run: %+v", path, p)
	}
	if err != nil {
		err = fmt.Errorf("%w; go on from another checkpoint with --resume DIR", err)
	}
	return p, err
}

// maxJSON bounds a file of ReadJSON; what kiban writes is far smaller.
const maxJSON = 64 << 20

// ReadJSON reads a file into v: a regular one within its directory. The error
// names the file.
func ReadJSON(path string, v any) error {
	data, err := checkpoint.ReadFile(filepath.Dir(path), filepath.Base(path), maxJSON)
	if err != nil {
		return err
	}
	if err := json.Unmarshal(data, v); err != nil {
		return fmt.Errorf("%s: %w", path, err)
	}
	return nil
}

// WriteJSON writes v, indented, in one step.
func WriteJSON(path string, v any) error {
	data, err := json.MarshalIndent(v, "", "  ")
	if err != nil {
		return err
	}
	return checkpoint.WriteFile(path, func(w io.Writer) error {
		_, err := w.Write(append(data, '\n'))
		return err
	})
}
