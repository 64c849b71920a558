package netcdf

import (
	"fmt"
	"math"
	"regexp"
	"strconv"
	"strings"
)

// TimeUnits turns the numbers of a time coordinate into dates.
type TimeUnits struct {
	Unit      string // second, minute, hour, day, …
	Reference Date   // in UTC
	Calendar  Calendar

	micros    int64 // of one unit
	reference int64 // microseconds from the calendar's day 0
}

// sinceYearZero finds references that no real calendar has.
var sinceYearZero = regexp.MustCompile(`\ssince\s+0{1,4}-`)

const dayMicros = 86400 * 1_000_000

// The reference may lack its time and its zone.
var sinceDate = regexp.MustCompile(`^([a-zA-Z_]+)\s+since\s+(\d{1,4})-(\d{1,2})-(\d{1,2})` +
	`(?:(?:\s+|T)(\d{1,2})(?::(\d{1,2})(?::(\d{1,2})(\.\d*)?)?)?)?` +
	`\s*(Z|UTC|GMT|[+-]\d{1,2}(?::?\d{2})?)?$`)

// ParseTimeUnits reads units such as "days since 1850-01-01 00:00:00" and a
// calendar attribute. Months and years are units only where the calendar gives
// all of them one length.
func ParseTimeUnits(units, calendar string) (TimeUnits, error) {
	cal, err := ParseCalendar(calendar)
	if err != nil {
		return TimeUnits{}, err
	}
	m := sinceDate.FindStringSubmatch(strings.TrimSpace(units))
	if m == nil {
		return TimeUnits{}, fmt.Errorf("netcdf: time units %q cannot be read; wanted such as %q", units, "days since 1850-01-01 00:00:00")
	}
	t := TimeUnits{Calendar: cal}
	if t.Unit, t.micros, err = timeUnit(m[1], cal); err != nil {
		return TimeUnits{}, err
	}
	var f [6]int
	for i := range f {
		if m[i+2] != "" {
			if f[i], err = strconv.Atoi(m[i+2]); err != nil {
				return TimeUnits{}, fmt.Errorf("netcdf: time units %q: %w", units, err)
			}
		}
	}
	if !cal.valid(f[0], f[1], f[2]) || f[3] > 24 || f[4] > 59 || f[5] > 60 {
		return TimeUnits{}, fmt.Errorf("netcdf: time units %q: the %s calendar has no such reference date", units, cal)
	}
	t.reference = int64(cal.dayNumber(f[0], f[1], f[2]))*dayMicros + int64(f[3]*3600+f[4]*60+f[5])*1_000_000
	if m[8] != "" && m[8] != "." {
		fraction, err := strconv.ParseFloat("0"+m[8], 64)
		if err != nil {
			return TimeUnits{}, fmt.Errorf("netcdf: time units %q: %w", units, err)
		}
		t.reference += int64(math.Round(fraction * 1e6))
	}
	t.reference -= zoneMicros(m[9])
	if t.Reference, err = t.at(t.reference); err != nil {
		return TimeUnits{}, err
	}
	return t, nil
}

func timeUnit(word string, cal Calendar) (string, int64, error) {
	yearDays := map[Calendar]int64{NoLeap: 365, AllLeap: 366, Days360: 360}[cal]
	switch strings.ToLower(word) {
	case "microseconds", "microsecond", "microsec", "microsecs":
		return "microsecond", 1, nil
	case "milliseconds", "millisecond", "millisec", "millisecs", "msec", "msecs", "ms":
		return "millisecond", 1000, nil
	case "seconds", "second", "sec", "secs", "s":
		return "second", 1_000_000, nil
	case "minutes", "minute", "min", "mins":
		return "minute", 60_000_000, nil
	case "hours", "hour", "hr", "hrs", "h":
		return "hour", 3600_000_000, nil
	case "days", "day", "d":
		return "day", dayMicros, nil
	case "weeks", "week":
		return "week", 7 * dayMicros, nil
	case "months", "month", "mon":
		if cal == Days360 {
			return "month", 30 * dayMicros, nil
		}
		return "", 0, fmt.Errorf("netcdf: time unit %q has no fixed length in the %s calendar; wanted days, hours, minutes or seconds", word, cal)
	case "years", "year", "common_years", "common_year":
		if yearDays != 0 {
			return "year", yearDays * dayMicros, nil
		}
		return "", 0, fmt.Errorf("netcdf: time unit %q has no fixed length in the %s calendar; wanted days, hours, minutes or seconds", word, cal)
	}
	return "", 0, fmt.Errorf("netcdf: time unit %q is unknown; wanted days, hours, minutes, seconds, milliseconds or microseconds", word)
}

// zoneMicros is the offset of "+05:30", "-6", "+0530"; zero for UTC.
func zoneMicros(zone string) int64 {
	if zone == "" || zone[0] != '+' && zone[0] != '-' {
		return 0
	}
	digits := strings.ReplaceAll(zone[1:], ":", "")
	hours, minutes := digits, "0"
	if len(digits) > 2 {
		hours, minutes = digits[:len(digits)-2], digits[len(digits)-2:]
	}
	// The pattern has let through digits only.
	h, _ := strconv.ParseInt(hours, 10, 64)
	m, _ := strconv.ParseInt(minutes, 10, 64)
	offset := (h*60 + m) * 60_000_000
	if zone[0] == '-' {
		return -offset
	}
	return offset
}

// Date is the moment that a value of the coordinate stands for, to the
// millisecond. Values outside the years 0 to 9999 are errors.
func (t TimeUnits) Date(value float64) (Date, error) {
	whole := math.Floor(value)
	if math.IsNaN(value) || math.Abs(whole)*float64(t.micros) > 1e4*366*dayMicros {
		return Date{}, fmt.Errorf("netcdf: time %v %ss since %v is outside the years 0 to 9999", value, t.Unit, t.Reference)
	}
	return t.at(t.reference + int64(whole)*t.micros + int64(math.Round((value-whole)*float64(t.micros))))
}

// Value is the number that stands for a date of the units' calendar, the inverse
// of Date.
func (t TimeUnits) Value(d Date) float64 {
	micros := t.Calendar.Millis(d)*1000 - t.reference
	whole := micros / t.micros // apart, so that large numbers keep their fractions
	return float64(whole) + float64(micros-whole*t.micros)/float64(t.micros)
}

// at is the date at a number of microseconds from the calendar's day 0.
func (t TimeUnits) at(micros int64) (Date, error) {
	// Days in float64 are exact to some microseconds: no finer than this.
	millis := int(micros+500) / 1000
	if micros+500 < 0 {
		millis = 0
	}
	day, rest := floorDiv(millis, 86_400_000)
	y, m, d := t.Calendar.date(day)
	if micros+500 < 0 || y < 0 || y > 9999 {
		return Date{}, fmt.Errorf("netcdf: a time in the %s calendar is outside the years 0 to 9999", t.Calendar)
	}
	return Date{y, m, d, rest / 3_600_000, rest / 60_000 % 60, rest / 1000 % 60, rest % 1000}, nil
}
