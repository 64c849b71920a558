package field

import (
	"math"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/kiban-models/kiban/climate/netcdf"
)

// ensemble has three members, some of whose values are missing, and an amount
// without a place.
func ensemble(t *testing.T, dims ...string) (path string, value func(member, time, y, x int) float64) {
	t.Helper()
	library(t)
	sizes := map[string]int{"member": 3, "time": 4, "lat": 3, "lon": 5}
	value = func(member, time, y, x int) float64 {
		if member == (time+y+x)%4 { // of one cell in four none is missing
			return math.NaN()
		}
		return float64(1000*time + 100*y + 10*x + 1 + member*member)
	}
	s := netcdf.Schema{}
	for _, d := range dims {
		s.Dimensions = append(s.Dimensions, netcdf.Dimension{Name: d, Size: sizes[d]})
	}
	for _, d := range []string{"time", "lat", "lon"} {
		s.Variables = append(s.Variables, netcdf.NewVariable{Name: d, Type: "double", Dimensions: []string{d}})
	}
	s.Variables = append(s.Variables,
		netcdf.NewVariable{Name: "field", Type: "double", Dimensions: dims, Attributes: []netcdf.Attribute{{Name: "_FillValue", Value: []float64{math.NaN()}}}},
		netcdf.NewVariable{Name: "amount", Type: "double", Dimensions: []string{"time"}})
	path = filepath.Join(t.TempDir(), "e.nc")
	w, err := netcdf.Create(path, s)
	must(t, err)
	must(t, w.Put("time", []int{0}, []int{4}, []float64{2000, 2001, 2002, 2003}))
	must(t, w.Put("lat", []int{0}, []int{3}, []float64{-45, 0, 45}))
	must(t, w.Put("lon", []int{0}, []int{5}, []float64{0, 72, 144, 216, 288}))
	must(t, w.Put("amount", []int{0}, []int{4}, []float64{1, 2, 4, 8}))
	var values []float64
	shape := []int{}
	for _, d := range dims {
		shape = append(shape, sizes[d])
	}
	for i := range 3 * 4 * 3 * 5 {
		at, rest := map[string]int{}, i
		for k := len(dims) - 1; k >= 0; k-- {
			at[dims[k]] = rest % shape[k]
			rest /= shape[k]
		}
		values = append(values, value(at["member"], at["time"], at["lat"], at["lon"]))
	}
	must(t, w.Put("field", make([]int, 4), shape, values))
	must(t, w.Commit())
	return path, value
}

// The mean over a dimension is that of what is not missing, wherever the
// dimension lies and whatever part of the grid and of time is read.
func TestMeanOverDimension(t *testing.T) {
	for _, dims := range [][]string{{"member", "time", "lat", "lon"}, {"time", "lat", "member", "lon"}, {"lat", "lon", "time", "member"}} {
		path, value := ensemble(t, dims...)
		for _, box := range []*Box{nil, {West: -80, East: 80, South: -10, North: 50}} {
			s := series(t, Options{Variables: []string{"amount", "field"}, Pick: map[string]int{"member": PickMean}, Region: box}, path)
			n := s.Grid.Size()
			all := make([]float32, 4*s.Size())
			must(t, s.ReadTimes(t.Context(), 0, 4, all))
			for time := range 4 {
				for i, lat := range s.Grid.Lat {
					for j, lon := range s.Grid.Lon {
						sum, count := 0.0, 0.0
						for m := range 3 {
							if v := value(m, time, int(lat+45)/45, int(math.Mod(lon+360, 360))/72); v == v {
								sum, count = sum+v, count+1
							}
						}
						at := i*len(s.Grid.Lon) + j
						if got := float64(all[time*2*n+n+at]); got != float64(float32(sum/count)) {
							t.Fatalf("%v, box %v: time %d at %g, %g is %v, wanted %v", dims, box, time, lat, lon, got, sum/count)
						}
						if got := all[time*2*n+at]; got != float32(int(1)<<time) {
							t.Fatalf("time %d: the amount is %v", time, got)
						}
					}
				}
			}
			if s.Step != (Step{Months: 12}) || s.Times[2] != (netcdf.Date{Year: 2002, Month: 7, Day: 1}) {
				t.Errorf("step %s, times %v", s.Step, s.Times)
			}
		}
		// One of them is one of them.
		s := series(t, Options{Variables: []string{"field"}, Pick: map[string]int{"member": 2}, AllowEmpty: true}, path)
		if x := read(t, s, 1); float64(x[7]) != value(2, 1, 1, 2) && !math.IsNaN(value(2, 1, 1, 2)) {
			t.Errorf("member 2 has %v", x[7])
		}
	}
}

func TestMeanAndAmountsRefused(t *testing.T) {
	path, _ := ensemble(t, "member", "time", "lat", "lon")
	for want, o := range map[string]Options{
		"dimension member has 3 values and is none of time, level, latitude and longitude; pick one of them, as member=0, or member=mean": {Variables: []string{"field"}},
		"variable amount: has a time and no place, nor has any other that is wanted":                                                      {Variables: []string{"amount"}},
		"dimension member has 3 values; 3 was picked":                                                                                     {Variables: []string{"field"}, Pick: map[string]int{"member": 3}},
	} {
		if _, err := Open([]string{path}, o); err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("%v, wanted %s", err, want)
		}
	}
	// Without names what has no place is left out, and said.
	s := series(t, Options{Pick: map[string]int{"member": PickMean}}, path)
	if len(s.Channels) != 1 || !slices.ContainsFunc(s.Notes, func(n string) bool { return strings.HasPrefix(n, "amount: left out, having a time and no place") }) {
		t.Errorf("%v, notes %q", s.Channels, s.Notes)
	}
}

// The experiment of ClimateBench's files is in their names alone.
func TestBenchNames(t *testing.T) {
	for name, want := range map[string]string{
		"inputs_historical.nc": "historical", "outputs_ssp245.nc": "ssp245", "inputs_hist-GHG.nc": "hist-GHG", "outputs_ssp370-lowNTCF.nc": "ssp370-lowNTCF",
		"inputs_abrupt-4xCO2.nc": "abrupt-4xCO2", "inputs_1pctCO2.nc": "1pctCO2", "inputs_2000.nc": "", "inputs_ssp245_more.nc": "", "my_inputs_ssp245.nc": "",
	} {
		if d, _ := datasetOf(filepath.Join("some", name), netcdf.Group{}); d.Experiment != want {
			t.Errorf("%s: %q, wanted %q", name, d.Experiment, want)
		}
	}
}
