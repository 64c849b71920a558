package backendtest

import (
	"fmt"
	"hash/fnv"
	"math"
	"math/rand/v2"

	"github.com/kiban-models/kiban/core/graph"
	"github.com/kiban-models/kiban/core/tensor"
)

// Case is a small graph on whose results backends must agree.
type Case struct {
	Name string // the file's stem, a slash, and what is special
	// Build makes the graph and returns its outputs.
	Build func(m *Maker) map[string]*graph.Node
	// Wrt names the leaves whose gradients are checked, and are outputs as
	// well: those of the sum of all float outputs, weighted at random.
	Wrt []string
	// Storage says that the kernels know 16-bit storage, which Build takes
	// from Maker.DT.
	Storage bool
	// Large cases are not differenced: it would take too long.
	Large bool
	// Tol bounds the error in f32 relative to an output's scale; 0 means 1e-5.
	// Integers and infinities must be equal.
	Tol float64
}

// Maker makes a case's graph and the values of its leaves.
type Maker struct {
	*graph.Graph
	DT     tensor.DType // storage of activations and weights
	prefix string       // keeps the names of cases apart in one backend
	leaves []leaf
}

type leaf struct {
	node  *graph.Node
	value *tensor.Tensor
}

// Values gives element i of a leaf.
type Values func(r *rand.Rand, i int) float64

// normal draws from a Gaussian of the given width.
func normal(width float64) Values {
	return func(r *rand.Rand, _ int) float64 { return width * r.NormFloat64() }
}

// positive draws squares of Gaussians, as second moments are.
func positive(width float64) Values {
	return func(r *rand.Rand, _ int) float64 { return width * math.Pow(r.NormFloat64(), 2) }
}

// integers draws from lo to hi, both included.
func integers(lo, hi int) Values {
	return func(r *rand.Rand, _ int) float64 { return float64(lo + r.IntN(hi-lo+1)) }
}

// list gives the numbers, over and over.
func list(v ...float64) Values {
	return func(_ *rand.Rand, i int) float64 { return v[i%len(v)] }
}

// Input declares an input and draws its value.
func (m *Maker) Input(name string, dt tensor.DType, v Values, shape ...int) *graph.Node {
	return m.leaf(m.Graph.Input(m.prefix+name, dt, shape...), v)
}

// Param declares a parameter and draws its value.
func (m *Maker) Param(name string, dt tensor.DType, v Values, shape ...int) *graph.Node {
	return m.leaf(m.Graph.Param(m.prefix+name, dt, shape...), v)
}

// State declares a state and draws its value.
func (m *Maker) State(name string, dt tensor.DType, v Values, shape ...int) *graph.Node {
	return m.leaf(m.Graph.State(m.prefix+name, dt, shape...), v)
}

// leaf draws the value from a stream of the leaf's own name, so that it does
// not depend on what else a case has.
func (m *Maker) leaf(n *graph.Node, v Values) *graph.Node {
	h := fnv.New64a()
	fmt.Fprint(h, n.Name())
	r := rand.New(rand.NewPCG(h.Sum64(), 1))
	t := tensor.New(n.DType(), n.Shape()...)
	for i := range t.Len() {
		t.Set(i, v(r, i))
	}
	m.leaves = append(m.leaves, leaf{n, t})
	return n
}

// find returns the leaf that Build made under the name.
func (m *Maker) find(name string) leaf {
	for _, l := range m.leaves {
		if l.node.Name() == m.prefix+name {
			return l
		}
	}
	panic("backendtest: case has no leaf " + name)
}

// made is a case with its graph.
type made struct {
	*Maker
	outputs map[string]*graph.Node
	loss    *graph.Node // nil without Wrt
	wrt     []leaf
	grads   []*graph.Node
}

// make builds the case in a storage type, with its gradients.
func (c Case) make(dt tensor.DType) made {
	m := &Maker{Graph: graph.New(), DT: dt, prefix: fmt.Sprintf("%s/%v/", c.Name, dt)}
	b := made{Maker: m, outputs: c.Build(m)}
	if len(c.Wrt) == 0 {
		return b
	}
	for _, name := range sortedKeys(b.outputs) {
		y := b.outputs[name]
		if y.Kind() != graph.Op || !y.DType().IsFloat() {
			continue // gradients go through first outputs only
		}
		r := m.Input("weight of "+name, tensor.F32, normal(1), y.Shape()...)
		term := graph.Dot(graph.Cast(y, tensor.F32), r)
		if b.loss == nil {
			b.loss = term
		} else {
			b.loss = graph.Add(b.loss, term)
		}
	}
	var nodes []*graph.Node
	for _, name := range c.Wrt {
		b.wrt = append(b.wrt, m.find(name))
		nodes = append(nodes, m.find(name).node)
	}
	b.grads = graph.Grad(b.loss, nodes...)
	for i, name := range c.Wrt {
		b.outputs["gradient of "+name] = b.grads[i]
	}
	return b
}
