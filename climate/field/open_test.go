package field

import (
	"context"
	"fmt"
	"math"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/kiban-models/kiban/climate/netcdf"
)

// lay is a small file as somebody else may have written it.
type lay struct {
	name            string // tas
	units, standard string
	dims            []string // in the order of the file
	timeUnits       string
	calendar        string
	time            []float64
	lat, lon        []float64
	latUnits        string
	plev            []float64
	plevUnits       string
	attributes      []netcdf.Attribute
	without         string                       // a coordinate variable that is left out
	value           func(t, p, y, x int) float64 // nil for a number that tells all four
	fill            []float64                    // _FillValue
}

func told(t, p, y, x int) float64 { return float64(1000*t + 100*p + 10*y + x) }

func (l lay) write(t *testing.T, path string) string {
	t.Helper()
	if l.name == "" {
		l.name = "tas"
	}
	if l.dims == nil {
		l.dims = []string{"time", "lat", "lon"}
	}
	if l.timeUnits == "" {
		l.timeUnits = "days since 2000-01-01"
	}
	if l.latUnits == "" {
		l.latUnits = "degrees_north"
	}
	if l.lat == nil {
		l.lat, l.lon = []float64{-45, 0, 45}, []float64{0, 90, 180, 270}
	}
	if l.value == nil {
		l.value = told
	}
	axes := map[string][]float64{"time": l.time, "lat": l.lat, "lon": l.lon, "plev": l.plev}
	text := func(pairs ...string) (out []netcdf.Attribute) {
		for i := 0; i < len(pairs); i += 2 {
			if pairs[i+1] != "" {
				out = append(out, netcdf.Text(pairs[i], pairs[i+1]))
			}
		}
		return out
	}
	about := map[string][]netcdf.Attribute{
		"time": text("standard_name", "time", "units", l.timeUnits, "calendar", l.calendar), "lat": text("units", l.latUnits),
		"lon": text("units", "degrees_east"), "plev": text("units", l.plevUnits),
	}
	var s netcdf.Schema
	shape, index := make([]int, len(l.dims)), map[string]int{}
	for i, d := range l.dims {
		n := len(axes[d])
		if n == 0 {
			n = 2
		}
		shape[i], index[d] = n, i
		s.Dimensions = append(s.Dimensions, netcdf.Dimension{Name: d, Size: n})
		if d != l.without && axes[d] != nil {
			s.Variables = append(s.Variables, netcdf.NewVariable{Name: d, Type: "double", Dimensions: []string{d}, Attributes: about[d]})
		}
	}
	data := netcdf.NewVariable{Name: l.name, Type: "float", Dimensions: l.dims, Attributes: text("units", l.units, "standard_name", l.standard)}
	if l.fill != nil {
		data.Attributes = append(data.Attributes, netcdf.Attribute{Name: "_FillValue", Value: []float32{float32(l.fill[0])}})
	}
	s.Variables = append(s.Variables, data)
	s.Attributes = l.attributes
	must(t, os.MkdirAll(filepath.Dir(path), 0o777))
	w, err := netcdf.Create(path, s)
	must(t, err)
	for _, v := range s.Variables[:len(s.Variables)-1] {
		must(t, w.Put(v.Name, []int{0}, []int{len(axes[v.Name])}, axes[v.Name]))
	}
	values := []float32{}
	at := make([]int, len(shape))
	for {
		get := func(d string) int {
			if i, ok := index[d]; ok {
				return at[i]
			}
			return 0
		}
		values = append(values, float32(l.value(get("time"), get("plev"), get("lat"), get("lon"))))
		i := len(at) - 1
		for ; i >= 0; i-- {
			if at[i]++; at[i] < shape[i] {
				break
			}
			at[i] = 0
		}
		if i < 0 {
			break
		}
	}
	must(t, w.Put(l.name, make([]int, len(shape)), shape, values))
	must(t, w.Commit())
	return path
}

func series(t *testing.T, o Options, paths ...string) *Series {
	t.Helper()
	s, err := Open(paths, o)
	must(t, err)
	t.Cleanup(func() { must(t, s.Close()) })
	return s
}

