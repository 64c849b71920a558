package window

import (
	"fmt"
	"math"
	"strconv"
	"strings"

	"github.com/kiban-models/kiban/climate/field"
	"github.com/kiban-models/kiban/climate/netcdf"
)

// ParseLead makes steps of a lead time: 72h, 3d, 2w, 1mo or 10y. One that is no
// multiple of the step is an error; months and years are so of a fixed step, and
// hours of a step of months.
func ParseLead(s string, step field.Step) (int, error) {
	text := strings.TrimSpace(s)
	end := strings.LastIndexAny(text, "0123456789.") + 1
	n, err := strconv.ParseFloat(text[:end], 64)
	if err != nil || !(n > 0) {
		return 0, fmt.Errorf("window: lead time %q cannot be read; wanted such as 72h, 3d, 2w, 1mo or 10y", s)
	}
	months, millis := 0.0, 0.0
	switch strings.TrimSpace(text[end:]) {
	case "h", "hour", "hours":
		millis = n * 3_600_000
	case "d", "day", "days":
		millis = n * 86_400_000
	case "w", "week", "weeks":
		millis = n * 7 * 86_400_000
	case "mo", "month", "months":
		months = n
	case "y", "year", "years":
		months = 12 * n
	default:
		return 0, fmt.Errorf("window: lead time %q: unit %q is unknown; wanted h, d, w, mo or y", s, strings.TrimSpace(text[end:]))
	}
	steps := math.NaN()
	switch {
	case step.Months > 0 && months > 0:
		steps = months / float64(step.Months)
	case step.Millis > 0 && millis > 0:
		steps = millis / float64(step.Millis)
	}
	if r := math.Round(steps); !(math.Abs(steps-r) < 1e-9 && r >= 1 && r < 1<<31) {
		return 0, fmt.Errorf("window: lead time %s is no multiple of the data's interval, %s", s, step)
	}
	return int(math.Round(steps)), nil
}

// Hours is the length of some steps. Months have the mean length of the
// calendar's: 730.485 hours in the standard one.
func Hours(c netcdf.Calendar, step field.Step, steps int) float64 {
	if step.Months == 0 {
		return float64(steps) * step.Hours()
	}
	days := 365.2425
	switch c {
	case netcdf.NoLeap:
		days = 365
	case netcdf.AllLeap:
		days = 366
	case netcdf.Days360:
		days = 360
	case netcdf.Julian:
		days = 365.25
	}
	return float64(steps*step.Months) * days * 2 // 24 hours of a twelfth
}
