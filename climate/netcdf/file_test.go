//go:build cgo && !nonetcdf

package netcdf

import (
	"encoding/json"
	"fmt"
	"io/fs"
	"maps"
	"math"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	clib "github.com/fhs/go-netcdf/netcdf"
)

// writeSample writes a small file: packed tas on a descending latitude, noleap
// time with a record dimension, and faults that are to be found.
func writeSample(t *testing.T, mode clib.FileMode) string {
	t.Helper()
	path := filepath.Join(t.TempDir(), "sample.nc")
	ds, err := clib.CreateFile(path, clib.CLOBBER|mode)
	must(t, err)
	dim := func(name string, n uint64) clib.Dim {
		d, err := ds.AddDim(name, n)
		must(t, err)
		return d
	}
	variable := func(name string, kind clib.Type, text map[string]string, dims ...clib.Dim) clib.Var {
		v, err := ds.AddVar(name, kind, dims)
		must(t, err)
		for _, k := range slices.Sorted(maps.Keys(text)) {
			must(t, v.Attr(k).WriteBytes([]byte(text[k])))
		}
		return v
	}
	td, yd, xd := dim("time", 0), dim("lat", 3), dim("lon", 4)
	tv := variable("time", clib.DOUBLE, map[string]string{"units": "days since 2000-01-01", "calendar": "noleap", "standard_name": "time", "bounds": "time_bnds"}, td)
	yv := variable("lat", clib.FLOAT, map[string]string{"units": "degrees_north", "standard_name": "latitude"}, yd)
	xv := variable("lon", clib.FLOAT, map[string]string{"units": "degrees"}, xd)
	hv := variable("height", clib.DOUBLE, map[string]string{"units": "m", "standard_name": "height", "positive": "up"})
	tas := variable("tas", clib.SHORT, map[string]string{"units": "K", "coordinates": "height"}, td, yd, xd)
	must(t, tas.Attr("scale_factor").WriteFloat64s([]float64{0.01}))
	must(t, tas.Attr("add_offset").WriteFloat64s([]float64{273}))
	must(t, tas.Attr("_FillValue").WriteInt16s([]int16{-1}))
	must(t, ds.Attr("Conventions").WriteBytes([]byte("CF-1.8")))
	must(t, ds.Attr("version").WriteInt32s([]int32{1, 2}))
	must(t, ds.EndDef())
	// Only writing value by value lets the record dimension grow.
	for i, x := range []float64{15.5, 45, 74.5} {
		must(t, tv.WriteFloat64At([]uint64{uint64(i)}, x))
		for j := range 12 {
			must(t, tas.WriteInt16At([]uint64{uint64(i), uint64(j / 4), uint64(j % 4)}, int16(100*i+j-1)))
		}
	}
	must(t, yv.WriteFloat32s([]float32{60, 0, -60}))
	must(t, xv.WriteFloat32s([]float32{0, 90, 180, 270}))
	must(t, hv.WriteFloat64s([]float64{2}))
	must(t, ds.Close())
	return path
}

func must(t *testing.T, err error) {
	t.Helper()
	if err != nil {
		t.Fatal(err)
	}
}

func open(t *testing.T, path string) *File {
	t.Helper()
	f, err := Open(path)
	must(t, err)
	t.Cleanup(func() { must(t, f.Close()) })
	return f
}

func describe(t *testing.T, path string) Description {
	t.Helper()
	d, err := open(t, path).Describe()
	must(t, err)
	if _, err := json.Marshal(d); err != nil {
		t.Errorf("%s: %v", path, err)
	}
	return d
}

