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
	tables    *block     // of gathered dispatches, or nil
	watch     *stopwatch // of a backend that profiles
	sets      uint64     // pool of the descriptor sets
	main      []vk.CommandBuffer

	mirror mirror
	turns  [2]turn // taken by one run after the other
	next   int     // the turn of the next run
	last   uint64  // submission of the last run
	closed bool
}

// turn is what a run needs for itself, so that the next one can be prepared
// while it is at work.
type turn struct {
	// Where the host does not see the device's memory, an input is written to
	// the same place of stage, and its command buffer copies it before the run.
	stage   *block
	inputs  map[string]vk.CommandBuffer
	written map[string]bool
	used    uint64 // by this submission
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
	r := &Runner{b: b, p: p}
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
		for i := range r.turns {
			if err := r.recordInputs(&r.turns[i]); err != nil {
				return err
			}
		}
		if err := r.newMirror(); err != nil {
			return err
		}
	}
	return r.record()
}

// recordInputs makes the copies from the staging block of a turn, one an input.
func (r *Runner) recordInputs(t *turn) (err error) {
	b := r.b
	t.inputs, t.written = map[string]vk.CommandBuffer{}, map[string]bool{}
	var end int64 // inputs precede outputs
	for _, s := range r.p.Inputs {
		end = max(end, s.Offset+s.Bytes())
	}
	if t.stage, err = b.newBlock(end, true); err != nil {
		return fmt.Errorf("inputs: %w", err)
	}
	names := slices.Sorted(maps.Keys(r.p.Inputs))
	cbs, err := b.commandBuffers(len(names))
	if err != nil {
		return err
	}
	for i, name := range names {
		s := r.p.Inputs[name]
		t.inputs[name] = cbs[i]
		var c vkshim.Commands
		c.Barrier()
		if s.Bytes() > 0 {
			c.Copy(number(t.stage.buffer), number(r.io.buffer), uint64(s.Offset), uint64(s.Offset), uint64(s.Bytes()))
		}
		if err := b.record(cbs[i], 0, &c); err != nil {
			return err
		}
	}
	return nil
}

// Write gives an input its value for the following runs, converted to the
// input's storage type. While one run is at work it does not wait; where the
// host writes the device's memory itself it does.
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
	data := t.Convert(s.DType).Bytes()
	next := &r.turns[r.next]
	if next.stage == nil {
		if err := r.b.wait(r.last); err != nil {
			return err
		}
		copy(span{r.io, s.Offset, s.Bytes()}.host(), data)
		return nil
	}
	if err := r.b.wait(next.used); err != nil { // of the run before the last
		return err
	}
	copy(span{next.stage, s.Offset, s.Bytes()}.host(), data)
	next.written[name] = true
	return nil
}

// Start has the device replay the program. It starts nothing if ctx has ended.
// At most two runs of a program are under way: a third waits for the first. A
// backend that profiles waits for each.
func (r *Runner) Start(ctx context.Context) error {
	if err := r.usable(); err != nil {
		return err
	}
	if err := ctx.Err(); err != nil {
		return err
	}
	return r.start(1)
}

// Run is Start, and waits.
func (r *Runner) Run(ctx context.Context) error {
	if err := r.Start(ctx); err != nil {
		return err
	}
	return r.b.wait(r.last)
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
		if err := r.start(n); err != nil {
			return err
		}
		if err := r.b.wait(r.last); err != nil {
			return err
		}
		times -= n
	}
	return nil
}

// start submits what was written, then the program so many times. Each time
// begins with a barrier, so it sees what the one before it did.
func (r *Runner) start(times int) error {
	begun := time.Now()
	t := &r.turns[r.next]
	if err := r.b.wait(t.used); err != nil {
		return err
	}
	all := make([]vk.CommandBuffer, 0, len(t.written)+times*len(r.main)+1)
	for name := range t.written { // the copies are independent of one another
		all = append(all, t.inputs[name])
	}
	for range times {
		all = append(all, r.main...)
	}
	all = append(all, r.mirror.copies...)
	n, err := r.b.submit(all)
	if err != nil {
		return err
	}
	clear(t.written)
	t.used, r.last, r.next = n, n, 1-r.next
	if !r.b.profile {
		return nil
	}
	if err := r.b.wait(r.last); err != nil {
		return err
	}
	return r.profiled(begun, times)
}

// Read returns a copy of an output of the last run, which it waits for.
func (r *Runner) Read(name string) (*tensor.Tensor, error) {
	if err := r.usable(); err != nil {
		return nil, err
	}
	s, ok := r.p.Outputs[name]
	if !ok {
		return nil, fmt.Errorf("vulkan: the program has no output %q", name)
	}
	t := tensor.New(s.DType, s.Shape...)
	return t, r.read(name, s, t.Bytes())
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
	if err := misfit(t, name, s.DType, s.Shape); err != nil {
		return err
	}
	return r.read(name, s, t.Bytes())
}

// read copies an output.
func (r *Runner) read(name string, s plan.Slot, data []byte) error {
	if from, ok := r.mirror.outputs[name]; ok {
		if err := r.b.wait(r.last); err != nil {
			return err
		}
		copy(data, from.host())
		return nil
	}
	from, err := r.resolve(s)
	if err != nil {
		return err
	}
	return r.b.download(from, data)
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
	case noRegion:
		at.block = r.b.nothing
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

// Close frees what the program has for itself, when it is no longer at work.
func (r *Runner) Close() error {
	if !r.closed && !r.b.closed {
		r.free()
		delete(r.b.runners, r)
	}
	return nil
}

func (r *Runner) free() {
	b := r.b
	b.settle()
	all := slices.Concat(r.main, r.mirror.copies)
	for _, t := range r.turns {
		all = slices.AppendSeq(all, maps.Values(t.inputs))
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
	b.freeBlock(r.mirror.block)
	for _, t := range r.turns {
		b.freeBlock(t.stage)
	}
	b.freeBlock(r.temporary)
	b.freeBlock(r.tables)
	for _, k := range r.scratch {
		b.freeBlock(k)
	}
	r.closed = true
}
