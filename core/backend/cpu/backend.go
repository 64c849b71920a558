package cpu

// #cgo CFLAGS: -O3 -std=gnu11 -Wall -Wno-psabi -Wno-unused-function
// #cgo linux LDFLAGS: -ldl -lpthread -lm
// #include <stdlib.h>
// #include "kernel.h"
import "C"

import (
	"cmp"
	"errors"
	"fmt"
	"runtime"
	"slices"
	"time"
	"unsafe"

	"github.com/kiban-models/kiban/core/backend"
	"github.com/kiban-models/kiban/core/plan"
	"github.com/kiban-models/kiban/core/tensor"
)

// Options choose how a backend works; the zero value is the fastest.
type Options struct {
	// Threads is how many threads compute; 0 means all that the process may
	// use (affinity and container limits count).
	Threads int
	// Instructions is the set of instructions to use, one of Instructions();
	// "" means the best. Another than the best is for tests, and for results
	// that are the same on several machines.
	Instructions string
	// NoLibrary leaves oneDNN alone even if it is there.
	NoLibrary bool
	// Profile takes the time of every kernel; see Backend.Profile.
	Profile bool
}

// Backend is the processor.
type Backend struct {
	opt     Options
	level   int // of instructions, in the C table
	machine *C.kb_machine
	named   map[string]*variable
	runners map[*runner]bool
	arenas  []*arena
	// What was profiled: by kernel, of runners that are closed, and of all runs.
	spent map[string]backend.Spent
	runs  int64
	wall  time.Duration
}

// variable is a parameter or a state.
type variable struct {
	dtype tensor.DType
	shape []int
	block block
	// A matrix may be kept turned; plain counts the programs that need it as it
	// is. See turn.go.
	turned bool
	plain  int
}

var _ backend.Backend = (*Backend)(nil)

// New starts the threads and looks for oneDNN.
func New(opt Options) (*Backend, error) {
	if opt.Threads < 0 {
		return nil, fmt.Errorf("cpu: %d threads; wanted 0 for all, or more", opt.Threads)
	}
	if opt.Threads == 0 {
		opt.Threads = runtime.GOMAXPROCS(0)
	}
	names := Instructions()
	level := slices.Index(names, cmp.Or(opt.Instructions, names[0]))
	if level < 0 {
		return nil, fmt.Errorf("cpu: instructions %q; this processor has %q", opt.Instructions, names)
	}
	library := C.int(1)
	if opt.NoLibrary {
		library = 0
	}
	m := C.kb_open(C.int(opt.Threads), library)
	if m == nil {
		return nil, fmt.Errorf("cpu: %d threads could not be started", opt.Threads)
	}
	return &Backend{
		opt: opt, level: level, machine: m, named: map[string]*variable{}, runners: map[*runner]bool{}, spent: map[string]backend.Spent{},
	}, nil
}

// Name returns "cpu" and what multiplies matrices, such as "cpu (oneDNN 2.6.3)".
func (b *Backend) Name() string {
	if i := b.Info(); i.Library != "" {
		return "cpu (" + i.Library + ")"
	}
	return "cpu (built-in matrix kernels)"
}

// Info is what a backend found on the machine.
type Info struct {
	Threads      int
	Instructions string // such as "AVX-512"
	Library      string // such as "oneDNN 2.6.3", or "" without it
	BF16         bool   // the library multiplies bf16 directly
}

// String returns a sentence about the machine, with advice where there is some.
func (i Info) String() string {
	s := fmt.Sprintf("%d threads, %s, ", i.Threads, i.Instructions)
	switch {
	case i.Library == "":
		return s + "built-in matrix kernels; install oneDNN (Debian: libdnnl2) for about 3 times the speed in bf16, where the processor has bf16 instructions"
	case i.BF16:
		return s + i.Library + " in f32 and bf16"
	}
	return s + i.Library + " in f32; bf16 saves memory, not time, on this processor"
}

// Info returns what the backend found.
func (b *Backend) Info() Info {
	i := Info{Threads: b.opt.Threads, Instructions: Instructions()[b.level]}
	if b.machine == nil {
		return i
	}
	if v := int(C.kb_library(b.machine)); v > 0 {
		i.Library = fmt.Sprintf("oneDNN %d.%d.%d", v/10000, v/100%100, v%100)
		i.BF16 = C.kb_library_bf16(b.machine) != 0
	}
	return i
}