func read(t *testing.T, s *Series, at int) []float32 {
	t.Helper()
	out := make([]float32, s.Size())
	must(t, s.Read(context.Background(), at, out))
	return out
}

// Whatever the order of the dimensions, a field is latitude by longitude.
func TestDimensionsInAnyOrder(t *testing.T) {
	library(t)
	for _, dims := range []string{"time plev lat lon", "time plev lon lat", "lat lon time plev", "plev lon time lat", "time lat plev lon"} {
		path := lay{dims: strings.Fields(dims), time: []float64{0, 1, 2}, plev: []float64{1000, 500}, plevUnits: "hPa", name: "ta", units: "K"}.write(t, filepath.Join(t.TempDir(), "x.nc"))
		for _, box := range []*Box{nil, {-100, 100, -10, 50}} {
			s := series(t, Options{Variables: []string{"ta@500"}, Region: box}, path)
			all := make([]float32, 3*s.Size())
			must(t, s.ReadTimes(context.Background(), 0, 3, all))
			for i, x := range all {
				n := s.Grid.Size()
				lat, lon := s.Grid.Lat[i%n/len(s.Grid.Lon)], s.Grid.Lon[i%len(s.Grid.Lon)]
				want := told(i/n, 1, int(lat+45)/45, int(math.Mod(lon+360, 360))/90)
				if float64(x) != want {
					t.Fatalf("%s, box %v: time %d at %g, %g is %v, want %v", dims, box, i/n, lat, lon, x, want)
				}
			}
		}
	}
}

