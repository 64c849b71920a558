package netcdf

import (
	"fmt"
	"strings"
)

// Calendar is one of the CF conventions, by its first name there.
type Calendar string

const (
	Standard  Calendar = "standard" // Julian until 1582-10-04, Gregorian from 1582-10-15; also called gregorian
	Proleptic Calendar = "proleptic_gregorian"
	Julian    Calendar = "julian"
	NoLeap    Calendar = "noleap"   // also 365_day
	AllLeap   Calendar = "all_leap" // also 366_day
	Days360   Calendar = "360_day"
)

// ParseCalendar reads a calendar attribute; none at all means Standard.
func ParseCalendar(s string) (Calendar, error) {
	switch strings.ToLower(strings.TrimSpace(s)) {
	case "", "standard", "gregorian":
		return Standard, nil
	case "proleptic_gregorian":
		return Proleptic, nil
	case "julian":
		return Julian, nil
	case "noleap", "365_day":
		return NoLeap, nil
	case "all_leap", "366_day":
		return AllLeap, nil
	case "360_day":
		return Days360, nil
	}
	return "", fmt.Errorf("netcdf: calendar %q is unknown; wanted standard, gregorian, proleptic_gregorian, julian, noleap, 365_day, all_leap, 366_day or 360_day", s)
}

// Date is a moment in some calendar; February 30 is one in 360_day.
type Date struct{ Year, Month, Day, Hour, Minute, Second, Millisecond int }

// String is 2000-02-30 12:00:00, with .250 where there are milliseconds.
func (d Date) String() string { return d.text(' ') }

// MarshalText is String with T between date and time, as in ISO 8601.
func (d Date) MarshalText() ([]byte, error) { return []byte(d.text('T')), nil }

func (d Date) text(between rune) string {
	s := fmt.Sprintf("%04d-%02d-%02d%c%02d:%02d:%02d", d.Year, d.Month, d.Day, between, d.Hour, d.Minute, d.Second)
	if d.Millisecond != 0 {
		s += fmt.Sprintf(".%03d", d.Millisecond)
	}
	return s
}

var monthDays = [12]int{31, 28, 31, 30, 31, 30, 31, 31, 30, 31, 30, 31}

// daysIn is the length of a month.
func (c Calendar) daysIn(year, month int) int {
	if c == Days360 {
		return 30
	}
	if month == 2 && c.leap(year) {
		return 29
	}
	return monthDays[month-1]
}

func (c Calendar) leap(y int) bool {
	gregorian := y%4 == 0 && (y%100 != 0 || y%400 == 0)
	switch c {
	case AllLeap:
		return true
	case NoLeap, Days360:
		return false
	case Julian:
		return y%4 == 0
	case Proleptic:
		return gregorian
	}
	if y <= 1582 {
		return y%4 == 0
	}
	return gregorian
}

// valid tells whether the calendar has that day.
func (c Calendar) valid(y, m, d int) bool {
	if m < 1 || m > 12 || d < 1 || d > c.daysIn(y, m) {
		return false
	}
	return !(c == Standard && y == 1582 && m == 10 && d > 4 && d < 15)
}

// firstGregorian is the Julian day number of 1582-10-15.
const firstGregorian = 2299161

// dayNumber counts days from a day of the calendar's own; years from 0.
func (c Calendar) dayNumber(y, m, d int) int {
	switch c {
	case Days360:
		return 360*y + 30*(m-1) + d - 1
	case NoLeap, AllLeap:
		n := 365 * y
		if c == AllLeap {
			n = 366 * y
		}
		for i := 1; i < m; i++ {
			n += c.daysIn(y, i)
		}
		return n + d - 1
	case Julian:
		return julianDay(y, m, d)
	case Proleptic:
		return gregorianDay(y, m, d)
	}
	if y > 1582 || y == 1582 && (m > 10 || m == 10 && d >= 15) {
		return gregorianDay(y, m, d)
	}
	return julianDay(y, m, d)
}

// date is the inverse of dayNumber.
func (c Calendar) date(n int) (y, m, d int) {
	switch c {
	case Days360:
		y, n = floorDiv(n, 360)
		return y, n/30 + 1, n%30 + 1
	case NoLeap, AllLeap:
		length := 365
		if c == AllLeap {
			length = 366
		}
		y, n = floorDiv(n, length)
		for m = 1; n >= c.daysIn(y, m); m++ {
			n -= c.daysIn(y, m)
		}
		return y, m, n + 1
	case Julian:
		return fromJulianDay(n)
	case Proleptic:
		return fromGregorianDay(n)
	}
	if n >= firstGregorian {
		return fromGregorianDay(n)
	}
	return fromJulianDay(n)
}

// marchYear counts the days of a year that begins in March: leap days are then
// at its end, and the months follow one line of 153 days in five.
func marchYear(y, m int) (year, days int) {
	if m <= 2 {
		y, m = y-1, m+12
	}
	return y, (153*(m-3) + 2) / 5
}

// The two constants make both counts Julian day numbers: 0000-03-01 Julian is
// day 1721118, 0000-03-01 Gregorian day 1721120.
func julianDay(y, m, d int) int {
	y, days := marchYear(y, m)
	q, _ := floorDiv(y, 4)
	return 365*y + q + days + d - 1 + 1721118
}

func gregorianDay(y, m, d int) int {
	y, days := marchYear(y, m)
	q4, _ := floorDiv(y, 4)
	q100, _ := floorDiv(y, 100)
	q400, _ := floorDiv(y, 400)
	return 365*y + q4 - q100 + q400 + days + d - 1 + 1721120
}

func fromJulianDay(n int) (y, m, d int) {
	cycle, n := floorDiv(n-1721118, 1461)
	year := min(n/365, 3)
	return fromMarch(4*cycle+year, n-365*year)
}

func fromGregorianDay(n int) (y, m, d int) {
	era, n := floorDiv(n-1721120, 146097)
	century := min(n/36524, 3)
	n -= 36524 * century
	cycle := n / 1461
	n -= 1461 * cycle
	year := min(n/365, 3)
	return fromMarch(400*era+100*century+4*cycle+year, n-365*year)
}

func fromMarch(year, day int) (y, m, d int) {
	m = (5*day + 2) / 153
	d = day - (153*m+2)/5 + 1
	if m < 10 {
		return year, m + 3, d
	}
	return year + 1, m - 9, d
}

func floorDiv(a, b int) (q, r int) {
	q, r = a/b, a%b
	if r < 0 {
		q, r = q-1, r+b
	}
	return q, r
}
