// Package plan turns a graph into a program: kernels in order, every value at
// a fixed place.
//
// Compile works in passes, one a file: build (the steps that the outputs and
// stores need), recompute (do again in the backward pass what need not be
// kept), fuse (neighbours into one kernel), order, place (which values share
// memory, and where they lie), barriers. A Program prints, so that a refactoring
// can show that it changed nothing.
package plan

import (
	"github.com/kiban-models/kiban/core/graph"
	"github.com/kiban-models/kiban/core/tensor"
)

// Limits are what a backend asks of a plan.
type Limits struct {
	Align     int64 // of every offset, in bytes; a power of two; 0 means 64
	MaxBuffer int64 // no scratch value lies across a multiple of it; 0 means no limit
	// Matrix products of up to JoinRows rows are joined with the norm that makes
	// the rows and the cache writes that take them (norm_matmul), where the
	// normed rows have at most JoinBytes. 0 means that the backend has no such
	// kernel.
	JoinRows  int
	JoinBytes int64
	Logits    int64 // bytes of the logits that exist at a time; 0 means what graph says
}

// Options choose between plans of the same mathematics.
type Options struct {
	// Recompute keeps only the values given to graph.Keep for the backward
	// pass and computes the rest again: less memory, about a third more work.
	Recompute bool
	// NoFusion leaves every kernel by itself, for tests.
	NoFusion bool
}

// Region is where a value lives.
type Region uint8

// The regions. Params and States belong to the backend and are shared by all
// its programs; IO and Scratch belong to one program.
const (
	Params Region = iota
	States
	IO
	Scratch
)

func (r Region) String() string { return [...]string{"param", "state", "io", "scratch"}[r] }

// Slot is the place of a value.
type Slot struct {
	Region Region
	Name   string // in Params and States
	Offset int64  // bytes, in IO and Scratch
	DType  tensor.DType
	Shape  []int
}

// Len returns the number of elements.
func (s Slot) Len() int { return tensor.NumElements(s.Shape) }

// Bytes returns the size.
func (s Slot) Bytes() int64 { return int64(s.Len()) * int64(s.DType.Size()) }

// Step is one kernel with its constants (an Attr struct of package graph, or
// nil) and operands.
type Step struct {
	Kernel  string
	Attr    any
	In, Out []Slot
	// Barrier says that the step touches memory that a step since the last
	// barrier wrote, or writes memory that one read.
	Barrier bool
}

// Named is a parameter or state that a program uses.
type Named struct {
	Name  string
	DType tensor.DType
	Shape []int
}

// Bytes returns the size.
func (n Named) Bytes() int64 { return int64(tensor.NumElements(n.Shape)) * int64(n.DType.Size()) }

// Program is a graph ready to be loaded by a backend.
type Program struct {
	Steps   []Step
	Params  []Named // in the order of the graph
	States  []Named
	Inputs  map[string]Slot
	Outputs map[string]Slot
	// IOBytes and ScratchBytes are the sizes of the two regions.
	IOBytes, ScratchBytes int64
}

// Memory is the number of bytes that a program needs, by region.
type Memory struct{ Params, States, IO, Scratch int64 }

// Total returns the sum.
func (m Memory) Total() int64 { return m.Params + m.States + m.IO + m.Scratch }

// Memory returns what the program needs, known before anything is allocated.
func (p *Program) Memory() Memory {
	m := Memory{IO: p.IOBytes, Scratch: p.ScratchBytes}
	for _, n := range p.Params {
		m.Params += n.Bytes()
	}
	for _, n := range p.States {
		m.States += n.Bytes()
	}
	return m
}

// Compile plans the computation of the outputs and of the graph's stores. It
// returns the first error that the graph's builders met.
func Compile(g *graph.Graph, lim Limits, opt Options, outputs map[string]*graph.Node) (*Program, error) {
	d, err := drafted(g, lim, opt, outputs)
	if err != nil {
		return nil, err
	}
	p := d.place(lim)
	barriers(p)
	return p, nil
}

// drafted runs the passes up to the one that gives values their places.
func drafted(g *graph.Graph, lim Limits, opt Options, outputs map[string]*graph.Node) (*draft, error) {
	if err := g.Err(); err != nil {
		return nil, err
	}
	d, err := build(g, outputs)
	if err != nil {
		return nil, err
	}
	d.dead()
	d.logits(lim)
	if opt.Recompute {
		d.recompute()
		d.dead()
	}
	if !opt.NoFusion {
		d.fuse(lim)
	}
	d.order()
	return d, d.checkStores()
}
