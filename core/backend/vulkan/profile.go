package vulkan

import (
	"maps"
	"math"
	"time"

	"github.com/kiban-models/kiban/core/backend"
	"github.com/kiban-models/kiban/core/backend/vulkan/internal/vkshim"
	"github.com/kiban-models/kiban/core/plan"
)

var _ backend.Profiled = (*Backend)(nil)

// stopwatch takes the time of a program's dispatches on the device: one
// timestamp at the beginning and one after each. In between each dispatch waits
// for the one before, so that its time is its own; without a stopwatch those
// that may do run side by side.
type stopwatch struct {
	pool  uint64
	steps []timed
	ticks []uint64
}

// timed is a step.
type timed struct {
	row        string // of the profile
	work       plan.Work
	dispatches int
}

// row names a step in the profile: by its kernel, or by the shader if it is one
// dispatch, which says which variant of the kernel was taken.
func row(s plan.Step, ds []dispatch) string {
	if len(ds) == 1 {
		return ds[0].shader
	}
	return s.Kernel
}

// newStopwatch returns nil where times are not asked for, or not to be had.
func (b *Backend) newStopwatch(dispatches int, steps []timed) (*stopwatch, error) {
	if !b.profile || b.f.TimestampBits == 0 || dispatches == 0 {
		return nil, nil
	}
	pool, err := b.dev.NewQueries(dispatches + 1)
	if err != nil {
		return nil, b.fail(err)
	}
	return &stopwatch{pool, steps, make([]uint64, dispatches+1)}, nil
}

// begin is recorded before the first dispatch, after after dispatch i.
func (w *stopwatch) begin(c *vkshim.Commands) {
	if w != nil {
		c.Forget(w.pool, len(w.ticks))
		c.Stamp(w.pool, 0)
	}
}

func (w *stopwatch) after(i int, c *vkshim.Commands) {
	if w != nil {
		c.Stamp(w.pool, i+1)
	}
}

// profiled adds runs that began then, and are done.
func (r *Runner) profiled(begun time.Time, runs int) error {
	b, w := r.b, r.watch
	if !b.profile {
		return nil
	}
	b.spent.Runs += int64(runs)
	b.spent.Wall += time.Since(begun)
	if w == nil {
		return nil
	}
	if err := b.dev.ReadQueries(w.pool, w.ticks); err != nil {
		return b.fail(err)
	}
	mask := uint64(math.MaxUint64) >> (64 - b.f.TimestampBits)
	at := 0
	for _, s := range w.steps {
		var ticks uint64
		for range s.dispatches {
			ticks += (w.ticks[at+1] - w.ticks[at]) & mask // the clock may have come round
			at++
		}
		sum := b.spent.Kernels[s.row]
		sum.Add(1, int64(float64(ticks)*b.f.tick), s.work)
		b.spent.Kernels[s.row] = sum
	}
	return nil
}

// Profile returns the time on the device of every kernel so far, and of the
// runs; there is none without Options.Profile.
func (b *Backend) Profile() backend.Profile {
	p := b.spent
	p.Kernels = maps.Clone(p.Kernels)
	p.Note = b.cache.String()
	if b.f.tuner != nil {
		p.Note += "\n" + b.f.tuner.String()
	}
	if b.profile && b.f.TimestampBits == 0 {
		p.Note += "\nthe device takes no timestamps"
	}
	return p
}
