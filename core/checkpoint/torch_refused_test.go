package checkpoint

import (
	"bytes"
	"encoding/binary"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/kiban-models/kiban/core/checkpoint/internal/storedzip"
	"github.com/kiban-models/kiban/core/tensor"
)

const orderedText = "ccollections\nOrderedDict\n)R"

// number is the pickle of v.
func number(v int64) string {
	return string(binary.LittleEndian.AppendUint64([]byte("\x8a\x08"), uint64(v)))
}

func numbers(vs ...int64) string {
	text := "("
	for _, v := range vs {
		text += number(v)
	}
	return text + "t"
}

// viewText is the pickle of a tensor of type f32.
func viewText(key string, numel, first int64, shape, strides []int64) string {
	return fmt.Sprintf("ctorch._utils\n_rebuild_tensor_v2\n((U\x07storagectorch\nFloatStorage\nU%c%sU\x03cpu%stQ%s%s%s\x89%stR",
		len(key), key, number(numel), number(first), numbers(shape...), numbers(strides...), orderedText)
}

func dictText(items ...string) string {
	return "\x80\x02}(" + strings.Join(items, "") + "u."
}

type zipEntry struct{ name, data string }

func archive(t *testing.T, entries ...zipEntry) []byte {
	t.Helper()
	var b bytes.Buffer
	z := storedzip.NewWriter(&b)
	for _, e := range entries {
		if err := z.Add(e.name, []byte(e.data)); err != nil {
			t.Fatal(err)
		}
	}
	if err := z.Close(); err != nil {
		t.Fatal(err)
	}
	return b.Bytes()
}

// legacy returns a file of the older form with storages of f32.
func legacy(little, object string, keys []string, data ...string) []byte {
	b := legacyMagic + "\x80\x02M\xe9\x03.\x80\x02}U\x0dlittle_endian" + little + "s." + object + "\x80\x02]("
	for _, k := range keys {
		b += fmt.Sprintf("U%c%s", len(k), k)
	}
	b += "e."
	for _, d := range data {
		b += string(binary.LittleEndian.AppendUint64(nil, uint64(len(d)/4))) + d
	}
	return []byte(b)
}

func openBytes(t *testing.T, data []byte) (*Dir, error) {
	t.Helper()
	d, err := OpenWeights(put(t, filepath.Join(t.TempDir(), "m.bin"), data))
	if err == nil {
		t.Cleanup(func() { d.Close() })
	}
	return d, err
}

