package protein

import (
	"fmt"
	"path/filepath"

	"github.com/kiban-models/kiban/core/checkpoint"
	"github.com/kiban-models/kiban/core/train"
)

// readProgress reads how far the run of a checkpoint had come. Its checksum says
// that the file is as it was written, not that it was written by Kiban.
func readProgress(dir string, steps int) (train.Progress, error) {
	var p train.Progress
	path := filepath.Join(dir, "trainer_state.json")
	if err := readJSON(path, &p); err != nil {
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
	case p.Tokens < 0 || p.Seconds < 0 || p.LossSteps < 0 || p.BestAt < 0 || p.BestAt > p.Step || p.EvalAt < 0 || p.EvalAt > p.Step,
		!(p.Scaling.Scale >= 0) || p.Scaling.Skipped < 0 || p.Scaling.Skipped > p.Step || p.Scaling.Good < 0 || p.Scaling.InARow < 0:
		err = fmt.Errorf("%s: its numbers cannot be those of a run: %+v", path, p)
	}
	if err != nil {
		err = fmt.Errorf("%w; go on from another checkpoint with --resume DIR", err)
	}
	return p, err
}
