package cpu

// #include <stdlib.h>
// #include <string.h>
// #include "kernel.h"
import "C"

import (
	"context"
	"errors"
	"fmt"
	"maps"
	"slices"
	"time"
	"unsafe"

	"github.com/kiban-models/kiban/core/backend"
	"github.com/kiban-models/kiban/core/plan"
	"github.com/kiban-models/kiban/core/tensor"
)

// runner is a loaded program: its steps with pointers instead of slots, in C
// memory, so that a run is one call.
type runner struct {
	b        *Backend
	p        *plan.Program
	lowered  []lowered
	io       block
	scratch  *arena
	steps    block // of C.kb_step
	operands block // of C.kb_operand
}

// Load prepares a program. Missing and misfit parameters are one error that
// lists them all.
func (b *Backend) Load(p *plan.Program) (backend.Runner, error) {
	if b.machine == nil {
		return nil, errClosed
	}
	lowered, err := b.check(p)
	if err != nil {
		return nil, err
	}
	var each, shared int64
	operands := 0
	for i, l := range lowered {
		each, shared = max(each, l.each*4), max(shared, l.shared)
		operands += len(p.Steps[i].In) + len(p.Steps[i].Out)
	}
	need := p.IOBytes + each*int64(b.opt.Threads) + shared
	if b.arena(p.ScratchBytes) == nil {
		need += p.ScratchBytes
	}
	for _, n := range p.States {
		if b.named[n.Name] == nil {
			need += n.Bytes()
		}
	}
	if there, ok := available(); ok && need > there {
		return nil, fmt.Errorf("cpu: the program needs %s, %s there: use --precision bf16, --recompute or a smaller batch",
			amount(need), amount(there))
	}
	for _, n := range p.States {
		if b.named[n.Name] == nil {
			v, err := newVariable(n.DType, n.Shape)
			if err != nil {
				return nil, fmt.Errorf("cpu: state %s: %w", n.Name, err)
			}
			b.named[n.Name] = v
		}
	}
	r := &runner{b: b, p: p, lowered: lowered}
	for _, m := range []struct {
		to   *block
		size int64
	}{
		{&r.io, p.IOBytes},
		{&r.steps, int64(len(p.Steps)) * int64(unsafe.Sizeof(C.kb_step{}))},
		{&r.operands, int64(operands) * int64(unsafe.Sizeof(C.kb_operand{}))},
	} {
		if *m.to, err = allocate(m.size); err != nil {
			r.free()
			return nil, fmt.Errorf("cpu: %w", err)
		}
	}
	if r.scratch, err = b.use(p.ScratchBytes); err != nil {
		r.free()
		return nil, fmt.Errorf("cpu: %w", err)
	}
	if C.kb_scratch(b.machine, C.size_t(each), C.size_t(shared)) != 0 {
		r.free()
		return nil, fmt.Errorf("cpu: %s of working memory could not be had", amount(each*int64(b.opt.Threads)+shared))
	}
	if err := b.arrange(p); err != nil {
		r.free()
		return nil, err
	}
	r.resolve()
	b.runners[r] = true
	return r, nil
}

// check lowers the steps, and lists everything that is wrong.
func (b *Backend) check(p *plan.Program) ([]lowered, error) {
	var wrong []error
	for _, n := range slices.Concat(p.Params, p.States) {
		v := b.named[n.Name]
		switch {
		case v == nil && slices.ContainsFunc(p.Params, func(m plan.Named) bool { return m.Name == n.Name }):
			wrong = append(wrong, fmt.Errorf("parameter %s %v%v is missing", n.Name, n.DType, n.Shape))
		case v != nil && (v.dtype != n.DType || !slices.Equal(v.shape, n.Shape)):
			wrong = append(wrong, fmt.Errorf("%s is %v%v, but the program wants %v%v", n.Name, v.dtype, v.shape, n.DType, n.Shape))
		case v == nil && !stored(n.DType):
			wrong = append(wrong, fmt.Errorf("%s: %v cannot be stored", n.Name, n.DType))
		}
	}
	all := make([]lowered, len(p.Steps))
	for i, s := range p.Steps {
		f := lowerings[s.Kernel]
		if f == nil {
			wrong = append(wrong, fmt.Errorf("kernel %q is not known", s.Kernel))
			continue
		}
		var err error
		if all[i], err = f(s); err != nil {
			wrong = append(wrong, fmt.Errorf("step %d, %s: %w", i, s.Kernel, err))
		}
	}
	if len(wrong) > 0 {
		return nil, fmt.Errorf("cpu: the program cannot be loaded:\n%w", errors.Join(wrong...))
	}
	return all, nil
}

