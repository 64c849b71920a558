package store_test

import (
	"context"
	"fmt"
	"os"
	"path/filepath"

	"github.com/kiban-models/kiban/climate/field"
	"github.com/kiban-models/kiban/climate/netcdf"
	"github.com/kiban-models/kiban/climate/store"
)

// Two years of monthly fields become a store, and a batch of it is read.
func Example() {
	dir, err := os.MkdirTemp("", "store")
	if err != nil {
		fmt.Println(err)
		return
	}
	defer os.RemoveAll(dir)
	g, err := field.NewGrid([]float64{-45, 45}, []float64{0, 90, 180, 270}, nil, nil)
	if err != nil {
		fmt.Println(err)
		return
	}
	var times []netcdf.Date
	var values []float32
	for month := range 24 {
		times = append(times, netcdf.Date{Year: 2000 + month/12, Month: 1 + month%12, Day: 15})
		for cell := range g.Size() {
			values = append(values, float32(270+month+cell))
		}
	}
	series, err := field.Memory(g, netcdf.Standard, times, []field.Channel{{Name: "tas", Key: "2m_temperature", Units: "K"}}, values)
	if err != nil {
		fmt.Println(err)
		return
	}
	plan, err := store.NewPlan(store.Options{Inputs: []store.Input{{Series: series}}, Out: filepath.Join(dir, "data"),
		Split: store.Split{Test: store.Years{From: 2001, To: 2001}}})
	if err != nil {
		fmt.Println(err)
		return
	}
	if _, err := plan.Write(context.Background()); err != nil {
		fmt.Println(err)
		return
	}
	s, err := store.Open(filepath.Join(dir, "data"), store.OpenOptions{})
	if err != nil {
		fmt.Println(err)
		return
	}
	defer s.Close()
	sel, err := s.Select([]string{"2m_temperature"}, nil)
	if err != nil {
		fmt.Println(err)
		return
	}
	batch := make([]float32, 2*sel.Size())
	if err := sel.Read(batch, []int{0, 12}); err != nil {
		fmt.Println(err)
		return
	}
	stretches, err := s.Records().Stretches()
	fmt.Println(s.Step(), stretches, err)
	fmt.Printf("%.3f %.3f\n", batch[0], batch[sel.Size()])
	// Output:
	// 1 month [{0 12 train} {12 24 test}] <nil>
	// -2.172 0.724
}