func TestNamesAndUnits(t *testing.T) {
	library(t)
	dir := t.TempDir()
	at := func(name string, l lay) string {
		l.time = []float64{0, 30}
		return l.write(t, filepath.Join(dir, name))
	}
	levels := []string{"time", "plev", "lat", "lon"}
	celsius := at("celsius.nc", lay{name: "t2m", units: "degC"})
	zg := at("zg.nc", lay{name: "zg", units: "m", standard: "geopotential_height", dims: levels, plev: []float64{85000, 50000}, plevUnits: "Pa"})
	z := at("z.nc", lay{name: "z", units: "m**2 s**-2", standard: "geopotential", dims: levels, plev: []float64{500}, plevUnits: "millibars"})
	pr := at("pr.nc", lay{name: "pr", units: "kg m-2 s-1", standard: "precipitation_flux"})
	own := at("own.nc", lay{name: "TEMP2", units: "C"})
	hPa := at("psl.nc", lay{name: "psl", units: "hPa", standard: "air_pressure_at_mean_sea_level"})
	byStandard := at("standard.nc", lay{name: "temp", units: "K", standard: "air_temperature", dims: levels, plev: []float64{50000}, plevUnits: "Pa"})
	for _, x := range []struct {
		path          string
		o             Options
		channel, key  string
		units         string
		scale, offset float64 // of the last value of the first time
	}{
		{celsius, Options{}, "t2m", "2m_temperature", "degC", 1, 0},
		{celsius, Options{Variables: []string{"tas"}}, "t2m", "2m_temperature", "K", 1, 273.15},
		{celsius, Options{Model: true}, "t2m", "2m_temperature", "K", 1, 273.15},
		{zg, Options{Variables: []string{"zg@500"}}, "zg@500", "geopotential_height_500", "m", 1, 0},
		{zg, Options{Variables: []string{"geopotential_500"}}, "z@500", "geopotential_500", "m2 s-2", 9.80665, 0},
		{zg, Options{Variables: []string{"z_500"}}, "z@500", "geopotential_500", "m2 s-2", 9.80665, 0},
		{zg, Options{Model: true, Levels: []float64{500}}, "z@500", "geopotential_500", "m2 s-2", 9.80665, 0},
		{z, Options{Variables: []string{"zg"}}, "zg@500", "geopotential_height_500", "m", 1 / 9.80665, 0},
		{pr, Options{Variables: []string{"total_precipitation"}, Accumulate: true}, "tp", "total_precipitation", "m", 30 * 86400 / 1000., 0},
		{own, Options{}, "TEMP2", "TEMP2", "C", 1, 0},
		{own, Options{Variables: []string{"2m_temperature=TEMP2"}, Units: map[string]string{"TEMP2": "degC"}}, "TEMP2", "2m_temperature", "K", 1, 273.15},
		{hPa, Options{Variables: []string{"mean_sea_level_pressure"}}, "psl", "mean_sea_level_pressure", "Pa", 100, 0},
		{byStandard, Options{Variables: []string{"temperature_500"}}, "temp@500", "temperature_500", "K", 1, 0},
	} {
		s, err := Open([]string{x.path}, x.o)
		if err != nil {
			t.Errorf("%s %v: %v", filepath.Base(x.path), x.o.Variables, err)
			continue
		}
		c := s.Channels[0]
		if len(s.Channels) != 1 || c.String() != x.channel || c.Key != x.key || c.Units != x.units {
			t.Errorf("%s %v: %d channels, %s, %s in %s; want %s, %s in %s", filepath.Base(x.path), x.o.Variables, len(s.Channels), c, c.Key, c.Units, x.channel, x.key, x.units)
		}
		level := 0
		if c.Level == 50000 && x.path == zg {
			level = 1
		}
		got, want := float64(read(t, s, 1)[11]), told(1, level, 2, 3)*x.scale+x.offset
		if math.Abs(got-want) > 1e-6*math.Abs(want) {
			t.Errorf("%s %v: %v, want %v", filepath.Base(x.path), x.o.Variables, got, want)
		}
		if (x.scale != 1 || x.offset != 0) != slices.ContainsFunc(s.Notes, func(n string) bool { return strings.Contains(n, " to "+x.units) }) {
			t.Errorf("%s %v: notes %q", filepath.Base(x.path), x.o.Variables, s.Notes)
		}
		must(t, s.Close())
	}
	for _, x := range []struct {
		path string
		o    Options
		want string
	}{
		{pr, Options{Variables: []string{"tp"}}, "variable pr: is a rate (precipitation_flux), and lwe_thickness_of_precipitation_amount is an amount; wanted tp in m: --accumulate"},
		{own, Options{Variables: []string{"2m_temperature=TEMP2"}}, `variable TEMP2: units "C" are not among those that kiban knows`},
		{zg, Options{Variables: []string{"geopotential_700"}}, "variable zg: has no level of 700 hPa; there are 850, 500"},
		{zg, Options{Variables: []string{"ua"}}, "zg.nc: has no variable ua, nor has any other of 1 files"},
		{celsius, Options{Variables: []string{"t2m@500"}}, "variable t2m: has no pressure levels"},
		{celsius, Options{Variables: []string{"zg@x"}}, `level "x" cannot be read`},
		{hPa, Options{Variables: []string{"2m_temperature=psl"}}, "variable psl: is air_pressure_at_mean_sea_level, and air_temperature is wanted"},
	} {
		if _, err := Open([]string{x.path}, x.o); err == nil || !strings.Contains(err.Error(), x.want) {
			t.Errorf("%v: %v, want %s", x.o.Variables, err, x.want)
		}
	}
}

