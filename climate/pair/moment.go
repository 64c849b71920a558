package pair

import (
	"cmp"

	"github.com/kiban-models/kiban/climate/field"
	"github.com/kiban-models/kiban/climate/netcdf"
)

const day = 86_400_000 // milliseconds

// moment is a date with what does not tell records apart set to nothing: the day
// of a month, the hour of a day. Times may be off by half a second, as float32
// days are.
func moment(c netcdf.Calendar, s field.Step, d netcdf.Date) netcdf.Date {
	switch {
	case s.Months > 0 && s.Months%12 == 0:
		return netcdf.Date{Year: d.Year}
	case s.Months > 0:
		return netcdf.Date{Year: d.Year, Month: d.Month}
	}
	d = c.At((c.Millis(d) + 500) / 1000 * 1000)
	if s.Millis > 0 && s.Millis%day == 0 {
		return netcdf.Date{Year: d.Year, Month: d.Month, Day: d.Day}
	}
	return d
}

// compare orders moments, of two calendars, too.
func compare(a, b netcdf.Date) int {
	return cmp.Or(cmp.Compare(a.Year, b.Year), cmp.Compare(a.Month, b.Month), cmp.Compare(a.Day, b.Day),
		cmp.Compare(a.Hour, b.Hour), cmp.Compare(a.Minute, b.Minute), cmp.Compare(a.Second, b.Second))
}

// sameDays tells whether a date of one calendar is the same day in another, where
// both have it: calendars that differ in leap days only. The days of 360_day drift
// through the seasons, those of julian are 13 behind.
func sameDays(a, b netcdf.Calendar) bool {
	western := func(c netcdf.Calendar) bool { return c != netcdf.Days360 && c != netcdf.Julian }
	return a == b || western(a) && western(b)
}
