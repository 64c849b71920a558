package task_test

import (
	"fmt"

	"github.com/kiban-models/kiban/climate/field"
	"github.com/kiban-models/kiban/climate/netcdf"
	"github.com/kiban-models/kiban/climate/task"
)

// What a model's directory says of its numbers, and when its forecasts are for.
func ExampleAbout() {
	a := task.About{
		Channels: []task.Channel{
			{Key: "2m_temperature", Name: "tas", Units: "K", Mean: 278, Std: 21},
			{Key: "orography", Name: "orog", Units: "m", Mean: 380, Std: 830, Static: true},
		},
		Season: true, Target: task.Anomaly, Calendar: netcdf.Standard, StepMonths: 1, Leads: []int{1, 3, 6},
	}
	a.SetRegion(field.Region{Name: "climax:NorthAmerica", Boxes: []field.Box{{West: 220, East: 300, South: 15, North: 65}}}, false)
	fmt.Println(a.Describe())
	fmt.Println(a.Variables())
	for _, steps := range a.Leads {
		fmt.Println(a.Step().After(a.Calendar, netcdf.Date{Year: 1999, Month: 8, Day: 31}, steps))
	}
	// Output:
	// 2m_temperature over climax:NorthAmerica, data each 1 month
	// [2m_temperature orography season_sine season_cosine]
	// 1999-09-30 00:00:00
	// 1999-11-30 00:00:00
	// 2000-02-29 00:00:00
}
