package checkpoint

import (
	"context"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"fmt"
	"math"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/kiban-models/kiban/core/tensor"
)

func TestWriteSharded(t *testing.T) {
	ts := Tensors{}
	for i := range 5 {
		ts[fmt.Sprint("t", i)] = tensor.New(tensor.F32, 10) // 40 bytes
	}
	ts["t5"] = tensor.New(tensor.F64, 100) // larger than a shard
	dir := t.TempDir()
	names, err := WriteSharded(dir, ts.Specs(), ts, ShardOptions{MaxShard: 80, Metadata: map[string]string{"format": "pt"}})
	if err != nil {
		t.Fatal(err)
	}
	if len(names) != 4 || names[0] != "model-00001-of-00004.safetensors" {
		t.Errorf("files %q", names)
	}
	index, err := os.ReadFile(filepath.Join(dir, indexFile))
	if err != nil {
		t.Fatal(err)
	}
	const want = "{\n  \"metadata\": {\n    \"total_size\": 1000\n  },\n  \"weight_map\": {\n    \"t0\": \"model-00001-of-00004.safetensors\",\n"
	if !strings.HasPrefix(string(index), want) {
		t.Errorf("index %s", index)
	}
	d, err := OpenDir(dir)
	if err != nil {
		t.Fatal(err)
	}
	defer d.Close()
	equalTensors(t, d, ts)
	if !slices.Equal(d.Files(), names) {
		t.Errorf("files %q, want %q", d.Files(), names)
	}
	digests, err := d.Digests(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	for i, name := range names {
		b, err := os.ReadFile(filepath.Join(dir, name))
		if err != nil {
			t.Fatal(err)
		}
		sum := sha256.Sum256(b)
		if want := (FileDigest{name, int64(len(b)), hex.EncodeToString(sum[:])}); digests[i] != want {
			t.Errorf("%+v, want %+v", digests[i], want)
		}
	}
	stopped, stop := context.WithCancel(t.Context())
	stop()
	if _, err := d.Digests(stopped); !errors.Is(err, context.Canceled) {
		t.Error("a stopped context gave", err)
	}
	if n, err := Shards(ts.Specs(), ShardOptions{}); n != 1 || err != nil {
		t.Error(n, err)
	}
	if _, err := Shards(ts.Specs(), ShardOptions{MaxShard: -1}); err == nil {
		t.Error("shards of -1 bytes were planned")
	}
}

func TestCast(t *testing.T) {
	src := Tensors{"w": tensor.Of([]float32{1, 65504}, 2), "i": tensor.Of([]int64{1 << 40}, 1), "big": tensor.Of([]float64{1, 65520}, 2),
		"inf": tensor.Of([]float32{float32(math.Inf(-1)), float32(math.NaN())}, 2)}
	half := Cast(src, tensor.F16)
	for name, want := range map[string]string{"w": "f16[2]", "i": "i64[1]", "inf": "f16[2]"} {
		x, err := half.Tensor(name)
		s, serr := half.Spec(name)
		if err != nil || serr != nil || x.String() != want || s.DType != x.DType() {
			t.Errorf("%s: %v, %v: %v", name, x, s, errors.Join(err, serr))
		}
	}
	if _, err := half.Tensor("big"); err == nil || !strings.Contains(err.Error(), `"big": element 1 is 65520`) {
		t.Error("an overflow gave", err)
	}
	if _, err := Cast(src, tensor.BF16).Tensor("big"); err != nil {
		t.Error(err)
	}
}

func TestSetConfigDType(t *testing.T) {
	for text, want := range map[string]string{
		`{"a": [1, {"dtype": "x"}], "torch_dtype" : "float32" , "b": 1e-05}`: `{"a": [1, {"dtype": "x"}], "torch_dtype" : "float16" , "b": 1e-05}`,
		`{"dtype":null,"torch_dtype":"auto"}`:                                `{"dtype":"float16","torch_dtype":"float16"}`,
		`{}`:                                                                 `{}`,
	} {
		got, err := SetConfigDType([]byte(text), tensor.F16)
		if err != nil || string(got) != want {
			t.Errorf("%s became %s: %v", text, got, err)
		}
	}
	for _, text := range []string{"", "[]", `{"dtype":"a","dtype":"b"}`, `{} x`} {
		if got, err := SetConfigDType([]byte(text), tensor.F16); err == nil {
			t.Errorf("%q became %s", text, got)
		}
	}
}

func TestWriteDir(t *testing.T) {
	parent := t.TempDir()
	path := filepath.Join(parent, "new", "m")
	for _, text := range []string{"one", "two"} { // the second replaces the first
		err := WriteDir(path, func(dir string) error { return os.WriteFile(filepath.Join(dir, text), nil, 0o666) })
		if err != nil {
			t.Fatal(err)
		}
	}
	broken := errors.New("broken")
	if err := WriteDir(path, func(string) error { return broken }); !errors.Is(err, broken) {
		t.Error(err)
	}
	for dir, want := range map[string]string{path: "two", filepath.Dir(path): "m"} {
		entries, err := os.ReadDir(dir)
		if err != nil || len(entries) != 1 || entries[0].Name() != want {
			t.Errorf("%s holds %v, want %s: %v", dir, entries, want, err)
		}
	}
}

func TestOthers(t *testing.T) {
	dir := t.TempDir()
	ts := Tensors{"a": tensor.Of([]float32{1}, 1)}
	writeShard(t, filepath.Join(dir, singleFile), ts)
	for _, name := range []string{"config.json", "tokenizer.json", "merges.txt", "training_args.bin", ".hidden", "pytorch_model.bin", "x.index.json"} {
		put(t, filepath.Join(dir, name), []byte(name))
	}
	secret := put(t, filepath.Join(t.TempDir(), "secret"), []byte("secret"))
	if err := os.Symlink(secret, filepath.Join(dir, "vocab.json")); err != nil {
		t.Skip("no symbolic links here:", err)
	}
	d, err := OpenDir(dir)
	if err != nil {
		t.Fatal(err)
	}
	defer d.Close()
	small, leftOut, err := d.Others()
	if want := []string{"merges.txt", "tokenizer.json"}; err != nil || !slices.Equal(small, want) {
		t.Errorf("small files %q, want %q: %v", small, want, err)
	}
	if want := []string{".hidden", "pytorch_model.bin", "training_args.bin", "vocab.json", "x.index.json"}; !slices.Equal(leftOut, want) {
		t.Errorf("left out %q, want %q", leftOut, want)
	}
	if b, err := d.ReadFile("merges.txt"); err != nil || string(b) != "merges.txt" {
		t.Errorf("%q, %v", b, err)
	}
	for _, name := range []string{"vocab.json", "../" + filepath.Base(dir) + "/merges.txt", "none"} {
		if b, err := d.ReadFile(name); err == nil {
			t.Errorf("%s gave %q", name, b)
		}
	}
}
