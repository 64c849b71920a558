package main

import (
	"bytes"
	"encoding/json"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/kiban-models/kiban/climate/field"
	"github.com/kiban-models/kiban/climate/netcdf"
	stores "github.com/kiban-models/kiban/climate/store"
)

// climateFile writes months of a variable on 8x16 cells, as CMIP6 has them;
// without months it is constant. Value is of the month and the cell.
func climateFile(t *testing.T, path, name, standard, units, member string, months int, value func(month, cell int) float32) {
	t.Helper()
	if netcdf.LibraryVersion() == "" {
		t.Skip("this build has no NetCDF")
	}
	const rows, columns = 8, 16
	text := netcdf.Text
	dims := []string{"lat", "lon"}
	s := netcdf.Schema{
		Dimensions: []netcdf.Dimension{{Name: "lat", Size: rows}, {Name: "lon", Size: columns}},
		Variables: []netcdf.NewVariable{
			{Name: "lat", Type: "double", Dimensions: []string{"lat"}, Attributes: []netcdf.Attribute{text("units", "degrees_north"), text("standard_name", "latitude")}},
			{Name: "lon", Type: "double", Dimensions: []string{"lon"}, Attributes: []netcdf.Attribute{text("units", "degrees_east"), text("standard_name", "longitude")}},
		},
		Attributes: []netcdf.Attribute{text("Conventions", "CF-1.7"), text("source_id", "TEST"), text("experiment_id", "historical"), text("variant_label", member), text("table_id", "Amon"), text("grid_label", "gn"), text("tracking_id", "hdl:21.14100/"+name+member)},
	}
	if months > 0 {
		dims = append([]string{"time"}, dims...)
		s.Dimensions = append(s.Dimensions, netcdf.Dimension{Name: "time", Unlimited: true})
		s.Variables = append(s.Variables, netcdf.NewVariable{Name: "time", Type: "double", Dimensions: []string{"time"}, Attributes: []netcdf.Attribute{text("units", "days since 2000-01-01"), text("calendar", "360_day"), text("standard_name", "time")}})
	}
	s.Variables = append(s.Variables, netcdf.NewVariable{Name: name, Type: "float", Dimensions: dims, Attributes: []netcdf.Attribute{text("units", units), text("standard_name", standard)}})
	w, err := netcdf.Create(path, s)
	if err != nil {
		t.Fatal(err)
	}
	defer w.Abort()
	put := func(name string, start, count []int, x any) {
		if err := w.Put(name, start, count, x); err != nil {
			t.Fatal(err)
		}
	}
	axis := func(n int, first, step float64) []float64 {
		x := make([]float64, n)
		for i := range x {
			x[i] = first + float64(i)*step
		}
		return x
	}
	put("lat", []int{0}, []int{rows}, axis(rows, -78.75, 22.5))
	put("lon", []int{0}, []int{columns}, axis(columns, 0, 22.5))
	values := func(month int) []float32 {
		x := make([]float32, rows*columns)
		for i := range x {
			x[i] = value(month, i)
		}
		return x
	}
	for m := range months {
		put("time", []int{m}, []int{1}, []float64{15 + 30*float64(m)})
		put(name, []int{m, 0, 0}, []int{1, rows, columns}, values(m))
	}
	if months == 0 {
		put(name, []int{0, 0}, []int{rows, columns}, values(0))
	}
	if err := w.Commit(); err != nil {
		t.Fatal(err)
	}
}

func climatePrepare(args ...string) (int, string, string) {
	var stdout, stderr bytes.Buffer
	code := run(append([]string{"kiban", "climate", "prepare"}, args...), strings.NewReader(""), &stdout, &stderr)
	return code, stdout.String(), stderr.String()
}

