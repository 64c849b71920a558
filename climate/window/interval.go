package window

import (
	"fmt"
	"strconv"
	"strings"

	"github.com/kiban-models/kiban/climate/netcdf"
)

// Interval is from a time to a time, both included.
type Interval struct{ From, To netcdf.Date }

// ParseInterval reads 1979/2014, 2000-01/2000-03 or 2000-01-01/2000-03-31, both
// ends included: a year, month or day that is not finer means all of it. One
// without a slash is both ends. The calendar must have the dates.
func ParseInterval(s string, c netcdf.Calendar) (Interval, error) {
	from, to, two := strings.Cut(s, "/")
	if !two {
		to = from
	}
	a, _, err := ends(strings.TrimSpace(from), c)
	if err != nil {
		return Interval{}, fmt.Errorf("window: time %q: %w", s, err)
	}
	_, b, err := ends(strings.TrimSpace(to), c)
	if err != nil {
		return Interval{}, fmt.Errorf("window: time %q: %w", s, err)
	}
	if c.Compare(a, b) > 0 {
		return Interval{}, fmt.Errorf("window: time %q: it ends before it begins", s)
	}
	return Interval{a, b}, nil
}

// ends are the first and the last millisecond of a year, month or day.
func ends(s string, c netcdf.Calendar) (first, last netcdf.Date, err error) {
	parts := strings.Split(s, "-")
	var x [3]int
	for i, p := range parts {
		if i >= 3 {
			err = fmt.Errorf("too many parts")
			break
		}
		if x[i], err = strconv.Atoi(p); err != nil || x[i] < 0 || i > 0 && x[i] == 0 || len(p) > 4 {
			err = fmt.Errorf("%q is no number", p)
			break
		}
	}
	if err != nil {
		return first, last, fmt.Errorf("%q cannot be read; wanted such as 1979, 1979-01 or 1979-01-31", s)
	}
	first = netcdf.Date{Year: x[0], Month: max(1, x[1]), Day: max(1, x[2])}
	last = netcdf.Date{Year: x[0], Month: 12, Day: x[2], Hour: 23, Minute: 59, Second: 59, Millisecond: 999}
	if x[1] > 0 {
		last.Month = x[1]
	}
	if last.Month > 12 {
		return first, last, fmt.Errorf("%q has no such month", s)
	}
	if last.Day == 0 {
		last.Day = c.DaysIn(last.Year, last.Month)
	}
	if !c.Valid(first) || !c.Valid(last) {
		return first, last, fmt.Errorf("the %s calendar has no %s", c, s)
	}
	return first, last, nil
}

// Has tells whether a time lies in the interval.
func (v Interval) Has(c netcdf.Calendar, d netcdf.Date) bool {
	return c.Compare(d, v.From) >= 0 && c.Compare(d, v.To) <= 0
}

// String is the form of --time, with seconds.
func (v Interval) String() string { return v.From.String() + "/" + v.To.String() }
