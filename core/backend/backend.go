// Package backend is the machine that runs programs, in two interfaces.
//
// A Backend holds the memory of one model: parameters and states by name,
// shared by every program that is loaded into it. A Runner is one loaded
// program, ready to be replayed. Neither is safe for use by several goroutines
// at once.
//
// The implementations are reference (the specification), cpu and vulkan;
// backendtest holds them to one another.
package backend

import (
	"context"

	"github.com/kiban-models/kiban/core/plan"
	"github.com/kiban-models/kiban/core/tensor"
)

// Backend holds parameters and states, and loads programs over them.
type Backend interface {
	// Name describes the device, such as "cpu" or "vulkan:0 (NVIDIA H200)".
	Name() string
	// Limits are for plan.Compile.
	Limits() plan.Limits
	// Put sets a parameter or state, making it if there is none of the name.
	// If there is, the shape must be the same; the storage type is that of
	// the existing one, else t's.
	Put(name string, t *tensor.Tensor) error
	// Get returns a copy of a parameter or state, in its storage type.
	Get(name string) (*tensor.Tensor, error)
	// GetTo copies it into t instead, which has its storage type and size.
	GetTo(name string, t *tensor.Tensor) error
	// Load prepares a program. Parameters must have been put; states that
	// have not are made, and zero. It fails if memory is short, saying how
	// much is needed and there.
	Load(p *plan.Program) (Runner, error)
	// Close frees everything, runners included.
	Close() error
}

// Runner replays one program.
type Runner interface {
	// Write gives an input its value for the following runs, those that are
	// started after it; t may be changed afterwards.
	Write(name string, t *tensor.Tensor) error
	// Start begins a run of the program and need not wait for its end: the
	// inputs of the next one can be written meanwhile. Whatever else is called
	// on the backend and its runners has the effect that it would have after
	// the end, and all runs that were started happen in the order of their
	// starts. An error of the run that is found out later is one of the call
	// that waits for it. A run that has begun is finished even when ctx ends.
	Start(ctx context.Context) error
	// Run is Start, and waits for the end.
	Run(ctx context.Context) error
	// Repeat executes the program so many times, as that many calls of Run do.
	// A device may take them in one submission, and then all of them are done
	// even when ctx ends.
	Repeat(ctx context.Context, times int) error
	// Read returns a copy of an output of the last run. A state can be read
	// by Backend.Get.
	Read(name string) (*tensor.Tensor, error)
	// ReadTo copies it into t instead, which has its storage type and size.
	ReadTo(name string, t *tensor.Tensor) error
	// Close frees what the program has for itself.
	Close() error
}
