package vulkan

import (
	"context"
	"errors"
	"fmt"
	"maps"
	"slices"
	"time"

	vk "github.com/vulkan-go/vulkan"

	"github.com/kiban-models/kiban/core/backend"
	"github.com/kiban-models/kiban/core/backend/vulkan/internal/vkshim"
	"github.com/kiban-models/kiban/core/plan"
	"github.com/kiban-models/kiban/core/tensor"
)

// Runner is a program that is recorded and ready to be replayed.
type Runner struct {
	b       *Backend
	p       *plan.Program
	io      *block
	scratch []*block // each Limits.MaxBuffer bytes, but the last
	// temporary is what the steps' own dispatches share, or nil.
	temporary *block
	watch     *stopwatch // of a backend that profiles
	sets      uint64     // pool of the descriptor sets
	main      []vk.CommandBuffer

	// Where the host does not see the device's memory, an input is written to
	// the same place of stage, and its command buffer copies it before the
	// next run.
	stage   *block
	inputs  map[string]vk.CommandBuffer
	written map[string]bool
	closed  bool
}

var (
	_ backend.Backend = (*Backend)(nil)
	_ backend.Runner  = (*Runner)(nil)
)

// Load records a program.
func (b *Backend) Load(p *plan.Program) (backend.Runner, error) {
	if err := b.usable(); err != nil {
		return nil, err
	}
	if err := b.prepare(p); err != nil {
		return nil, err
	}
	r := &Runner{b: b, p: p, inputs: map[string]vk.CommandBuffer{}, written: map[string]bool{}}
	if err := r.load(); err != nil {
		r.free()
		return nil, err
	}
	b.runners[r] = true
	return r, nil
}

func (r *Runner) load() (err error) {
	b := r.b
	if r.io, err = b.newBlock(r.p.IOBytes, false); err != nil {
		return fmt.Errorf("inputs and outputs: %w", err)
	}
	if err := b.zero(span{r.io, 0, r.io.size}); err != nil {
		return err
	}
	most := b.Limits().MaxBuffer
	for left := r.p.ScratchBytes; left > 0; left -= most {
		k, err := b.newBlock(min(left, most), false)
		if err != nil {
			return fmt.Errorf("scratch memory: %w", err)
		}
		r.scratch = append(r.scratch, k)
	}
	if r.io.bytes == nil {
		if err := r.recordInputs(); err != nil {
			return err
		}
	}
	return r.record()
}

// recordInputs makes the copies from the staging block, one an input.
func (r *Runner) recordInputs() (err error) {
	b := r.b
	if r.stage, err = b.newBlock(r.p.IOBytes, true); err != nil {
		return fmt.Errorf("inputs and outputs: %w", err)
	}
	names := slices.Sorted(maps.Keys(r.p.Inputs))
	cbs, err := b.commandBuffers(len(names))
	if err != nil {
		return err
	}
	for i, name := range names {
		s := r.p.Inputs[name]
		r.inputs[name] = cbs[i]
		var c vkshim.Commands
		c.Barrier()
		if s.Bytes() > 0 {
			c.Copy(number(r.stage.buffer), number(r.io.buffer), uint64(s.Offset), uint64(s.Offset), uint64(s.Bytes()))
		}
		if err := b.record(cbs[i], 0, &c); err != nil {
			return err
		}
	}
	return nil
}

// Write gives an input its value for the following runs, converted to the
// input's storage type.
func (r *Runner) Write(name string, t *tensor.Tensor) error {
	if err := r.usable(); err != nil {
		return err
	}
	s, ok := r.p.Inputs[name]
	if !ok {
		return fmt.Errorf("vulkan: the program has no input %q", name)
	}
	if !slices.Equal(t.Shape(), s.Shape) {
		return fmt.Errorf("vulkan: input %s: found shape %v, wanted %v", name, t.Shape(), s.Shape)
	}
	if t.DType() != s.DType && !(t.DType().IsFloat() && s.DType.IsFloat()) {
		return fmt.Errorf("vulkan: input %s: found %v, wanted %v", name, t.DType(), s.DType)
	}
	to := span{r.io, s.Offset, s.Bytes()}
	if r.stage != nil {
		to.block = r.stage
		r.written[name] = true
	}
	copy(to.host(), t.Convert(s.DType).Bytes())
	return nil
}

// Run replays the program and waits for it. It starts nothing if ctx has
// ended.
func (r *Runner) Run(ctx context.Context) error {
	if err := r.usable(); err != nil {
		return err
	}
	if err := ctx.Err(); err != nil {
		return err
	}
	return r.replay(1)
}

