package skill_test

import (
	"fmt"

	"github.com/kiban-models/kiban/climate/field"
	"github.com/kiban-models/kiban/climate/skill"
)

func Example() {
	g, err := field.NewGrid([]float64{-60, 0, 60}, []float64{0, 180}, nil, nil)
	if err != nil {
		fmt.Println(err)
		return
	}
	b, err := skill.NewBoard(g, nil, skill.Options{})
	if err != nil {
		fmt.Println(err)
		return
	}
	tas := field.Channel{Name: "tas", Units: "K"}
	truth := []float32{270, 270, 300, 300, 280, 280}
	forecast := []float32{270, 270, 302, 300, 280, 280}
	if err := b.Add("kiban", tas, 24, forecast, truth, nil); err != nil {
		fmt.Println(err)
		return
	}
	for _, row := range b.Table() {
		fmt.Printf("%s of %s after %g hours: %.3f %s\n", row.Metric, row.Variable, row.LeadHours, row.Value, row.Units)
	}
	// Output:
	// rmse of tas after 24 hours: 1.000 K
	// mae of tas after 24 hours: 0.500 K
	// bias of tas after 24 hours: 0.500 K
}
