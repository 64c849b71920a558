package train

import (
	"fmt"
	"math"
)

// Dynamic loss scaling as torch.amp.GradScaler has it. After maxSkips steps in
// a row that were not taken, the scale is not what is wrong.
const (
	firstScale  = 1 << 16
	growthEvery = 2000 // good steps
	maxSkips    = 20
)

// Scaling is the state of dynamic loss scaling (Micikevicius et al. 2018,
// arXiv:1710.03740), which a step in f16 has so that small gradients do not
// become zero: the loss is multiplied by Scale, the gradients divided by it
// again. A step whose gradients overflow is not taken, and the scale halved;
// after 2000 good ones it is doubled. The zero value is that of a new run.
type Scaling struct {
	Scale   float64 `json:"scale"` // 0 means none yet
	Good    int     `json:"good_steps"`
	Skipped int     `json:"skipped"` // steps that were not taken, in all
	InARow  int     `json:"skipped_in_a_row"`
}

// took returns the state after a step whose gradients were finite or not.
func (s Scaling) took(finite bool) Scaling {
	if !finite {
		return Scaling{Scale: s.Scale / 2, Skipped: s.Skipped + 1, InARow: s.InARow + 1}
	}
	s.Good, s.InARow = s.Good+1, 0
	if s.Good == growthEvery {
		s.Scale, s.Good = s.Scale*2, 0
	}
	return s
}

// finish judges a step whose loss and norm have been read.
func (t *Trainer) finish(step int, r *Result) error {
	finite := func(x float64) bool { return !math.IsNaN(x) && !math.IsInf(x, 0) }
	if !t.plan.scaled() || finite(r.GradNorm) {
		if !finite(r.Loss) || !finite(r.GradNorm) {
			return fmt.Errorf("train: step %d: loss %g and gradient norm %g are not finite; lower the learning rate, or use --precision f32", step, r.Loss, r.GradNorm)
		}
		if t.plan.scaled() {
			t.scaling = t.scaling.took(true)
		}
		return nil
	}
	r.Skipped, r.GradNorm = true, 0
	if t.scaling = t.scaling.took(false); t.scaling.InARow >= maxSkips {
		return fmt.Errorf("train: step %d: gradients are not finite for %d steps in a row, down to a loss scale of %g; lower the learning rate, or use --precision bf16 or f32", step, maxSkips, t.scaling.Scale)
	}
	return nil
}