// mostRepeats is how often a submission replays a program at most.
const mostRepeats = 64

// Repeat replays the program so many times and waits for it, up to 64 times in
// one submission. It starts nothing more when ctx has ended.
func (r *Runner) Repeat(ctx context.Context, times int) error {
	most := mostRepeats
	if r.watch != nil { // the times are those of one run
		most = 1
	}
	for times > 0 {
		if err := r.usable(); err != nil {
			return err
		}
		if err := ctx.Err(); err != nil {
			return err
		}
		n := min(times, most)
		if err := r.replay(n); err != nil {
			return err
		}
		times -= n
	}
	return nil
}

// replay submits what was written, then the program so many times. Each time
// begins with a barrier, so it sees what the one before it did.
func (r *Runner) replay(times int) error {
	begun := time.Now()
	all := make([]vk.CommandBuffer, 0, len(r.written)+times*len(r.main))
	for name := range r.written { // the copies are independent of one another
		all = append(all, r.inputs[name])
	}
	for range times {
		all = append(all, r.main...)
	}
	if err := r.b.submit(all); err != nil {
		return err
	}
	clear(r.written)
	return r.profiled(begun, times)
}

// Read returns a copy of an output of the last run.
func (r *Runner) Read(name string) (*tensor.Tensor, error) {
	if err := r.usable(); err != nil {
		return nil, err
	}
	s, ok := r.p.Outputs[name]
	if !ok {
		return nil, fmt.Errorf("vulkan: the program has no output %q", name)
	}
	from, err := r.resolve(s)
	if err != nil {
		return nil, err
	}
	t := tensor.New(s.DType, s.Shape...)
	return t, r.b.download(from, t.Bytes())
}

// ReadTo copies an output of the last run into t, which has its storage type and
// size.
func (r *Runner) ReadTo(name string, t *tensor.Tensor) error {
	if err := r.usable(); err != nil {
		return err
	}
	s, ok := r.p.Outputs[name]
	if !ok {
		return fmt.Errorf("vulkan: the program has no output %q", name)
	}
	from, err := r.resolve(s)
	if err != nil {
		return err
	}
	return r.b.downloadTo(t, name, s.DType, s.Shape, from)
}

// resolve returns where a slot lies.
func (r *Runner) resolve(s plan.Slot) (span, error) {
	at := span{nil, s.Offset, s.Bytes()}
	switch s.Region {
	case plan.Params, plan.States:
		v := r.b.named[s.Name]
		if v == nil {
			return span{}, fmt.Errorf("vulkan: the program uses %q without saying so", s.Name)
		}
		at.block, at.offset = v.block, v.offset+s.Offset
	case plan.IO:
		at.block = r.io
	case temporary:
		at.block = r.temporary
	default:
		most := r.b.Limits().MaxBuffer
		i := s.Offset / most
		if i >= int64(len(r.scratch)) {
			return span{}, fmt.Errorf("vulkan: scratch offset %d of %d", s.Offset, r.p.ScratchBytes)
		}
		at.block, at.offset = r.scratch[i], s.Offset-i*most
	}
	if at.bytes > r.b.f.maxBind {
		return span{}, fmt.Errorf("vulkan: a value %v%v takes %s, and the device binds at most %s at once (maxStorageBufferRange): %s",
			s.DType, s.Shape, mebi(at.bytes), mebi(r.b.f.maxBind), remedy)
	}
	if at.offset+at.bytes > at.block.size {
		return span{}, fmt.Errorf("vulkan: a value %v%v takes %s, more than a block of memory (%s): %s",
			s.DType, s.Shape, mebi(at.bytes), mebi(at.block.size), remedy)
	}
	return at, nil
}

func (r *Runner) usable() error {
	if r.closed {
		return errors.New("vulkan: the program is closed")
	}
	return r.b.usable()
}

// Close frees what the program has for itself.
func (r *Runner) Close() error {
	if !r.closed && !r.b.closed {
		r.free()
		delete(r.b.runners, r)
	}
	return nil
}

func (r *Runner) free() {
	b := r.b
	all := r.main
	for _, cb := range r.inputs {
		all = append(all, cb)
	}
	if len(all) > 0 {
		vk.FreeCommandBuffers(b.device, b.pool, uint32(len(all)), all)
	}
	if r.watch != nil {
		b.dev.FreeQueries(r.watch.pool)
	}
	if r.sets != 0 {
		b.dev.FreeSets(r.sets)
	}
	b.freeBlock(r.io)
	b.freeBlock(r.stage)
	b.freeBlock(r.temporary)
	for _, k := range r.scratch {
		b.freeBlock(k)
	}
	r.closed = true
}
