package netcdf

import (
	"encoding/binary"
	"encoding/json"
	"math"
	"os"
	"path/filepath"
	"strings"
	"testing"
)

// Names that the C library takes for more than a file never reach it.
func TestOpenRefusesNames(t *testing.T) {
	for name, want := range map[string]string{
		"":                                  "no file named",
		"http://localhost:1/x.nc":           "is a URL",
		"https://example.org/a.nc#bytes":    "is a URL",
		"file:///etc/passwd#mode=zarr,s3":   "is a URL",
		"x.nc#mode=zarr":                    "for instructions",
		"[log][show=fetch]x.nc":             "for instructions",
		"a\x00b.nc":                         "for instructions",
		filepath.Join("dir#mode=zarr", "x"): "for instructions",
	} {
		f, err := Open(name)
		if err == nil || f != nil || !strings.Contains(err.Error(), want) {
			t.Errorf("%q: %v, want %s", name, err, want)
		}
	}
}

func TestCheckContent(t *testing.T) {
	dir := t.TempDir()
	hdf := make([]byte, 100)
	copy(hdf, signatureHDF5)
	hdf[8], hdf[9] = 2, 8
	binary.LittleEndian.PutUint64(hdf[28:], 101)
	old := make([]byte, 600)
	copy(old[512:], signatureHDF5)
	old[512+13] = 8
	binary.LittleEndian.PutUint64(old[512+40:], 1<<63)
	for name, x := range map[string]struct{ content, want string }{
		"empty":    {"", "is empty"},
		"text":     {"hello, this is no data", "is no NetCDF file"},
		"short":    {"CD", "is no NetCDF file"},
		"grib":     {"GRIB....7777", "is a GRIB file"},
		"gz":       {"\x1f\x8b\x08\x00", "compressed with gzip"},
		"hdf4":     {"\x0e\x03\x13\x01....", "HDF4"},
		"cut":      {string(hdf), "is truncated: it has 100 of 101 bytes"},
		"head":     {signatureHDF5, "is truncated"},
		"userbloc": {string(old), "is truncated"},
		"classic":  {"CDF\x01" + strings.Repeat("\x00", 28), ""},
		"classic2": {"CDF\x02" + strings.Repeat("\x00", 27), "ends within its header"},
		"classic5": {"CDF\x05" + strings.Repeat("\xff", 60), "header"},
		"badtag":   {"CDF\x01" + strings.Repeat("\x07", 60), "header"},
		"version4": {"CDF\x04....", "is no NetCDF file"},
	} {
		path := filepath.Join(dir, name)
		if err := os.WriteFile(path, []byte(x.content), 0o600); err != nil {
			t.Fatal(err)
		}
		_, err := checkContent(path, path)
		if x.want == "" && err != nil || x.want != "" && (err == nil || !strings.Contains(err.Error(), x.want) || !strings.HasPrefix(err.Error(), path)) {
			t.Errorf("%s: %v, want %s", name, err, x.want)
		}
	}
	if _, err := checkContent("d", dir); err == nil || !strings.Contains(err.Error(), "no regular file") {
		t.Errorf("a directory: %v", err)
	}
	if _, err := checkContent("no.nc", filepath.Join(dir, "no.nc")); err == nil || err.Error() != "no.nc: no such file or directory" {
		t.Errorf("an absent file: %v", err)
	}
}

func TestAttributeJSON(t *testing.T) {
	for _, x := range []struct {
		value any
		want  string
	}{
		{[]float32{0.1}, `0.1`},
		{[]float64{math.NaN(), math.Inf(-1), 1e20}, `["NaN","-Infinity",100000000000000000000]`},
		{[]uint8{1, 255}, `[1,255]`},
		{[]int64{-9223372036854775808}, `-9223372036854775808`},
		{"K", `"K"`},
		{[]string{"a", "b"}, `["a","b"]`},
		{[]float64{}, `[]`},
		{nil, `null`},
	} {
		b, err := json.Marshal(Attribute{Name: "a", Type: "t", Value: x.value})
		var got struct{ Value json.RawMessage }
		if err == nil {
			err = json.Unmarshal(b, &got)
		}
		want := strings.Replace(x.want, "100000000000000000000", "1e+20", 1)
		if err != nil || string(got.Value) != want {
			t.Errorf("%v: %s (%v), want %s", x.value, got.Value, err, want)
		}
	}
}

func TestPacking(t *testing.T) {
	attr := func(name string, v any) Attribute { return Attribute{Name: name, Value: v} }
	nan := math.NaN()
	for _, x := range []struct {
		kind       string
		attributes []Attribute
		in, want   []float64
	}{
		{"short", nil, []float64{1, -32767}, []float64{1, nan}},
		{"byte", nil, []float64{-127, -128}, []float64{-127, -128}},
		{"short", []Attribute{attr("scale_factor", []float64{0.5}), attr("add_offset", []float64{10}), attr("_FillValue", []int16{-1})},
			[]float64{4, -1, -32767}, []float64{12, nan, -16373.5}},
		{"float", []Attribute{attr("missing_value", []float64{1e20})}, []float64{float64(float32(1e20)), 3}, []float64{nan, 3}},
		{"byte", []Attribute{attr("_Unsigned", "true"), attr("_FillValue", []int8{-1})}, []float64{-2, -1, 5}, []float64{254, nan, 5}},
		{"int", []Attribute{attr("valid_range", []int32{0, 10})}, []float64{-1, 0, 10, 11}, []float64{nan, 0, 10, nan}},
		{"double", []Attribute{attr("valid_min", []float64{2})}, []float64{1, 2}, []float64{nan, 2}},
	} {
		p, err := packingOf(Variable{Type: x.kind, Attributes: x.attributes})
		if err != nil {
			t.Fatal(err)
		}
		got := make([]float64, len(x.in))
		unpack(p, x.in, got)
		for i := range got {
			if got[i] != x.want[i] && !(math.IsNaN(got[i]) && math.IsNaN(x.want[i])) {
				t.Errorf("%s %v: %v is read as %v, want %v", x.kind, x.attributes, x.in, got, x.want)
				break
			}
		}
	}
	for _, bad := range []any{[]float64{0}, []float64{math.Inf(1)}, []float64{1, 2}, "2"} {
		if _, err := packingOf(Variable{Attributes: []Attribute{attr("scale_factor", bad)}}); err == nil {
			t.Errorf("scale_factor %v is taken", bad)
		}
	}
}
