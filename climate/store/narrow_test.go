package store

import (
	"math/rand/v2"
	"path/filepath"
	"testing"

	"github.com/kiban-models/kiban/climate/field"
	"github.com/kiban-models/kiban/climate/netcdf"
	"github.com/kiban-models/kiban/climate/regrid"
)

// fileOf writes days of one variable with missing values on 16x32 cells.
func fileOf(t *testing.T, north bool, west float64) string {
	t.Helper()
	if netcdf.LibraryVersion() == "" {
		t.Skip("this build has no NetCDF")
	}
	g, text := world(t, 16, north), netcdf.Text
	path := filepath.Join(t.TempDir(), "in.nc")
	w, err := netcdf.Create(path, netcdf.Schema{
		Dimensions: []netcdf.Dimension{{Name: "time", Unlimited: true}, {Name: "lat", Size: len(g.Lat)}, {Name: "lon", Size: len(g.Lon)}},
		Variables: []netcdf.NewVariable{
			{Name: "lat", Type: "double", Dimensions: []string{"lat"}, Attributes: []netcdf.Attribute{text("units", "degrees_north")}},
			{Name: "lon", Type: "double", Dimensions: []string{"lon"}, Attributes: []netcdf.Attribute{text("units", "degrees_east")}},
			{Name: "time", Type: "double", Dimensions: []string{"time"}, Attributes: []netcdf.Attribute{text("units", "days since 2001-01-01")}},
			{Name: "x", Type: "float", Dimensions: []string{"time", "lat", "lon"}, Attributes: []netcdf.Attribute{text("units", "1")}},
		},
	})
	if err != nil {
		t.Fatal(err)
	}
	defer w.Abort()
	put := func(name string, start, count []int, x any) {
		if err := w.Put(name, start, count, x); err != nil {
			t.Fatal(err)
		}
	}
	lon := make([]float64, len(g.Lon))
	for i := range lon {
		lon[i] = west + float64(i)*360/float64(len(lon))
	}
	put("lat", []int{0}, []int{len(g.Lat)}, g.Lat)
	put("lon", []int{0}, []int{len(lon)}, lon)
	r := rand.New(rand.NewPCG(7, 8))
	for day := range 40 {
		x := make([]float32, g.Size())
		for i := range x {
			if x[i] = float32(r.NormFloat64()); r.IntN(20) == 0 {
				x[i] = 9.96921e36
			}
		}
		put("time", []int{day}, []int{1}, []float64{float64(day)})
		put("x", []int{day, 0, 0}, []int{1, len(g.Lat), len(g.Lon)}, x)
	}
	if err := w.Commit(); err != nil {
		t.Fatal(err)
	}
	return path
}

// A region on another grid is read where the weights want it, and is in every
// byte what all of the fields make.
func TestRegionIsReadAlone(t *testing.T) {
	for _, x := range []struct {
		north bool
		west  float64
		box   field.Box
		r, c  int // rows and columns that bilinear weights want at most
	}{
		{north: true, box: field.Box{West: 60, East: 130, South: 10, North: 50}, r: 7, c: 10},
		{north: false, box: field.Box{West: 60, East: 130, South: 10, North: 50}, r: 7, c: 10},
		{west: -180, box: field.Box{West: 200, East: 260, South: -80, North: -60}, r: 5, c: 9},
		{west: 0, box: field.Box{West: -30, East: 30, South: -90, North: 90}, r: 16, c: 32},    // across the seam
		{west: -180, box: field.Box{West: 150, East: 210, South: -20, North: 20}, r: 8, c: 32}, // and there
	} {
		path := fileOf(t, x.north, x.west)
		for _, method := range []regrid.Method{regrid.Bilinear, regrid.Chord, regrid.Conservative, regrid.Nearest} {
			file, err := field.Open([]string{path}, field.Options{AllowEmpty: true})
			if err != nil {
				t.Fatal(err)
			}
			file = file.Slice(3, 38)
			all := make([]float32, len(file.Times)*file.Size())
			if err := file.ReadTimes(t.Context(), 0, len(file.Times), all); err != nil {
				t.Fatal(err)
			}
			memory, err := field.Memory(file.Grid, file.Calendar, file.Times, file.Channels, all)
			if err != nil {
				t.Fatal(err)
			}
			var trees []map[string]string
			for _, s := range []*field.Series{file, memory} {
				out := filepath.Join(t.TempDir(), "data")
				o := Options{Inputs: []Input{{Series: s}}, Out: out, Target: world(t, 24, false), Method: method, MinValid: 0.5,
					Region: &field.Region{Name: "box", Boxes: []field.Box{x.box}}, Warn: func(string) {}}
				p, err := NewPlan(o)
				if err != nil {
					t.Fatal(err)
				}
				if r, c := p.layout.source.Rows(), p.layout.source.Columns(); s == file && method == regrid.Bilinear && (r > x.r || c > x.c) {
					t.Errorf("%v: %dx%d cells are read, wanted %dx%d at most", x.box, r, c, x.r, x.c)
				} else if s == memory && (r != 16 || c != 32) {
					t.Errorf("%v: of memory %dx%d cells are read", x.box, r, c)
				}
				if _, err := p.Write(t.Context()); err != nil {
					t.Fatal(err)
				}
				trees = append(trees, treeOf(t, out))
			}
			sameTree(t, trees[0], trees[1])
		}
	}
}