// Files are one series in the order of time, whatever their order and grouping;
// a box and a range cut it.
func TestManyFiles(t *testing.T) {
	library(t)
	dir := t.TempDir()
	var paths []string
	for _, v := range []string{"psl", "tas"} {
		for y := 3; y >= 0; y-- {
			l := lay{name: v, units: map[string]string{"psl": "Pa", "tas": "K"}[v], calendar: "noleap", value: func(t, _, _, x int) float64 {
				return float64(1000*y + 10*t + x)
			}}
			for d := range 365 {
				l.time = append(l.time, float64(365*y+d))
			}
			paths = append(paths, l.write(t, filepath.Join(dir, fmt.Sprintf("%s_day_M_historical_r1i1p1f1_gn_200%d.nc", v, y))))
		}
	}
	o := Options{Variables: []string{"tas", "psl"}}
	s := series(t, o, dir)
	if len(s.Times) != 4*365 || s.Step.String() != "1 day" || s.Channels[0].Name != "tas" || s.Dataset.String() != "day_M_historical_r1i1p1f1_gn" || len(s.Gaps()) > 0 {
		t.Fatalf("%d times by %s, %v, %s", len(s.Times), s.Step, s.Channels, s.Dataset)
	}
	for _, at := range []int{0, 364, 365, 1459} {
		if got := read(t, s, at); got[0] != float32(1000*(at/365)+10*(at%365)) || got[len(got)-1] != got[0]+3 {
			t.Errorf("time %d: %v", at, got)
		}
	}
	across := make([]float32, 10*s.Size())
	must(t, s.ReadTimes(context.Background(), 360, 10, across))
	if across[4*s.Size()] != 3640 || across[5*s.Size()] != 1000 {
		t.Errorf("across two files: %v and %v", across[4*s.Size()], across[5*s.Size()])
	}
	var err error
	o.Time, err = ParseTimeRange("2001-03/2002")
	must(t, err)
	o.Region = &Box{-90, 90, 0, 90}
	part := series(t, o, paths...)
	if len(part.Times) != 306+365 || part.Times[0].String() != "2001-03-01 00:00:00" || fmt.Sprint(part.Grid.Lon) != "[-90 0 90]" || part.Grid.Rows() != 2 {
		t.Errorf("%d times from %s, grid %v %v", len(part.Times), part.Times[0], part.Grid.Lat, part.Grid.Lon)
	}
	if got := read(t, part, 0); got[0] != 1000+590+3 || got[1] != 1000+590 {
		t.Errorf("the part begins with %v", got)
	}
	// A file is missing, is there twice under another name, or lacks a time.
	gap := append(slices.Clone(paths[:1]), paths[2:4]...)
	_, err = Open(gap, Options{})
	refusal(t, err, "2003.nc: begins at 2003-01-01 00:00:00, and "+paths[2], "2001.nc, the file before it, ends at 2001-12-31 00:00:00, though times are 1 day apart")
	s = series(t, Options{AllowGaps: true}, gap...)
	if g := s.Gaps(); len(g) != 1 || g[0] != 730 {
		t.Errorf("gaps at %v", g)
	}
	_, err = Open(append(slices.Clone(paths[:4]), paths[4:7]...), Options{})
	refusal(t, err, "variable tas is absent at time 0 (2000-01-01 00:00:00)", paths[3], "psl")
	double := lay{name: "psl", units: "Pa", calendar: "noleap", time: []float64{364, 365}}.write(t, filepath.Join(t.TempDir(), "psl_day_M_historical_r1i1p1f1_gn_20001231.nc"))
	_, err = Open(append(slices.Clone(paths[:4]), double), Options{})
	refusal(t, err, double+": begins at 2000-12-31 00:00:00, when "+paths[3]+", which ends at 2000-12-31 00:00:00, has not ended")
	if _, err := Open(paths, Options{Time: TimeRange{text: "1990", from: [6]int{1990, -1, -1, -1, -1, -1}, to: [6]int{1990, -1, -1, -1, -1, -1}, set: true}}); err == nil || !strings.Contains(err.Error(), "no time lies in 1990; there are 2000-01-01 00:00:00 to 2003-12-31 00:00:00 (noleap)") {
		t.Error(err)
	}
}

func refusal(t *testing.T, err error, parts ...string) {
	t.Helper()
	for _, p := range parts {
		if err == nil || !strings.Contains(err.Error(), p) {
			t.Errorf("the error is\n%v\nwant in it\n%s", err, p)
		}
	}
}

