//go:build cgo && !nonetcdf

package netcdf

import (
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"
)

func ExampleCreate() {
	dir, err := os.MkdirTemp("", "")
	if err != nil {
		fmt.Println(err)
		return
	}
	defer os.RemoveAll(dir)
	path := filepath.Join(dir, "new.nc")
	w, err := Create(path, Schema{
		Dimensions: []Dimension{{Name: "time", Unlimited: true}, {Name: "lat", Size: 2}},
		Variables:  []NewVariable{{Name: "tas", Type: "float", Dimensions: []string{"time", "lat"}, Chunks: []int{1, 2}, Deflate: 4, Attributes: []Attribute{Text("units", "K")}}},
	})
	if err != nil {
		fmt.Println(err)
		return
	}
	for t := range 3 {
		if err := w.Put("tas", []int{t, 0}, []int{1, 2}, []float32{270, 280 + float32(t)}); err != nil {
			fmt.Println(err)
		}
	}
	if err := w.Commit(); err != nil {
		fmt.Println(err)
	}
	f, err := Open(path)
	if err != nil {
		fmt.Println(err)
		return
	}
	defer f.Close()
	fmt.Println(f.ReadFloat32("tas", []int{1, 0}, []int{2, 2}))
	// Output: [270 281 270 282] <nil>
}

// Attributes of all types come back as they were.
func TestWriteAttributes(t *testing.T) {
	all := []Attribute{
		Text("text", "K\u00e4lte"), Text("empty", ""), {Name: "b", Value: []int8{-1}}, {Name: "ub", Value: []uint8{1, 2}}, {Name: "s", Value: []int16{3}},
		{Name: "us", Value: []uint16{4}}, {Name: "i", Value: []int32{5}}, {Name: "ui", Value: []uint32{6}}, {Name: "l", Value: []int64{7}},
		{Name: "ul", Value: []uint64{8}}, {Name: "f", Value: []float32{0.1}}, {Name: "d", Value: []float64{0.1, 0.2}},
	}
	path := filepath.Join(t.TempDir(), "a.nc")
	w, err := Create(path, Schema{Attributes: all, Variables: []NewVariable{{Name: "x", Type: "double", Attributes: all}}})
	must(t, err)
	must(t, w.Put("x", []int{}, []int{}, []float64{2}))
	must(t, w.Commit())
	d := describe(t, path)
	x, _ := d.Variable("x")
	for _, want := range all {
		for _, of := range [][]Attribute{d.Attributes, x.Attributes} {
			got, _ := findAttribute(of, want.Name)
			if fmt.Sprint(got.Value) != fmt.Sprint(want.Value) {
				t.Errorf("%s is %v, want %v", want.Name, got.Value, want.Value)
			}
		}
	}
}

func TestWriterRefuses(t *testing.T) {
	dir := t.TempDir()
	for _, x := range []struct {
		s    Schema
		want string
	}{
		{Schema{Dimensions: []Dimension{{Name: "x"}}}, `dimension "x" of size 0`},
		{Schema{Variables: []NewVariable{{Name: "a/b", Type: "float"}}}, `variable "a/b"`},
		{Schema{Variables: []NewVariable{{Name: "a", Type: "string"}}}, `type "string" cannot be written`},
		{Schema{Variables: []NewVariable{{Name: "a", Type: "float", Dimensions: []string{"x"}}}}, `no dimension "x"`},
		{Schema{Attributes: []Attribute{{Name: "a"}}}, "cannot be written"},
	} {
		if _, err := Create(filepath.Join(dir, "x.nc"), x.s); err == nil || !strings.Contains(err.Error(), x.want) {
			t.Errorf("%+v: %v, want %s", x.s, err, x.want)
		}
	}
	w, err := Create(filepath.Join(dir, "x.nc"), Schema{Dimensions: []Dimension{{Name: "x", Size: 2}}, Variables: []NewVariable{{Name: "a", Type: "float", Dimensions: []string{"x"}}}})
	must(t, err)
	for _, x := range []struct {
		start, count []int
		values       any
	}{{[]int{0}, []int{2}, []float32{1}}, {[]int{0}, []int{3}, []float32{1, 2, 3}}, {[]int{}, []int{}, []float32{1}}, {[]int{0}, []int{1}, []int{1}}, {[]int{0}, []int{1}, []float64{1e300}}} {
		if err := w.Put("a", x.start, x.count, x.values); err == nil || !strings.Contains(err.Error(), "x.nc: variable a: ") {
			t.Errorf("%v from %v of %v: %v", x.count, x.start, x.values, err)
		}
	}
	must(t, w.Abort())
	must(t, w.Abort())
	if err := w.Commit(); err == nil {
		t.Error("an aborted file is finished")
	}
	if left, err := os.ReadDir(dir); err != nil || len(left) > 0 {
		t.Errorf("left behind: %v (%v)", left, err)
	}
}
