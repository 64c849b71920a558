package figure_test

import (
	"fmt"

	"github.com/kiban-models/kiban/core/figure"
)

func ExampleCurve() {
	f, err := figure.Curve(
		[]figure.Series{{Name: "validation", X: []float64{1, 2}, Y: []float64{2.9, 2.4}}},
		figure.Options{
			Title: "Loss", XLabel: "Step", YLabel: "Loss (nats per token)",
			Baselines: []figure.Baseline{{Name: "unigram", Value: 2.89}},
		})
	if err != nil {
		fmt.Println(err)
		return
	}
	data, _ := f.CSV()
	fmt.Print(string(data))
	// Output:
	// series,x,y
	// validation,1,2.9
	// validation,2,2.4
	// baseline unigram,,2.89
}
