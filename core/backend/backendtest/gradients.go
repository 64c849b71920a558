package backendtest

import (
	"math"
	"math/rand/v2"
	"testing"

	"github.com/kiban-models/kiban/core/backend"
	"github.com/kiban-models/kiban/core/backend/reference"
	"github.com/kiban-models/kiban/core/graph"
	"github.com/kiban-models/kiban/core/plan"
	"github.com/kiban-models/kiban/core/tensor"
)

// Gradients checks the gradients of every case that names Wrt and is not Large
// against central differences, all in float64: they must agree to 1e-6 of the
// largest.
func Gradients(t *testing.T) {
	for _, c := range Cases() {
		if len(c.Wrt) > 0 && !c.Large {
			t.Run(c.Name, func(t *testing.T) { c.gradients(t) })
		}
	}
}

func (c Case) gradients(t *testing.T) {
	const step, tol, most = 1e-5, 1e-6, 48
	m := c.make(tensor.F32)
	exact := m.widened()
	m.outputs["loss"] = m.loss
	all := exact.results(t, reference.New[float64](), plan.Options{})

	forward := exact
	forward.outputs = map[string]*graph.Node{"loss": m.loss}
	b := reference.New[float64]()
	loss := forward.evaluator(t, b)
	for k, l := range exact.wrt {
		got := all["gradient of "+c.Wrt[k]]
		scale := 0.0
		for i := range got.Len() {
			scale = max(scale, math.Abs(got.At(i)))
		}
		if scale == 0 {
			t.Errorf("the gradient of %s is zero everywhere", c.Wrt[k])
		}
		for _, i := range some(got.Len(), most) {
			x := l.value.At(i)
			l.value.Set(i, x+step)
			above := loss()
			l.value.Set(i, x-step)
			below := loss()
			l.value.Set(i, x)
			want := (above - below) / (2 * step)
			if e := math.Abs(got.At(i) - want); !(e <= tol*scale) {
				t.Errorf("gradient of %s, element %d of %v: %.9g, but differences give %.9g", c.Wrt[k], i, got, got.At(i), want)
			}
		}
	}
}

// some returns up to most of the indexes below n.
func some(n, most int) []int {
	all := rand.New(rand.NewPCG(1, 2)).Perm(n)
	return all[:min(n, most)]
}

// widened returns the case with its float leaves in f64.
func (m made) widened() made {
	wide := m
	mk := *m.Maker
	wide.Maker, wide.wrt = &mk, nil
	mk.leaves = nil
	byNode := map[*graph.Node]leaf{}
	for _, l := range m.leaves {
		if l.value.DType().IsFloat() {
			l.value = l.value.Convert(tensor.F64)
		}
		mk.leaves = append(mk.leaves, l)
		byNode[l.node] = l
	}
	for _, l := range m.wrt {
		wide.wrt = append(wide.wrt, byNode[l.node])
	}
	return wide
}

// evaluator loads the case and returns a function that runs it with the
// leaves' present values and returns its loss.
func (m made) evaluator(t *testing.T, b backend.Backend) func() float64 {
	p, err := plan.Compile(m.Graph, b.Limits(), plan.Options{NoFusion: true}, m.outputs)
	if err != nil {
		t.Fatal(err)
	}
	put := func(r backend.Runner) {
		for _, l := range m.leaves {
			if l.node.Kind() != graph.Input {
				err = b.Put(l.node.Name(), l.value)
			} else if r != nil {
				err = r.Write(l.node.Name(), l.value)
			}
			if err != nil {
				t.Fatal(err)
			}
		}
	}
	put(nil)
	r, err := b.Load(p)
	if err != nil {
		t.Fatal(err)
	}
	return func() float64 {
		put(r)
		if err := r.Run(t.Context()); err != nil {
			t.Fatal(err)
		}
		y, err := r.Read("loss")
		if err != nil {
			t.Fatal(err)
		}
		return y.At(0)
	}
}
