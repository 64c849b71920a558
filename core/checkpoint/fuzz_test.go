package checkpoint

import (
	"errors"
	"path/filepath"
	"reflect"
	"runtime"
	"testing"

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
	if limit := 64*size + 1<<20; bytes > limit {
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
		if err := Write(again, ts.Specs(), ts, a.Metadata()); err != nil {
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