func TestDescribe(t *testing.T) {
	for mode, format := range map[clib.FileMode]string{
		0: "classic", clib.OFFSET_64BIT: "64-bit offset", clib.NETCDF4: "NetCDF-4", clib.NETCDF4 | clib.CLASSIC_MODEL: "NetCDF-4 classic model",
	} {
		d := describe(t, writeSample(t, mode))
		if d.Format != format {
			t.Errorf("format %s, want %s", d.Format, format)
		}
		if got := fmt.Sprint(d.Dimensions); got != "[{time 3 true} {lat 3 false} {lon 4 false}]" {
			t.Errorf("%s: dimensions %s", format, got)
		}
		tas, _ := d.Variable("tas")
		names := make([]string, len(tas.Attributes))
		for i, a := range tas.Attributes {
			names[i] = a.Name + "=" + a.String()
		}
		if got := strings.Join(names, " "); tas.Type != "short" || fmt.Sprint(tas.Dimensions, tas.Shape) != "[time lat lon] [3 3 4]" ||
			got != `coordinates="height" units="K" scale_factor=0.01 add_offset=273 _FillValue=-1` {
			t.Errorf("%s: tas is %s %v %v: %s", format, tas.Type, tas.Dimensions, tas.Shape, got)
		}
		if a, _ := d.Group.Attribute("version"); fmt.Sprint(a.Value) != "[1 2]" || a.Type != "int" {
			t.Errorf("%s: version is %v of type %s", format, a.Value, a.Type)
		}
		lat, _ := d.Variable("lat")
		if want := (Axis{Kind: Latitude, Units: "degrees_north", Count: 3, First: 60, Last: -60, Min: -60, Max: 60, Step: -60, Regular: true, Monotonic: true}); lat.Axis == nil || fmt.Sprint(*lat.Axis) != fmt.Sprint(want) {
			t.Errorf("%s: lat is %+v", format, lat.Axis)
		}
		time, _ := d.Variable("time")
		if x := time.Time; x == nil || x.First.String() != "2000-01-16 12:00:00" || x.Last.String() != "2000-03-16 12:00:00" || x.Interval != "1 month" || x.Calendar != NoLeap {
			t.Errorf("%s: time is %+v", format, x)
		}
		if h, _ := d.Variable("height"); h.Role != RoleAuxiliary || h.Axis == nil || h.Axis.First != 2 || h.Axis.Kind != Vertical {
			t.Errorf("%s: height is %+v", format, h)
		}
		var problems []string
		for _, p := range d.Problems {
			problems = append(problems, fmt.Sprintf("%s %s", p.Variable, p.Text))
		}
		want := []string{
			"time bounds names time_bnds, which the file does not have",
			"lat descends from 60 to -60: the first row is the northernmost",
			"lon has no standard_name",
			`lon units are "degrees"; wanted degrees_east`,
		}
		if !slices.Equal(problems, want) {
			t.Errorf("%s: problems are %q, want %q", format, problems, want)
		}
	}
}

func TestRead(t *testing.T) {
	f := open(t, writeSample(t, clib.NETCDF4))
	got, err := f.ReadFloat64("tas", []int{1, 0, 2}, []int{2, 2, 2})
	must(t, err)
	for i, stored := range []float64{101, 102, 105, 106, 201, 202, 205, 206} {
		if want := stored*0.01 + 273; got[i] != want {
			t.Fatalf("value %d is %v, want %v", i, got[i], want)
		}
	}
	all, err := f.ReadFloat32("tas", nil, nil)
	must(t, err)
	if len(all) != 36 || !math.IsNaN(float64(all[0])) || all[1] != 273 || all[35] != float32(210*0.01+273) {
		t.Errorf("tas is %v", all)
	}
	if x, err := f.ReadFloat64("tas", []int{3, 0, 0}, []int{0, 3, 4}); err != nil || len(x) != 0 {
		t.Errorf("nothing at the end: %v %v", x, err)
	}
	for _, x := range [][2][]int{{{0, 0, 0}, {4, 1, 1}}, {{3, 0, 0}, {1, 1, 1}}, {{-1, 0, 0}, {1, 1, 1}}, {{0}, {1}}, {{0, 0, 0}, {-1, 1, 1}}, {{1 << 62, 0, 0}, {1 << 62, 1, 1}}} {
		if _, err := f.ReadFloat64("tas", x[0], x[1]); err == nil {
			t.Errorf("%v from %v is read", x[1], x[0])
		}
	}
	if _, err := f.ReadFloat64("psl", nil, nil); err == nil || !strings.Contains(err.Error(), "sample.nc: has no variable psl") {
		t.Error(err)
	}
	must(t, f.Close())
	if _, err := f.ReadFloat64("tas", nil, nil); err == nil {
		t.Error("a closed file is read")
	}
	if _, err := f.Describe(); err == nil {
		t.Error("a closed file is described")
	}
}

