package regrid

import (
	"compress/gzip"
	"encoding/json"
	"math"
	"os"
	"slices"
	"testing"

	"github.com/kiban-models/kiban/climate/field"
)

// TestCDO compares with CDO's remapbil, remapcon and remapnn.
func TestCDO(t *testing.T) {
	var cases []struct {
		Source, Target string
		Holes          bool
		Method         Method
		Lat, Lon       []float64
		TargetLat      []float64 `json:"target_lat"`
		TargetLon      []float64 `json:"target_lon"`
		Values, Want   []*float64
	}
	f, err := os.Open("testdata/cdo.json.gz")
	if err != nil {
		t.Fatal(err)
	}
	defer f.Close()
	z, err := gzip.NewReader(f)
	if err == nil {
		err = json.NewDecoder(z).Decode(&cases)
	}
	if err != nil {
		t.Fatal(err)
	}
	worst := map[Method]float64{}
	compared := map[Method]int{}
	for _, c := range cases {
		source, err1 := field.NewGrid(c.Lat, c.Lon, halfway(c.Lat), nil)
		target, err2 := field.NewGrid(c.TargetLat, c.TargetLon, halfway(c.TargetLat), nil)
		if err1 != nil || err2 != nil {
			t.Fatal(err1, err2)
		}
		w, err := New(source, target, c.Method)
		if err != nil {
			t.Fatal(err)
		}
		dst := make([]float32, target.Size())
		if err := w.Apply(dst, floats(c.Values), 0); err != nil {
			t.Fatal(err)
		}
		want := floats(c.Want)
		for i, got := range dst {
			lat, lon := target.Lat[i/len(target.Lon)], target.Lon[i%len(target.Lon)]
			if c.Method == Bilinear && !within(source.Lat, lat) {
				continue // CDO weights neighbours by distance there, xESMF and Kiban go on to the pole
			}
			if isNaN(got) && w.Covered()[i] < 0.5 && c.Method == Conservative {
				continue // CDO is content with any part
			}
			if c.Method == Nearest {
				// A row at a pole is one point with as many values as columns.
				if c.Source == "with poles" && math.Abs(lat) > 82.5 {
					continue
				}
				// CDO gives any target the nearest source, however far.
				if isNaN(got) && !(lat >= 18 && lat <= 62 && east(lon, 217.5) <= 85) {
					continue
				}
			}
			if isNaN(got) != isNaN(want[i]) {
				t.Errorf("%s, %s to %s, holes %v: %g at %g %g, CDO has %g", c.Method, c.Source, c.Target, c.Holes, got, lat, lon, want[i])
				continue
			}
			if !isNaN(got) {
				d := math.Abs(float64(got)-*c.Want[i]) / math.Abs(*c.Want[i])
				if d > 1e-5 {
					t.Errorf("%s, %s to %s, holes %v: %g at %g %g, CDO has %g", c.Method, c.Source, c.Target, c.Holes, got, lat, lon, want[i])
				}
				worst[c.Method] = max(worst[c.Method], d)
				compared[c.Method]++
			}
		}
	}
	for m, d := range worst {
		t.Logf("%s: largest relative difference %.2g over %d values", m, d, compared[m])
	}
}

// halfway are the bounds that the script gave CDO.
func halfway(x []float64) [][2]float64 {
	n := len(x)
	out := make([][2]float64, n)
	for i := range x {
		out[i] = [2]float64{x[i] - (x[max(i, 1)]-x[max(i, 1)-1])/2, x[i] + (x[min(i+1, n-1)]-x[min(i, n-2)])/2}
	}
	return out
}

func within(lat []float64, x float64) bool {
	return x >= slices.Min(lat) && x <= slices.Max(lat)
}

func floats(x []*float64) []float32 {
	out := make([]float32, len(x))
	for i, v := range x {
		out[i] = float32(math.NaN())
		if v != nil {
			out[i] = float32(*v)
		}
	}
	return out
}

func isNaN(x float32) bool { return x != x }
