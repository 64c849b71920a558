package field

import (
	"fmt"

	"github.com/kiban-models/kiban/climate/netcdf"
)

// Step is the distance of neighbours in time: whole months, whose lengths vary
// and whose stamps may be anywhere within them, or a fixed time. The zero Step
// is that of a series of one time or of no order.
type Step struct {
	Months int
	Millis int64
}

// Possible tells whether a step is no longer than the years that dates have.
func (s Step) Possible() bool {
	const years = 10_000
	return s.Months >= 0 && s.Millis >= 0 && s.Months <= 12*years && s.Millis <= years*366*86_400_000
}

// StepOf is the most frequent distance of neighbours.
func StepOf(c netcdf.Calendar, times []netcdf.Date) Step {
	fixed, months := map[int64]int{}, map[int]int{}
	for i := 1; i < len(times); i++ {
		a, b := times[i-1], times[i]
		fixed[c.Millis(b)-c.Millis(a)]++
		months[monthsBetween(a, b)]++
	}
	d, n := most(fixed)
	m, k := most(months)
	// Twelve months of 30 days are both: months are the better name.
	if m > 0 && k >= n && d >= 28*86_400_000 {
		return Step{Months: m}
	}
	return Step{Millis: d}
}

func most[T int | int64](counts map[T]int) (T, int) {
	var best T
	n := 0
	for x, k := range counts {
		if k > n || k == n && x < best {
			best, n = x, k
		}
	}
	return best, n
}

func monthsBetween(a, b netcdf.Date) int { return 12*(b.Year-a.Year) + b.Month - a.Month }

// Follows tells whether b comes one step after a. Fixed times may be off by a
// second, which is how float32 days round.
func (s Step) Follows(c netcdf.Calendar, a, b netcdf.Date) bool {
	if s.Months > 0 {
		return monthsBetween(a, b) == s.Months
	}
	d := c.Millis(b) - c.Millis(a) - s.Millis
	return d <= 1000 && d >= -1000
}

// After is the time n steps after another. Of months, the day stays, or is the
// last of a month that lacks it.
func (s Step) After(c netcdf.Calendar, d netcdf.Date, n int) netcdf.Date {
	if s.Months == 0 {
		return c.At(c.Millis(d) + int64(n)*s.Millis)
	}
	m := 12*d.Year + d.Month - 1 + n*s.Months
	d.Year, d.Month = m/12, m%12+1
	d.Day = min(d.Day, c.DaysIn(d.Year, d.Month))
	return d
}

// Hours is the length of a fixed step; 0 for months.
func (s Step) Hours() float64 { return float64(s.Millis) / 3_600_000 }

// String is such as "6 hours", "1 month", "1 year".
func (s Step) String() string {
	unit, n := "seconds", float64(s.Millis)/1000
	switch {
	case s == Step{}:
		return "one time"
	case s.Months%12 == 0 && s.Months > 0:
		unit, n = "years", float64(s.Months/12)
	case s.Months > 0:
		unit, n = "months", float64(s.Months)
	case s.Millis%86_400_000 == 0:
		unit, n = "days", float64(s.Millis/86_400_000)
	case s.Millis%3_600_000 == 0:
		unit, n = "hours", float64(s.Millis/3_600_000)
	case s.Millis%60_000 == 0:
		unit, n = "minutes", float64(s.Millis/60_000)
	}
	if n == 1 {
		unit = unit[:len(unit)-1]
	}
	return fmt.Sprintf("%g %s", n, unit)
}