// A file cut anywhere is an error that names it, never wrong numbers.
func TestTruncated(t *testing.T) {
	for _, mode := range []clib.FileMode{0, clib.OFFSET_64BIT, clib.NETCDF4} {
		whole, err := os.ReadFile(writeSample(t, mode))
		must(t, err)
		path := filepath.Join(t.TempDir(), "cut.nc")
		for n := len(whole) - 16; n >= 0; n -= max(7, len(whole)/60) {
			must(t, os.WriteFile(path, whole[:n], 0o600))
			f, err := Open(path)
			if err == nil {
				t.Errorf("%d of %d bytes are opened", n, len(whole))
				must(t, f.Close())
			} else if !strings.HasPrefix(err.Error(), path+": ") {
				t.Errorf("the error does not begin with the file: %v", err)
			}
		}
	}
}

// A header of some bytes may declare any size; reading it must not.
func TestDeclaredSize(t *testing.T) {
	header := "CDF\x01" + "\x00\x00\x00\x00" +
		"\x00\x00\x00\x0a" + "\x00\x00\x00\x01" + "\x00\x00\x00\x01" + "x\x00\x00\x00" + "\x40\x00\x00\x00" +
		"\x00\x00\x00\x00\x00\x00\x00\x00" +
		"\x00\x00\x00\x0b" + "\x00\x00\x00\x01" + "\x00\x00\x00\x01" + "x\x00\x00\x00" + "\x00\x00\x00\x01" + "\x00\x00\x00\x00" +
		"\x00\x00\x00\x00\x00\x00\x00\x00" + "\x00\x00\x00\x05" + "\xff\xff\xff\xff" + "\x00\x00\x00\x54"
	path := filepath.Join(t.TempDir(), "claim.nc")
	must(t, os.WriteFile(path, []byte(header), 0o600))
	if _, err := Open(path); err == nil || !strings.Contains(err.Error(), "is truncated: it has 80 of 4294967380 bytes") {
		t.Errorf("a header that claims 4 GiB: %v", err)
	}
}

// climateData is the folder of real files beside the repository.
func climateData(t *testing.T) string {
	t.Helper()
	dir, err := os.Getwd()
	must(t, err)
	for {
		if _, err := os.Stat(filepath.Join(dir, "go.mod")); err == nil {
			break
		}
		if filepath.Dir(dir) == dir {
			t.Skip("no go.mod above the test; the data are looked for beside it")
		}
		dir = filepath.Dir(dir)
	}
	data := filepath.Join(dir, "..", "shared", "data", "climate")
	if _, err := os.Stat(data); err != nil {
		t.Skipf("the real files are not here: %v", err)
	}
	return data
}

// Every real file but the broken one is described, as JSON too.
func TestRealFiles(t *testing.T) {
	n := 0
	data := climateData(t)
	must(t, filepath.WalkDir(data, func(path string, e fs.DirEntry, err error) error {
		if err != nil || !strings.HasSuffix(path, ".nc") {
			return err
		}
		n++
		if strings.Contains(path, "truncated") {
			if _, err := Open(path); err == nil || !strings.Contains(err.Error(), "is truncated: it has 912014 of 1824028 bytes") {
				t.Errorf("%s: %v", path, err)
			}
			return nil
		}
		describe(t, path)
		return nil
	}))
	if n < 40 {
		t.Errorf("%d files, wanted at least 40", n)
	}
}

