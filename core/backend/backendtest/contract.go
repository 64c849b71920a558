package backendtest

import (
	"context"
	"errors"
	"slices"
	"strings"
	"testing"

	"github.com/kiban-models/kiban/core/backend"
	"github.com/kiban-models/kiban/core/graph"
	"github.com/kiban-models/kiban/core/plan"
	"github.com/kiban-models/kiban/core/tensor"
)

// Contract checks what the interfaces promise beyond numbers, on backends that
// open makes: storage types, misuse, and what survives between runs and
// programs.
func Contract(t *testing.T, open func() (backend.Backend, error)) {
	run := func(name string, f func(t *testing.T, b backend.Backend)) {
		t.Run(name, func(t *testing.T) {
			b, err := open()
			if err != nil {
				t.Fatal(err)
			}
			defer func() {
				if err := b.Close(); err != nil {
					t.Errorf("close: %v", err)
				}
			}()
			f(t, b)
		})
	}
	run("named memory", contractNamed)
	run("missing parameters", contractMissing)
	run("inputs and outputs", contractEdges)
	run("states", contractStates)
	run("repeated runs", contractRepeat)
	run("started runs", contractStart)
	run("closed at work", contractCloseAtWork)
	run("ended context", contractContext)
}

func contractNamed(t *testing.T, b backend.Backend) {
	if b.Name() == "" {
		t.Error("the backend has no name")
	}
	_, err := b.Get("w")
	refuse(t, err, "reading what was never put", "w")
	accept(t, b.Put("w", tensor.Of([]float32{1, 1.001, 3}, 3).Convert(tensor.BF16)))
	refuse(t, b.Put("w", tensor.Of([]float32{1, 2}, 2)), "another shape", "w")
	refuse(t, b.Put("w", tensor.Of([]int32{1, 2, 3}, 3)), "integers for floats", "w")
	// The storage type stays, and values round to it.
	accept(t, b.Put("w", tensor.Of([]float32{1.001, 2, -3}, 3)))
	w, err := b.Get("w")
	accept(t, err)
	if w.DType() != tensor.BF16 || w.At(0) != 1 || w.At(2) != -3 {
		t.Errorf("got %v with %g, %g, wanted bf16 with 1, -3", w, w.At(0), w.At(2))
	}
	w.Set(0, 99)
	if again, _ := b.Get("w"); again.At(0) == 99 {
		t.Error("Get gave the memory itself, not a copy")
	}
}

func contractMissing(t *testing.T, b backend.Backend) {
	g := graph.New()
	y := graph.Add(graph.Add(g.Param("one", tensor.F32, 3), g.Param("two", tensor.F32, 3)), g.Param("three", tensor.F32, 3))
	p, err := plan.Compile(g, b.Limits(), plan.Options{}, one(y))
	accept(t, err)
	accept(t, b.Put("two", tensor.New(tensor.F32, 3)))
	_, err = b.Load(p)
	refuse(t, err, "missing parameters", "one", "three")
	accept(t, b.Put("one", tensor.New(tensor.F32, 3)))
	accept(t, b.Put("three", tensor.New(tensor.F32, 1, 3)))
	_, err = b.Load(p)
	refuse(t, err, "a parameter of another shape", "three")
}

func contractEdges(t *testing.T, b backend.Backend) {
	g := graph.New()
	x, ids := g.Input("x", tensor.BF16, 2, 2), g.Input("ids", tensor.I32, 3)
	p, err := plan.Compile(g, b.Limits(), plan.Options{}, map[string]*graph.Node{
		"y": graph.Scale(x, 2), "rows": graph.Embed(graph.Cast(x, tensor.F32), ids, tensor.F32),
	})
	accept(t, err)
	r, err := b.Load(p)
	accept(t, err)
	refuse(t, r.Write("z", tensor.New(tensor.F32, 2, 2)), "an input that is none", "z")
	refuse(t, r.Write("x", tensor.New(tensor.F32, 4)), "another shape", "x")
	refuse(t, r.Write("x", tensor.New(tensor.I32, 2, 2)), "integers for floats", "x")
	refuse(t, r.Write("ids", tensor.New(tensor.F32, 3)), "floats for integers", "ids")
	_, err = r.Read("z")
	refuse(t, err, "an output that is none", "z")

	accept(t, r.Write("x", tensor.Of([]float32{1, 1.001, 3, 4}, 2, 2)))
	accept(t, r.Write("ids", tensor.Of([]int32{1, 0, 1}, 3)))
	for range 2 { // the inputs stay
		accept(t, r.Run(context.Background()))
		y, err := r.Read("y")
		accept(t, err)
		rows, err := r.Read("rows")
		accept(t, err)
		again := tensor.New(tensor.BF16, 2, 2)
		accept(t, r.ReadTo("y", again))
		if !slices.Equal(again.Bytes(), y.Convert(tensor.BF16).Bytes()) {
			t.Errorf("ReadTo gives %v, Read %v", again, y)
		}
		refuse(t, r.ReadTo("y", tensor.New(tensor.BF16, 3)), "another size", "y")
		refuse(t, r.ReadTo("y", tensor.New(tensor.I32, 2, 2)), "another type", "y")
		refuse(t, r.ReadTo("z", again), "an output that is none", "z")
		if y.DType() != tensor.BF16 || y.At(1) != 2 || y.At(3) != 8 || rows.At(0) != 3 || rows.At(2) != 1 {
			t.Errorf("got %v with %g, %g and rows %v", y, y.At(1), y.At(3), rows.Float32())
		}
	}
	accept(t, r.Close())
}

