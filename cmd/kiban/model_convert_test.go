package main

import (
	"encoding/json"
	"math"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/kiban-models/kiban/core/checkpoint"
	"github.com/kiban-models/kiban/core/tensor"
)

func convertible(t *testing.T) (string, checkpoint.Tensors) {
	t.Helper()
	dir := filepath.Join(t.TempDir(), "in")
	ts := checkpoint.Tensors{"a": tensor.Of([]float32{1, 1.0001}, 2), "b": tensor.Of([]float32{3, 4, 5}, 3, 1), "mask": tensor.Of([]uint8{1, 0}, 2)}
	if err := os.Mkdir(dir, 0o777); err != nil {
		t.Fatal(err)
	}
	if err := checkpoint.WriteTorch(filepath.Join(dir, "pytorch_model.bin"), ts.Specs(), ts); err != nil {
		t.Fatal(err)
	}
	for name, text := range map[string]string{"config.json": `{"torch_dtype": "float32", "n": 1e-05}`, "tokenizer.json": "{}", "kiban.json": `{"format":1,"seed":9007199254740993}`} {
		if err := os.WriteFile(filepath.Join(dir, name), []byte(text), 0o666); err != nil {
			t.Fatal(err)
		}
	}
	return dir, ts
}

func TestModelConvert(t *testing.T) {
	t.Parallel()
	in, ts := convertible(t)
	out := filepath.Join(t.TempDir(), "new", "out")
	stdout, stderr, code := kiban(t.Context(), "", "model", "convert", in, "-o", out, "--dtype", "bf16", "--max-shard-size", "7", "--json")
	if code != exitDone {
		t.Fatal(code, stderr)
	}
	var rows []map[string]any
	if err := json.Unmarshal([]byte(stdout), &rows); err != nil || len(rows) != 1 || rows[0]["files"] != 3.0 || rows[0]["tensors"] != 3.0 || rows[0]["bytes"] != 12.0 {
		t.Errorf("summary %s: %v", stdout, err)
	}
	d, err := checkpoint.OpenDir(out)
	if err != nil {
		t.Fatal(err)
	}
	defer d.Close()
	for name, x := range ts {
		if x.DType().IsFloat() {
			x = x.Convert(tensor.BF16)
		}
		got, err := d.Tensor(name)
		if err != nil || got.String() != x.String() || string(got.Bytes()) != string(x.Bytes()) {
			t.Errorf("%s: %v, want %v: %v", name, got, x, err)
		}
	}
	for name, want := range map[string]string{"config.json": `{"torch_dtype": "bfloat16", "n": 1e-05}`, "tokenizer.json": "{}"} {
		if text, err := os.ReadFile(filepath.Join(out, name)); err != nil || string(text) != want {
			t.Errorf("%s is %s, want %s: %v", name, text, want, err)
		}
	}
	about, err := os.ReadFile(filepath.Join(out, "kiban.json"))
	if err != nil || !strings.Contains(string(about), "9007199254740993") || !strings.Contains(string(about), `"sha256"`) {
		t.Errorf("kiban.json is %s: %v", about, err)
	}
	if _, err := os.Stat(filepath.Join(out, "pytorch_model.bin")); err == nil {
		t.Error("the old weights were copied")
	}
	// And back, over what is there.
	if _, stderr, code := kiban(t.Context(), "", "model", "convert", filepath.Join(in, "pytorch_model.bin"), "-o", out); code != exitFailed || !strings.Contains(stderr, "-O") {
		t.Errorf("existing output: code %d, %s", code, stderr)
	}
	if _, stderr, code := kiban(t.Context(), "", "model", "convert", filepath.Join(in, "pytorch_model.bin"), "-o", out, "-O", "--format", "pytorch"); code != exitDone {
		t.Fatal(code, stderr)
	}
	again, err := checkpoint.OpenWeights(filepath.Join(out, "pytorch_model.bin"))
	if err != nil {
		t.Fatal(err)
	}
	defer again.Close()
	for name, x := range ts {
		if got, err := again.Tensor(name); err != nil || got.String() != x.String() || string(got.Bytes()) != string(x.Bytes()) {
			t.Errorf("%s: %v, want %v: %v", name, got, x, err)
		}
	}
	if left, _ := os.ReadDir(filepath.Dir(out)); len(left) != 1 {
		t.Errorf("left behind: %v", left)
	}
}

