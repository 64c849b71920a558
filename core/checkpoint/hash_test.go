package checkpoint_test

import (
	"path/filepath"
	"testing"

	"github.com/kiban-models/kiban/core/checkpoint"
	"github.com/kiban-models/kiban/core/tensor"
)

func TestHash(t *testing.T) {
	make := func(change func(checkpoint.Tensors)) string {
		t.Helper()
		ts := checkpoint.Tensors{"a": tensor.Of([]float32{1, 2, 3, 4}, 2, 2), "b": tensor.Of([]float32{5}, 1)}
		change(ts)
		sum, err := checkpoint.Hash(ts)
		if err != nil {
			t.Fatal(err)
		}
		return sum
	}
	same := make(func(checkpoint.Tensors) {})
	for what, change := range map[string]func(checkpoint.Tensors){
		"a value":       func(ts checkpoint.Tensors) { ts["a"].Float32()[3] = -4 },
		"a shape":       func(ts checkpoint.Tensors) { ts["a"] = tensor.Of([]float32{1, 2, 3, 4}, 4) },
		"a type":        func(ts checkpoint.Tensors) { ts["b"] = ts["b"].Convert(tensor.BF16) },
		"a name":        func(ts checkpoint.Tensors) { ts["c"] = ts["b"]; delete(ts, "b") },
		"a tensor more": func(ts checkpoint.Tensors) { ts["c"] = ts["b"] },
	} {
		if make(change) == same {
			t.Errorf("%s changed and the hash did not", what)
		}
	}
	// The file that tensors lie in does not matter.
	ts := checkpoint.Tensors{"a": tensor.Of([]float32{1, 2, 3, 4}, 2, 2), "b": tensor.Of([]float32{5}, 1)}
	path := filepath.Join(t.TempDir(), "x.safetensors")
	if err := checkpoint.Write(path, ts.Specs(), ts, map[string]string{"format": "pt"}); err != nil {
		t.Fatal(err)
	}
	f, err := checkpoint.Open(path)
	if err != nil {
		t.Fatal(err)
	}
	defer f.Close()
	if sum, err := checkpoint.Hash(f); sum != same || err != nil {
		t.Errorf("the file hashes to %s, %v; wanted %s", sum, err, same)
	}
}
