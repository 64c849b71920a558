package checkpoint

import (
	"errors"
	"fmt"
	"io/fs"
	"math"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/kiban-models/kiban/core/tensor"
)

func writeShard(t *testing.T, path string, ts Tensors) {
	t.Helper()
	if err := Write(path, ts.Specs(), ts, nil); err != nil {
		t.Fatal(err)
	}
}

func shards(t *testing.T, index string) string {
	dir := t.TempDir()
	writeShard(t, filepath.Join(dir, "s1"), Tensors{"a": tensor.Of([]float32{1}, 1), "b": tensor.Of([]float32{2}, 1)})
	writeShard(t, filepath.Join(dir, "s2"), Tensors{"c": tensor.Of([]float32{3}, 1)})
	put(t, filepath.Join(dir, indexFile), []byte(index))
	return dir
}

func TestOpenDirShards(t *testing.T) {
	dir := shards(t, `{"metadata":{"total_size":12.0},"weight_map":{"a":"s1","b":"s1","c":"s2"}}`)
	put(t, filepath.Join(dir, configFile), []byte(`{"x":1}`))
	d, err := OpenDir(dir)
	if err != nil {
		t.Fatal(err)
	}
	defer d.Close()
	equalTensors(t, d, Tensors{"a": tensor.Of([]float32{1}, 1), "b": tensor.Of([]float32{2}, 1), "c": tensor.Of([]float32{3}, 1)})
	if string(d.Config()) != `{"x":1}` {
		t.Errorf("config %q", d.Config())
	}
}

func TestOpenDirRefuses(t *testing.T) {
	for name, index := range map[string]string{
		"not in index":   `{"weight_map":{"a":"s1","c":"s2"}}`,
		"not in shard":   `{"weight_map":{"a":"s1","b":"s1","c":"s2","d":"s2"}}`,
		"wrong shard":    `{"weight_map":{"a":"s1","b":"s2","c":"s2"}}`,
		"missing shard":  `{"weight_map":{"a":"s1","b":"s1","c":"s3"}}`,
		"dot dot":        `{"weight_map":{"a":"../s1","b":"s1","c":"s2"}}`,
		"just dot dot":   `{"weight_map":{"a":"..","b":"s1","c":"s2"}}`,
		"sub-directory":  `{"weight_map":{"a":"x/s1","b":"s1","c":"s2"}}`,
		"absolute":       `{"weight_map":{"a":"/etc/passwd","b":"s1","c":"s2"}}`,
		"duplicate":      `{"weight_map":{"a":"s1","a":"s1","b":"s1","c":"s2"}}`,
		"no map":         `{"metadata":{}}`,
		"map of numbers": `{"weight_map":{"a":1}}`,
		"deep":           `{"metadata":` + strings.Repeat("[", 1_000_000),
		"trailing":       `{"weight_map":{"a":"s1","b":"s1","c":"s2"}} x`,
	} {
		if d, err := OpenDir(shards(t, index)); err == nil {
			t.Errorf("%s: accepted %v", name, d.Names())
		}
	}
	if _, err := OpenDir(t.TempDir()); !errors.Is(err, fs.ErrNotExist) {
		t.Error("an empty directory gave", err)
	}
}

func TestOpenDirLinks(t *testing.T) {
	// A link out of the directory is not followed …
	outside := t.TempDir()
	writeShard(t, filepath.Join(outside, "w"), Tensors{"a": tensor.Of([]float32{1}, 1)})
	dir := t.TempDir()
	if err := os.Symlink(filepath.Join(outside, "w"), filepath.Join(dir, singleFile)); err != nil {
		t.Skip("no symbolic links here:", err)
	}
	if _, err := OpenDir(dir); err == nil {
		t.Error("a link out of the directory was followed")
	}
	// … but a snapshot of the Hugging Face cache is made of links.
	repo := t.TempDir()
	snapshot := filepath.Join(repo, "snapshots", "rev")
	for _, d := range []string{snapshot, filepath.Join(repo, "blobs")} {
		if err := os.MkdirAll(d, 0o777); err != nil {
			t.Fatal(err)
		}
	}
	writeShard(t, filepath.Join(repo, "blobs", "0123"), Tensors{"a": tensor.Of([]float32{1}, 1)})
	if err := os.Symlink("../../blobs/0123", filepath.Join(snapshot, singleFile)); err != nil {
		t.Fatal(err)
	}
	d, err := OpenDir(snapshot)
	if err != nil {
		t.Fatal(err)
	}
	d.Close()
}