func TestModelConvertRefuses(t *testing.T) {
	t.Parallel()
	in, _ := convertible(t)
	big := filepath.Join(t.TempDir(), "big.safetensors")
	ts := checkpoint.Tensors{"x": tensor.Of([]float32{1, 1e6}, 2)}
	if err := checkpoint.Write(big, ts.Specs(), ts, nil); err != nil {
		t.Fatal(err)
	}
	full := t.TempDir()
	if err := os.Mkdir(filepath.Join(full, "sub"), 0o777); err != nil {
		t.Fatal(err)
	}
	plain := t.TempDir()
	if err := os.WriteFile(filepath.Join(plain, "thesis.txt"), nil, 0o666); err != nil {
		t.Fatal(err)
	}
	parent := t.TempDir()
	out := filepath.Join(parent, "out")
	for name, c := range map[string]struct {
		args []string
		code int
		want string
	}{
		"no input":     {[]string{"-o", out}, exitMisuse, "name one"},
		"no output":    {[]string{in}, exitMisuse, "-o DIR"},
		"size":         {[]string{in, "-o", out, "--max-shard-size", "5X"}, exitMisuse, "5X"},
		"size 0":       {[]string{in, "-o", out, "--max-shard-size", "0"}, exitMisuse, "no size"},
		"dtype":        {[]string{in, "-o", out, "--dtype", "f8"}, exitMisuse, "f8"},
		"overflow":     {[]string{big, "-o", out, "--dtype", "f16"}, exitFailed, `tensor "x": element 1 is 1e+06`},
		"itself":       {[]string{in, "-o", in, "-O"}, exitFailed, "where the input is"},
		"its folder":   {[]string{filepath.Join(in, "pytorch_model.bin"), "-o", in, "-O"}, exitFailed, "where the input is"},
		"a file":       {[]string{in, "-o", big, "-O"}, exitFailed, "is a file"},
		"directories":  {[]string{in, "-o", full, "-O"}, exitFailed, "directory sub"},
		"other things": {[]string{in, "-o", plain, "-O"}, exitFailed, "no model directory"},
		"missing":      {[]string{filepath.Join(in, "none"), "-o", out}, exitFailed, "no such file"},
		"dry run":      {[]string{in, "-o", out, "--dry-run"}, exitDone, "nothing was written"},
	} {
		_, stderr, code := kiban(t.Context(), "", append([]string{"model", "convert"}, c.args...)...)
		if code != c.code || !strings.Contains(stderr, c.want) {
			t.Errorf("%s: code %d, want %d with %q: %s", name, code, c.code, c.want, stderr)
		}
		if left, _ := os.ReadDir(parent); len(left) > 0 {
			t.Errorf("%s: left behind %v", name, left)
		}
	}
	// Numbers that were not finite before are no reason to refuse, but said.
	nan := filepath.Join(t.TempDir(), "nan.safetensors")
	ts = checkpoint.Tensors{"x": tensor.Of([]float32{float32(math.NaN())}, 1)}
	if err := checkpoint.Write(nan, ts.Specs(), ts, nil); err != nil {
		t.Fatal(err)
	}
	if _, stderr, code := kiban(t.Context(), "", "model", "convert", nan, "-o", out); code != exitDone || !strings.Contains(stderr, "not finite") {
		t.Errorf("code %d: %s", code, stderr)
	}
	// A file alone can be looked at.
	stdout, stderr, code := kiban(t.Context(), "", "model", "inspect", nan, "--tensors")
	if code != exitDone || !strings.Contains(stdout, "x\tf32\t[1]\t4") {
		t.Errorf("code %d: %s%s", code, stdout, stderr)
	}
}