// Instructions returns the sets of instructions that this processor and the
// kernels share, the best first.
func Instructions() []string {
	var names []string
	for i := C.int(0); ; i++ {
		n := C.kb_level(i)
		if n == nil {
			return names
		}
		names = append(names, C.GoString(n))
	}
}

// Limits returns the alignment of cache lines.
func (b *Backend) Limits() plan.Limits { return plan.Limits{Align: 64} }

// Put sets a parameter or state.
func (b *Backend) Put(name string, t *tensor.Tensor) error {
	if b.machine == nil {
		return errClosed
	}
	v := b.named[name]
	if v == nil {
		if !stored(t.DType()) {
			return fmt.Errorf("cpu: %s: %v is a type of files; convert it to f32, bf16, f16, i32 or i8", name, t)
		}
		var err error
		if v, err = newVariable(t.DType(), t.Shape()); err != nil {
			return fmt.Errorf("cpu: %s: %w", name, err)
		}
		b.named[name] = v
	}
	err := v.write(b.machine, func(data []byte) error { return fill(data, v.dtype, v.shape, t) })
	if err != nil {
		return fmt.Errorf("cpu: %s: %w", name, err)
	}
	return nil
}

// Get returns a copy of a parameter or state.
func (b *Backend) Get(name string) (*tensor.Tensor, error) {
	v := b.named[name]
	if v == nil {
		return nil, fmt.Errorf("cpu: there is no parameter or state %q", name)
	}
	t := tensor.New(v.dtype, v.shape...)
	return t, b.GetTo(name, t)
}

// GetTo copies a parameter or state into t, which has its storage type and size.
func (b *Backend) GetTo(name string, t *tensor.Tensor) error {
	v := b.named[name]
	if v == nil {
		return fmt.Errorf("cpu: there is no parameter or state %q", name)
	}
	return v.read(b.machine, func(data []byte) error { return copyTo(t, name, v.dtype, v.shape, data) })
}

// copyTo copies data, a value of the type and shape, into t.
func copyTo(t *tensor.Tensor, name string, dt tensor.DType, shape []int, data []byte) error {
	if t.DType() != dt || len(t.Bytes()) != len(data) {
		return fmt.Errorf("cpu: %s is %v%v and does not fit %v%v", name, dt, shape, t.DType(), t.Shape())
	}
	copy(t.Bytes(), data)
	return nil
}

// Close stops the threads and frees everything, runners included.
func (b *Backend) Close() error {
	if b.machine == nil {
		return nil
	}
	for r := range b.runners {
		r.Close()
	}
	for _, v := range b.named {
		v.block.free()
	}
	clear(b.named)
	C.kb_close(b.machine)
	b.machine = nil
	return nil
}

var errClosed = errors.New("cpu: the backend is closed")

func newVariable(dt tensor.DType, shape []int) (*variable, error) {
	v := &variable{dtype: dt, shape: slices.Clone(shape)}
	var err error
	v.block, err = allocate(v.size())
	return v, err
}

func (v *variable) size() int64 { return int64(tensor.NumElements(v.shape)) * int64(v.dtype.Size()) }

func stored(dt tensor.DType) bool {
	return dt == tensor.F32 || dt == tensor.BF16 || dt == tensor.F16 || dt == tensor.I32 || dt == tensor.I8
}

// fill copies t to memory that is declared dt and shape.
func fill(to []byte, dt tensor.DType, shape []int, t *tensor.Tensor) error {
	if !slices.Equal(t.Shape(), shape) {
		return fmt.Errorf("got %v, wanted %v%v", t, dt, shape)
	}
	if t.DType() != dt && !(t.DType().IsFloat() && dt.IsFloat()) {
		return fmt.Errorf("got %v, wanted %v", t, dt)
	}
	copy(to, t.Convert(dt).Bytes())
	return nil
}

// block is memory outside the garbage collector's reach, at a multiple of 64
// bytes.
type block struct {
	p    unsafe.Pointer
	size int64
}

func allocate(size int64) (block, error) {
	p := C.kb_alloc(C.size_t(size))
	if p == nil {
		return block{}, fmt.Errorf("%s of memory could not be had", amount(size))
	}
	return block{p, size}, nil
}

func (m *block) free() {
	C.kb_free(m.p, C.size_t(m.size))
	m.p = nil
}

func (m block) bytes(n int64) []byte { return unsafe.Slice((*byte)(m.p), n) }
