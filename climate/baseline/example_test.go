package baseline_test

import (
	"context"
	"fmt"

	"github.com/kiban-models/kiban/climate/baseline"
	"github.com/kiban-models/kiban/climate/field"
	"github.com/kiban-models/kiban/climate/netcdf"
	"github.com/kiban-models/kiban/climate/window"
)

// Three years of months to fit on, then a forecast of one month by all three.
func Example() {
	d := baseline.Data{Calendar: netcdf.NoLeap, Step: field.Step{Months: 1}, Size: 1}
	for i := range 36 {
		d.Times = append(d.Times, netcdf.Date{Year: 2001 + i/12, Month: i%12 + 1, Day: 16})
	}
	d.Read = func(i int, dst []float32) error {
		dst[0] = float32(i%12 + i/12) // a cycle, and a warmer year each year
		return nil
	}
	s, err := baseline.Fit(context.Background(), d, []window.Stretch{{To: 36}}, []int{1}, baseline.Options{})
	if err != nil {
		fmt.Println(err)
		return
	}
	june, july := netcdf.Date{Year: 2004, Month: 6, Day: 16}, netcdf.Date{Year: 2004, Month: 7, Day: 16}
	err = s.Each([]float32{8}, 1, june, july, func(name string, f []float32) error {
		fmt.Printf("%s %.2f\n", name, f[0])
		return nil
	})
	if err != nil {
		fmt.Println(err)
	}
	// Output:
	// persistence 8.00
	// climatology 7.00
	// damped_persistence 8.91
}
