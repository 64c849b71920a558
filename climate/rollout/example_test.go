package rollout_test

import (
	"context"
	"fmt"
	"os"

	"github.com/kiban-models/kiban/climate/field"
	"github.com/kiban-models/kiban/climate/forecast"
	"github.com/kiban-models/kiban/climate/netcdf"
	"github.com/kiban-models/kiban/climate/regrid"
	"github.com/kiban-models/kiban/climate/rollout"
	"github.com/kiban-models/kiban/climate/store"
	"github.com/kiban-models/kiban/climate/task"
	"github.com/kiban-models/kiban/climate/verify"
	"github.com/kiban-models/kiban/core/backend/cpu"
	"github.com/kiban-models/kiban/core/nn"
)

// A model that has learnt nothing yet forecasts from the last of three months.
func Example() {
	if err := example(); err != nil {
		fmt.Println(err)
	}
	// Output:
	// 2m_temperature from 2000-03-16 00:00:00, 1 month ahead: 128 cells of 2000-04-16 00:00:00
	// 2m_temperature from 2000-03-16 00:00:00, 2 months ahead: 128 cells of 2000-05-16 00:00:00
}

func example() error {
	g, err := regrid.ParseTarget("8x16")
	if err != nil {
		return err
	}
	about := task.About{Format: 1, Task: task.Forecast, Target: task.Fields, Calendar: netcdf.NoLeap, StepMonths: 1, Leads: []int{1, 2},
		Grid:     store.Grid{Kind: g.Kind(), Lat: g.Lat, Lon: g.Lon, LatBounds: g.LatBounds, LonBounds: g.LonBounds},
		Channels: []task.Channel{{Key: "2m_temperature", Name: "tas", Units: "K", Mean: 280, Std: 10}}}
	dir, err := os.MkdirTemp("", "model")
	if err != nil {
		return err
	}
	defer os.RemoveAll(dir)
	config := about.NewConfig(2, 16, 1, 2)
	if err := task.WriteModel(dir, config, forecast.NewFresh(config, 42), about, nil); err != nil {
		return err
	}
	m, err := task.OpenModel(dir, task.OpenOptions{})
	if err != nil {
		return err
	}
	defer m.Close()
	b, err := cpu.New(cpu.Options{})
	if err != nil {
		return err
	}
	defer b.Close()
	if err := m.Load(b, nn.Policy{}); err != nil {
		return err
	}
	f, err := m.Forecaster(b, g, task.ForecasterOptions{})
	if err != nil {
		return err
	}
	defer f.Close()
	times := []netcdf.Date{{Year: 2000, Month: 1, Day: 16}, {Year: 2000, Month: 2, Day: 16}, {Year: 2000, Month: 3, Day: 16}}
	series, err := field.Memory(g, netcdf.NoLeap, times, []field.Channel{{Name: "tas", Key: "2m_temperature", Units: "K"}}, make([]float32, 3*g.Size()))
	if err != nil {
		return err
	}
	source, err := verify.FromSeries("tas.nc", series, store.Years{})
	if err != nil {
		return err
	}
	r, err := rollout.New([]rollout.Member{{Model: m, Forecaster: f}}, source, rollout.Options{Records: []int{2}, Leads: []int{1, 2}})
	if err != nil {
		return err
	}
	frame := r.Frame()
	return r.Each(context.Background(), func(at, lead int, members [][]float32) error {
		fmt.Printf("%s from %s, %s ahead: %d cells of %s\n", frame.Channels[0].Key, frame.Times[at], frame.Ahead(lead), len(members[0]), frame.Valid[lead])
		return nil
	})
}
