package stats_test

import (
	"fmt"

	"github.com/kiban-models/kiban/climate/field"
	"github.com/kiban-models/kiban/climate/stats"
)

func Example() {
	c := stats.NewCollector([]field.Channel{{Key: "2m_temperature", Units: "K"}})
	for _, record := range [][]float32{{270, 290}, {280, 300}} {
		c.Add(0, record)
	}
	table, err := c.Table(stats.Right)
	if err != nil {
		fmt.Println(err)
		return
	}
	t := table.Channels[0]
	x := make([]float32, 2)
	t.Normalize(x, []float32{285, 300})
	fmt.Printf("mean %g std %.3f; 285 K is %g\n", t.Mean, t.Std, x[0])
	// Output: mean 285 std 11.180; 285 K is 0
}