func TestClimatePrepare(t *testing.T) {
	dir := t.TempDir()
	in := filepath.Join(dir, "in")
	if err := os.Mkdir(in, 0o777); err != nil {
		t.Fatal(err)
	}
	celsius := func(m, cell int) float32 { return float32(m%12) + float32(cell)/128 }
	climateFile(t, filepath.Join(in, "tas_Amon_TEST_historical_r1i1p1f1_gn_200001-200312.nc"), "tas", "air_temperature", "degC", "r1i1p1f1", 48, celsius)
	climateFile(t, filepath.Join(in, "tas_Amon_TEST_historical_r2i1p1f1_gn_200001-200312.nc"), "tas", "air_temperature", "degC", "r2i1p1f1", 48, celsius)
	climateFile(t, filepath.Join(in, "orog_fx_TEST_historical_r0i0p0_gn.nc"), "orog", "surface_altitude", "m", "r0i0p0", 0, func(_, cell int) float32 { return float32(cell) })
	out := filepath.Join(dir, "data")

	// Nothing is written yet.
	code, stdout, stderr := climatePrepare(in, "-o", out, "--members", "all", "--grid", "4x8", "--method", "conservative", "--test", "2003", "--dry-run")
	if _, err := os.Stat(out); code != 0 || err == nil {
		t.Errorf("--dry-run: code %d, directory %v, stderr %s", code, err, stderr)
	}
	if want := "variable\tsource\tunits\tlevel\n2m_temperature\ttas\tK\t\norography\torog\tm\t\n"; stdout != want {
		t.Errorf("--dry-run prints %q, want %q", stdout, want)
	}

	code, stdout, stderr = climatePrepare(in, "-o", out, "--members", "all", "--grid", "4x8", "--method", "conservative", "--test", "2003", "--json")
	for _, want := range []string{"kiban: variable tas: degC to K\n", "conservative: from regular 8x16 (22.5 by 22.5 degrees) to regular 4x8 (45 by 45 degrees)",
		"times 96 of 2 members from 2000-01-16 00:00:00 to 2003-12-16 00:00:00, step 1 month, calendar 360_day, gaps 0", "72 to train on (2000/2002), 24 to test with (2003)", "next: kiban climate pretrain"} {
		if code != 0 || !strings.Contains(stderr, want) {
			t.Errorf("code %d, stderr %s, want %q", code, stderr, want)
		}
	}
	var rows []struct {
		Variable string
		Mean     float64
		N        int
		Mask     string
	}
	if err := json.Unmarshal([]byte(stdout), &rows); err != nil || len(rows) != 2 || rows[0].N != 72*32 || rows[1].Mask != "static" {
		t.Errorf("%v: %s", err, stdout)
	}
	s, err := stores.Open(out, stores.OpenOptions{Verify: true})
	if err != nil {
		t.Fatal(err)
	}
	defer s.Close()
	if m := s.Manifest(); len(m.Sources) != 3 || m.Sources[1].TrackingID != "hdl:21.14100/tasr1i1p1f1" && m.Sources[0].TrackingID != "hdl:21.14100/tasr1i1p1f1" {
		t.Errorf("sources %+v", m.Sources)
	}
	// The area mean is kept: conservative, and warmer by the month.
	x := make([]float32, 32)
	area := s.Grid().Areas()
	mean := func(record int) float64 {
		if err := s.Field(x, record, 0); err != nil {
			t.Fatal(err)
		}
		sum, total := 0.0, 0.0
		for i, v := range x {
			sum, total = sum+area[i]*float64(v), total+area[i]
		}
		return sum / total
	}
	if d := mean(48+5) - mean(48); d < 4.9999 || d > 5.0001 {
		t.Errorf("June is %v warmer than January", d)
	}

	for _, x := range []struct {
		args []string
		code int
		want string
	}{
		{[]string{in, "-o", out, "--members", "all"}, exitFailed, "exists already; choose another name, or overwrite it with --overwrite"},
		{[]string{in, "-o", filepath.Join(dir, "b")}, exitFailed, "the files are of 2 members: r1i1p1f1 r2i1p1f1; choose with --members, or take --members all"},
		{[]string{in, "-o", filepath.Join(dir, "b"), "--members", "r3i1p1f1"}, exitFailed, "the files have no member r3i1p1f1; there are r1i1p1f1 r2i1p1f1"},
		{[]string{in, "-o", filepath.Join(dir, "b"), "--dataset", "OTHER"}, exitFailed, "the files have no dataset OTHER; they have Amon_TEST_historical_r1i1p1f1_gn, Amon_TEST_historical_r2i1p1f1_gn"},
		{[]string{in, "-o", filepath.Join(dir, "b"), "--members", "all", "--vars", "tas,psl"}, exitFailed, "has no variable psl"},
		{[]string{in, "-o", filepath.Join(dir, "b"), "--members", "all", "--units", "tas=Pa"}, exitFailed, `variable tas: units are "Pa", which "K" cannot be made of`},
		{[]string{in, "-o", filepath.Join(dir, "b"), "--members", "all", "--time", "1990/1995"}, exitFailed, "no time lies in 1990/1995; there are 2000-01-16"},
		{[]string{in, "-o", filepath.Join(dir, "b"), "--members", "all", "--test", "2010"}, exitFailed, "test years 2010 have no time in the data, which have 2000/2003"},
		{[]string{in, "-o", filepath.Join(dir, "b"), "--train", "2000/2001", "--val", "2001"}, exitMisuse, "have 2001 in common"},
		{[]string{in, "-o", filepath.Join(dir, "b"), "--test", "late"}, exitMisuse, `flag --test: "late" are no years`},
		{[]string{in, "-o", filepath.Join(dir, "b"), "--grid", "7"}, exitMisuse, "flag --grid: a grid of 7 degrees does not divide 180"},
		{[]string{in, "-o", filepath.Join(dir, "b"), "--region", "atlantis"}, exitMisuse, `flag --region: region "atlantis" is unknown`},
		{[]string{in, "-o", filepath.Join(dir, "b"), "--levels", "x"}, exitMisuse, `flag --levels: "x" is no pressure`},
		{[]string{in, "-o", filepath.Join(dir, "b"), "--units", "tas"}, exitMisuse, `flag --units: "tas" cannot be read`},
		{[]string{in}, exitMisuse, "no output directory given"},
		{[]string{"-o", out}, exitMisuse, "no file given"},
	} {
		code, stdout, stderr := climatePrepare(x.args...)
		if code != x.code || stdout != "" || !strings.Contains(stderr, x.want) {
			t.Errorf("%q: code %d, stderr %s, want %d, %s", x.args[1:], code, stderr, x.code, x.want)
		}
	}
	if entries, _ := os.ReadDir(dir); len(entries) != 2 {
		t.Errorf("left behind: %v", entries)
	}
}

