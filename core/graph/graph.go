package graph

import (
	"fmt"
	"path/filepath"
	"runtime"
	"slices"
	"strings"

	"github.com/kiban-models/kiban/core/tensor"
)

// Kind says what a node is.
type Kind uint8

// The kinds of nodes.
const (
	Op    Kind = iota // the first output of an operation
	Part              // a further output of an operation
	Input             // given before each run
	Param             // a weight, by its published name
	State             // survives runs: moments, caches, positions
)

// Node is one value of a graph. Nodes are immutable.
type Node struct {
	g        *Graph
	id       int
	kind     Kind
	kernel   string
	attr     any
	in       []*Node
	parts    []*Node // of an Op: its further outputs
	of       *Node   // of a Part: the operation
	dtype    tensor.DType
	shape    []int
	name     string // of Input, Param and State
	backward bool   // made by Grad
	keep     bool   // see Keep
}

// Kind returns what the node is.
func (n *Node) Kind() Kind { return n.kind }

// ID returns the node's place in the order in which its graph was built.
func (n *Node) ID() int { return n.id }

// Kernel returns the name of an Op's kernel.
func (n *Node) Kernel() string { return n.kernel }

// Attr returns an Op's constants: one of the Attr structs of this package, or
// nil.
func (n *Node) Attr() any { return n.attr }

// In returns an Op's operands; the caller must not change the slice.
func (n *Node) In() []*Node { return n.in }

// Parts returns an Op's further outputs.
func (n *Node) Parts() []*Node { return n.parts }

// Of returns the operation that a Part belongs to.
func (n *Node) Of() *Node { return n.of }

// DType returns the storage type.
func (n *Node) DType() tensor.DType { return n.dtype }

// Shape returns the dimensions; the caller must not change the slice.
func (n *Node) Shape() []int { return n.shape }

// Len returns the number of elements.
func (n *Node) Len() int { return tensor.NumElements(n.shape) }

// Name returns the name of an Input, Param or State.
func (n *Node) Name() string { return n.name }

// Backward reports whether Grad made the node.
func (n *Node) Backward() bool { return n.backward }

// Kept reports whether the node was given to Keep.
func (n *Node) Kept() bool { return n.keep }

// Graph returns the graph that the node belongs to.
func (n *Node) Graph() *Graph { return n.g }

// String returns a short description, such as "matmul f32[8 120]".
func (n *Node) String() string {
	label := n.kernel
	if n.name != "" {
		label = n.name
	}
	if n.kind == Part {
		label = n.of.kernel + " part"
	}
	return fmt.Sprintf("%s %v%v", label, n.dtype, n.shape)
}

// rows and cols see a node as a matrix: all dimensions but the last, and the
// last.
func (n *Node) rows() int {
	if len(n.shape) == 0 {
		return 1
	}
	return tensor.NumElements(n.shape[:len(n.shape)-1])
}

func (n *Node) cols() int {
	if len(n.shape) == 0 {
		return 1
	}
	return n.shape[len(n.shape)-1]
}

// Store is an assignment that takes effect at the end of a run.
type Store struct{ Dst, Value *Node }

// Graph is a list of nodes in an order in which they can be computed.
type Graph struct {
	nodes    []*Node
	leaves   map[string]*Node // by kind and name
	stores   []Store
	err      error
	backward bool
}

// New returns an empty graph.
func New() *Graph { return &Graph{leaves: map[string]*Node{}} }

// Nodes returns the nodes in order; the caller must not change the slice.
func (g *Graph) Nodes() []*Node { return g.nodes }

// Stores returns the assignments in order.
func (g *Graph) Stores() []Store { return g.stores }

// Err returns the first error that a builder met.
func (g *Graph) Err() error { return g.err }

// Input returns a value that is given before each run.
func (g *Graph) Input(name string, dt tensor.DType, shape ...int) *Node {
	return g.leaf(Input, name, dt, shape)
}

// Param returns a weight stored as dt, by its published name. Asking again for
// the same name returns the same node, so tied weights are one.
func (g *Graph) Param(name string, dt tensor.DType, shape ...int) *Node {
	return g.leaf(Param, name, dt, shape)
}

// State returns a value that survives runs and is zero before the first.
func (g *Graph) State(name string, dt tensor.DType, shape ...int) *Node {
	return g.leaf(State, name, dt, shape)
}

func (g *Graph) leaf(kind Kind, name string, dt tensor.DType, shape []int) *Node {
	key := fmt.Sprint(kind, ":", name)
	if n := g.leaves[key]; n != nil {
		if n.dtype != dt || !slices.Equal(n.shape, shape) {
			g.fail("%s: asked for as %v%v, but it is %v%v", name, dt, shape, n.dtype, n.shape)
		}
		return n
	}
	for _, d := range shape {
		if d <= 0 {
			g.fail("%s: shape %v has a dimension that is not positive", name, shape)
			shape = []int{1}
			break
		}
	}
	n := g.append(&Node{kind: kind, name: name, dtype: dt, shape: slices.Clone(shape)})
	g.leaves[key] = n
	return n
}

// Store makes value the content of dst, a Param or State, once the run has
// ended. Whatever reads dst in the same run reads the old content; to read the
// new one, use value.
func (g *Graph) Store(dst, value *Node) {
	switch {
	case dst.kind != Param && dst.kind != State:
		g.fail("store: %v is neither a parameter nor a state", dst)
	case dst.dtype != value.dtype || dst.Len() != value.Len():
		g.fail("store: %v does not fit %v", value, dst)
	}
	g.stores = append(g.stores, Store{dst, value})
}

// Keep marks x as one of the few values that stay in memory for the gradient
// when a program is compiled with recomputation: the input of each block. It
// returns x.
func Keep(x *Node) *Node {
	x.keep = true
	return x
}

func (g *Graph) append(n *Node) *Node {
	n.g, n.id, n.backward = g, len(g.nodes), g.backward
	g.nodes = append(g.nodes, n)
	return n
}

// op appends an operation. Nil operands at the end are dropped by the builder,
// not here.
func (g *Graph) op(kernel string, attr any, dt tensor.DType, shape []int, in ...*Node) *Node {
	for _, x := range in {
		if x.g != g {
			g.fail("%s: %v belongs to another graph", kernel, x)
		}
	}
	return g.append(&Node{kind: Op, kernel: kernel, attr: attr, dtype: dt, shape: shape, in: in})
}

// part appends a further output to op.
func (g *Graph) part(op *Node, dt tensor.DType, shape ...int) *Node {
	p := g.append(&Node{kind: Part, of: op, dtype: dt, shape: shape})
	op.parts = append(op.parts, p)
	return p
}

// fail keeps the first error, with the first caller outside this package.
func (g *Graph) fail(format string, args ...any) {
	if g.err != nil {
		return
	}
	at := ""
	pc := make([]uintptr, 32)
	frames := runtime.CallersFrames(pc[:runtime.Callers(2, pc)])
	for {
		f, more := frames.Next()
		if !strings.Contains(f.Function, "/core/graph.") || strings.HasSuffix(f.File, "_test.go") {
			at = fmt.Sprintf(" (%s:%d)", filepath.Base(f.File), f.Line)
			break
		}
		if !more {
			break
		}
	}
	g.err = fmt.Errorf("graph: "+format+"%s", append(args, at)...)
}

// bad records an error and returns a node of the given shape to go on with.
func (g *Graph) bad(dt tensor.DType, shape []int, format string, args ...any) *Node {
	g.fail(format, args...)
	return g.op("fill", FillAttr{}, dt, shape)
}
