package checkpoint

import (
	"math/rand/v2"
	"path/filepath"
	"slices"
	"testing"
)

func openFixture(t *testing.T, name string) *Dir {
	t.Helper()
	d, err := OpenWeights(filepath.Join("testdata", name))
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { d.Close() })
	return d
}

func allOf(t *testing.T, l Lister) Tensors {
	t.Helper()
	ts := Tensors{}
	for _, name := range l.Names() {
		x, err := l.Tensor(name)
		if err != nil {
			t.Fatal(err)
		}
		ts[name] = x
	}
	return ts
}

// The fixtures are from testdata/torch_forms.py.
func TestTorchForms(t *testing.T) {
	want := allOf(t, openFixture(t, "torch_forms.safetensors"))
	if len(want) < 20 {
		t.Fatalf("only %d tensors", len(want))
	}
	for _, name := range []string{"torch_zip.pt", "torch_legacy.pt"} {
		d := openFixture(t, name)
		equalTensors(t, d, want)
		for n, x := range want {
			if s, err := d.Spec(n); err != nil || s.DType != x.DType() || !slices.Equal(s.Shape, x.Shape()) {
				t.Errorf("%s: %q is %v, want %v: %v", name, n, s, x, err)
			}
		}
	}
	module := openFixture(t, "torch_module.bin")
	if got, want := module.Names(), []string{"0.bias", "0.weight", "1.bias", "1.weight"}; !slices.Equal(got, want) {
		t.Errorf("names %q, want %q", got, want)
	}
}

func TestWriteTorch(t *testing.T) {
	rng := rand.New(rand.NewPCG(3, 4))
	path := filepath.Join(t.TempDir(), "m.bin")
	for range 50 {
		ts := randomTensors(rng)
		if len(ts) == 0 {
			continue
		}
		if err := WriteTorch(path, ts.Specs(), ts); err != nil {
			t.Fatal(err)
		}
		d, err := OpenWeights(path)
		if err != nil {
			t.Fatal(err)
		}
		equalTensors(t, d, ts)
		for _, x := range d.shards[0].(*torchFile).tensors {
			if x.storage.at%64 != 0 {
				t.Fatalf("a storage lies at %d, which is not aligned", x.storage.at)
			}
		}
		d.Close()
	}
}
