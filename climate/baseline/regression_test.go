package baseline

import (
	"context"
	"math"
	"math/rand/v2"
	"slices"
	"testing"

	"github.com/kiban-models/kiban/climate/field"
	"github.com/kiban-models/kiban/climate/netcdf"
	"github.com/kiban-models/kiban/climate/window"
)

// TestAround: nine places at the distance of the coarse cells, round the globe and
// up to the last row.
func TestAround(t *testing.T) {
	grid := func(rows int) *field.Grid {
		lat, lon := make([]float64, rows), make([]float64, 2*rows)
		for i := range lat {
			lat[i] = -90 + 180/float64(rows)*(float64(i)+0.5)
		}
		for i := range lon {
			lon[i] = 180 / float64(rows) * float64(i)
		}
		g, err := field.NewGrid(lat, lon, nil, nil)
		if err != nil {
			t.Fatal(err)
		}
		return g
	}
	a := Around(grid(8), grid(4))
	at := func(row, column int) int32 { return int32(16*row + column) }
	if len(a) != 9*128 {
		t.Fatal(len(a))
	}
	got := slices.Sorted(slices.Values(a[9*(16*4+1):][:9]))
	want := []int32{at(2, 1), at(2, 3), at(2, 15), at(4, 1), at(4, 3), at(4, 15), at(6, 1), at(6, 3), at(6, 15)}
	if slices.Sort(want); !slices.Equal(got, want) || a[9*(16*4+1)] != at(4, 1) {
		t.Errorf("%v, wanted %v", got, want)
	}
	if got := a[:9]; slices.Min(got) < 0 || !slices.Contains(got, at(2, 14)) || slices.Contains(got, at(1, 0)) {
		t.Errorf("at the pole %v", got)
	}
}

// TestRegression finds the slopes that made the data, but for what the shrinkage
// takes, in years that it has not seen; it is told of no others, and the least
// squares with the shrinkage agree with a direct search of the minimum.
func TestRegression(t *testing.T) {
	g, err := field.NewGrid([]float64{-60, -20, 20, 60}, []float64{0, 60, 120, 180, 240, 300}, nil, nil)
	if err != nil {
		t.Fatal(err)
	}
	places := Around(g, g)
	const size, months = 48, 480 // two channels
	r := rand.New(rand.NewPCG(1, 2))
	d := Data{Calendar: netcdf.NoLeap, Step: field.Step{Months: 1}, Size: size}
	var x, y [][]float32
	slope := make([]float64, size*around)
	for i := range slope {
		slope[i] = 0.4 * r.NormFloat64()
	}
	for m := range months {
		d.Times = append(d.Times, netcdf.Date{Year: 2000 + m/12, Month: 1 + m%12, Day: 15})
		a := make([]float32, size)
		for i := range a {
			a[i] = float32(r.NormFloat64())
		}
		b := slices.Clone(a)
		for i := range b {
			for p, place := range places[i%24*around:][:around] {
				b[i] += float32(slope[i*around+p] * float64(a[i/24*24+int(place)]))
			}
			b[i] += 7 + float32(m%12)
			a[i] += float32(m % 5)
		}
		x, y = append(x, a), append(y, b)
	}
	// The waves of five months are the same in x and y of no cell: they are noise.
	d.Read = func(i int, dst []float32) error {
		if i >= 360 {
			t.Errorf("record %d is no training record", i)
		}
		copy(dst, y[i])
		return nil
	}
	interpolated := func(i int, dst []float32) error { copy(dst, x[i]); return nil }
	c, err := FitCorrected(context.Background(), d, interpolated, []window.Stretch{{From: 0, To: 360}}, Options{Around: places})
	if err != nil {
		t.Fatal(err)
	}
	errors := map[string]float64{}
	for i := 360; i < months; i++ {
		err := c.Each(x[i], d.Times[i], func(name string, f []float32) error {
			for k, v := range f {
				errors[name] += float64(v-y[i][k]) * float64(v-y[i][k]) / size / (months - 360)
			}
			return nil
		})
		if err != nil {
			t.Fatal(err)
		}
	}
	t.Log(errors)
	if !(errors[RegressionName] < 0.8*errors[CorrectedName] && errors[RegressionName] < 0.8*errors[ClimatologyName] && errors[CorrectedName] < errors[BilinearName]) {
		t.Error("the regression is no better than the others")
	}
	// The minimum of the sum of squares and the shrinkage: its gradient is nothing.
	const value = 31
	var gradient [around]float64
	trace := 0.0
	for i := range 360 {
		zero, err := c.Regression.coarse.At(d.Times[i])
		if err != nil {
			t.Fatal(err)
		}
		mean, err := c.Climatology.At(d.Times[i])
		if err != nil {
			t.Fatal(err)
		}
		c.Regression.each(x[i], zero, func(at int, a *[around]float64) {
			if at != value {
				return
			}
			rest := float64(y[i][at]-mean[at]) - float64(x[i][at]-zero[at])
			for p, v := range a {
				rest -= v * float64(c.Regression.slope[at*around+p])
				trace += v * v
			}
			for p, v := range a {
				gradient[p] += v * rest
			}
		})
	}
	for p, v := range gradient {
		v -= shrinkage * trace / around * float64(c.Regression.slope[value*around+p])
		if math.Abs(v) > 1e-3 {
			t.Errorf("the gradient of place %d is %v", p, v)
		}
	}
}
