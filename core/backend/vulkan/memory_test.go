package vulkan

import (
	"strings"
	"testing"

	"github.com/kiban-models/kiban/core/graph"
	"github.com/kiban-models/kiban/core/plan"
	"github.com/kiban-models/kiban/core/tensor"
)

func wantError(t *testing.T, err error, words ...string) {
	t.Helper()
	if err == nil {
		t.Fatalf("no error, wanted one about %q", words)
	}
	for _, w := range words {
		if !strings.Contains(err.Error(), w) {
			t.Errorf("error %q does not mention %q", err, w)
		}
	}
}

func TestMemoryIsShort(t *testing.T) {
	b := open(t, Options{MemoryLimit: 4 << 20})
	wantError(t, b.Put("w", tensor.New(tensor.F32, 5<<18)), "w needs 5.0 MiB", "4.0 MiB free", "--precision bf16")
	g := graph.New()
	y := graph.Scale(graph.Scale(g.Input("x", tensor.F32, 1<<20), 2), 3)
	p, err := plan.Compile(g, b.Limits(), plan.Options{}, map[string]*graph.Node{"y": y})
	must(t, err)
	_, err = b.Load(p)
	wantError(t, err, "the program needs", "--recompute")
}

func TestBindingIsTooLarge(t *testing.T) {
	b := open(t, Options{})
	b.f.maxBind = 1 << 10
	wantError(t, b.Put("wte", tensor.New(tensor.F32, 300)), "wte", "1024 bytes", "maxStorageBufferRange")
	g := graph.New()
	p, err := plan.Compile(g, b.Limits(), plan.Options{}, map[string]*graph.Node{"y": graph.Scale(g.Input("x", tensor.F32, 300), 2)})
	must(t, err)
	_, err = b.Load(p)
	wantError(t, err, "f32[300]", "1024 bytes", "maxStorageBufferRange")
}

func TestClosed(t *testing.T) {
	b := open(t, Options{})
	must(t, b.Close())
	wantError(t, b.Put("w", tensor.New(tensor.F32, 1)), "closed")
}
