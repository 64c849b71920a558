package vulkan

import (
	"context"
	"strings"
	"testing"

	"github.com/kiban-models/kiban/core/backend/backendtest"
	"github.com/kiban-models/kiban/core/graph"
	"github.com/kiban-models/kiban/core/plan"
	"github.com/kiban-models/kiban/core/tensor"
)

// training loads a training step of the small decoder, of parameters that are
// drawn, and writes its inputs.
func training(t testing.TB, b *Backend, d backendtest.Decoder, opt plan.Options) *Runner {
	t.Helper()
	g, out := d.Training()
	p, err := plan.Compile(g, b.Limits(), opt, out)
	must(t, err)
	for name, w := range d.Weights(g) {
		must(t, b.Put(name, w))
	}
	loaded, err := b.Load(p)
	must(t, err)
	r := loaded.(*Runner)
	for name, s := range p.Inputs {
		x := tensor.New(s.DType, s.Shape...)
		if s.DType == tensor.F32 {
			for i := range x.Float32() {
				x.Float32()[i] = 0.01
			}
		}
		must(t, r.Write(name, x))
	}
	return r
}

// TestProfile times a training step under the validation layer: every step is
// counted, each run once, the times of kernels fit into those of the runs, and
// the numbers are those of a run without.
func TestProfile(t *testing.T) {
	d := backendtest.SmallDecoder(tensor.F32)
	plain := open(t, Options{})
	want := training(t, plain, d, plan.Options{})
	must(t, want.Run(context.Background()))
	must(t, want.Run(context.Background()))
	b := open(t, Options{Profile: true, Validate: layerThere(t)})
	if b.f.TimestampBits == 0 {
		t.Skip("the device takes no timestamps")
	}
	r := training(t, b, d, plan.Options{})
	must(t, r.Run(context.Background()))
	must(t, r.Run(context.Background()))
	sameOutputs(t, r, want)
	p := b.Profile()
	var calls, kernels int64
	for name, s := range p.Kernels {
		calls, kernels = calls+s.Calls, kernels+s.Nanoseconds
		if s.Nanoseconds <= 0 {
			t.Errorf("%s took %d ns", name, s.Nanoseconds)
		}
	}
	if p.Runs != 2 || calls != int64(2*len(r.p.Steps)) {
		t.Errorf("%d runs, %d calls; wanted 2 runs of %d steps", p.Runs, calls, len(r.p.Steps))
	}
	if kernels > p.Wall.Nanoseconds() {
		t.Errorf("kernels took %d ns of runs of %v", kernels, p.Wall)
	}
	if p.Kernels["matmul"].Work.Flops == 0 || p.Kernels["adamw"].Work.Bytes == 0 {
		t.Errorf("the work of matmul and adamw is not known: %+v", p.Kernels)
	}
	must(t, b.Close())
	if table := b.Profile().String(); !strings.Contains(table, "matmul") {
		t.Errorf("a closed backend gives the profile\n%s", table)
	}
}

// TestProfileOfLongProgram spans command buffers.
func TestProfileOfLongProgram(t *testing.T) {
	b := open(t, Options{Profile: true, Validate: layerThere(t)})
	if b.f.TimestampBits == 0 {
		t.Skip("the device takes no timestamps")
	}
	g := graph.New()
	x := g.Input("x", tensor.F32, 5)
	for range chunk + 10 {
		x = graph.Scale(x, 1)
	}
	r := load(t, b, g, map[string]*graph.Node{"y": x})
	must(t, r.Run(context.Background()))
	if got := b.Profile().Kernels["scale"].Calls; got != chunk+10 {
		t.Errorf("%d calls of scale, wanted %d", got, chunk+10)
	}
	must(t, r.Close())
}

// layerThere reports whether the validation layer is installed.
func layerThere(t testing.TB) bool {
	t.Helper()
	in, err := newInstance("", true)
	if err == nil {
		in.Free()
	}
	return err == nil
}

// sameOutputs wants two runs of one program to have the same bytes.
func sameOutputs(t testing.TB, got, want *Runner) {
	t.Helper()
	for name := range want.p.Outputs {
		x, err := got.Read(name)
		must(t, err)
		y, err := want.Read(name)
		must(t, err)
		if string(x.Bytes()) != string(y.Bytes()) {
			t.Errorf("%s differs", name)
		}
	}
}
