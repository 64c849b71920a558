package verify_test

import (
	"context"
	"fmt"
	"math"

	"github.com/kiban-models/kiban/climate/field"
	"github.com/kiban-models/kiban/climate/netcdf"
	"github.com/kiban-models/kiban/climate/store"
	"github.com/kiban-models/kiban/climate/verify"
)

// tooWarm forecasts the next month as this one and a degree.
type tooWarm struct {
	frame verify.Frame
	truth *field.Series
}

func (f tooWarm) Frame() verify.Frame { return f.frame }

func (f tooWarm) Each(ctx context.Context, visit func(at, lead int, members [][]float32) error) error {
	x := make([]float32, f.truth.Size())
	for at := range f.frame.Times {
		if err := f.truth.Read(ctx, 24+at, x); err != nil {
			return err
		}
		for i := range x {
			x[i]++
		}
		if err := visit(at, 0, [][]float32{x}); err != nil {
			return err
		}
	}
	return nil
}

// Two years of training and a third of forecasts.
func Example() {
	g, err := field.NewGrid([]float64{-45, 45}, []float64{0, 90, 180, 270}, nil, nil)
	if err != nil {
		fmt.Println(err)
		return
	}
	var times []netcdf.Date
	var values []float32
	for m := range 36 {
		times = append(times, netcdf.Date{Year: 2000 + m/12, Month: 1 + m%12, Day: 15})
		for cell := range g.Size() {
			values = append(values, float32(280+8*math.Sin(float64(m)*math.Pi/6)+math.Sin(float64(m*m+cell))))
		}
	}
	channels := []field.Channel{{Name: "tas", Key: "2m_temperature", Units: "K"}}
	s, err := field.Memory(g, netcdf.NoLeap, times, channels, values)
	if err != nil {
		fmt.Println(err)
		return
	}
	truth, err := verify.FromSeries("tas.nc", s, store.Years{From: 2000, To: 2001})
	if err != nil {
		fmt.Println(err)
		return
	}
	frame := verify.Frame{Members: 1, Frame: field.Frame{Grid: g, Channels: channels, Calendar: netcdf.NoLeap, Times: times[24:], Leads: []float64{1}, LeadUnits: "months"}}
	r, err := verify.Evaluate(context.Background(), tooWarm{frame, s}, truth, verify.Options{})
	if err != nil {
		fmt.Println(err)
		return
	}
	fmt.Println(r.Scored, "scored,", r.NoTruth, "of times to come")
	for _, row := range r.Table {
		if row.Metric == "rmse" {
			fmt.Printf("%-18s %s %.1f %s\n", row.Model, row.Metric, row.Value, row.Units)
		}
	}
	// Output:
	// 11 scored, 1 of times to come
	// kiban              rmse 3.2 K
	// persistence        rmse 3.0 K
	// climatology        rmse 0.8 K
	// damped_persistence rmse 0.9 K
}