// What nobody can compute with is an error that names file, variable and index.
func TestBadInput(t *testing.T) {
	library(t)
	dir := t.TempDir()
	days := []float64{0, 1, 2}
	for i, x := range []struct {
		file   lay
		second lay // another file, when it has times
		want   string
	}{
		{file: lay{time: []float64{0, 2, 1}}, want: "a.nc: variable time: value 2 is 2000-01-02 00:00:00 after 2000-01-03 00:00:00; wanted ascending times"},
		{file: lay{time: []float64{0, 1, 1}}, want: "a.nc: variable time: values 1 and 2 are both 2000-01-02 00:00:00"},
		{file: lay{time: []float64{0, math.NaN(), 1}}, want: "a.nc: variable time: value 1 is missing"},
		{file: lay{time: []float64{0, 1, 1e9}}, want: "a.nc: variable time: value 2: time 1e+09 days since 2000-01-01 00:00:00 is outside the years"},
		{file: lay{time: days, timeUnits: "months since 2000-01-01"}, want: "a.nc: variable time: time unit \"months\" has no fixed length"},
		{file: lay{time: days, calendar: "mayan"}, want: `a.nc: variable time: calendar "mayan" is unknown`},
		{file: lay{time: days, without: "lat"}, want: "a.nc: variable tas: dimension lat has no coordinate variable"},
		{file: lay{time: days, lat: []float64{0, 10, 5}, lon: []float64{0, 1}}, want: "a.nc: variable lat: latitude value 2 is 5 after 10"},
		{file: lay{time: days, lat: []float64{0, math.NaN()}, lon: []float64{0, 1}}, want: "a.nc: variable lat: value 1 is NaN"},
		{file: lay{time: days, lat: []float64{0, 1}, lon: []float64{3, 2}}, want: "a.nc: variable lon: longitude value 1 is 2 after 3"},
		{file: lay{time: days, dims: []string{"time", "plev", "lat", "lon"}, plev: []float64{1, 2}, plevUnits: "m"}, want: `a.nc: variable tas: has 2 levels in "m"`},
		{file: lay{time: days, dims: []string{"time", "realization", "lat", "lon"}}, want: "a.nc: variable tas: dimension realization has 2 values"},
		{file: lay{time: days}, second: lay{time: []float64{3, 4}, calendar: "360_day"}, want: "b.nc: has the calendar 360_day, and " + dir},
		{file: lay{time: days}, second: lay{time: []float64{3, 4}, lat: []float64{-40, 0, 45}, lon: []float64{0, 90, 180, 270}}, want: "latitude value 0 is -45 in one and -40 in the other"},
		{file: lay{time: days, units: "K"}, second: lay{time: []float64{3, 4}, units: "degC"}, want: `b.nc: variable tas: is in "degC", but in "K" in ` + dir},
		{file: lay{time: days}, second: lay{name: "psl", time: []float64{0, 1}}, want: "b.nc: variable psl is absent at time 2 (2000-01-03 00:00:00), and " + dir},
		{file: lay{time: days}, second: lay{name: "psl", time: []float64{0, 1, 3}}, want: "b.nc: variable psl is absent at time 2 (2000-01-03 00:00:00)"},
	} {
		a := x.file.write(t, filepath.Join(dir, fmt.Sprint(i), "a.nc"))
		paths := []string{a}
		if x.second.time != nil {
			paths = append(paths, x.second.write(t, filepath.Join(dir, fmt.Sprint(i), "b.nc")))
		}
		_, err := Open(paths, Options{})
		refusal(t, err, x.want)
	}
	// The values are looked at when they are read.
	empty := lay{time: days, fill: []float64{-1}, value: func(t, _, y, x int) float64 {
		if t == 1 || y == 0 {
			return -1
		}
		return 5
	}}.write(t, filepath.Join(dir, "empty.nc"))
	s := series(t, Options{}, empty)
	if got := read(t, s, 0); got[0] == got[0] || got[4] != 5 {
		t.Errorf("a hole: %v", got)
	}
	refusal(t, s.Read(context.Background(), 1, make([]float32, s.Size())), "empty.nc: variable tas: has no value at time 1 (2000-01-02 00:00:00): all 12 are missing")
	read(t, series(t, Options{AllowEmpty: true}, empty), 1)
	infinite := lay{time: days, value: func(t, _, y, x int) float64 { return 1 / float64(2-t) }}.write(t, filepath.Join(dir, "infinite.nc"))
	s = series(t, Options{}, infinite)
	refusal(t, s.Read(context.Background(), 2, make([]float32, s.Size())), "infinite.nc: variable tas: is +Inf at time 2 (2000-01-03 00:00:00), latitude 0, longitude 0")
	// A file that is cut off, and names that mean something else.
	b, err := os.ReadFile(infinite)
	must(t, err)
	cut := filepath.Join(dir, "cut.nc")
	must(t, os.WriteFile(cut, b[:len(b)/2], 0o600))
	_, err = Open([]string{infinite, cut}, Options{})
	refusal(t, err, cut+": is truncated: it has")
	_, err = Open([]string{"http://localhost/x.nc"}, Options{})
	refusal(t, err, "is a URL")
	_, err = Open([]string{t.TempDir()}, Options{})
	refusal(t, err, "holds no file that ends in .nc")
	_, err = Open(nil, Options{})
	refusal(t, err, "no file named")
	must(t, s.Close())
	refusal(t, s.Read(context.Background(), 0, make([]float32, s.Size())), "the series is closed")
}

