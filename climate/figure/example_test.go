package figure_test

import (
	"fmt"
	"strings"

	"github.com/kiban-models/kiban/climate/figure"
)

// A region across Greenwich, from the rows of a file that has north first.
func ExampleMap() {
	f, err := figure.Map(figure.Field{
		Name: "Near-Surface Air Temperature", Units: "K", Standard: "air_temperature",
		Lat: []float64{60, 50, 40}, Lon: []float64{350, 0, 10},
		Values: []float64{275, 276, 274, 282, 283, 281, 290, 289, 291},
	}, figure.Options{Title: "1 January", Subtitle: "made up"})
	if err != nil {
		fmt.Println(err)
		return
	}
	data, err := f.CSV() // figure.Save(f, "tas") writes tas.svg, tas.png and tas.csv
	if err != nil {
		fmt.Println(err)
		return
	}
	fmt.Println(strings.Join(strings.Split(string(data), "\n")[:3], "\n"))
	// Output:
	// panel,lat,lon,value
	// ,60,350,275
	// ,60,0,276
}

func ExampleFinding() {
	score := func(model string, value float64) figure.Score {
		return figure.Score{Model: model, Variable: "t2m", LeadHours: 72, Metric: "rmse", Value: value, Units: "K", N: 700}
	}
	fmt.Println(figure.Finding([]figure.Score{score("kiban", 2.2), score("climatology", 3.1), score("persistence", 3.9)}, "rmse"))
	// Output:
	// RMSE of t2m at 72 hours: climatology 3.1, persistence 3.9, kiban 2.2 K (n = 700 forecasts).
}
