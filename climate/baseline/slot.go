package baseline

import (
	"fmt"

	"github.com/kiban-models/kiban/climate/field"
	"github.com/kiban-models/kiban/climate/netcdf"
)

// Kind is what a climatology keeps apart.
type Kind string

const (
	Monthly   Kind = "monthly"
	DayOfYear Kind = "day-of-year" // and the time of day, where there is more than one
	TimeMean  Kind = "time-mean"   // nothing: the mean of all times, as ClimaX has it
)

// KindOf is the kind for data of a step: monthly ones have months, yearly ones
// nothing, and others days.
func KindOf(s field.Step) Kind {
	switch {
	case s.Months%12 == 0 && s.Months > 0 || s == (field.Step{}):
		return TimeMean
	case s.Months > 0:
		return Monthly
	}
	return DayOfYear
}

// slots divide the year, and the day.
type slots struct {
	calendar netcdf.Calendar
	kind     Kind
	days     int   // of the year: 12 months, 1 of all
	times    int   // of the day
	millis   int64 // of one time of the day
}

const dayMillis = 86_400_000

// newSlots has a slot for each time of day that a step gives, at most four: with
// hourly data each has six hours.
func newSlots(c netcdf.Calendar, k Kind, step field.Step) (slots, error) {
	s := slots{calendar: c, kind: k, days: 1, times: 1, millis: dayMillis}
	switch k {
	case TimeMean:
		return s, nil
	case Monthly:
		s.days = 12
		return s, nil
	case DayOfYear:
		// Calendars with leap days have 366 slots, February 29 being one: so March
		// 1 is March 1 in every year.
		s.days = map[netcdf.Calendar]int{netcdf.NoLeap: 365, netcdf.Days360: 360}[c]
		if s.days == 0 {
			s.days = 366
		}
		if n := max(step.Millis, dayMillis/4); n < dayMillis && dayMillis%n == 0 {
			s.times, s.millis = int(dayMillis/n), n
		}
		return s, nil
	}
	return s, fmt.Errorf("baseline: climatology %q is unknown; wanted %s, %s or %s", k, Monthly, DayOfYear, TimeMean)
}

func (s slots) count() int { return s.days * s.times }

// of is the slot of a date: times of day of a day one after another.
func (s slots) of(d netcdf.Date) int {
	switch s.kind {
	case Monthly:
		return d.Month - 1
	case DayOfYear:
		c := s.calendar
		if s.days == 366 {
			c = netcdf.AllLeap
		}
		day := c.DayOfYear(d) - 1
		millis := int64(d.Hour)*3_600_000 + int64(d.Minute)*60_000 + int64(d.Second)*1000 + int64(d.Millisecond)
		return day*s.times + int(millis/s.millis)
	}
	return 0
}
