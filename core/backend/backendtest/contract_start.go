package backendtest

import (
	"context"
	"errors"
	"testing"

	"github.com/kiban-models/kiban/core/backend"
	"github.com/kiban-models/kiban/core/graph"
	"github.com/kiban-models/kiban/core/plan"
	"github.com/kiban-models/kiban/core/tensor"
)

// halving loads a program that makes of the state "sum" its half plus the input
// "by", and has that as its output "sum" as well.
func halving(t *testing.T, b backend.Backend) backend.Runner {
	t.Helper()
	g := graph.New()
	s, by := g.State("sum", tensor.F32, 3), g.Input("by", tensor.F32, 3)
	sum := graph.Add(graph.Scale(s, 0.5), by)
	g.Store(s, graph.Scale(sum, 1))
	p, err := plan.Compile(g, b.Limits(), plan.Options{}, map[string]*graph.Node{"sum": sum})
	accept(t, err)
	r, err := b.Load(p)
	accept(t, err)
	return r
}

// What is called after Start has the effect that it would have after Run: each
// run has the inputs that were written before it, however many are under way, and
// programs that share a state see it in the order of their starts.
func contractStart(t *testing.T, b backend.Backend) {
	runners := []backend.Runner{halving(t, b), halving(t, b)}
	start := func(i int) {
		t.Helper()
		accept(t, runners[i].Start(context.Background()))
	}
	value, seen := tensor.New(tensor.F32, 3), tensor.New(tensor.F32, 3)
	write := func(i int, x float32) { // by a tensor that changes at once
		t.Helper()
		for k := range value.Float32() {
			value.Float32()[k] = x
		}
		accept(t, runners[i].Write("by", value))
		value.Float32()[2] = -1000
	}
	want := float32(0)
	expect := func(what string, got *tensor.Tensor, err error) {
		t.Helper()
		if accept(t, err); got.At(2) != float64(want) {
			t.Errorf("%s: got %g, wanted %g", what, got.At(2), want)
		}
	}
	state := func(what string) {
		t.Helper()
		got, err := b.Get("sum")
		expect(what, got, err)
	}

	write(0, 1)
	start(0)
	write(0, 2)
	want = 1
	got, err := runners[0].Read("sum")
	expect("an input that was written after the start", got, err)
	start(0)
	write(0, 3)
	write(0, 4)
	want = want/2 + 2
	expect("the run after it", seen, runners[0].ReadTo("sum", seen))
	start(0)
	start(0) // the inputs stay
	want = (want/2+4)/2 + 4
	expect("the last of two starts", seen, b.GetTo("sum", seen))

	for k := range 20 { // more than may be under way at once
		x := float32(k)
		write(k%2, x)
		start(k % 2)
		if want = want/2 + x; k%3 == 0 {
			start(k % 2)
			want = want/2 + x
		}
	}
	state("two programs in turns")

	start(1)
	value.Float32()[2] = 64
	accept(t, b.Put("sum", value))
	value.Float32()[2] = -1000
	start(1)
	want = 64./2 + 19
	state("Put after a start")

	start(0)
	third := halving(t, b)
	accept(t, third.Write("by", tensor.Of([]float32{7, 7, 7}, 3)))
	accept(t, third.Run(context.Background()))
	accept(t, third.Close())
	want = (want/2+18)/2 + 7
	state("a program that was loaded and run after a start")

	start(0)
	write(0, 5)
	accept(t, runners[0].Repeat(context.Background(), 2))
	want = ((want/2+18)/2+5)/2 + 5
	expect("repeated runs after a start", seen, runners[0].ReadTo("sum", seen))

	ctx, cancel := context.WithCancel(context.Background())
	cancel()
	if err := runners[0].Start(ctx); !errors.Is(err, context.Canceled) {
		t.Errorf("a start whose context had ended gave %v", err)
	}
	state("a start whose context had ended")
}

// A program that is closed at work comes to its end, and so does a backend.
func contractCloseAtWork(t *testing.T, b backend.Backend) {
	first, second := halving(t, b), halving(t, b)
	for _, r := range []backend.Runner{first, second} {
		accept(t, r.Write("by", tensor.Of([]float32{1, 2, 3}, 3)))
		accept(t, r.Start(context.Background()))
	}
	accept(t, first.Close())
	if got, err := b.Get("sum"); err != nil || got.At(2) != 4.5 {
		t.Errorf("a program that was closed at work, and one after it: %v, %v; wanted 4.5", got, err)
	}
	accept(t, second.Start(context.Background())) // until the backend is closed
}
