package field

import (
	"context"
	"fmt"
	"math"
	"os"
	"path/filepath"
	"strings"
	"testing"
)

// climateData is the folder of real files beside the repository.
func climateData(t testing.TB) string {
	data := filepath.Join("..", "..", "..", "shared", "data", "climate")
	if _, err := os.Stat(data); err != nil {
		t.Skipf("the real files are not here: %v", err)
	}
	return data
}

// Thirteen files of five years are one series of 65, whose values are those of
// the files; other models in the same folder are series of their own.
func TestRealSeries(t *testing.T) {
	library(t)
	data := climateData(t)
	all, err := OpenAll([]string{filepath.Join(data, "cmip6")}, Options{Variables: []string{"temperature"}})
	must(t, err)
	got := map[string]string{}
	for _, s := range all {
		got[s.Dataset.Source+" "+s.Dataset.Table] = fmt.Sprintf("%d %s %s", len(s.Times), s.Step, s.Calendar)
		buffer := make([]float32, s.Size())
		must(t, s.Read(context.Background(), len(s.Times)-1, buffer))
		for i, x := range buffer {
			if x == x && (x < 200 || x > 330) {
				t.Errorf("%s: value %d is %v K", s.Dataset, i, x)
			}
		}
		must(t, s.Close())
	}
	want := map[string]string{
		"CanESM5 Amon": "1980 1 month noleap", "GFDL-ESM4 Amon": "780 1 month noleap", "MPI-ESM1-2-HR Amon": "780 1 month proleptic_gregorian",
		"CESM2-WACCM day": "3650 1 day noleap", "KACE-1-0-G day": "5400 1 day 360_day", "MIROC6 day": "1096 1 day standard",
	}
	if fmt.Sprint(got) != fmt.Sprint(want) {
		t.Errorf("%v, want %v", got, want)
	}
	hadgem, err := filepath.Glob(filepath.Join(data, "esgf", "tas_Amon_HadGEM2-ES_*.nc"))
	must(t, err)
	s := series(t, Options{}, hadgem...)
	if len(s.Times) != 3*300+229 || s.Times[0].String() != "2005-12-16 00:00:00" || s.Times[1128].String() != "2099-12-16 00:00:00" {
		t.Errorf("%d times from %s", len(s.Times), s.Times[0])
	}
	_, err = Open(append(hadgem[:1:1], hadgem[2:]...), Options{})
	refusal(t, err, "begins at 2055-12-16 00:00:00, and ", "ends at 2030-11-16 00:00:00, though times are 1 month apart")
	_, err = Open(append(hadgem, filepath.Join(data, "tas_Amon_CanESM2_rcp85_r1i1p1_200701-200712.nc")), Options{})
	refusal(t, err, "the files are of 2 datasets")
	// Of a folder of many datasets, some of which have grids that nobody can read.
	rlds, err := Open([]string{filepath.Join(data, "esgf")}, Options{Dataset: "INM-CM5-0"})
	must(t, err)
	if len(rlds.Times) != 780 || rlds.Channels[0].Name != "rlds" {
		t.Errorf("%d times of %v", len(rlds.Times), rlds.Channels)
	}
	must(t, rlds.Close())
}

// The mean of the globe by the areas of its cells is what cos(lat) gives in
// NumPy, to a thousandth: the rows of a Gaussian grid are not even.
func TestRealMean(t *testing.T) {
	library(t)
	s := series(t, Options{Variables: []string{"2m_temperature"}}, filepath.Join(climateData(t), "tas_Amon_CanESM2_rcp85_r1i1p1_200701-200712.nc"))
	if s.Grid.Kind() != Gaussian || !s.Grid.Global() || s.Grid.NorthFirst() {
		t.Errorf("the grid is %s", s.Grid.Kind())
	}
	areas, weights := s.Grid.Areas(), s.Grid.CosWeights()
	byArea, byCos := 0.0, 0.0
	for at := range s.Times {
		for i, x := range read(t, s, at) {
			byArea += float64(x) * areas[i] / (4 * math.Pi) / 12
			byCos += float64(x) * weights[i/128] / float64(len(areas)) / 12
		}
	}
	if math.Abs(byCos-288.132) > 1e-3 || math.Abs(byArea-byCos) > 0.05 {
		t.Errorf("the mean is %v K by area, %v by cos(lat), want 288.132", byArea, byCos)
	}
}

// Grids that are no rows and columns are refused with advice.
func TestRealGridsRefused(t *testing.T) {
	library(t)
	data := climateData(t)
	for file, want := range map[string]string{
		"rotated_pole.nc": "is on a rotated or projected grid (grid_latitude, grid_latitude); remap it",
		"esgf/tos_Omon_CESM2-FV2_historical_r1i1p1f1_gn_200001.nc": "variable tos: is on a curvilinear grid (lat of nlat x nlon); remap it",
		"daily_surface_cancities_1990-1993.nc":                     "is on an unstructured grid, or at stations (lat and lon along location)",
		"odd/20171025_2056.Cloud_Top_Height.nc":                    "variable HT: is on a rotated or projected grid (y, projection_y_coordinate)",
		"odd/truncated_A1B_half.nc":                                "is truncated: it has 912014 of 1824028 bytes",
		"SOI_Darwin.nc":                                            "has no field of latitude and longitude",
	} {
		_, err := Open([]string{filepath.Join(data, filepath.FromSlash(file))}, Options{})
		refusal(t, err, want)
	}
	_, err := Open([]string{filepath.Join(data, "bcsd_obs_1999.nc")}, Options{Variables: []string{"tas"}})
	refusal(t, err, `variable tas: units "C" are not among those that kiban knows`, "if you know them, say --units tas=K")
	s := series(t, Options{Variables: []string{"tas"}, Units: map[string]string{"tas": "degC"}}, filepath.Join(data, "bcsd_obs_1999.nc"))
	if x := read(t, s, 0); s.Channels[0].Units != "K" || !strings.Contains(strings.Join(s.Notes, " "), "degC to K") || x[40*81/3] == 0 {
		t.Errorf("%+v, notes %q", s.Channels, s.Notes)
	}
}

// BenchmarkRead is every field of a file of 240 years: what testdata/
// read_speed.py does with xarray.
func BenchmarkRead(b *testing.B) {
	path := filepath.Join(climateData(b), "A1B_north_america.nc")
	for b.Loop() {
		s, err := Open([]string{path}, Options{})
		if err != nil {
			b.Fatal(err)
		}
		buffer := make([]float32, 16*s.Size())
		for at := 0; at+16 <= len(s.Times); at += 16 {
			if err := s.ReadTimes(context.Background(), at, 16, buffer); err != nil {
				b.Fatal(err)
			}
		}
		if err := s.Close(); err != nil {
			b.Fatal(err)
		}
		b.SetBytes(int64(4 * s.Size() * len(s.Times)))
	}
}