// resolve writes the steps.
func (r *runner) resolve() {
	steps := unsafe.Slice((*C.kb_step)(r.steps.p), len(r.p.Steps))
	operands := (*C.kb_operand)(r.operands.p)
	list := func(slots []plan.Slot) *C.kb_operand {
		first := operands
		for _, s := range slots {
			*operands = C.kb_operand{ptr: r.at(s), len: C.int64_t(s.Len()), _type: C.int64_t(s.DType)}
			operands = (*C.kb_operand)(unsafe.Add(unsafe.Pointer(operands), unsafe.Sizeof(*operands)))
		}
		return first
	}
	for i, s := range r.p.Steps {
		name := C.CString(s.Kernel)
		step := &steps[i]
		step.run = C.kb_find(C.int(r.b.level), name)
		C.free(unsafe.Pointer(name))
		step.in, step.nin = list(s.In), C.int64_t(len(s.In))
		step.out, step.nout = list(s.Out), C.int64_t(len(s.Out))
		for k, v := range r.lowered[i].p {
			step.p[k] = C.int64_t(v)
		}
		if weight, _ := matrix(s); weight != "" && r.b.named[weight].turned {
			step.p[4] = 1 - step.p[4] // TransB
		}
		for k, v := range r.lowered[i].f {
			step.f[k] = C.float(v)
		}
	}
}

// at returns the memory of a slot.
func (r *runner) at(s plan.Slot) unsafe.Pointer {
	switch s.Region {
	case plan.Params, plan.States:
		return r.b.named[s.Name].block.p
	case plan.IO:
		return unsafe.Add(r.io.p, s.Offset)
	}
	return unsafe.Add(r.scratch.block.p, s.Offset)
}

func (r *runner) bytes(s plan.Slot) []byte { return unsafe.Slice((*byte)(r.at(s)), s.Bytes()) }

// Write gives an input its value for the following runs.
func (r *runner) Write(name string, t *tensor.Tensor) error {
	if r.steps.p == nil {
		return errRunnerClosed
	}
	s, ok := r.p.Inputs[name]
	if !ok {
		return fmt.Errorf("cpu: there is no input %q; there are %q", name, slices.Sorted(maps.Keys(r.p.Inputs)))
	}
	if err := fill(r.bytes(s), s.DType, s.Shape, t); err != nil {
		return fmt.Errorf("cpu: input %s: %w", name, err)
	}
	return nil
}

// Run executes the program once.
func (r *runner) Run(ctx context.Context) error { return r.Start(ctx) }

// Start executes the program once, before it returns.
func (r *runner) Start(ctx context.Context) error {
	if err := ctx.Err(); err != nil {
		return err
	}
	if r.steps.p == nil {
		return errRunnerClosed
	}
	profile := C.int(0)
	if r.b.opt.Profile {
		profile = 1
		begun := time.Now()
		defer func() { r.b.runs, r.b.wall = r.b.runs+1, r.b.wall+time.Since(begun) }()
	}
	C.kb_run(r.b.machine, (*C.kb_step)(r.steps.p), C.int64_t(len(r.p.Steps)), profile)
	return nil
}

// Repeat executes the program so many times.
func (r *runner) Repeat(ctx context.Context, times int) error {
	for range times {
		if err := r.Run(ctx); err != nil {
			return err
		}
	}
	return nil
}

// Read returns a copy of an output of the last run.
func (r *runner) Read(name string) (*tensor.Tensor, error) {
	if r.steps.p == nil {
		return nil, errRunnerClosed
	}
	s, ok := r.p.Outputs[name]
	if !ok {
		return nil, fmt.Errorf("cpu: there is no output %q; there are %q", name, slices.Sorted(maps.Keys(r.p.Outputs)))
	}
	t := tensor.New(s.DType, s.Shape...)
	copy(t.Bytes(), r.bytes(s))
	return t, nil
}

// ReadTo copies an output of the last run into t, which has its storage type and
// size.
func (r *runner) ReadTo(name string, t *tensor.Tensor) error {
	if r.steps.p == nil {
		return errRunnerClosed
	}
	s, ok := r.p.Outputs[name]
	if !ok {
		return fmt.Errorf("cpu: there is no output %q; there are %q", name, slices.Sorted(maps.Keys(r.p.Outputs)))
	}
	return copyTo(t, name, s.DType, s.Shape, r.bytes(s))
}

// Close frees what the program has for itself.
func (r *runner) Close() error {
	if r.steps.p != nil {
		r.times(r.b.spent)
		delete(r.b.runners, r)
		plain, _ := uses(r.p)
		for n := range plain {
			r.b.named[n].plain--
		}
		r.free()
	}
	return nil
}

func (r *runner) free() {
	for _, m := range []*block{&r.io, &r.steps, &r.operands} {
		m.free()
	}
	r.b.leave(r.scratch)
	r.scratch = nil
}

var errRunnerClosed = errors.New("cpu: the program is closed")

// times adds the time of each kernel.
func (r *runner) times(to map[string]backend.Spent) {
	for i, s := range unsafe.Slice((*C.kb_step)(r.steps.p), len(r.p.Steps)) {
		if s.calls > 0 {
			t := to[r.p.Steps[i].Kernel]
			t.Add(int64(s.calls), int64(s.ns), r.p.Steps[i].Work())
			to[r.p.Steps[i].Kernel] = t
		}
	}
}