func TestTorchRefuses(t *testing.T) {
	eight := strings.Repeat("\x00", 32)
	view := func(numel, first int64, shape, strides []int64) []byte {
		return archive(t, zipEntry{"a/data.pkl", dictText("U\x01a" + viewText("0", numel, first, shape, strides))}, zipEntry{"a/data/0", eight})
	}
	v8 := func(shape, strides []int64) []byte { return view(8, 0, shape, strides) }
	good := dictText("U\x01a" + viewText("0", 8, 0, []int64{8}, []int64{1}))
	one := zipEntry{"a/data.pkl", good}
	// 2^40 ways lead to the innermost list.
	doubling := "\x80\x02}U\x01a" + "]]aq\x01"
	for i := range 40 {
		doubling += fmt.Sprintf("h%c\x86q%c", i+1, i+2)
	}
	for name, c := range map[string]struct {
		data []byte
		want string
	}{
		"numel":            {view(16, 0, []int64{8}, []int64{1}), "has 32 bytes"},
		"numel negative":   {view(-1, 0, []int64{0}, []int64{1}), "cannot be"},
		"leaves":           {v8([]int64{9}, []int64{1}), "leaves its storage"},
		"leaves by stride": {v8([]int64{2, 2}, []int64{7, 1}), "leaves its storage"},
		"offset":           {view(8, 1, []int64{8}, []int64{1}), "leaves its storage"},
		"offset negative":  {view(8, -1, []int64{1}, []int64{1}), "starts at element -1"},
		"offset wraps":     {view(8, 1<<62, []int64{1}, []int64{1}), "starts at element"},
		"offset at end":    {view(8, 8, []int64{1}, []int64{1}), "starts at element"},
		"stride negative":  {v8([]int64{2}, []int64{-1}), "cannot be"},
		"stride wraps":     {v8([]int64{3, 3}, []int64{1 << 62, 1 << 62}), "leaves its storage"},
		"stride 0":         {v8([]int64{1 << 40}, []int64{0}), "more than 4 times"},
		"stride 0 of many": {v8([]int64{1 << 40, 1 << 40}, []int64{0, 0}), "impossibly large"},
		"overlap":          {v8([]int64{4, 4}, []int64{1, 1}), "overlaps itself"},
		"dim negative":     {v8([]int64{-1}, []int64{1}), "cannot be"},
		"rank":             {v8(make([]int64, 17), make([]int64, 17)), "17 dimensions"},
		"ranks differ":     {v8([]int64{2}, []int64{1, 1}), "other dimensions"},
		"no data.pkl":      {archive(t, zipEntry{"a/data/0", eight}), "no data.pkl"},
		"no storage":       {archive(t, one), `storage "0" is not`},
		"big endian":       {archive(t, one, zipEntry{"a/data/0", eight}, zipEntry{"a/byteorder", "big"}), "big end"},
		"script":           {archive(t, one, zipEntry{"a/data/0", eight}, zipEntry{"a/constants.pkl", ""}), "program"},
		"after the pickle": {archive(t, zipEntry{"a/data.pkl", good + "\x80\x02N."}, zipEntry{"a/data/0", eight}), "after its end"},
		"a bare tensor":    {archive(t, zipEntry{"a/data.pkl", "\x80\x02" + viewText("0", 8, 0, []int64{8}, []int64{1}) + "."}, zipEntry{"a/data/0", eight}), "no dictionary"},
		"no tensors":       {archive(t, zipEntry{"a/data.pkl", "\x80\x02}U\x01aK\x01s."}), "no tensors"},
		"two of a name": {archive(t, zipEntry{"a/data.pkl", dictText("U\x03a.b"+viewText("0", 8, 0, []int64{8}, []int64{1}), "U\x01a}U\x01b"+viewText("0", 8, 0, []int64{8}, []int64{1})+"s")},
			zipEntry{"a/data/0", eight}), "two tensors"},
		"two sizes of a storage": {archive(t, zipEntry{"a/data.pkl", dictText("U\x01a"+viewText("0", 8, 0, []int64{8}, []int64{1}), "U\x01b"+viewText("0", 4, 0, []int64{4}, []int64{1}))},
			zipEntry{"a/data/0", eight}), "elsewhere"},
		"code":              {archive(t, zipEntry{"a/data.pkl", "\x80\x02cposix\nsystem\nU\x04true\x85R."}), "posix.system"},
		"doubling":          {archive(t, zipEntry{"a/data.pkl", doubling + "s."}), "over and over"},
		"legacy big endian": {legacy("\x89", good, []string{"0"}, eight), "big end"},
		"legacy no order":   {legacy("N", good, []string{"0"}, eight), "in which order"},
		"legacy tail":       {append(legacy("\x88", good, []string{"0"}, eight), 0), "belong to no storage"},
		"legacy twice":      {legacy("\x88", good, []string{"0", "0"}, eight, eight), "twice"},
		"legacy unknown":    {legacy("\x88", good, []string{"1"}, eight), "no tensor uses it"},
		"legacy none":       {legacy("\x88", good, nil), "not in the file"},
		"legacy count":      {legacy("\x88", good, []string{"0"}, eight+"\x00\x00\x00\x00"), "has 9 elements"},
		"legacy protocol":   {[]byte(legacyMagic + "\x80\x02M\xe8\x03."), "protocol 1000"},
		"tar":               {append(make([]byte, 257), "ustar\x0000"...), "tar"},
		"bare pickle":       {[]byte(good), "bare pickle"},
		"text":              {[]byte("hello, this is no file of weights"), "neither"},
		"empty":             {nil, "neither"},
	} {
		began := time.Now()
		_, err := openBytes(t, c.data)
		var format *FormatError
		var unsupported *UnsupportedError
		if !errors.As(err, &format) && !errors.As(err, &unsupported) || !strings.Contains(err.Error(), c.want) {
			t.Errorf("%s: %v, want an error with %q", name, err, c.want)
		}
		if d := time.Since(began); d > 2*time.Second {
			t.Errorf("%s: took %v", name, d)
		}
	}
	for _, data := range [][]byte{v8([]int64{8}, []int64{1}), v8([]int64{0, 5}, []int64{1, 9}), v8([]int64{3, 8}, []int64{0, 1}), legacy("\x88", good, []string{"0"}, eight)} {
		if _, err := openBytes(t, data); err != nil {
			t.Error("a good file was refused:", err)
		}
	}
}

// Every file that is cut short is refused, wherever it is cut.
func TestTorchCut(t *testing.T) {
	for _, name := range []string{"torch_zip.pt", "torch_legacy.pt"} {
		whole, err := os.ReadFile(filepath.Join("testdata", name))
		if err != nil {
			t.Fatal(err)
		}
		path := put(t, filepath.Join(t.TempDir(), "m"), whole)
		for i := len(whole) - 1; i >= 0; i -= 7 {
			if err := os.Truncate(path, int64(i)); err != nil {
				t.Fatal(err)
			}
			d, err := OpenWeights(path)
			if err == nil {
				d.Close()
				t.Fatalf("%s, cut at %d, was opened", name, i)
			}
			refused(t, err)
		}
	}
}

