package checkpoint

import (
	"bytes"
	"encoding/binary"
	"errors"
	"fmt"
	"math"
	"math/rand/v2"
	"os"
	"path/filepath"
	"reflect"
	"slices"
	"strings"
	"testing"

	"github.com/kiban-models/kiban/core/tensor"
)

// file returns the bytes of a safetensors file with this header and data.
func file(header string, data ...byte) []byte {
	b := binary.LittleEndian.AppendUint64(nil, uint64(len(header)))
	return append(append(b, header...), data...)
}

func put(t testing.TB, name string, content []byte) string {
	t.Helper()
	if err := os.WriteFile(name, content, 0o600); err != nil {
		t.Fatal(err)
	}
	return name
}

func entryText(name, dtype, shape, offsets string) string {
	return fmt.Sprintf(`%q:{"dtype":%q,"shape":%s,"data_offsets":%s}`, name, dtype, shape, offsets)
}

func TestMalformed(t *testing.T) {
	one := entryText("a", "U8", "[1]", "[0,1]")
	big := make([]byte, 100)
	binary.LittleEndian.PutUint64(big, math.MaxUint64)
	limit := slices.Clone(big)
	binary.LittleEndian.PutUint64(limit, maxHeader+1)
	past := file("{}")
	past[0]++
	for name, b := range map[string][]byte{
		"empty":             {},
		"short":             make([]byte, 7),
		"length max":        big,
		"length limit":      limit,
		"length past eof":   past,
		"empty header":      file(""),
		"leading space":     file(" {}"),
		"array":             file("[]"),
		"trailing text":     file("{}x"),
		"trailing newline":  file("{}\n"),
		"two objects":       file("{}{}"),
		"unended":           file("{"+one, 0),
		"duplicate key":     file("{"+one+","+one+"}", 0),
		"escaped duplicate": file("{"+one+","+strings.Replace(one, `"a"`, `"\u0061"`, 1)+"}", 0),
		"duplicate shape":   file(`{"a":{"dtype":"U8","shape":[1],"shape":[1],"data_offsets":[0,1]}}`, 0),
		"duplicate meta":    file(`{"__metadata__":{"k":"v","k":"v"}}`),
		"two metas":         file(`{"__metadata__":{},"__metadata__":{}}`),
		"case":              file(`{"a":{"dtype":"U8","Shape":[1],"data_offsets":[0,1]}}`, 0),
		"unknown field":     file(`{"a":{"dtype":"U8","shape":[1],"data_offsets":[0,1],"x":0}}`, 0),
		"missing field":     file(`{"a":{"dtype":"U8","data_offsets":[0,1]}}`, 0),
		"not an object":     file(`{"a":[0,1]}`, 0),
		"overlap":           file("{"+entryText("a", "U8", "[2]", "[0,2]")+","+entryText("b", "U8", "[2]", "[1,3]")+"}", 0, 0, 0),
		"alias":             file("{"+entryText("a", "U8", "[2]", "[0,2]")+","+entryText("b", "U8", "[2]", "[0,2]")+"}", 0, 0),
		"hole":              file("{"+one+","+entryText("b", "U8", "[1]", "[9,10]")+"}", make([]byte, 10)...),
		"hole at start":     file("{"+entryText("a", "U8", "[1]", "[1,2]")+"}", 0, 0),
		"tail":              file("{"+one+"}", make([]byte, 17)...),
		"cut short":         file("{"+entryText("a", "U8", "[2]", "[0,2]")+"}", 0),
		"reversed":          file("{"+entryText("a", "U8", "[1]", "[1,0]")+"}", 0),
		"negative":          file("{"+entryText("a", "U8", "[1]", "[-1,0]")+"}", 0),
		"negative zero":     file("{" + entryText("a", "U8", "[-0]", "[0,0]") + "}"),
		"product wraps":     file("{" + entryText("a", "F32", "[4294967296,4294967296]", "[0,0]") + "}"),
		"zero times huge":   file("{" + entryText("a", "F32", "[0,4611686018427387904]", "[0,0]") + "}"),
		"dim 2^64":          file("{" + entryText("a", "U8", "[18446744073709551616]", "[0,0]") + "}"),
		"float dim":         file("{"+entryText("a", "U8", "[1e2]", "[0,100]")+"}", make([]byte, 100)...),
		"point dim":         file("{"+entryText("a", "U8", "[1.0]", "[0,1]")+"}", 0),
		"string dim":        file("{"+entryText("a", "U8", `["1"]`, "[0,1]")+"}", 0),
		"null shape":        file("{"+entryText("a", "U8", `null`, "[0,1]")+"}", 0),
		"three offsets":     file("{"+entryText("a", "U8", `[1]`, "[0,1,1]")+"}", 0),
		"one offset":        file("{" + entryText("a", "U8", `[0]`, "[0]") + "}"),
		"rank 17":           file("{"+entryText("a", "U8", "[1,1,1,1,1,1,1,1,1,1,1,1,1,1,1,1,1]", "[0,1]")+"}", 0),
		"deep":              file("{" + strings.Repeat("[", 1_000_000)),
		"deep shape":        file(`{"a":{"dtype":"U8","shape":` + strings.Repeat("[", 1_000_000)),
		"bad utf8":          file("{\"\xff\":{}}"),
		"bad dtype":         file("{"+entryText("a", "F33", "[1]", "[0,1]")+"}", 0),
		"dtype case":        file("{"+entryText("a", "u8", "[1]", "[0,1]")+"}", 0),
		"wrong size":        file("{"+entryText("a", "F32", "[1]", "[0,1]")+"}", 0),
		"half a byte":       file("{"+entryText("a", "F4", "[3]", "[0,1]")+"}", 0),
		"meta int":          file(`{"__metadata__":{"k":1}}`),
		"meta null":         file(`{"__metadata__":null}`),
		"empty name":        file("{"+entryText("", "U8", "[1]", "[0,1]")+"}", 0),
		"nul name":          file(`{"a\u0000":{"dtype":"U8","shape":[1],"data_offsets":[0,1]}}`, 0),
		"long name":         file("{"+entryText(strings.Repeat("x", maxName+1), "U8", "[1]", "[0,1]")+"}", 0),
		"lone surrogate":    file(`{"\ud800":{"dtype":"U8","shape":[1],"data_offsets":[0,1]}}`, 0),
		"big meta":          file(`{"__metadata__":{"k":"` + strings.Repeat("v", maxMetadata) + `"}}`),
	} {
		t.Run(name, func(t *testing.T) {
			path := put(t, filepath.Join(t.TempDir(), "m"), b)
			_, err := Open(path)
			var format *FormatError
			if !errors.As(err, &format) || format.Path != path {
				t.Fatalf("got error %v, want a *FormatError with the path", err)
			}
		})
	}
}

