package field

import (
	"testing"

	"github.com/kiban-models/kiban/climate/netcdf"
)

// Days stay where the month has them, and times of a fixed interval are counted
// exactly.
func TestStepAfter(t *testing.T) {
	for _, x := range []struct {
		calendar netcdf.Calendar
		step     Step
		from     netcdf.Date
		steps    int
		want     string
	}{
		{netcdf.Standard, Step{Months: 1}, netcdf.Date{Year: 1999, Month: 12, Day: 31}, 2, "2000-02-29 00:00:00"},
		{netcdf.NoLeap, Step{Months: 1}, netcdf.Date{Year: 1999, Month: 12, Day: 31}, 2, "2000-02-28 00:00:00"},
		{netcdf.Days360, Step{Months: 12}, netcdf.Date{Year: 1999, Month: 12, Day: 30}, 3, "2002-12-30 00:00:00"},
		{netcdf.Standard, Step{Millis: 21_600_000}, netcdf.Date{Year: 2000, Month: 2, Day: 28, Hour: 18}, 5, "2000-03-01 00:00:00"},
	} {
		if got := x.step.After(x.calendar, x.from, x.steps); got.String() != x.want {
			t.Errorf("%d steps of %s after %s: %s, want %s", x.steps, x.step, x.from, got, x.want)
		}
	}
}
