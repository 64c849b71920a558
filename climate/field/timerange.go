package field

import (
	"fmt"
	"regexp"
	"strconv"
	"strings"

	"github.com/kiban-models/kiban/climate/netcdf"
)

// TimeRange is a stretch of time, both ends within it. The zero TimeRange is
// all time.
type TimeRange struct {
	text     string
	from, to [6]int // year to second; month 0 for a whole year, and so on
	set      bool
}

var partialDate = regexp.MustCompile(`^(\d{1,4})(?:-(\d{1,2})(?:-(\d{1,2})(?:[T ](\d{1,2})(?::(\d{2})(?::(\d{2}))?)?)?)?)?$`)

// ParseTimeRange reads 1979/2014, 2000-01-01/2000-03-31 or 1979; both ends are
// inside, and a date that is not whole means all of its year, month or day.
func ParseTimeRange(s string) (TimeRange, error) {
	r := TimeRange{text: s, set: true}
	first, last, two := strings.Cut(strings.TrimSpace(s), "/")
	if !two {
		last = first
	}
	for _, x := range []struct {
		text string
		into *[6]int
	}{{first, &r.from}, {last, &r.to}} {
		m := partialDate.FindStringSubmatch(strings.TrimSpace(x.text))
		if m == nil {
			return r, fmt.Errorf("field: time %q cannot be read; wanted such as 1979/2014 or 2000-01-01/2000-03-31", s)
		}
		for i := range x.into {
			x.into[i] = -1
			if m[i+1] != "" {
				x.into[i], _ = strconv.Atoi(m[i+1]) // the pattern has let through digits only
			}
		}
	}
	return r, nil
}

// String is the text that was read.
func (r TimeRange) String() string { return r.text }

// In gives the ends in a calendar; the calendar must have the dates that are
// whole. Without a range ok is false.
func (r TimeRange) In(c netcdf.Calendar) (from, to netcdf.Date, ok bool, err error) {
	if !r.set {
		return from, to, false, nil
	}
	low := func(p [6]int) netcdf.Date {
		return netcdf.Date{Year: p[0], Month: max(1, p[1]), Day: max(1, p[2]), Hour: max(0, p[3]), Minute: max(0, p[4]), Second: max(0, p[5])}
	}
	high := func(p [6]int) netcdf.Date {
		d := netcdf.Date{Year: p[0], Month: p[1], Day: p[2], Hour: p[3], Minute: p[4], Second: p[5]}
		if p[1] < 0 {
			d.Month = 12
		}
		if p[2] < 0 {
			d.Day = 31
			if d.Month >= 1 && d.Month <= 12 {
				d.Day = c.DaysIn(d.Year, d.Month)
			}
		}
		if p[3] < 0 {
			d.Hour = 23
		}
		if p[4] < 0 {
			d.Minute = 59
		}
		if p[5] < 0 {
			d.Second, d.Millisecond = 59, 999
		}
		return d
	}
	from, to = low(r.from), high(r.to)
	for _, d := range []netcdf.Date{from, to} {
		if !c.Valid(d) {
			return from, to, false, fmt.Errorf("field: time %q: the %s calendar has no %s", r.text, c, d)
		}
	}
	if c.Compare(from, to) > 0 {
		return from, to, false, fmt.Errorf("field: time %q: ends before it begins", r.text)
	}
	return from, to, true, nil
}

// Span finds the times that lie within the range: those from index from to
// before to. A range that holds none is an error that says what there is.
func (r TimeRange) Span(c netcdf.Calendar, times []netcdf.Date) (from, to int, err error) {
	low, high, ok, err := r.In(c)
	if err != nil || !ok {
		return 0, len(times), err
	}
	for from < len(times) && c.Compare(times[from], low) < 0 {
		from++
	}
	for to = from; to < len(times) && c.Compare(times[to], high) <= 0; to++ {
	}
	if from == to && len(times) > 0 {
		return 0, 0, fmt.Errorf("field: no time lies in %s; there are %s to %s (%s)", r.text, times[0], times[len(times)-1], c)
	}
	return from, to, nil
}
