package regrid_test

import (
	"fmt"

	"github.com/kiban-models/kiban/climate/field"
	"github.com/kiban-models/kiban/climate/regrid"
)

// Four quarters of the sphere become two hemispheres.
func Example() {
	quarters, err := field.NewGrid([]float64{45, -45}, []float64{90, 270}, nil, nil)
	if err != nil {
		fmt.Println(err)
		return
	}
	halves, err := field.NewGrid([]float64{-45, 45}, []float64{0}, nil, [][2]float64{{-180, 180}})
	if err != nil {
		fmt.Println(err)
		return
	}
	w, err := regrid.New(quarters, halves, regrid.Conservative)
	if err != nil {
		fmt.Println(err)
		return
	}
	out := make([]float32, 2)
	err = w.Apply(out, []float32{1, 3, 10, 20}, 1)
	fmt.Println(out, err)
	// Output: [15 2] <nil>
}