// Folders of the data reference syntax say what is in them; the newest version
// counts, and members are series of their own.
func TestFolders(t *testing.T) {
	library(t)
	root := t.TempDir()
	at := func(member, version string, value float64, attributes ...netcdf.Attribute) {
		lay{units: "K", time: []float64{0, 1}, attributes: attributes, value: func(_, _, _, _ int) float64 { return value }}.write(t, filepath.Join(root, "CMIP6", "CMIP", "MPI-M", "MPI-ESM1-2-HR",
			"historical", member, "day", "tas", "gn", version, "tas_day_MPI-ESM1-2-HR_historical_"+member+"_gn_20000101-20000102.nc"))
	}
	at("r1i1p1f1", "v20190710", 1)
	at("r1i1p1f1", "v20200101", 2)
	at("r2i1p1f1", "v20190710", 3, netcdf.Text("source_id", "MPI-ESM1-2-LR"))
	all, err := OpenAll([]string{root}, Options{})
	must(t, err)
	if len(all) != 2 || all[0].Dataset.Member != "r1i1p1f1" || all[1].Dataset.Source != "MPI-ESM1-2-LR" || read(t, all[0], 0)[0] != 2 {
		t.Fatalf("%d series: %v", len(all), all[0].Dataset)
	}
	notes := strings.Join(all[1].Notes, "\n")
	if !strings.Contains(notes, "1 files are passed over, since v20200101 is newer") || !strings.Contains(notes, "its name says source_id MPI-ESM1-2-HR, its attribute MPI-ESM1-2-LR; the attribute is taken") {
		t.Error(notes)
	}
	for _, s := range all {
		must(t, s.Close())
	}
	one, err := Open([]string{root}, Options{Dataset: "mpi-esm1-2-lr_historical"})
	must(t, err)
	if one.Dataset.Member != "r2i1p1f1" {
		t.Errorf("chosen: %v", one.Dataset)
	}
	must(t, one.Close())
	_, err = Open([]string{root}, Options{Dataset: "MPI-ESM"})
	refusal(t, err, "the files have no dataset MPI-ESM; they have day_MPI-ESM1-2-HR_historical_r1i1p1f1_gn, day_MPI-ESM1-2-LR_historical_r2i1p1f1_gn")
	_, err = Open([]string{root}, Options{})
	refusal(t, err, "the files are of 2 datasets: day_MPI-ESM1-2-HR_historical_r1i1p1f1_gn, day_MPI-ESM1-2-LR_historical_r2i1p1f1_gn")
}

// Many goroutines read one series of more files than are kept open.
func TestReadsAtOnce(t *testing.T) {
	library(t)
	dir := t.TempDir()
	for i := range mostOpen + 5 {
		lay{time: []float64{float64(i)}, value: func(_, _, _, _ int) float64 { return float64(i) }}.write(t, filepath.Join(dir, fmt.Sprintf("%02d.nc", i)))
	}
	s := series(t, Options{}, dir)
	errs := make(chan error, 8)
	for g := range 8 {
		go func() {
			buffer := make([]float32, s.Size())
			for i := range 3 * len(s.Times) {
				at := (i*7 + g) % len(s.Times)
				if err := s.Read(context.Background(), at, buffer); err != nil || buffer[5] != float32(at) {
					errs <- fmt.Errorf("time %d: %v (%v)", at, buffer[5], err)
					return
				}
			}
			errs <- nil
		}()
	}
	for range 8 {
		must(t, <-errs)
	}
}
