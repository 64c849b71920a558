//go:build cgo && !nonetcdf

package netcdf

import (
	"bytes"
	"fmt"
	"io/fs"
	"math/rand/v2"
	"os"
	"path/filepath"
	"strings"
	"testing"
)

// compareWithLibrary opens a file in two ways: what is in it and, bit by bit,
// whole variables and hyperslabs of them must be alike.
func compareWithLibrary(t *testing.T, path string, slabs int) (variables int) {
	t.Helper()
	f, err := Open(path)
	must(t, err)
	defer f.Close()
	if _, ours := f.source.(*classicFile); !ours {
		t.Fatalf("%s: is read by %T", path, f.source)
	}
	l, c, err := openLibrary(path, 1<<40)
	if err != nil {
		t.Fatalf("%s: %v", path, err)
	}
	defer l.close()
	if c.format != f.format || fmt.Sprintf("%#v", f.root) != fmt.Sprintf("%#v", c.root) {
		t.Errorf("%s: is %s %+v; of the library %s %+v", path, f.format, f.root, c.format, c.root)
		return 0
	}
	rnd := rand.New(rand.NewPCG(1, 2))
	for at, v := range f.variables {
		variables++
		size := typeBytes[v.Type]
		start, count := make([]int, len(v.Shape)), v.Shape
		for range slabs {
			n := product(size, count)
			ours, theirs := scratch(n), scratch(n)
			a, b := view[byte](*ours)[:n], view[byte](*theirs)[:n]
			if n > 0 {
				must(t, f.source.read(at, start, count, a))
				must(t, l.read(at, start, count, b))
			}
			if !bytes.Equal(a, b) {
				t.Fatalf("%s: %s %v from %v: ours\n%x, the library's\n%x", path, v.Name, count, start, a[:min(n, 64)], b[:min(n, 64)])
			}
			start, count = make([]int, len(v.Shape)), make([]int, len(v.Shape))
			for i, n := range v.Shape {
				if n > 0 {
					start[i] = rnd.IntN(n)
					count[i] = 1 + rnd.IntN(n-start[i])
				}
			}
		}
	}
	return variables
}

func TestClassicEqualsLibrary(t *testing.T) {
	for i, b := range classicSamples() {
		path := filepath.Join(t.TempDir(), fmt.Sprint(i, ".nc"))
		must(t, os.WriteFile(path, b, 0o600))
		compareWithLibrary(t, path, 40)
	}
}

func TestRealClassicEqualsLibrary(t *testing.T) {
	files, variables := 0, 0
	compare := func(path string) {
		f, err := os.Open(path)
		must(t, err)
		head := make([]byte, 4)
		f.ReadAt(head, 0) // what is shorter is no NetCDF
		f.Close()
		if strings.HasPrefix(string(head), "CDF") && !strings.Contains(path, "truncated") {
			files++
			variables += compareWithLibrary(t, path, 12)
		}
	}
	must(t, filepath.WalkDir(climateData(t), func(path string, e fs.DirEntry, err error) error {
		if err == nil && e.Type().IsRegular() && strings.HasSuffix(path, ".nc") {
			compare(path)
		}
		return err
	}))
	if navy := "/usr/share/ferret-vis/data/monthly_navy_winds.cdf"; exists(navy) {
		compare(navy)
	}
	t.Logf("%d files, %d variables", files, variables)
	if files < 10 {
		t.Errorf("%d classic files", files)
	}
}

func exists(path string) bool {
	_, err := os.Stat(path)
	return err == nil
}
