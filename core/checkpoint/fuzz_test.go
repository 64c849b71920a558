package checkpoint

import (
	"bytes"
	"errors"
	"os"
	"path/filepath"
	"reflect"
	"runtime"
	"testing"

	"github.com/kiban-models/kiban/core/checkpoint/internal/storedzip"
	"github.com/kiban-models/kiban/core/tensor"
)

// allocated returns the bytes that f asks the heap for, freed or not.
func allocated(f func()) int {
	var before, after runtime.MemStats
	runtime.ReadMemStats(&before)
	f()
	runtime.ReadMemStats(&after)
	return int(after.TotalAlloc - before.TotalAlloc)
}

// mustBeSmall holds what opening a file of size bytes allocated against what
// its size allows: names and shapes take several times their text, but no
// number in the file may ask for memory by itself.
func mustBeSmall(t *testing.T, bytes, size int) {
	t.Helper()
	if limit := 256*size + 4<<20; bytes > limit {
		t.Fatalf("opening %d bytes allocated %d, want at most %d", size, bytes, limit)
	}
}

// refused fails unless err is one that says what is wrong with the file.
func refused(t *testing.T, err error) {
	t.Helper()
	var format *FormatError
	var unsupported *UnsupportedError
	if !errors.As(err, &format) && !errors.As(err, &unsupported) {
		t.Fatalf("%v (%T) is neither a *FormatError nor an *UnsupportedError", err, err)
	}
}

// readAll reads every tensor that has a type of ours. In all they may take
// limit bytes.
func readAll(t *testing.T, l Lister, limit int) Tensors {
	t.Helper()
	ts := Tensors{}
	total := 0
	for _, name := range l.Names() {
		s, err := l.Spec(name)
		if err != nil {
			refused(t, err)
			continue
		}
		if total += tensor.NumElements(s.Shape) * s.DType.Size(); total > limit {
			t.Fatalf("more than %d bytes of tensors", limit)
		}
		x, err := l.Tensor(name)
		if err != nil {
			refused(t, err)
			continue
		}
		ts[name] = x
	}
	return ts
}

// Whatever is accepted can be written again and is then the same; what is read
// is never more than the file holds.
func FuzzSafetensors(f *testing.F) {
	f.Add(file("{}"))
	f.Add(file(`{"__metadata__":{"format":"pt"}}  `))
	f.Add(file("{"+entryText("a", "F32", "[1]", "[0,4]")+","+entryText("b", "BF16", "[2,1]", "[4,8]")+"}", make([]byte, 8)...))
	f.Add(file("{"+entryText("a", "I64", "[]", "[0,8]")+","+entryText("e", "U8", "[0]", "[0,0]")+"}", make([]byte, 8)...))
	f.Add(file("{"+entryText("a", "F4", "[2]", "[0,1]")+"}", 0))
	f.Fuzz(func(t *testing.T, data []byte) {
		dir := t.TempDir()
		path := put(t, filepath.Join(dir, "a"), data)
		var a *File
		var err error
		mustBeSmall(t, allocated(func() { a, err = Open(path) }), len(data))
		if err != nil {
			refused(t, err)
			return
		}
		defer a.Close()
		ts := readAll(t, a, len(data))
		again := filepath.Join(dir, "b")
		if err := writeSafetensors(noSync{}, again, ts.Specs(), ts, a.Metadata()); err != nil {
			t.Fatal(err)
		}
		b, err := Open(again)
		if err != nil {
			t.Fatal(err)
		}
		defer b.Close()
		equalTensors(t, b, ts)
		if !reflect.DeepEqual(a.Metadata(), b.Metadata()) {
			t.Fatalf("metadata %q became %q", a.Metadata(), b.Metadata())
		}
	})
}

// noSync is a disk that nobody waits for: fuzzing writes thousands of files.
type noSync struct{ osFS }

type noSyncFile struct{ outFile }

func (noSync) Create(path string) (outFile, error) {
	f, err := osFS{}.Create(path)
	return noSyncFile{f}, err
}

func (noSync) SyncDir(string) error { return nil }
func (noSyncFile) Sync() error      { return nil }

// sameAgain writes what was read from data in both forms and reads it back.
func sameAgain(t *testing.T, dir string, ts Tensors) {
	t.Helper()
	for _, write := range []func(string) error{
		func(path string) error { return writeSafetensors(noSync{}, path, ts.Specs(), ts, nil) },
		func(path string) error { return writeTorch(noSync{}, path, ts.Specs(), ts) },
	} {
		if len(ts) == 0 {
			return
		}
		path := filepath.Join(dir, "again")
		if err := write(path); err != nil {
			t.Fatal(err)
		}
		again, err := OpenWeights(path)
		if err != nil {
			t.Fatal(err)
		}
		equalTensors(t, again, ts)
		if err := again.Close(); err != nil {
			t.Fatal(err)
		}
	}
}

// fuzzTorch holds any bytes to what every file of torch.save is held to.
func fuzzTorch(t *testing.T, data []byte) {
	dir := t.TempDir()
	path := put(t, filepath.Join(dir, "a"), data)
	var d *Dir
	var err error
	mustBeSmall(t, allocated(func() { d, err = OpenWeights(path) }), len(data))
	if err != nil {
		refused(t, err)
		return
	}
	defer d.Close()
	sameAgain(t, dir, readAll(t, d, maxExpansion*len(data)))
}

func addFixtures(f *testing.F, names ...string) {
	for _, name := range names {
		b, err := os.ReadFile(filepath.Join("testdata", name))
		if err != nil {
			f.Fatal(err)
		}
		f.Add(b)
	}
}

// Most changes break a checksum; FuzzTorchState makes them fit again.
func FuzzTorchZip(f *testing.F) {
	addFixtures(f, "torch_zip.pt", "torch_module.bin")
	f.Fuzz(fuzzTorch)
}

func FuzzLegacy(f *testing.F) {
	addFixtures(f, "torch_legacy.pt")
	f.Fuzz(fuzzTorch)
}

// Any pickle, with a storage "0", in an archive that is right.
func FuzzTorchState(f *testing.F) {
	const ordered = "ccollections\nOrderedDict\n)R"
	tensorText := func(storage, first, shape, strides string) string {
		return "ctorch._utils\n_rebuild_tensor_v2\n((U\x07storagectorch\n" + storage + "\nU\x010U\x03cpuK\x08tQ" + first + shape + strides + "\x89" + ordered + "tR"
	}
	f.Add([]byte("\x80\x02}U\x01a"+tensorText("FloatStorage", "K\x00", "K\x02K\x04\x86", "K\x01K\x02\x86")+"s."), make([]byte, 32))
	f.Add([]byte("\x80\x02}U\x01a"+tensorText("HalfStorage", "K\x01", "K\x03K\x02K\x02\x87", "K\x00K\x02K\x01\x87")+"s."), []byte("0123456789abcdef"))
	f.Add([]byte("\x80\x02}U\x01actorch._utils\n_rebuild_parameter\n("+tensorText("BoolStorage", "K\x00", "K\x08\x85", "K\x01\x85")+"\x88"+ordered+"tRs."), []byte("01234567"))
	f.Fuzz(func(t *testing.T, text, storage []byte) {
		var b bytes.Buffer
		z := storedzip.NewWriter(&b)
		for _, e := range []struct {
			name string
			data []byte
		}{{"a/data.pkl", text}, {"a/data/0", storage}} {
			if err := z.Add(e.name, e.data); err != nil {
				t.Fatal(err)
			}
		}
		if err := z.Close(); err != nil {
			t.Fatal(err)
		}
		fuzzTorch(t, b.Bytes())
	})
}
