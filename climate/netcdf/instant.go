package netcdf

import "cmp"

// Millis counts the milliseconds from a day of the calendar's own to a date, so
// that differences and order are exact. Dates of two calendars have nothing in
// common.
func (c Calendar) Millis(d Date) int64 {
	return int64(c.dayNumber(d.Year, d.Month, d.Day))*86_400_000 +
		int64(d.Hour)*3_600_000 + int64(d.Minute)*60_000 + int64(d.Second)*1000 + int64(d.Millisecond)
}

// At is the date of a count of Millis.
func (c Calendar) At(millis int64) Date {
	day, rest := floorDiv(int(millis), 86_400_000)
	y, m, d := c.date(day)
	return Date{y, m, d, rest / 3_600_000, rest / 60_000 % 60, rest / 1000 % 60, rest % 1000}
}

// Compare is negative when a is before b, positive when it is after.
func (c Calendar) Compare(a, b Date) int { return cmp.Compare(c.Millis(a), c.Millis(b)) }

// Valid tells whether the calendar has that date.
func (c Calendar) Valid(d Date) bool {
	return c.valid(d.Year, d.Month, d.Day) && d.Hour >= 0 && d.Hour < 24 && d.Minute >= 0 && d.Minute < 60 &&
		d.Second >= 0 && d.Second < 60 && d.Millisecond >= 0 && d.Millisecond < 1000
}

// DaysIn is the length of a month in days.
func (c Calendar) DaysIn(year, month int) int { return c.daysIn(year, month) }

// DayOfYear counts from 1.
func (c Calendar) DayOfYear(d Date) int {
	return c.dayNumber(d.Year, d.Month, d.Day) - c.dayNumber(d.Year, 1, 1) + 1
}