func contractStates(t *testing.T, b backend.Backend) {
	count := func(by float32) backend.Runner {
		g := graph.New()
		s := g.State("count", tensor.F32, 2)
		sum := graph.Add(s, graph.Fill(g, by, tensor.F32, 2))
		g.Store(s, sum)
		p, err := plan.Compile(g, b.Limits(), plan.Options{}, map[string]*graph.Node{"before": graph.Scale(s, 1), "sum": sum})
		accept(t, err)
		r, err := b.Load(p)
		accept(t, err)
		return r
	}
	ones, tens := count(1), count(10)
	for i, r := range []backend.Runner{ones, tens, ones} {
		accept(t, r.Run(context.Background()))
		before, err := r.Read("before")
		accept(t, err)
		if want := []float64{0, 1, 11}[i]; before.At(1) != want {
			t.Errorf("run %d began with state %g, wanted %g", i, before.At(1), want)
		}
	}
	s, err := b.Get("count")
	accept(t, err)
	again := tensor.New(tensor.F32, 2)
	accept(t, b.GetTo("count", again))
	refuse(t, b.GetTo("count", tensor.New(tensor.F32, 3)), "another size", "count")
	refuse(t, b.GetTo("counts", again), "a state that is none", "counts")
	if s.At(0) != 12 || again.At(0) != 12 {
		t.Errorf("the state is %g after three runs, wanted 12", s.At(0))
	}
	accept(t, b.Put("count", tensor.Of([]float32{5, 6}, 2)))
	accept(t, tens.Run(context.Background()))
	if sum, err := tens.Read("sum"); err != nil || sum.At(1) != 16 {
		t.Errorf("after Put the sum is %v, wanted 16 (%v)", sum, err)
	}
	// What a closed runner had is nobody else's business.
	accept(t, ones.Close())
	accept(t, tens.Run(context.Background()))
}

// Each run of a repetition sees what the one before it left, the first what was
// written; more of them than fit into a submission do, too.
func contractRepeat(t *testing.T, b backend.Backend) {
	r := halving(t, b)
	want := 0.0
	for i, times := range []int{1, 5, 0, 150} {
		x := float32(i + 1)
		accept(t, r.Write("by", tensor.Of([]float32{x, x, x}, 3)))
		accept(t, r.Repeat(context.Background(), times))
		for range times {
			want = float64(float32(want*0.5) + x)
		}
		if got, err := b.Get("sum"); err != nil || got.At(2) != want {
			t.Errorf("after %d runs more the state is %g (%v), wanted %g", times, got.At(2), err, want)
		}
	}
	ctx, cancel := context.WithCancel(context.Background())
	cancel()
	if err := r.Repeat(ctx, 3); !errors.Is(err, context.Canceled) {
		t.Errorf("a repetition whose context had ended gave %v", err)
	}
	if got, err := b.Get("sum"); err != nil || got.At(0) != want {
		t.Errorf("a repetition whose context had ended began nonetheless (%v)", err)
	}
}

func contractContext(t *testing.T, b backend.Backend) {
	g := graph.New()
	s := g.State("s", tensor.F32, 1)
	g.Store(s, graph.Fill(g, 1, tensor.F32, 1))
	p, err := plan.Compile(g, b.Limits(), plan.Options{}, nil)
	accept(t, err)
	r, err := b.Load(p)
	accept(t, err)
	ctx, cancel := context.WithCancel(context.Background())
	cancel()
	if err := r.Run(ctx); !errors.Is(err, context.Canceled) {
		t.Errorf("a run whose context had ended gave %v", err)
	}
	if s, err := b.Get("s"); err != nil || s.At(0) != 0 {
		t.Errorf("a run whose context had ended began nonetheless (%v)", err)
	}
}

func accept(t *testing.T, err error) {
	t.Helper()
	if err != nil {
		t.Fatal(err)
	}
}

// refuse demands an error that mentions all the words.
func refuse(t *testing.T, err error, what string, words ...string) {
	t.Helper()
	if err == nil {
		t.Fatalf("%s: no error", what)
	}
	for _, w := range words {
		if !strings.Contains(err.Error(), w) {
			t.Errorf("%s: the error does not mention %q: %v", what, w, err)
		}
	}
}
