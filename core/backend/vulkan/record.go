package vulkan

import (
	"fmt"

	vk "github.com/vulkan-go/vulkan"

	"github.com/kiban-models/kiban/core/backend/vulkan/internal/vkshim"
	"github.com/kiban-models/kiban/core/plan"
)

// chunk is the number of dispatches of a command buffer. Drivers may break
// work between command buffers, so a long program does not block a desktop.
const chunk = 256

// record lowers the program and writes its command buffers.
func (r *Runner) record() error {
	if err := r.b.tune(r.p); err != nil {
		return err
	}
	var work []dispatch
	var barrier []bool // before each dispatch
	var temp temporaries
	var steps []timed
	for i, s := range r.p.Steps {
		ds, err := r.lower(s)
		if err != nil {
			return fmt.Errorf("vulkan: step %d, %s: %w", i, s.Kernel, err)
		}
		waits, first := s.Barrier, len(work)
		for _, d := range ds {
			waits = waits || d.wait
			if d.groups[0] == 0 || d.groups[1] == 0 || d.groups[2] == 0 {
				continue // nothing to do, but a later dispatch still has to wait
			}
			temp.place(&d, waits, r.b.f.align)
			work = append(work, d)
			barrier = append(barrier, waits)
			waits = false
		}
		steps = append(steps, timed{row(s, ds), s.Work(), len(work) - first})
	}
	if temp.size > 0 {
		var err error
		if r.temporary, err = r.b.newBlock(temp.size, false); err != nil {
			return fmt.Errorf("temporary memory of kernels: %w", err)
		}
	}
	work, barrier, err := r.gather(work, barrier, steps)
	if err != nil {
		return err
	}
	sets, err := r.bind(work)
	if err != nil {
		return err
	}
	if r.watch, err = r.b.newStopwatch(len(work), steps); err != nil {
		return err
	}
	n := max(1, (len(work)+chunk-1)/chunk)
	if r.main, err = r.b.commandBuffers(n); err != nil {
		return err
	}
	for k := range n {
		var c vkshim.Commands
		if k == 0 {
			c.Barrier() // sees what earlier submissions wrote
			r.watch.begin(&c)
		}
		for i := k * chunk; i < min((k+1)*chunk, len(work)); i++ {
			d := work[i]
			if barrier[i] || r.watch != nil {
				c.Barrier()
			}
			pipeline, err := r.b.pipelineOf(d)
			if err != nil {
				return err
			}
			l, err := r.b.layoutOf(len(d.bind))
			if err != nil {
				return err
			}
			c.Dispatch(pipeline, l.pipeline, sets[i], d.groups, d.push)
			r.watch.after(i, &c)
		}
		if k == n-1 {
			c.ToHost()
		}
		// Repeat submits a buffer again while it is at work.
		if err := r.b.record(r.main[k], vk.CommandBufferUsageSimultaneousUseBit, &c); err != nil {
			return err
		}
	}
	return nil
}

// lower returns the dispatches of a step, checked against the device.
func (r *Runner) lower(s plan.Step) ([]dispatch, error) {
	f := &r.b.f
	low := kernels[s.Kernel]
	if low == nil {
		return nil, fmt.Errorf("the backend has no such kernel")
	}
	ds, err := low(s, f)
	if err != nil {
		return nil, err
	}
	return ds, f.allows(ds)
}

// allows returns an error if dispatches are more than the device can do.
func (f *features) allows(ds []dispatch) error {
	for _, d := range ds {
		switch {
		case len(d.push) > maxPush:
			return fmt.Errorf("shader %s: %d push constants, at most %d", d.shader, len(d.push), maxPush)
		case len(d.bind) > f.bindings:
			return fmt.Errorf("shader %s: %d storage buffers, and the device allows %d", d.shader, len(d.bind), f.bindings)
		}
		for axis, n := range d.groups {
			if n > f.groups[axis] {
				return fmt.Errorf("shader %s: %v workgroups, and the device allows %v", d.shader, d.groups, f.groups)
			}
		}
	}
	return nil
}

// bind makes the descriptor sets, one a dispatch.
func (r *Runner) bind(work []dispatch) ([]uint64, error) {
	var layouts []uint64
	var counts []uint32
	var all []vkshim.Binding
	for _, d := range work {
		l, err := r.b.layoutOf(len(d.bind))
		if err != nil {
			return nil, err
		}
		layouts = append(layouts, l.set)
		counts = append(counts, uint32(len(d.bind)))
		bound, err := r.spans(d)
		if err != nil {
			return nil, err
		}
		for i, at := range bound {
			if at.offset%r.b.f.bindAlign != 0 {
				return nil, fmt.Errorf("vulkan: shader %s, operand %d: offset %d is no multiple of %d (minStorageBufferOffsetAlignment)",
					d.shader, i, at.offset, r.b.f.bindAlign)
			}
			// Shaders see vectors of four words; the blocks are padded to more.
			size := min(max(16, up(at.bytes, 16)), at.block.size-at.offset)
			all = append(all, vkshim.Binding{Buffer: number(at.buffer), Offset: uint64(at.offset), Range: uint64(size)})
		}
	}
	pool, sets, err := r.b.dev.NewSets(layouts, counts, all)
	if err != nil {
		return nil, r.b.fail(err)
	}
	r.sets = pool
	return sets, nil
}
