package pair_test

import (
	"context"
	"fmt"
	"os"
	"path/filepath"

	"github.com/kiban-models/kiban/climate/field"
	"github.com/kiban-models/kiban/climate/netcdf"
	"github.com/kiban-models/kiban/climate/pair"
	"github.com/kiban-models/kiban/climate/store"
)

// months writes a store of so many months from January 2000 on, whose stamps are
// of some day of them, and opens it.
func months(dir string, n, day int, c netcdf.Calendar, split store.Split) (*store.Store, error) {
	g, err := field.NewGrid([]float64{-45, 45}, []float64{0, 90, 180, 270}, nil, nil)
	if err != nil {
		return nil, err
	}
	var times []netcdf.Date
	for i := range n {
		times = append(times, netcdf.Date{Year: 2000 + i/12, Month: 1 + i%12, Day: day})
	}
	values := make([]float32, n*g.Size())
	for i := range values {
		values[i] = float32(i)
	}
	series, err := field.Memory(g, c, times, []field.Channel{{Name: "tas", Key: "2m_temperature", Units: "K"}}, values)
	if err != nil {
		return nil, err
	}
	plan, err := store.NewPlan(store.Options{Inputs: []store.Input{{Series: series}}, Out: dir, Split: split})
	if err != nil {
		return nil, err
	}
	if _, err := plan.Write(context.Background()); err != nil {
		return nil, err
	}
	return store.Open(dir, store.OpenOptions{})
}

// Three years of a model with months of 30 days beside two of another source.
func Example() {
	dir, err := os.MkdirTemp("", "pair")
	if err != nil {
		fmt.Println(err)
		return
	}
	defer os.RemoveAll(dir)
	split := store.Split{Test: store.Years{From: 2001, To: 2001}}
	coarse, err := months(filepath.Join(dir, "coarse"), 36, 16, netcdf.Days360, split)
	if err != nil {
		fmt.Println(err)
		return
	}
	defer coarse.Close()
	fine, err := months(filepath.Join(dir, "fine"), 24, 1, netcdf.Standard, split)
	if err != nil {
		fmt.Println(err)
		return
	}
	defer fine.Close()
	p, err := pair.Stores(coarse, fine)
	if err != nil {
		fmt.Println(err)
		return
	}
	stretches, err := p.Records().Stretches()
	fmt.Println(len(p.All), p.All[13], stretches, err)
	// Output:
	// 24 {13 13} [{0 12 train} {12 24 test}] <nil>
}