// A bit that changes in the data is found by the checksum, of a whole storage
// and of a part of one.
func TestTorchDamage(t *testing.T) {
	whole, err := os.ReadFile("testdata/torch_zip.pt")
	if err != nil {
		t.Fatal(err)
	}
	path := put(t, filepath.Join(t.TempDir(), "m"), whole)
	d, err := OpenWeights(path)
	if err != nil {
		t.Fatal(err)
	}
	defer d.Close()
	for _, name := range []string{"float32", "row", "transposed", "nested.layer.0", "bool"} {
		x := d.shards[0].(*torchFile).tensors[name]
		bad := bytes.Clone(whole)
		bad[x.storage.at] ^= 1 // in the storage, though perhaps not in this part of it
		other, err := openBytes(t, bad)
		if err != nil {
			t.Fatal(err)
		}
		_, err = other.Tensor(name)
		var format *FormatError
		if !errors.As(err, &format) || !strings.Contains(err.Error(), "checksum") {
			t.Errorf("%s: damage gave %v", name, err)
		}
	}
	// data.pkl has one too.
	bad := bytes.Clone(whole)
	bad[bytes.Index(bad, []byte("not a tensor"))] ^= 1
	if _, err := openBytes(t, bad); err == nil || !strings.Contains(err.Error(), "checksum") {
		t.Error("damage of data.pkl gave", err)
	}
	// The file shrinks while it is open.
	if err := os.Truncate(path, 1000); err != nil {
		t.Fatal(err)
	}
	for _, name := range d.Names() {
		if x := d.shards[0].(*torchFile).tensors[name]; x.storage.at > 1000 && x.storage.numel > 0 && tensor.NumElements(x.shape) > 0 {
			if _, err := d.Tensor(name); err == nil {
				t.Errorf("%s was read from a file that was cut short", name)
			}
		}
	}
}

// Only what a slice needs is read, and memory is that of the slice.
func TestSliceOfLargeStorage(t *testing.T) {
	const n = 8 << 20
	data := strings.Repeat("\x00\x00\x80\x3f", n)
	text := dictText("U\x01a"+viewText("0", n, 5, []int64{3}, []int64{1}), "U\x01b"+viewText("0", n, 0, []int64{16, 2}, []int64{n / 16, 1}))
	path := put(t, filepath.Join(t.TempDir(), "m"), archive(t, zipEntry{"a/data.pkl", text}, zipEntry{"a/data/0", data}))
	var d *Dir
	var err error
	bytes := allocated(func() {
		if d, err = OpenWeights(path); err != nil {
			t.Fatal(err)
		}
		for _, name := range []string{"a", "b"} {
			x, err := d.Tensor(name)
			if err != nil || x.At(0) != 1 || x.At(x.Len()-1) != 1 {
				t.Fatal(x, err)
			}
		}
	})
	defer d.Close()
	if bytes > 2<<20 {
		t.Errorf("%d bytes were allocated for slices of %d", bytes, 4*n)
	}
}

func TestOpenDirTorch(t *testing.T) {
	ts := Tensors{"a": tensor.Of([]float32{1, 2}, 2), "b": tensor.Of([]float32{3}, 1)}
	for _, format := range []Format{Safetensors, Torch} {
		for _, most := range []int64{0, 8} {
			dir := t.TempDir()
			names, err := WriteSharded(dir, ts.Specs(), ts, ShardOptions{Format: format, MaxShard: most})
			if err != nil || len(names) != 1+int(most)/8 {
				t.Fatal(names, err)
			}
			d, err := OpenDir(dir)
			if err != nil {
				t.Fatal(err)
			}
			equalTensors(t, d, ts)
			d.Close()
		}
	}
	// safetensors is preferred.
	dir := t.TempDir()
	two := Tensors{"a": tensor.Of([]float32{9}, 1)}
	if err := WriteTorch(filepath.Join(dir, torchFileName), two.Specs(), two); err != nil {
		t.Fatal(err)
	}
	writeShard(t, filepath.Join(dir, singleFile), ts)
	d, err := OpenDir(dir)
	if err != nil {
		t.Fatal(err)
	}
	defer d.Close()
	equalTensors(t, d, ts)
	if _, err := OpenWeights(filepath.Join(dir, "none")); !errors.Is(err, fs.ErrNotExist) {
		t.Error("a missing file gave", err)
	}
}
