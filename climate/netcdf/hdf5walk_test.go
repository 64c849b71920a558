package netcdf

import (
	"archive/zip"
	"bytes"
	"io"
	"maps"
	"slices"
	"strings"
	"testing"
)

// hdf5Samples are the files of testdata/hdf5.py.
func hdf5Samples(t testing.TB) map[string][]byte {
	t.Helper()
	z, err := zip.OpenReader("testdata/hdf5.zip")
	if err != nil {
		t.Fatal(err)
	}
	defer z.Close()
	out := map[string][]byte{}
	for _, e := range z.File {
		r, err := e.Open()
		if err != nil {
			t.Fatal(err)
		}
		if out[e.Name], err = io.ReadAll(r); err != nil {
			t.Fatal(err)
		}
	}
	return out
}

func walkBytes(b []byte) (map[string]string, error) {
	at, err := findHDF5(bytes.NewReader(b), int64(len(b)))
	if err != nil || at < 0 {
		return nil, errWire
	}
	return walkHDF5(bytes.NewReader(b), int64(len(b)), at)
}

// What leads out of a file or in circles is found in groups of all kinds: of
// the older format and of the newer, with few links and with many.
func TestWalkHDF5(t *testing.T) {
	want := map[string]string{
		"plain": "", "attribute": "", "userblock": "", "filters": "", "many": "",
		"external_link":       "link out leads to another file",
		"dense_external_link": "link full/v99 leads to another file",
		"external_storage":    "variable x has its values in another file",
		"virtual":             "variable x is put together",
		"circle":              "link a/b/c leads back to a group around it",
		"twice":               "is linked twice",
		"soft_group":          `link a/up leads to "/", which is no variable`,
		"soft_nowhere":        `link x leads to "/none", which is no variable`,
		"soft_circle":         "which is no variable",
	}
	filtered := map[string][]string{
		"filters": {"group/lzf", "scaled", "scaled2"},
	}
	for name, b := range hdf5Samples(t) {
		kind, _, _ := strings.Cut(name, "-")
		said, err := walkBytes(b)
		switch w, known := want[kind]; {
		case !known:
			t.Errorf("%s: what is wanted of it?", name)
		case w == "" && err != nil, w != "" && (err == nil || !strings.Contains(err.Error(), w)):
			t.Errorf("%s: %v, want %q", name, err, w)
		}
		if w, ok := filtered[kind]; ok && !slices.Equal(slices.Sorted(maps.Keys(said)), w) {
			t.Errorf("%s: filtered are %v, want %v", name, said, w)
		}
		// 2,500 links to two datasets: 25 to the one that is filtered.
		if kind == "many" && len(said) != 26 {
			t.Errorf("%s: %d of 26 names are of a filtered variable", name, len(said))
		}
	}
}

// No file makes the walk fail in another way than by an error, or last long.
func FuzzWalkHDF5(f *testing.F) {
	for name, b := range hdf5Samples(f) {
		if len(b) < 20_000 {
			f.Add(b)
		} else if !strings.HasPrefix(name, "many") {
			f.Add(b[:20_000])
		}
	}
	f.Fuzz(func(t *testing.T, b []byte) { walkBytes(b) })
}