func TestFill(t *testing.T) {
	have := Tensors{
		"transformer.w": tensor.Of([]float64{1, 2}, 2),
		"transformer.b": tensor.Of([]float32{3}, 1),
		"ids":           tensor.Of([]int64{5}, 1),
		"h.0.attn.bias": tensor.Of([]uint8{1}, 1),
	}
	src, err := StripPrefix(have, "transformer.")
	if err != nil {
		t.Fatal(err)
	}
	want := []Spec{{"w", tensor.BF16, []int{2}}, {"b", tensor.F32, []int{1}}, {"ids", tensor.I32, []int{1}}}
	opt := FillOptions{AllowExtra: func(n string) bool { return strings.HasSuffix(n, ".attn.bias") }}
	var got []string
	put := func(name string, x *tensor.Tensor) error {
		got = append(got, fmt.Sprint(name, x, x.At(0)))
		return nil
	}
	if err := Fill(put, want, src, opt); err != nil {
		t.Fatal(err)
	}
	if w := []string{"wbf16[2] 1", "bf32[1] 3", "idsi32[1] 5"}; !slices.Equal(got, w) {
		t.Errorf("got %q, want %q", got, w)
	}

	got = nil
	want = append(want, Spec{"gone", tensor.F32, []int{4}}, Spec{"also.gone", tensor.F32, nil})
	want[0].Shape = []int{1, 2}
	want[2].DType = tensor.F32
	err = Fill(put, want, src, FillOptions{})
	var bad *MismatchError
	if !errors.As(err, &bad) {
		t.Fatal(err)
	}
	if len(bad.Missing) != 2 || len(bad.Unexpected) != 1 || len(bad.Misshapen) != 2 || got != nil {
		t.Errorf("%v; put was called for %q", err, got)
	}
	for _, part := range []string{"gone f32[4]", "also.gone", "h.0.attn.bias", "w: found f64[2], want bf16[1 2]", "ids: found i64[1], want f32[1]"} {
		if !strings.Contains(err.Error(), part) {
			t.Errorf("%q is not in: %v", part, err)
		}
	}
}

func TestFillNonFinite(t *testing.T) {
	for _, dt := range []tensor.DType{tensor.F32, tensor.F64, tensor.BF16, tensor.F16} {
		for _, v := range []float64{math.NaN(), math.Inf(1), math.Inf(-1), 1e30} {
			x := tensor.Of([]float64{1, v}, 2)
			var got *tensor.Tensor
			put := func(_ string, x *tensor.Tensor) error { got = x; return nil }
			want := []Spec{{"x", dt, []int{2}}}
			err := Fill(put, want, Tensors{"x": x}, FillOptions{})
			if fine := v == 1e30 && dt != tensor.F16; fine != (err == nil) {
				t.Errorf("%v as %v: %v", v, dt, err)
			}
			if err := Fill(put, want, Tensors{"x": x}, FillOptions{AllowNonFinite: true}); err != nil || got == nil {
				t.Errorf("%v as %v was not allowed: %v", v, dt, err)
			}
		}
	}
}

func TestRenameCollision(t *testing.T) {
	x := tensor.Of([]float32{1}, 1)
	if _, err := StripPrefix(Tensors{"p.a": x, "a": x}, "p."); err == nil {
		t.Error("two tensors of one name were accepted")
	}
}
