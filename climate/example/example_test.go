package example_test

import (
	"context"
	"math"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/kiban-models/kiban/climate/example"
	"github.com/kiban-models/kiban/climate/field"
	"github.com/kiban-models/kiban/climate/netcdf"
)

func written(t *testing.T, o example.Options) string {
	t.Helper()
	dir := t.TempDir()
	if err := example.Write(dir, o); err != nil {
		if netcdf.LibraryVersion() == "" {
			t.Skipf("this build has no NetCDF library to write with: %v", err)
		}
		t.Fatal(err)
	}
	return dir
}

func open(t *testing.T, path string, o field.Options) *field.Series {
	t.Helper()
	s, err := field.Open([]string{path}, o)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { s.Close() })
	return s
}

// globe is the mean of a channel over all cells in a year.
func globe(t *testing.T, s *field.Series, at, channel int) float64 {
	t.Helper()
	x := make([]float32, s.Size())
	if err := s.Read(context.Background(), at, x); err != nil {
		t.Fatal(err)
	}
	sum, weight, n := 0.0, 0.0, s.Grid.Size()
	for i, a := range s.Grid.Areas() {
		v := float64(x[channel*n+i])
		if math.IsNaN(v) {
			t.Fatalf("year %d, cell %d of %s is missing", at, i, s.Channels[channel])
		}
		sum, weight = sum+a*v, weight+a
	}
	return sum / weight
}

// The files are read as they would be of ClimateBench, and say what physics does:
// more emissions, more warming; aerosols cool.
func TestScenarios(t *testing.T) {
	dir := written(t, example.Options{})
	warm := map[string]float64{}
	for _, name := range example.Scenarios {
		s := open(t, filepath.Join(dir, "outputs_"+name+".nc"), field.Options{Pick: map[string]int{"member": field.PickMean}, Units: map[string]string{"tas": "K", "pr": "kg m-2 s-1"}})
		if s.Dataset.Experiment != name || s.Step != (field.Step{Months: 12}) || s.Grid.Rows() != 8 || len(s.Channels) != 4 {
			t.Fatalf("%s: %+v, step %s, %dx%d, %v", name, s.Dataset, s.Step, s.Grid.Rows(), s.Grid.Columns(), s.Channels)
		}
		first, years := 2015, 86
		if strings.HasPrefix(name, "hist") {
			first, years = 1950, 65
		}
		if s.Times[0].Year != first || len(s.Times) != years || s.Bounds == nil {
			t.Fatalf("%s: %d years from %s", name, len(s.Times), s.Times[0])
		}
		tas := slices.IndexFunc(s.Channels, func(c field.Channel) bool { return c.Name == "tas" })
		for at := len(s.Times) - 20; at < len(s.Times); at++ {
			warm[name] += globe(t, s, at, tas) / 20
		}
		// The range that one member misses is there in the mean of all.
		if dtr := slices.IndexFunc(s.Channels, func(c field.Channel) bool { return c.Name == "diurnal_temperature_range" }); dtr >= 0 {
			globe(t, s, 0, dtr)
		}
	}
	order := []string{"hist-aer", "historical", "hist-GHG", "ssp126", "ssp245", "ssp370", "ssp585"}
	for i := 1; i < len(order); i++ {
		if !(warm[order[i]] > warm[order[i-1]]+0.1) {
			t.Errorf("%s warms by %.2f K, %s by %.2f", order[i], warm[order[i]], order[i-1], warm[order[i-1]])
		}
	}
	if w := warm["ssp585"]; w < 2.5 || w > 6 {
		t.Errorf("ssp585 warms by %.2f K", w)
	}
	t.Logf("warming of the last 20 years: %v", warm)

	// Forcings: what has no place is the same everywhere, if it is asked for.
	s := open(t, filepath.Join(dir, "inputs_ssp245.nc"), field.Options{Variables: []string{"CO2", "SO2", "CH4", "BC"}})
	x := make([]float32, s.Size())
	if err := s.Read(context.Background(), 85, x); err != nil {
		t.Fatal(err)
	}
	n := s.Grid.Size()
	co2, so2 := x[:n], x[n:2*n]
	if slices.Min(co2) != slices.Max(co2) || co2[0] < 3000 || slices.Min(so2) == slices.Max(so2) {
		t.Errorf("CO2 is %v to %v, SO2 %v to %v", slices.Min(co2), slices.Max(co2), slices.Min(so2), slices.Max(so2))
	}
	plain := open(t, filepath.Join(dir, "inputs_ssp245.nc"), field.Options{})
	if len(plain.Channels) != 2 || !slices.ContainsFunc(plain.Notes, func(n string) bool { return strings.HasPrefix(n, "CO2, CH4: left out") }) {
		t.Errorf("%v, notes %q", plain.Channels, plain.Notes)
	}
	if _, err := field.Open([]string{filepath.Join(dir, "inputs_ssp245.nc")}, field.Options{Variables: []string{"CO2"}}); err == nil || !strings.Contains(err.Error(), "variable CO2: has a time and no place") {
		t.Error(err)
	}
	if _, err := field.Open([]string{filepath.Join(dir, "outputs_ssp245.nc")}, field.Options{}); err == nil || !strings.Contains(err.Error(), "dimension member has 3 values") || !strings.Contains(err.Error(), "member=mean") {
		t.Error(err)
	}
}

// A file is the same whenever it is made, and other years or scenarios of it do
// not change with what is made beside it.
func TestSame(t *testing.T) {
	a, b := written(t, example.Options{}), written(t, example.Options{Scenarios: []string{"ssp370"}, First: 2000})
	values := func(dir string) []float32 {
		s := open(t, filepath.Join(dir, "outputs_ssp370.nc"), field.Options{Variables: []string{"pr90"}, Pick: map[string]int{"member": 1}})
		x := make([]float32, s.Size())
		if err := s.Read(context.Background(), 40, x); err != nil {
			t.Fatal(err)
		}
		return x
	}
	if !slices.Equal(values(a), values(b)) {
		t.Error("the numbers depend on what else is made")
	}
	for want, o := range map[string]example.Options{
		`no scenario "ssp119"`: {Scenarios: []string{"ssp119"}}, "a grid of 1x9 from the year 1950": {Rows: 1, Columns: 9}, "from the year 1800": {First: 1800},
	} {
		if err := example.Write(t.TempDir(), o); err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("%v, wanted %s", err, want)
		}
	}
	if err := example.WriteReadme(a); err != nil {
		t.Fatal(err)
	}
	if b, err := os.ReadFile(filepath.Join(a, "README.md")); err != nil || !strings.Contains(string(b), "made-up numbers") {
		t.Error(string(b), err)
	}
}