func TestNotAFile(t *testing.T) {
	if _, err := Open(t.TempDir()); err == nil {
		t.Error("a directory was opened")
	}
	if _, err := Open("/dev/zero"); err == nil {
		t.Error("/dev/zero was opened")
	}
	if _, err := Open(filepath.Join(t.TempDir(), "none")); !errors.Is(err, os.ErrNotExist) {
		t.Error("a missing file gave", err)
	}
}

func TestOddButRight(t *testing.T) {
	b := file(`{ "s" : {"dtype":"F32","shape":[],"data_offsets":[0,4]},"e":{"shape":[3,0],"data_offsets":[4,4],"dtype":"F64"},`+
		entryText("b", "F8_E4M3", "[1]", "[4,5]")+`,"__metadata__":{"format":"pt"}}   `, 0, 0, 128, 63, 1)
	path := put(t, filepath.Join(t.TempDir(), "m"), b)
	f, err := Open(path)
	if err != nil {
		t.Fatal(err)
	}
	defer f.Close()
	if got := f.Names(); !slices.Equal(got, []string{"b", "e", "s"}) {
		t.Error("names", got)
	}
	if s, err := f.Tensor("s"); err != nil || s.Len() != 1 || s.Float32()[0] != 1 {
		t.Error("scalar", s, err)
	}
	if e, err := f.Tensor("e"); err != nil || e.Len() != 0 || !slices.Equal(e.Shape(), []int{3, 0}) {
		t.Error("empty", e, err)
	}
	var unsupported *UnsupportedError
	if _, err := f.Tensor("b"); !errors.As(err, &unsupported) || !strings.Contains(err.Error(), `"b"`) {
		t.Error("F8_E4M3 gave", err)
	}
	if _, err := f.Tensor("c"); err == nil {
		t.Error("no tensor c, no error")
	}
	if m := f.Metadata(); m["format"] != "pt" {
		t.Error("metadata", m)
	}
	// The file shrinks while it is open.
	if err := os.Truncate(path, int64(len(b)-3)); err != nil {
		t.Fatal(err)
	}
	if _, err := f.Tensor("s"); err == nil {
		t.Error("a truncated tensor was read")
	}
}

