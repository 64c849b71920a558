package netcdf

import (
	"bytes"
	"os"
	"path/filepath"
	"strings"
	"testing"
)

// openBytes opens a file of that content.
func openBytes(t testing.TB, b []byte) (*File, error) {
	t.Helper()
	path := filepath.Join(t.TempDir(), "x.nc")
	if err := os.WriteFile(path, b, 0o600); err != nil {
		t.Fatal(err)
	}
	return Open(path)
}

// A file by hand, without the library.
func TestClassicByHand(t *testing.T) {
	s := classicSample{version: 5, records: 4, types: []string{"byte", "double", "short"}}
	b := s.bytes()
	f, err := openBytes(t, b)
	if err != nil {
		t.Fatal(err)
	}
	defer f.Close()
	d, err := f.Describe()
	if err != nil {
		t.Fatal(err)
	}
	if title := d.Text("title"); d.Format != "64-bit data" || title != "hello" || d.Dimensions[0] != (Dimension{"time", 4, true}) || len(d.Variables) != 25 {
		t.Fatalf("%+v", d)
	}
	// The last record of the last variable ends the file, but for padding.
	got, err := f.ReadFloat64("Y_short", []int{3, 4, 1}, []int{1, 1, 2})
	end := b[len(b)-2-4:]
	want := []float64{float64(int16(uint16(end[0])<<8 | uint16(end[1]))), float64(int16(uint16(end[2])<<8 | uint16(end[3])))}
	if err != nil || got[0] != want[0] || got[1] != want[1] {
		t.Errorf("%v (%v), want %v", got, err, want)
	}
	if _, err := f.ReadFloat64("B_char", nil, nil); err == nil || !strings.Contains(err.Error(), "variable B_char: is of type char, wanted numbers") {
		t.Error(err)
	}
}

// A writer that streams leaves the number of records open: the size says it.
func TestClassicStreamed(t *testing.T) {
	b := classicSample{version: 1, records: 4, types: []string{"float", "byte"}}.bytes()
	copy(b[4:8], "\xff\xff\xff\xff")
	f, err := openBytes(t, b)
	if err != nil {
		t.Fatal(err)
	}
	defer f.Close()
	if n := f.root.Dimensions[0].Size; n != 4 {
		t.Errorf("%d records, want 4", n)
	}
}

// Headers that contradict themselves.
func TestClassicRefused(t *testing.T) {
	good := classicSample{version: 1, records: 1, types: []string{"float"}}.bytes()
	for what, x := range map[string]struct {
		from, to string
		want     string
	}{
		"two record dimensions": {"a\x00\x00\x00\x00\x00\x00\x03", "a\x00\x00\x00\x00\x00\x00\x00", "two record dimensions"},
		"a dimension too many":  {"\x00\x00\x00\x03\x00\x00\x00\x01\x00\x00\x00\x02\x00\x00\x00\x03", "\x00\x00\x00\x03\x00\x00\x00\x01\x00\x00\x00\x02\x00\x00\x00\x09", "header is not"},
		"records not first":     {"\x00\x00\x00\x03\x00\x00\x00\x01\x00\x00\x00\x02\x00\x00\x00\x03", "\x00\x00\x00\x03\x00\x00\x00\x01\x00\x00\x00\x00\x00\x00\x00\x03", "header is not"},
		"a type of 99":          {"title\x00\x00\x00\x00\x00\x00\x02", "title\x00\x00\x00\x00\x00\x00\x63", "header is not"},
	} {
		b := bytes.Replace(good, []byte(x.from), []byte(x.to), 1)
		if bytes.Equal(b, good) {
			t.Fatalf("%s: nothing was changed", what)
		}
		if _, err := openBytes(t, b); err == nil || !strings.Contains(err.Error(), x.want) {
			t.Errorf("%s: %v, want %s", what, err, x.want)
		}
	}
	for n := range good {
		if _, err := openBytes(t, good[:n]); err == nil {
			t.Errorf("%d of %d bytes are opened", n, len(good))
		}
	}
	f, err := openBytes(t, good)
	if err != nil {
		t.Fatal(err)
	}
	defer f.Close()
	if err := os.Truncate(f.name, 100); err != nil {
		t.Fatal(err)
	}
	if _, err := f.ReadFloat64("A_byte", nil, nil); err == nil || !strings.Contains(err.Error(), "variable A_byte: reading [3 5 1] values from [0 0 0]: the file is shorter than when it was opened") {
		t.Errorf("a file that shrank: %v", err)
	}
}
