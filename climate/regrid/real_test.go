//go:build cgo && !nonetcdf

package regrid

import (
	"compress/gzip"
	"context"
	"encoding/json"
	"math"
	"os"
	"path/filepath"
	"testing"

	"github.com/kiban-models/kiban/climate/field"
)

// TestRealFiles compares the first fields of real files on ClimaX's grid with
// what CDO makes of them.
func TestRealFiles(t *testing.T) {
	data := filepath.Join("..", "..", "..", "shared", "data", "climate")
	if _, err := os.Stat(data); err != nil {
		t.Skipf("the real files are not here: %v", err)
	}
	var cases []struct {
		File, Variable string
		Method         Method
		Want           []float64
	}
	f, err := os.Open("testdata/real.json.gz")
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
	to := target(t, "5.625")
	for _, c := range cases {
		s, err := field.Open([]string{filepath.Join(data, c.File)}, field.Options{Variables: []string{c.Variable}})
		if err != nil {
			t.Error(err)
			continue
		}
		src := make([]float32, s.Size())
		if err := s.Read(context.Background(), 0, src); err != nil {
			t.Fatal(err)
		}
		if err := s.Close(); err != nil {
			t.Fatal(err)
		}
		worst, n := 0.0, 0
		for i, got := range apply(t, s.Grid, to, c.Method, src, 1) {
			lat := to.Lat[i/64]
			if c.Method == Bilinear && !within(s.Grid.Lat, lat) {
				continue // towards a pole CDO weights neighbours by distance
			}
			n++
			if d := math.Abs(float64(got)-c.Want[i]) / c.Want[i]; !(d <= worst) {
				worst = d
			}
		}
		if !(worst < 1e-5) || n < 30*64 {
			t.Errorf("%s, %s: largest relative difference %.2g over %d values", c.File, c.Method, worst, n)
		}
		t.Logf("%s from %dx%d (%s): largest relative difference %.2g over %d values", c.Method, s.Grid.Rows(), s.Grid.Columns(), s.Grid.Kind(), worst, n)
	}
}
