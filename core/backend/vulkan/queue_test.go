package vulkan

import (
	"bytes"
	"context"
	"slices"
	"testing"

	"github.com/kiban-models/kiban/core/graph"
	"github.com/kiban-models/kiban/core/tensor"
)

// called notes what is submitted and waited for.
type called []string

func (c *called) fault(doing string) int32 {
	if doing == "submit" || doing == "wait" {
		*c = append(*c, doing)
	}
	return 0
}

// expect wants calls since the last time.
func (c *called) expect(t *testing.T, what string, want ...string) {
	t.Helper()
	if !slices.Equal(*c, want) {
		t.Errorf("%s: %q, wanted %q", what, *c, want)
	}
	*c = nil
}

// TestNothingWaitsInVain: of a device whose memory the host does not see, a start
// waits for nothing while less than two runs are under way, nor does writing the
// next inputs, and what has been waited for is not waited for again. The layer
// sees that nothing is used that the device may be at.
func TestNothingWaitsInVain(t *testing.T) {
	var calls called
	b := open(t, Options{ForceStaging: true, Validate: layerThere(t), Fault: calls.fault})
	const m, k, n = 5, 13, 30
	putChain(t, b, k, n)
	calls.expect(t, "three values are put", "submit", "submit", "wait", "submit") // the third into the first's half
	g, out := chain(m, k, n)
	r := load(t, b, g, out)
	calls = nil
	x := tensor.Of(numbers(m*k, 1), m, k)
	run := func() { t.Helper(); must(t, r.Start(context.Background())) }
	must(t, r.Write("x", x))
	run()
	must(t, r.Write("x", x))
	calls.expect(t, "a start, and the next input", "submit")
	run()
	calls.expect(t, "a second start", "submit")
	must(t, r.Write("x", x))
	calls.expect(t, "the input of a third", "wait")
	run()
	calls.expect(t, "a third start", "submit")
	must(t, r.Run(context.Background()))
	calls.expect(t, "a run", "wait", "submit", "wait")
	must(t, r.Write("x", x))
	run()
	calls.expect(t, "a start when all is done", "submit")
	y, err := r.Read("y")
	must(t, err)
	checkChain(t, y, numbers(m*k, 1), m, k, n)
	must(t, r.ReadTo("y", y))
	calls.expect(t, "a small output, which came with the run", "wait")
	must(t, r.Close())
}

// TestOutputsOfAllSizes reads outputs that come with the run, that do not, and
// that are a state, before the first run and after each.
func TestOutputsOfAllSizes(t *testing.T) {
	for _, staging := range []bool{false, true} {
		b := open(t, Options{ForceStaging: staging, Validate: layerThere(t)})
		g := graph.New()
		const large = mirrorMost/4 + 1
		x, s := g.Input("x", tensor.F32, 1), g.State("s", tensor.F32, 3)
		sum := graph.Add(s, graph.Fill(g, 1, tensor.F32, 3))
		g.Store(s, sum)
		r := load(t, b, g, map[string]*graph.Node{
			"small": graph.Scale(x, 2), "state": sum, "most": graph.Fill(g, 5, tensor.F32, large-1), "large": graph.Fill(g, 6, tensor.F32, large),
		})
		if _, ok := r.mirror.outputs["large"]; ok || (len(r.mirror.outputs) == 3) != staging {
			t.Errorf("staging %t: %v come with the run", staging, r.mirror.outputs)
		}
		for run := range 3 {
			if run > 0 {
				must(t, r.Write("x", tensor.Of([]float32{float32(run)}, 1)))
				must(t, r.Start(context.Background()))
				must(t, r.Write("x", tensor.Of([]float32{-1000}, 1)))
			}
			for name, want := range map[string]float64{"small": float64(2 * run), "state": float64(run), "most": 5, "large": 6} {
				y, err := r.Read(name)
				must(t, err)
				if run > 0 && y.At(y.Len()-1) != want || run == 0 && y.At(0) != 0 {
					t.Errorf("staging %t, after run %d: %s is %g, wanted %g", staging, run, name, y.At(y.Len()-1), want)
				}
			}
		}
	}
}

// TestLargeTransfers moves more than the staging buffer holds, and an odd rest,
// while the caller changes what it gave.
func TestLargeTransfers(t *testing.T) {
	b := open(t, Options{ForceStaging: true, Validate: layerThere(t)})
	const n = 5*halfSize/2/4 + 7
	want := tensor.New(tensor.I32, n)
	for i := range want.Int32() {
		want.Int32()[i] = int32(i) * 2654435
	}
	given := tensor.New(tensor.I32, n)
	for range 2 {
		copy(given.Bytes(), want.Bytes())
		must(t, b.Put("w", given))
		clear(given.Bytes())
	}
	got, err := b.Get("w")
	must(t, err)
	if !bytes.Equal(got.Bytes(), want.Bytes()) {
		t.Error("other values came back")
	}
	// Zeroing is in the same order.
	g := graph.New()
	s := g.State("s", tensor.I32, n)
	g.Store(s, graph.Fill(g, 3, tensor.I32, n))
	r := load(t, b, g, nil)
	got, err = b.Get("s")
	must(t, err)
	if slices.ContainsFunc(got.Int32(), func(v int32) bool { return v != 0 }) {
		t.Error("a fresh state is not zero")
	}
	must(t, r.Start(context.Background()))
	must(t, b.GetTo("s", got))
	if slices.ContainsFunc(got.Int32(), func(v int32) bool { return v != 3 }) {
		t.Error("a state was read before the run that stores it was done")
	}
}
