package field

import (
	"context"
	"math"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/kiban-models/kiban/climate/netcdf"
)

// library skips in a build without NetCDF.
func library(t *testing.T) {
	t.Helper()
	if netcdf.LibraryVersion() == "" {
		t.Skip("this build has no NetCDF library")
	}
}

func must(t *testing.T, err error) {
	t.Helper()
	if err != nil {
		t.Fatal(err)
	}
}

// sample has what a frame may have: levels, a descending latitude, a hole, the
// calendar with February 30.
func sample() (Frame, func(at, lead, channel, row, col int) float32) {
	g, err := NewGrid(axis(60, -30, 5), axis(-180, 45, 8), nil, nil)
	if err != nil {
		panic(err)
	}
	f := Frame{Grid: g, Calendar: netcdf.Days360, Channels: []Channel{
		{Name: "tas", Key: "2m_temperature", StandardName: "air_temperature", LongName: "Near-Surface Air Temperature", Units: "K", CellMethods: "time: mean"},
		{Name: "zg", StandardName: "geopotential_height", Units: "m", Level: 50000},
		{Name: "zg", StandardName: "geopotential_height", Units: "m", Level: 85000},
		{Name: "ua", StandardName: "eastward_wind", Units: "m s-1", Level: 85000},
	}}
	for m := 1; m <= 3; m++ {
		f.Times = append(f.Times, netcdf.Date{Year: 2000, Month: m, Day: 16})
		f.Bounds = append(f.Bounds, [2]netcdf.Date{{Year: 2000, Month: m, Day: 1}, {Year: 2000, Month: m + 1, Day: 1}})
	}
	return f, func(at, lead, channel, row, col int) float32 {
		if row == 1 && col == 2 && channel == 0 {
			return float32(math.NaN())
		}
		return float32(at*10000+lead*1000+channel*100+row*10+col) / 8
	}
}

func writeSample(t *testing.T, path string, f Frame, a About, value func(at, lead, channel, row, col int) float32) {
	t.Helper()
	w, err := Create(path, f, a)
	must(t, err)
	buffer := make([]float32, len(f.Channels)*f.Grid.Size())
	for at := range f.Times {
		for lead := range max(1, len(f.Leads)) {
			for i := range buffer {
				buffer[i] = value(at, lead, i/f.Grid.Size(), i/f.Grid.Columns()%f.Grid.Rows(), i%f.Grid.Columns())
			}
			must(t, w.Put(at, lead, buffer))
		}
	}
	must(t, w.Commit())
}

var about = About{
	Title: "A sample", Institution: "kiban", Source: "kiban 1, model none", References: "none", Command: "kiban  climate forecast",
	Now:       time.Date(2026, 11, 24, 3, 37, 35, 0, time.UTC),
	Inherited: []netcdf.Attribute{netcdf.Text("history", "Mon Nov 23 01:00:00 2026: cdo copy"), netcdf.Text("title", "of the input")},
	Extra:     []netcdf.Attribute{netcdf.Text("kiban_model_sha256", "00ff")},
}

// What is written is read back: values, grid, bounds, levels, times.
func TestWriteAndRead(t *testing.T) {
	library(t)
	f, value := sample()
	path := filepath.Join(t.TempDir(), "sample.nc")
	writeSample(t, path, f, about, value)
	s, err := Open([]string{path}, Options{})
	must(t, err)
	defer s.Close()
	if err := s.Grid.Same(f.Grid); err != nil || s.Grid.LatBounds[0] != f.Grid.LatBounds[0] || s.Grid.LonBounds[7] != f.Grid.LonBounds[7] {
		t.Errorf("grid %+v (%v)", s.Grid, err)
	}
	if s.Calendar != netcdf.Days360 || len(s.Times) != 3 || s.Times[1] != f.Times[1] || len(s.Bounds) != 3 || s.Bounds[1] != f.Bounds[1] || s.Step != (Step{Months: 1}) || len(s.Notes) > 0 {
		t.Errorf("%s, times %v, bounds %v, step %s, notes %q", s.Calendar, s.Times, s.Bounds, s.Step, s.Notes)
	}
	group := netcdf.Group{Attributes: s.Global}
	if h := group.Text("history"); h != "Tue Nov 24 03:37:35 2026: kiban climate forecast\nMon Nov 23 01:00:00 2026: cdo copy" || group.Text("title") != "A sample" || group.Text("Conventions") != "CF-1.8" {
		t.Errorf("attributes %v", s.Global)
	}
	for i, c := range f.Channels {
		if got := s.Channels[i]; got.Name != c.Name || got.Level != c.Level || got.Units != c.Units || got.StandardName != c.StandardName || got.CellMethods != c.CellMethods {
			t.Errorf("channel %d is %+v, want %+v", i, got, c)
		}
	}
	all := make([]float32, 3*s.Size())
	must(t, s.ReadTimes(context.Background(), 0, 3, all))
	one := make([]float32, s.Size())
	for at := range 3 {
		must(t, s.Read(context.Background(), at, one))
		for i, x := range one {
			want := value(at, 0, i/40, i/8%5, i%8)
			if y := all[at*len(one)+i]; x != want && (x == x || want == want) || x != y && x == x {
				t.Fatalf("time %d, value %d: %v and %v, want %v", at, i, x, y, want)
			}
		}
	}
	// The same input gives the same bytes.
	again := filepath.Join(t.TempDir(), "again.nc")
	writeSample(t, again, f, about, value)
	a, err := os.ReadFile(path)
	must(t, err)
	b, err := os.ReadFile(again)
	must(t, err)
	if string(a) != string(b) {
		t.Error("two files of the same content differ")
	}
}

