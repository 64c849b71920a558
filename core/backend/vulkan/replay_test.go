package vulkan

import (
	"context"
	"os"
	"runtime"
	"strconv"
	"strings"
	"testing"

	"github.com/kiban-models/kiban/core/graph"
	"github.com/kiban-models/kiban/core/plan"
	"github.com/kiban-models/kiban/core/tensor"
)

// resident returns the resident memory of the process in bytes.
func resident(t *testing.T) int64 {
	t.Helper()
	data, err := os.ReadFile("/proc/self/statm")
	if err != nil {
		t.Skip("resident memory is not known here: ", err)
	}
	pages, err := strconv.ParseInt(strings.Fields(string(data))[1], 10, 64)
	must(t, err)
	return pages * int64(os.Getpagesize())
}

// TestReplayKeepsMemory replays a program 10000 times, with an input and an
// output each time.
func TestReplayKeepsMemory(t *testing.T) {
	b := open(t, Options{ForceStaging: true})
	const m, k, n = 1, 8, 8
	putChain(t, b, k, n)
	g, out := chain(m, k, n)
	r := load(t, b, g, out)
	x := tensor.Of(numbers(m*k, 10), m, k)
	run := func(times int) {
		for range times {
			must(t, r.Write("x", x))
			must(t, r.Run(context.Background()))
			if _, err := r.Read("y"); err != nil {
				t.Fatal(err)
			}
		}
		runtime.GC()
	}
	run(5000) // until the heap has its size
	before := resident(t)
	run(10_000)
	if grown := resident(t) - before; grown > 6<<20 {
		t.Errorf("10000 runs left %d bytes more", grown)
	}
}

// TestLoadsKeepMemory loads and closes programs, after which nothing may be
// left but the pipelines.
func TestLoadsKeepMemory(t *testing.T) {
	b := open(t, Options{})
	putChain(t, b, 8, 8)
	load100 := func() {
		for range 100 {
			g, out := chain(1, 8, 8)
			must(t, load(t, b, g, out).Close())
		}
		runtime.GC()
	}
	load100()
	allocated, pipelines, before := b.allocated, len(b.pipelines), resident(t)
	for range 10 {
		load100()
	}
	if b.allocated != allocated || len(b.pipelines) != pipelines || len(b.runners) != 0 {
		t.Errorf("after closing all programs: %d bytes (%d before), %d pipelines (%d), %d programs",
			b.allocated, allocated, len(b.pipelines), pipelines, len(b.runners))
	}
	if grown := resident(t) - before; grown > 8<<20 {
		t.Errorf("1000 loads left %d bytes more", grown)
	}
}

// TestGarbageCollector loads and runs programs while the collector runs all
// the time: nothing that the driver reads may be Go's to free.
func TestGarbageCollector(t *testing.T) {
	stop, done := make(chan bool), make(chan bool)
	go func() {
		defer close(done)
		for {
			select {
			case <-stop:
				return
			default:
				runtime.GC()
			}
		}
	}()
	defer func() { close(stop); <-done }()
	for i := range 4 {
		b := open(t, Options{ForceStaging: i%2 == 0})
		const m, k = 3, 12
		for n := 4; n < 28; n += 4 {
			for name := range b.named {
				delete(b.named, name) // the shapes change
			}
			putChain(t, b, k, n)
			g, out := chain(m, k, n)
			r := load(t, b, g, out)
			x := numbers(m*k, uint32(n))
			must(t, r.Write("x", tensor.Of(x, m, k)))
			must(t, r.Run(context.Background()))
			y, err := r.Read("y")
			must(t, err)
			checkChain(t, y, x, m, k, n)
			must(t, r.Close())
		}
	}
}

// TestLongProgram spans several command buffers, each step waiting for the
// last.
func TestLongProgram(t *testing.T) {
	b := open(t, Options{})
	g := graph.New()
	one := g.Input("one", tensor.F32, 5)
	x := one
	const steps = 2*chunk + 10
	for range steps {
		x = graph.Add(x, one)
	}
	r := load(t, b, g, map[string]*graph.Node{"y": x})
	if len(r.main) != 3 {
		t.Errorf("%d command buffers, wanted 3", len(r.main))
	}
	must(t, r.Write("one", tensor.Of([]float32{1, 2, 3, 4, 5}, 5)))
	must(t, r.Run(context.Background()))
	y, err := r.Read("y")
	must(t, err)
	for i := range 5 {
		if want := float64((steps + 1) * (i + 1)); y.At(i) != want {
			t.Errorf("y[%d] = %g, wanted %g", i, y.At(i), want)
		}
	}
}

// TestScratchBlocks splits the scratch memory of a program over allocations.
func TestScratchBlocks(t *testing.T) {
	b := open(t, Options{})
	b.f.maxBind = 256 // bytes: most values fill a block
	g := graph.New()
	x := g.Input("x", tensor.F32, 64)
	sum := graph.Scale(x, 1)
	var kept []*graph.Node
	for i := range 5 {
		kept = append(kept, graph.Scale(x, float32(i)))
	}
	for _, k := range kept {
		sum = graph.Add(sum, k)
	}
	p, err := plan.Compile(g, b.Limits(), plan.Options{}, map[string]*graph.Node{"y": sum})
	must(t, err)
	loaded, err := b.Load(p)
	must(t, err)
	r := loaded.(*Runner)
	if len(r.scratch) < 2 {
		t.Fatalf("%d blocks of scratch memory for %d bytes, wanted several", len(r.scratch), p.ScratchBytes)
	}
	must(t, r.Write("x", tensor.Of(numbers(64, 1), 64)))
	must(t, r.Run(context.Background()))
	y, err := r.Read("y")
	must(t, err)
	for i, v := range numbers(64, 1) {
		if want := 11 * float64(v); y.At(i) < want-1e-5 || y.At(i) > want+1e-5 {
			t.Fatalf("y[%d] = %g, wanted %g", i, y.At(i), want)
		}
	}
}
