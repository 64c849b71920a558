package storedzip

import (
	"archive/zip"
	"bytes"
	"encoding/binary"
	"errors"
	"io"
	"strings"
	"testing"
)

func written(t *testing.T, names ...string) []byte {
	t.Helper()
	var b bytes.Buffer
	z := NewWriter(&b)
	for i, name := range names {
		if err := z.Add(name, bytes.Repeat([]byte{byte(i)}, 10*i)); err != nil {
			t.Fatal(err)
		}
	}
	if err := z.Close(); err != nil {
		t.Fatal(err)
	}
	return b.Bytes()
}

func TestRoundTrip(t *testing.T) {
	b := written(t, "a/x", "a/y", "a/d/z")
	entries, err := Read(bytes.NewReader(b), int64(len(b)))
	if err != nil || len(entries) != 3 {
		t.Fatal(entries, err)
	}
	// Another reader finds the same.
	z, err := zip.NewReader(bytes.NewReader(b), int64(len(b)))
	if err != nil {
		t.Fatal(err)
	}
	for i, e := range entries {
		f, err := z.File[i].Open()
		if err != nil {
			t.Fatal(err)
		}
		data, err := io.ReadAll(f) // checks the checksum
		at, _ := z.File[i].DataOffset()
		if err != nil || z.File[i].Name != e.Name || int64(len(data)) != e.Size || at != e.Offset || at%Alignment != 0 || z.File[i].CRC32 != e.CRC32 {
			t.Errorf("%+v is %+v: %v", e, z.File[i].FileHeader, err)
		}
	}
}

// What other programs store, with descriptors behind the data or without, is
// read too.
func TestOthersArchives(t *testing.T) {
	for _, descriptor := range []bool{false, true} {
		var b bytes.Buffer
		z := zip.NewWriter(&b)
		h := &zip.FileHeader{Name: "a/x", Method: zip.Store}
		w, err := z.CreateHeader(h)
		if !descriptor {
			h = &zip.FileHeader{Name: "a/y", Method: zip.Store, CRC32: 0xe8b7be43, CompressedSize64: 1, UncompressedSize64: 1}
			w, err = z.CreateRaw(h)
		}
		if err == nil {
			_, err = w.Write([]byte("a"))
		}
		if err == nil {
			err = z.Close()
		}
		if err != nil {
			t.Fatal(err)
		}
		entries, err := Read(bytes.NewReader(b.Bytes()), int64(b.Len()))
		if err != nil || entries[len(entries)-1].Size != 1 || entries[len(entries)-1].CRC32 != 0xe8b7be43 {
			t.Errorf("descriptor %v: %+v, %v", descriptor, entries, err)
		}
	}
}

func TestRefused(t *testing.T) {
	good := written(t, "a/x", "a/y")
	second := bytes.LastIndex(good, []byte("PK\x01\x02"))
	first := bytes.Index(good, []byte("PK\x01\x02"))
	local := bytes.LastIndex(good, []byte("PK\x03\x04"))
	end := len(good) - endSize
	change := func(at int, to ...byte) []byte {
		b := bytes.Clone(good)
		copy(b[at:], to)
		return b
	}
	deflated := func() []byte {
		var b bytes.Buffer
		z := zip.NewWriter(&b)
		w, err := z.Create("a/x")
		if err == nil {
			_, err = w.Write(make([]byte, 1<<20))
		}
		if err == nil {
			err = z.Close()
		}
		if err != nil {
			t.Fatal(err)
		}
		return b.Bytes()
	}
	for name, c := range map[string]struct {
		data []byte
		want string
	}{
		"empty":                   {nil, "no end record"},
		"byte behind":             {append(bytes.Clone(good), 0), "no end record"},
		"byte before":             {append([]byte{0}, good...), ""},
		"two archives":            {append(bytes.Clone(good), good...), ""},
		"comment":                 {change(end+20, 1), "comment"},
		"disk":                    {change(end+4, 1), "disks"},
		"count":                   {change(end+8, 3, 0, 3, 0), "disagree"},
		"encrypted in central":    {change(second+8, 1, 8), "flags"},
		"encrypted in local":      {change(local+6, 1, 8), "something else"},
		"method in local":         {change(local+8, 8), "something else"},
		"method in central":       {change(second+10, 8), "compressed"},
		"checksum in local":       {change(local+14, 9), "something else"},
		"size in local":           {change(local+18, 9), "something else"},
		"name in local":           {change(local+localSize, 'b'), "something else"},
		"size in central":         {change(second+20, 9, 0, 0, 0, 9), "something else"},
		"sizes differ in central": {change(second+20, 9), "cannot be"},
		"entry comment":           {change(second+32, 1), "comment"},
		"same place":              {change(second+42, good[first+42:first+46]...), "overlap"},
		"deflated":                {deflated(), "compressed"},
		"same name":               {written(t, "a/x", "a/x"), "twice"},
		"same name but for case":  {written(t, "a/x", "a/X"), "twice"},
		"two folders":             {written(t, "a/x", "b/x"), "folders"},
		"no folder":               {written(t, "x"), "not one of a torch file"},
		"dot dot":                 {written(t, "a/../../x"), "not one of a torch file"},
		"absolute":                {written(t, "/a/x"), "not one of a torch file"},
		"backslash":               {written(t, `a/\x`), "not one of a torch file"},
		"NUL":                     {written(t, "a/\x00"), "not one of a torch file"},
		"drive":                   {written(t, "a/c:x"), "not one of a torch file"},
		"directory":               {written(t, "a/"), "not one of a torch file"},
		"long name":               {written(t, "a/"+strings.Repeat("x", 2000)), "not one of a torch file"},
	} {
		entries, err := Read(bytes.NewReader(c.data), int64(len(c.data)))
		var bad *Error
		if !errors.As(err, &bad) || !strings.Contains(err.Error(), c.want) {
			t.Errorf("%s: %v, %v, want an error with %q", name, entries, err, c.want)
		}
	}
	for i := range good {
		if _, err := Read(bytes.NewReader(good[:i]), int64(i)); err == nil {
			t.Errorf("cut at %d it was read", i)
		}
	}
}

// The header of an entry is written by itself, so that the sizes from which
// zip64 is needed are tested without so many bytes.
func TestLarge(t *testing.T) {
	var dir bytes.Buffer
	z := NewWriter(&dir)
	z.at = 1 << 33
	z.entries = []Entry{{Name: "a/x", Size: 1 << 32, local: 1 << 32, flags: flagUTF8}}
	if err := z.Close(); err != nil {
		t.Fatal(err)
	}
	e, _, err := parseCentral(dir.Bytes())
	if err != nil || e.Size != 1<<32 || e.local != 1<<32 {
		t.Errorf("%+v, %v", e, err)
	}
	end := dir.Bytes()[dir.Len()-endSize-locatorSize-end64Size:]
	if got := binary.LittleEndian.Uint64(end[48:]); got != 1<<33 {
		t.Errorf("the directory is said to start at %d", got)
	}
}