// A file that is not finished leaves nothing, and what was there stays.
func TestWriteIsAllOrNothing(t *testing.T) {
	library(t)
	f, value := sample()
	dir := t.TempDir()
	path := filepath.Join(dir, "x.nc")
	must(t, os.WriteFile(path, []byte("old"), 0o600))
	w, err := Create(path, f, About{})
	must(t, err)
	buffer := make([]float32, len(f.Channels)*f.Grid.Size())
	must(t, w.Put(0, 0, buffer))
	if err := w.Commit(); err == nil || !strings.Contains(err.Error(), "the fields of time 1 (2000-02-16 00:00:00), lead 0 were not written") {
		t.Error(err)
	}
	w, err = Create(path, f, About{})
	must(t, err)
	buffer[41] = float32(math.Inf(1))
	if err := w.Put(0, 0, buffer); err == nil || !strings.Contains(err.Error(), "variable zg: is +Inf at time 0, cell 1") {
		t.Error(err)
	}
	must(t, w.Abort())
	names, err := os.ReadDir(dir)
	must(t, err)
	if b, err := os.ReadFile(path); err != nil || string(b) != "old" || len(names) != 1 {
		t.Errorf("%q (%v), %v", b, err, names)
	}
	for _, bad := range []string{filepath.Join(dir, "none", "x.nc"), "http://localhost/x.nc", filepath.Join(dir, "a#mode=bytes"), dir} {
		if w, err := Create(bad, f, About{}); err == nil {
			t.Errorf("%s is created", bad)
			must(t, w.Abort())
		}
	}
	f.Channels[1].Level = 85000
	if _, err := Create(path, f, About{}); err == nil || !strings.Contains(err.Error(), "variable zg@850 is there twice") {
		t.Error(err)
	}
	_ = value
}

// CDO and ncdump read what is written, silently. testdata/read_back.py does the
// same with xarray, on the files that KIBAN_NETCDF_OUT keeps.
func TestOthersRead(t *testing.T) {
	library(t)
	dir := os.Getenv("KIBAN_NETCDF_OUT")
	if dir == "" {
		dir = t.TempDir()
	}
	f, value := sample()
	series, forecast := filepath.Join(dir, "series.nc"), filepath.Join(dir, "forecast.nc")
	writeSample(t, series, f, about, value)
	f.Bounds, f.Leads, f.LeadUnits = nil, []float64{6, 24, 72}, "hours"
	for _, d := range f.Times {
		for _, h := range f.Leads {
			f.Valid = append(f.Valid, f.Calendar.At(f.Calendar.Millis(d)+int64(h)*3_600_000))
		}
	}
	writeSample(t, forecast, f, about, value)
	tried := 0
	for _, x := range [][]string{
		{"cdo", "-s", "sinfo", series}, {"cdo", "-s", "sinfo", forecast},
		{"cdo", "-s", "copy", series, filepath.Join(t.TempDir(), "copy.nc")},
		{"cdo", "-s", "outputf,%.8g,1", "-fldmean", "-selname,tas", series},
		{"ncdump", "-t", series}, {"ncdump", "-h", forecast},
	} {
		if _, err := exec.LookPath(x[0]); err != nil {
			continue
		}
		tried++
		cmd := exec.Command(x[0], x[1:]...)
		var said strings.Builder
		cmd.Stderr = &said
		out, err := cmd.Output()
		if text := strings.ToLower(string(out)); err != nil || said.Len() > 0 || strings.Contains(text, "warning") {
			t.Errorf("%q: %v\n%s%s", x, err, said.String(), out)
		}
		if x[1] == "-t" && !strings.Contains(string(out), `"2000-02-16"`) {
			t.Errorf("ncdump has other times:\n%s", out)
		}
	}
	if tried == 0 {
		t.Skip("neither cdo nor ncdump is installed")
	}
}