// A region of a finer grid is read alone, and has the values that the whole has
// there.
func TestClimatePrepareRegion(t *testing.T) {
	dir := t.TempDir()
	file := filepath.Join(dir, "tas.nc")
	climateFile(t, file, "tas", "air_temperature", "K", "r1i1p1f1", 24, func(m, cell int) float32 { return float32(m*cell%37) + 250 })
	open := func(name string, args ...string) *stores.Store {
		t.Helper()
		out := filepath.Join(dir, name)
		if code, _, stderr := climatePrepare(append([]string{file, "-o", out, "--vars", "tas,lattitude", "--test", "2001"}, args...)...); code != 0 {
			t.Fatal(stderr)
		}
		s, err := stores.Open(out, stores.OpenOptions{})
		if err != nil {
			t.Fatal(err)
		}
		t.Cleanup(func() { s.Close() })
		return s
	}
	for _, method := range []string{"bilinear", "conservative", "nearest", "chord"} {
		whole := open("whole"+method, "--grid", "16x32", "--method", method)
		part := open("part"+method, "--grid", "16x32", "--method", method, "--region", "-60,40,-30,40")
		if part.Grid().Size() >= whole.Grid().Size()/3 {
			t.Errorf("%d of %d cells", part.Grid().Size(), whole.Grid().Size())
		}
		for channel := range 2 {
			a, b := make([]float32, part.Grid().Size()), make([]float32, whole.Grid().Size())
			for r := range part.Len() {
				if err := part.Field(a, r, channel); err != nil {
					t.Fatal(err)
				}
				if err := whole.Field(b, r, channel); err != nil {
					t.Fatal(err)
				}
				k := 0
				cut, err := whole.Grid().Cut(field.Box{West: -60, East: 40, South: -30, North: 40})
				if err != nil {
					t.Fatal(err)
				}
				want := make([]float32, cut.Grid.Size())
				cut.Pick(want, b, whole.Grid().Columns())
				for i, v := range a {
					if d := v - want[i]; d > 1e-4 || d < -1e-4 {
						k++
					}
				}
				if k > 0 || len(want) != len(a) {
					t.Fatalf("%s, record %d: %d of %d cells differ", method, r, k, len(a))
				}
			}
		}
	}
}

// TestOneDataset says how to choose among the datasets of a folder, and minds no
// members.
func TestOneDataset(t *testing.T) {
	of := func(source, experiment, member string) *field.Series {
		return &field.Series{Dataset: field.Dataset{Source: source, Experiment: experiment, Member: member, Table: "day"}}
	}
	if err := oneDataset([]*field.Series{of("A", "historical", "r1i1p1f1"), of("A", "historical", "r2i1p1f1")}); err != nil {
		t.Error(err)
	}
	for want, all := range map[string][]*field.Series{
		"of 2 datasets: day_A_historical, day_B_historical; choose one with --dataset, such as --dataset A: ": {of("A", "historical", "r1"), of("B", "historical", "r1"), of("B", "historical", "r2")},
		"choose one with --dataset, such as --dataset ssp126: ":                                               {of("A", "ssp126", "r1"), of("A", "ssp585", "r1")},
		"name the files of one: ": {of("", "", ""), of("A", "", "")},
	} {
		if err := oneDataset(all); err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("%v, want %q", err, want)
		}
	}
}
