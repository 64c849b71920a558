package vulkan

import (
	"context"
	"errors"
	"strings"
	"testing"

	"github.com/kiban-models/kiban/core/backend/vulkan/internal/vkshim"
	"github.com/kiban-models/kiban/core/graph"
	"github.com/kiban-models/kiban/core/tensor"
)

// planted makes the next calls of a kind fail while it has a result for them.
type planted map[string]vkshim.Result

func (p planted) fault(doing string) int32 { return int32(p[doing]) }

// TestOutOfMemory fails each call that may want memory once: the error says
// what was wanted and what to do, and the device works as before after it.
func TestOutOfMemory(t *testing.T) {
	faults := planted{}
	b := open(t, Options{ForceStaging: true, Validate: layerThere(t), Fault: faults.fault})
	const m, k, n = 5, 13, 30
	putChain(t, b, k, n)
	g, out := chain(m, k, n)
	r := load(t, b, g, out)
	other := func() error { // a program with a shader of its own
		g := graph.New()
		y := graph.MatMul(g.Input("x", tensor.F32, 3, 40), g.Input("w", tensor.F32, 40, 7), graph.MatMulOpt{TransB: false})
		p := compile(t, b, g, map[string]*graph.Node{"y": graph.Activate(y, graph.ReLU)})
		loaded, err := b.Load(p)
		if err == nil {
			err = loaded.Close()
		}
		return err
	}
	x := numbers(m*k, 1)
	must(t, r.Write("x", tensor.Of(x, m, k)))
	run := func() error { return r.Run(context.Background()) }
	for _, c := range []struct {
		call   string
		result vkshim.Result
		do     func() error
		want   string
	}{
		{"create pipeline", vkshim.OutOfHostMemory, other, "out of host memory; the memory of the system"}, // before it is there
		{"allocate", vkshim.OutOfDeviceMemory, other, "out of device memory; use --precision bf16, --recompute or a smaller batch"},
		{"allocate", vkshim.OutOfHostMemory, other, "out of host memory; the memory of the system is used up"},
		{"allocate descriptor sets", vkshim.OutOfDeviceMemory, other, "out of device memory; use --precision bf16"},
		{"submit", vkshim.OutOfDeviceMemory, run, "submit: out of device memory; use --precision bf16"},
	} {
		before := b.allocated
		faults[c.call] = c.result
		err := c.do()
		delete(faults, c.call)
		if err == nil || !strings.Contains(err.Error(), c.want) || !strings.Contains(err.Error(), b.f.info.Name) {
			t.Errorf("%s: %v; wanted %q", c.call, err, c.want)
		}
		if b.lost != nil || b.allocated != before {
			t.Errorf("%s: lost %v, %d bytes allocated after %d", c.call, b.lost, b.allocated, before)
		}
		must(t, c.do())
	}
	y, err := r.Read("y") // of what was written before a submission failed
	must(t, err)
	checkChain(t, y, x, m, k, n)
}

// TestLostDevice makes sure that a device that failed stays failed, says what
// to do, and can still be closed.
func TestLostDevice(t *testing.T) {
	for _, call := range []string{"submit", "wait", "wait for a start", "allocate"} {
		faults := planted{}
		b := open(t, Options{ForceStaging: true, Fault: faults.fault})
		const m, k, n = 5, 13, 30
		putChain(t, b, k, n)
		g, out := chain(m, k, n)
		p := compile(t, b, g, out)
		r := load(t, b, g, out)
		must(t, r.Run(context.Background()))
		at, started := strings.CutSuffix(call, " for a start")
		faults[at] = vkshim.DeviceLost
		var err error
		switch {
		case call == "allocate":
			_, err = b.Load(p)
		case started: // nothing is wrong yet
			must(t, r.Start(context.Background()))
			must(t, r.Start(context.Background()))
			_, err = r.Read("y")
		default:
			err = r.Run(context.Background())
		}
		clear(faults)
		if !errors.Is(err, vkshim.DeviceLost) {
			t.Fatalf("%s: %v", call, err)
		}
		for _, want := range []string{b.f.info.Name, "device lost", "--resume", "smaller batch", "--device cpu"} {
			if !strings.Contains(err.Error(), want) {
				t.Errorf("%s: %q lacks %q", call, err, want)
			}
		}
		_, got := b.Get("w")
		_, read := r.Read("y")
		_, load := b.Load(p)
		for what, again := range map[string]error{
			"Put": b.Put("w", tensor.New(tensor.F32, k, n)), "Get": got, "Read": read, "Load": load,
			"Run": r.Run(context.Background()), "Start": r.Start(context.Background()), "Repeat": r.Repeat(context.Background(), 2), "Write": r.Write("x", tensor.New(tensor.F32, m, k)),
		} {
			if !errors.Is(again, b.lost) {
				t.Errorf("%s: %s of a lost device gave %v", call, what, again)
			}
		}
	}
}

// TestAdvice covers the results that only another machine gives.
func TestAdvice(t *testing.T) {
	for r, want := range map[vkshim.Result]string{
		vkshim.FeatureNotPresent: "update the driver", vkshim.ExtensionNotPresent: "use --device cpu",
		vkshim.InitializationFailed: "the driver is installed", vkshim.IncompatibleDriver: "/dev/nvidia",
	} {
		err := advised(vkshim.Check("create device", int32(r)))
		if !errors.Is(err, r) || !strings.Contains(err.Error(), want) {
			t.Errorf("%v; wanted %q", err, want)
		}
	}
	if err := errors.New("other"); advised(err) != err {
		t.Errorf("advice on %v", err)
	}
}
