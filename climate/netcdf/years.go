package netcdf

import (
	"fmt"
	"math"
)

// PlainYears are the dates of a time coordinate that has no units, or years for
// such, and counts years as they are: 2015, 2016 and so on, as ClimateBench's
// files do. Each is the middle of its year, whose ends are its bounds. ok is
// false of anything else.
func PlainYears(v Variable, values []float64) (dates []Date, bounds [][2]Date, ok bool) {
	if !countsYears(v) {
		return nil, nil, false
	}
	for i, x := range values {
		// Fewer digits are more likely to number the times.
		if x != math.Trunc(x) || x < 1000 || x > 9998 || i > 0 && x <= values[i-1] {
			return nil, nil, false
		}
		y := int(x)
		dates = append(dates, Date{Year: y, Month: 7, Day: 1})
		bounds = append(bounds, [2]Date{{Year: y, Month: 1, Day: 1}, {Year: y + 1, Month: 1, Day: 1}})
	}
	return dates, bounds, len(values) > 0
}

// countsYears tells whether the attributes of a coordinate allow for that.
func countsYears(v Variable) bool {
	if _, err := packingOf(v); err != nil {
		return false
	}
	switch v.text("units") {
	case "", "1", "year", "years":
		return true
	}
	return false
}

// yearsAxis describes such a coordinate.
func yearsAxis(v Variable, values []float64) (*TimeAxis, bool) {
	dates, _, ok := PlainYears(v, values)
	if !ok {
		return nil, false
	}
	calendar, err := ParseCalendar(v.text("calendar"))
	if err != nil {
		return nil, false
	}
	t := &TimeAxis{Units: v.text("units"), Unit: "year", Calendar: calendar, First: dates[0], Last: dates[len(dates)-1]}
	if n := len(dates); n > 1 {
		t.Interval = "irregular"
		if step := values[1] - values[0]; step*float64(n-1) == values[n-1]-values[0] {
			t.Interval = plural(step, "year")
		}
	}
	return t, true
}

func yearsNote(t *TimeAxis) string {
	return fmt.Sprintf("has no units since a time; its values are taken for the years %d to %d", t.First.Year, t.Last.Year)
}
