package baseline_test

import (
	"context"
	"math"
	"testing"

	"github.com/kiban-models/kiban/climate/baseline"
	"github.com/kiban-models/kiban/climate/field"
	"github.com/kiban-models/kiban/climate/netcdf"
	"github.com/kiban-models/kiban/climate/window"
)

// TestCorrected: what departs from the interpolated field by the month alone is
// right after the correction; what is missing is left out; nothing is read beside
// the training records.
func TestCorrected(t *testing.T) {
	nan := float32(math.NaN())
	d := baseline.Data{Calendar: netcdf.NoLeap, Step: field.Step{Months: 1}, Size: 3}
	for i := range 36 {
		d.Times = append(d.Times, netcdf.Date{Year: 2000 + i/12, Month: 1 + i%12, Day: 15})
	}
	x := func(i int) []float32 { return []float32{float32(i * i % 17), float32(i % 5), 1} }
	read := 0
	d.Read = func(i int, dst []float32) error {
		if read++; i >= 24 {
			t.Errorf("record %d is no training record", i)
		}
		copy(dst, x(i))
		dst[0] += float32(i % 12)
		dst[1] -= 2
		dst[2] = nan
		if i == 3 {
			dst[0] = nan
		}
		return nil
	}
	c, err := baseline.FitCorrected(context.Background(), d, func(i int, dst []float32) error { copy(dst, x(i)); return nil }, []window.Stretch{{From: 0, To: 24}}, baseline.Options{})
	if err != nil || read != 24 {
		t.Fatal(read, err)
	}
	for i := 24; i < 36; i++ {
		got := map[string][]float32{}
		if err := c.Each(x(i), d.Times[i], func(name string, f []float32) error { got[name] = append([]float32(nil), f...); return nil }); err != nil {
			t.Fatal(err)
		}
		y := got[baseline.CorrectedName]
		if math.Abs(float64(y[0]-x(i)[0]-float32(i%12))) > 1e-5 || math.Abs(float64(y[1]-x(i)[1]+2)) > 1e-5 || y[2] == y[2] {
			t.Errorf("month %d: %v of %v", i, y, x(i))
		}
		if b := got[baseline.BilinearName]; b[0] != x(i)[0] || b[1] != x(i)[1] {
			t.Error(b)
		}
		if m := got[baseline.ClimatologyName][1]; math.Abs(float64(m)-(float64((i-24)%5+(i-12)%5)/2-2)) > 1e-5 {
			t.Errorf("month %d: climatology %v", i, m)
		}
	}
	if c.Departure.Kind() != baseline.Monthly {
		t.Error(c.Departure.Kind())
	}
	if _, err := baseline.FitCorrected(context.Background(), d, nil, nil, baseline.Options{}); err == nil {
		t.Error("no records were enough")
	}
	d.Step = field.Step{Millis: 86_400_000} // days are corrected by month
	c, err = baseline.FitCorrected(context.Background(), d, func(i int, dst []float32) error { copy(dst, x(i)); return nil }, []window.Stretch{{From: 0, To: 24}}, baseline.Options{})
	if err != nil || c.Departure.Kind() != baseline.Monthly {
		t.Error(err)
	}
}
