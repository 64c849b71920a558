package cpu_test

import (
	"bytes"
	"context"
	"fmt"
	"math"
	"math/rand/v2"
	"testing"

	"github.com/kiban-models/kiban/core/backend"
	"github.com/kiban-models/kiban/core/backend/cpu"
	"github.com/kiban-models/kiban/core/graph"
	"github.com/kiban-models/kiban/core/plan"
	"github.com/kiban-models/kiban/core/tensor"
)

// A matrix that few rows are multiplied by is kept turned, which nobody can tell
// from outside: whatever programs are loaded and closed between, in whatever
// order, products are right, and Put and Get see the matrix as it was declared.
func TestTurnedMatrices(t *testing.T) {
	const n, k = 77, 45
	for _, dt := range []tensor.DType{tensor.F32, tensor.BF16} {
		t.Run(dt.String(), func(t *testing.T) {
			b := open(t, cpu.Options{})
			random := rand.New(rand.NewPCG(1, 2))
			draw := func(shape ...int) *tensor.Tensor {
				x := tensor.New(tensor.F32, shape...)
				for i := range x.Float32() {
					x.Float32()[i] = float32(random.NormFloat64())
				}
				return x.Convert(dt)
			}
			weight := draw(k, n)
			put := func() {
				t.Helper()
				if err := b.Put("w", weight); err != nil {
					t.Fatal(err)
				}
			}
			put()
			same := func(when string) {
				t.Helper()
				got, err := b.Get("w")
				if err != nil || !bytes.Equal(got.Bytes(), weight.Bytes()) {
					t.Fatalf("%s, Get gives another matrix: %v", when, err)
				}
			}
			load := func(f func(g *graph.Graph, w *graph.Node) *graph.Node) backend.Runner {
				t.Helper()
				g := graph.New()
				p, err := plan.Compile(g, b.Limits(), plan.Options{}, map[string]*graph.Node{"out": f(g, g.Param("w", dt, k, n))})
				if err != nil {
					t.Fatal(err)
				}
				r, err := b.Load(p)
				if err != nil {
					t.Fatal(err)
				}
				return r
			}
			product := func(rows int) func() {
				x := draw(rows, k)
				r := load(func(g *graph.Graph, w *graph.Node) *graph.Node {
					return graph.MatMul(g.Input("x", dt, rows, k), w, graph.MatMulOpt{})
				})
				if err := r.Write("x", x); err != nil {
					t.Fatal(err)
				}
				return func() {
					t.Helper()
					if err := r.Run(context.Background()); err != nil {
						t.Fatal(err)
					}
					got, err := r.Read("out")
					if err != nil {
						t.Fatal(err)
					}
					for i := range rows {
						for j := range n {
							var want, size float64
							for q := range k {
								product := x.At(i*k+q) * weight.At(q*n+j)
								want, size = want+product, size+math.Abs(product)
							}
							if d := math.Abs(got.At(i*n+j) - want); d > size*map[tensor.DType]float64{tensor.F32: 1e-6, tensor.BF16: 5e-3}[dt] {
								t.Fatalf("%d rows: element %d, %d is %g, wanted %g", rows, i, j, got.At(i*n+j), want)
							}
						}
					}
				}
			}
			many := product(40) // as it is
			few := product(3)   // turned
			many()
			few()
			same("turned")
			weight = draw(k, n)
			put()
			many()
			few()
			same("after Put")
			doubled := load(func(g *graph.Graph, w *graph.Node) *graph.Node { return graph.Scale(w, 2) }) // turned back
			check := func() {
				t.Helper()
				if err := doubled.Run(context.Background()); err != nil {
					t.Fatal(err)
				}
				got, err := doubled.Read("out")
				if err != nil {
					t.Fatal(err)
				}
				for i := range n * k {
					if got.At(i) != 2*weight.At(i) {
						t.Fatalf("twice element %d, %g, is %g", i, weight.At(i), got.At(i))
					}
				}
			}
			check()
			one := product(1) // may not turn it
			check()
			one()
			few()
			many()
			same("turned back")
			if err := doubled.Close(); err != nil {
				t.Fatal(err)
			}
			two := product(2) // turns it again
			for _, f := range []func(){two, one, few, many} {
				f()
			}
			same("turned again")
		})
	}
}

// A bad Put leaves a turned matrix as it is.
func TestPutOfAnotherShapeChangesNothing(t *testing.T) {
	b := open(t, cpu.Options{})
	w := tensor.Of([]float32{1, 2, 3, 4, 5, 6}, 2, 3)
	if err := b.Put("w", w); err != nil {
		t.Fatal(err)
	}
	g := graph.New()
	out := graph.MatMul(g.Input("x", tensor.F32, 1, 2), g.Param("w", tensor.F32, 2, 3), graph.MatMulOpt{})
	p, err := plan.Compile(g, b.Limits(), plan.Options{}, map[string]*graph.Node{"out": out})
	if err != nil {
		t.Fatal(err)
	}
	if _, err := b.Load(p); err != nil {
		t.Fatal(err)
	}
	if err := b.Put("w", tensor.Of([]float32{1, 2, 3, 4, 5, 6}, 3, 2)); err == nil {
		t.Fatal("a matrix of another shape was taken")
	}
	if got, err := b.Get("w"); err != nil || fmt.Sprint(got.Float32()) != "[1 2 3 4 5 6]" {
		t.Fatalf("Get gives %v, %v", got.Float32(), err)
	}
}
