package netcdf

import (
	"fmt"
	"math"
	"regexp"
	"strings"
)

var (
	northUnits    = regexp.MustCompile(`^degrees?_?(north|N)$`)
	eastUnits     = regexp.MustCompile(`^degrees?_?(east|E)$`)
	pressureUnits = regexp.MustCompile(`^(Pa|hPa|kPa|mbar|millibars?|mb|bar|dbar|decibar)$`)
)

// kindOf finds out what a coordinate measures: standard_name first, then units,
// axis and positive, and at last the names that files without any of them use.
func kindOf(v Variable) AxisKind {
	switch v.text("standard_name") {
	case "longitude":
		return Longitude
	case "latitude":
		return Latitude
	case "time", "forecast_reference_time":
		return Time
	case "grid_longitude", "projection_x_coordinate":
		return X
	case "grid_latitude", "projection_y_coordinate":
		return Y
	case "air_pressure", "height", "altitude", "depth", "model_level_number", "geopotential_height":
		return Vertical
	}
	units := v.text("units")
	switch {
	case eastUnits.MatchString(units):
		return Longitude
	case northUnits.MatchString(units):
		return Latitude
	case strings.Contains(units, " since "):
		return Time
	}
	switch strings.ToUpper(v.text("axis")) {
	case "T":
		return Time
	case "Z":
		return Vertical
	case "X":
		return X
	case "Y":
		return Y
	}
	if v.text("positive") != "" || pressureUnits.MatchString(units) {
		return Vertical
	}
	switch strings.ToLower(v.Name) {
	case "lon", "longitude":
		return Longitude
	case "lat", "latitude":
		return Latitude
	case "lev", "level", "plev", "depth", "height":
		return Vertical
	case "time", "year":
		return Time
	}
	return Other
}

const mostLevels = 100 // of a vertical axis that are listed

// summarise describes the values of a coordinate; line says that they are along
// one dimension, so that steps have a meaning.
func summarise(v Variable, kind AxisKind, values []float64, line bool) *Axis {
	a := &Axis{Kind: kind, Units: v.text("units"), Count: len(values), Bounds: v.text("bounds")}
	if a.Bounds == "" {
		a.Bounds = v.text("climatology")
	}
	finite := make([]float64, 0, len(values))
	for _, x := range values {
		if math.IsNaN(x) || math.IsInf(x, 0) {
			a.Missing++
			continue
		}
		finite = append(finite, x)
	}
	if len(finite) == 0 {
		return a
	}
	a.First, a.Last, a.Min, a.Max = finite[0], finite[len(finite)-1], finite[0], finite[0]
	for _, x := range finite {
		a.Min, a.Max = min(a.Min, x), max(a.Max, x)
	}
	if kind == Vertical && line && len(finite) <= mostLevels {
		a.Values = finite
	}
	if n := len(finite); line && a.Missing == 0 && n > 1 {
		a.steps(finite, v.Type == "float")
	}
	return a
}

// steps finds the step and whether all are alike, within what the number type
// can say: float32 degrees have a grain of some 1e-5.
func (a *Axis) steps(x []float64, single bool) {
	step := (a.Last - a.First) / float64(len(x)-1)
	if math.IsInf(step, 0) {
		return
	}
	grain := 1e-12
	if single {
		grain = 2.4e-7
	}
	tolerance := 1e-4*math.Abs(step) + grain*max(math.Abs(a.Min), math.Abs(a.Max))
	up, down := true, true
	a.Step, a.Regular = step, step != 0
	for i := 1; i < len(x); i++ {
		up, down = up && x[i] > x[i-1], down && x[i] < x[i-1]
		a.Regular = a.Regular && math.Abs(x[i]-a.First-float64(i)*step) <= tolerance
	}
	a.Monotonic = up || down
	a.Regular = a.Regular && a.Monotonic
}

// decodeTime turns a time coordinate into dates.
func decodeTime(v Variable, values []float64) (*TimeAxis, error) {
	units, err := ParseTimeUnits(v.text("units"), v.text("calendar"))
	if err != nil {
		return nil, err
	}
	t := &TimeAxis{Units: v.text("units"), Unit: units.Unit, Reference: units.Reference, Calendar: units.Calendar}
	dates := make([]Date, len(values))
	for i, x := range values {
		if dates[i], err = units.Date(x); err != nil {
			return nil, fmt.Errorf("value %d: %w", i, err)
		}
	}
	if len(dates) == 0 {
		return t, nil
	}
	t.First, t.Last = dates[0], dates[len(dates)-1]
	t.Interval = interval(values, dates, float64(units.micros)/1e6)
	return t, nil
}

// interval names the distance of neighbours: a fixed time, else whole months or
// years, whose lengths vary.
func interval(values []float64, dates []Date, seconds float64) string {
	if len(values) < 2 {
		return ""
	}
	same, months := true, monthsBetween(dates[0], dates[1])
	first := (values[1] - values[0]) * seconds
	for i := 1; i < len(values); i++ {
		same = same && math.Abs((values[i]-values[i-1])*seconds-first) < 1 // to the second: float days round
		if monthsBetween(dates[i-1], dates[i]) != months {
			months = 0
		}
	}
	switch {
	case same && first > 0 && (months <= 0 || first < 28*86400):
		return fixedTime(first)
	case months > 0 && months%12 == 0:
		return plural(float64(months/12), "year")
	case months > 0:
		return plural(float64(months), "month")
	}
	return "irregular"
}

func monthsBetween(a, b Date) int { return 12*(b.Year-a.Year) + b.Month - a.Month }

func fixedTime(seconds float64) string {
	seconds = math.Round(seconds)
	for _, u := range []struct {
		seconds float64
		name    string
	}{{86400, "day"}, {3600, "hour"}, {60, "minute"}} {
		if seconds >= u.seconds && math.Mod(seconds, u.seconds) == 0 {
			return plural(seconds/u.seconds, u.name)
		}
	}
	return plural(seconds, "second")
}

func plural(n float64, unit string) string {
	if n == 1 {
		return "1 " + unit
	}
	return fmt.Sprintf("%g %ss", n, unit)
}