func randomTensors(rng *rand.Rand) Tensors {
	ts := Tensors{}
	types := []tensor.DType{tensor.F32, tensor.F64, tensor.BF16, tensor.F16, tensor.I32, tensor.I64, tensor.U8, tensor.I16, tensor.I8, tensor.Bool}
	for range rng.IntN(12) {
		shape := make([]int, rng.IntN(4))
		for j := range shape {
			shape[j] = rng.IntN(5)
		}
		x := tensor.New(types[rng.IntN(len(types))], shape...)
		for j := range x.Bytes() {
			x.Bytes()[j] = byte(rng.Uint32())
		}
		ts[fmt.Sprintf("tensor.%d é\"\\\n\x01", rng.IntN(1000))] = x
	}
	return ts
}

func equalTensors(t *testing.T, got Lister, want Tensors) {
	t.Helper()
	if !slices.Equal(got.Names(), want.Names()) {
		t.Fatalf("names %q, want %q", got.Names(), want.Names())
	}
	for name, w := range want {
		g, err := got.Tensor(name)
		if err != nil {
			t.Fatal(err)
		}
		if g.String() != w.String() || !bytes.Equal(g.Bytes(), w.Bytes()) {
			t.Fatalf("%q: %v, want %v", name, g, w)
		}
	}
}

func TestRoundTrip(t *testing.T) {
	rng := rand.New(rand.NewPCG(1, 2))
	path := filepath.Join(t.TempDir(), "m.safetensors")
	for i := range 100 {
		ts := randomTensors(rng)
		var meta map[string]string
		if i%2 == 0 {
			meta = map[string]string{"format": "pt", "é\"": "\u2028\t"}
		}
		if err := Write(path, ts.Specs(), ts, meta); err != nil {
			t.Fatal(err)
		}
		f, err := Open(path)
		if err != nil {
			t.Fatal(err)
		}
		equalTensors(t, f, ts)
		if !reflect.DeepEqual(f.Metadata(), meta) {
			t.Fatalf("metadata %q, want %q", f.Metadata(), meta)
		}
		for _, e := range f.head.entries {
			if at := f.data + e.begin; at%int64(elementTypes[e.elem].bits/8) != 0 {
				t.Fatalf("%s lies at %d, which is not aligned", e.name, at)
			}
		}
		f.Close()
	}
}

// The bytes were made by the reference library:
// safetensors 0.8.0, safetensors.numpy.save({...}, {"format": "pt"}).
func TestReferenceBytes(t *testing.T) {
	ts := Tensors{
		"b": tensor.Of([]float32{1, -2}, 2, 1),
		"a": tensor.Of([]float32{0.5}, 1),
		"i": tensor.Of([]int64{7}),
		"u": tensor.Of([]uint8{1, 2, 3}, 3),
		"d": tensor.Of([]float64{1}, 1),
		"n": tensor.Of([]int32{-1}, 1),
	}
	path := filepath.Join(t.TempDir(), "m")
	if err := Write(path, ts.Specs(), ts, map[string]string{"format": "pt"}); err != nil {
		t.Fatal(err)
	}
	got, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	want, err := os.ReadFile("testdata/reference.safetensors")
	if err != nil {
		t.Fatal(err)
	}
	if !bytes.Equal(got, want) {
		t.Fatalf("got  %q\nwant %q", got, want)
	}
}

func TestWriteRefuses(t *testing.T) {
	x := tensor.Of([]float32{1, 2}, 2)
	src := Tensors{"x": x, "": x, "wide": tensor.Of([]int64{1 << 40}, 1)}
	for name, specs := range map[string][]Spec{
		"twice":       {{"x", tensor.F32, []int{2}}, {"x", tensor.F32, []int{2}}},
		"shape":       {{"x", tensor.F32, []int{2, 1}}},
		"type":        {{"x", tensor.I32, []int{2}}},
		"i64 to i32":  {{"wide", tensor.I32, []int{1}}},
		"missing":     {{"y", tensor.F32, []int{2}}},
		"name":        {{"", tensor.F32, []int{2}}},
		"not a dtype": {{"x", tensor.DType(99), []int{2}}},
		"negative":    {{"x", tensor.F32, []int{-2}}},
	} {
		dir := t.TempDir()
		if err := Write(filepath.Join(dir, "m"), specs, src, nil); err == nil {
			t.Errorf("%s: no error", name)
		}
		if left, _ := os.ReadDir(dir); len(left) > 0 {
			t.Errorf("%s: left %v behind", name, left)
		}
	}
}