// The spans are what the names of the files and their attributes say.
func TestRealTimes(t *testing.T) {
	data := climateData(t)
	for _, x := range []struct {
		file        string
		calendar    Calendar
		first, last string
		interval    string
	}{
		{"cmip6/ta_Amon_CanESM5_historical_r1i1p1f1_gn_185001-201412.nc", NoLeap, "1850-01-16 12:00:00", "2014-12-16 12:00:00", "1 month"},
		{"cmip6/ta_Amon_MPI-ESM1-2-HR_historical_r1i1p1f1_gn_195001-195412.nc", Proleptic, "1950-01-16 12:00:00", "1954-12-16 12:00:00", "1 month"},
		{"cmip6/ta_day_MIROC6_historical_r1i1p1f1_gn_20000101-20001231.nc", Standard, "2000-01-01 12:00:00", "2000-12-31 12:00:00", "1 day"},
		{"cmip6/ta_day_KACE-1-0-G_historical_r1i1p1f1_gr_20000101-20141230.nc", Days360, "2000-01-01 12:00:00", "2014-12-30 12:00:00", "1 day"},
		{"cmip6/ta_day_CESM2-WACCM_historical_r1i1p1f1_gn_20000101-20091231.nc", NoLeap, "", "", "1 day"},
		{"esgf/tas_Amon_HadGEM2-ES_rcp85_r1i1p1_200512-203011.nc", Days360, "2005-12-16 00:00:00", "2030-11-16 00:00:00", "1 month"},
		{"esgf/tos_Omon_IITM-ESM_1pctCO2_r1i1p1f1_gn_193001-193412.nc", Julian, "", "", "1 month"},
		{"esgf/psl_ERA5_mon_194001-202212.nc", Standard, "1940-01-01 00:00:00", "2022-12-01 00:00:00", "1 month"},
		{"esgf/rlds_Amon_INM-CM5-0_historical_r1i1p1f1_gr1_195001-201412.nc", NoLeap, "1950-01-16 12:00:00", "2014-12-16 12:00:00", "1 month"},
		{"odd/ref_test_360_day_1900.nc", Days360, "1900-01-01 00:00:00", "1906-05-20 00:00:00", "1 day"},
		{"odd/ref_test_365_day_1900.nc", NoLeap, "1900-01-01 00:00:00", "1906-04-20 00:00:00", "1 day"},
		{"A1B_north_america.nc", Days360, "1860-06-01 00:00:00", "2099-06-01 00:00:00", "1 year"},
	} {
		v, _ := describe(t, filepath.Join(data, x.file)).Variable("time")
		got := v.Time
		if got == nil || got.Calendar != x.calendar || got.Interval != x.interval || x.first != "" && (got.First.String() != x.first || got.Last.String() != x.last) {
			t.Errorf("%s: %+v, want %s to %s by %s, %s", x.file, got, x.first, x.last, x.interval, x.calendar)
		}
	}
}

// The numbers are those of netcdf4-python, which masks and scales by itself.
func TestRealPackedUnsigned(t *testing.T) {
	f := open(t, filepath.Join(climateData(t), "odd", "20171025_2056.Cloud_Top_Height.nc"))
	values, err := f.ReadFloat64("HT", nil, nil)
	must(t, err)
	missing, sum, most := 0, 0.0, 0.0
	for _, x := range values {
		if math.IsNaN(x) {
			missing++
			continue
		}
		sum, most = sum+x, max(most, x)
	}
	if mean := sum / float64(len(values)-missing); missing != 57432 || math.Abs(mean-7429.053) > 0.01 || math.Abs(most-15430.489) > 0.01 {
		t.Errorf("%d missing, mean %v, most %v; want 57432, 7429.053, 15430.489", missing, mean, most)
	}
}

// Types of the file's own are reported by name and hide nothing else.
func TestRealUserType(t *testing.T) {
	data := climateData(t)
	d := describe(t, filepath.Join(data, "odd", "ref_tst_compounds.nc"))
	v, _ := d.Variable("obs")
	if v.Type != "compound obs_t" || v.Unsupported != "values of type compound obs_t cannot be read" {
		t.Errorf("obs is %+v", v)
	}
	f := open(t, filepath.Join(data, "odd", "ref_tst_compounds.nc"))
	if _, err := f.ReadFloat64("obs", nil, nil); err == nil || !strings.Contains(err.Error(), "compound obs_t") {
		t.Error(err)
	}
}
