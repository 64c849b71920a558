package field

import (
	"fmt"
	"math"
	"regexp"
	"strconv"
	"strings"
)

// Gravity is standard gravity in m s-2 (ISO 80000-3), by which a geopotential
// height becomes a geopotential. ClimaX's preprocessing used 9.807.
const Gravity = 9.80665

// unit is what a text of units means: a power of each base unit, and the way to
// them.
type unit struct {
	scale, offset float64 // of the base units: value*scale + offset
	m, kg, s, k   int
}

// baseUnits are the words that climate data use, in base units. Their prefixes
// are part of the word: few are in use, and "min" is no milli-inch.
var baseUnits = map[string]unit{
	"1": {scale: 1}, "%": {scale: 0.01}, "percent": {scale: 0.01}, "fraction": {scale: 1},
	"m": {scale: 1, m: 1}, "meter": {scale: 1, m: 1}, "meters": {scale: 1, m: 1}, "metre": {scale: 1, m: 1}, "metres": {scale: 1, m: 1},
	"gpm": {scale: 1, m: 1},
	"km":  {scale: 1000, m: 1}, "cm": {scale: 0.01, m: 1}, "mm": {scale: 0.001, m: 1},
	"kg": {scale: 1, kg: 1}, "g": {scale: 0.001, kg: 1}, "mg": {scale: 1e-6, kg: 1},
	"s": {scale: 1, s: 1}, "sec": {scale: 1, s: 1}, "second": {scale: 1, s: 1}, "seconds": {scale: 1, s: 1},
	"min": {scale: 60, s: 1}, "minute": {scale: 60, s: 1}, "h": {scale: 3600, s: 1}, "hr": {scale: 3600, s: 1}, "hour": {scale: 3600, s: 1},
	"hours": {scale: 3600, s: 1}, "d": {scale: 86400, s: 1}, "day": {scale: 86400, s: 1}, "days": {scale: 86400, s: 1},
	"K": {scale: 1, k: 1}, "kelvin": {scale: 1, k: 1}, "Kelvin": {scale: 1, k: 1}, "degK": {scale: 1, k: 1}, "deg_K": {scale: 1, k: 1},
	"degC": {1, 273.15, 0, 0, 0, 1}, "deg_C": {1, 273.15, 0, 0, 0, 1}, "degree_C": {1, 273.15, 0, 0, 0, 1}, "degrees_C": {1, 273.15, 0, 0, 0, 1},
	"celsius": {1, 273.15, 0, 0, 0, 1}, "Celsius": {1, 273.15, 0, 0, 0, 1}, "degree_Celsius": {1, 273.15, 0, 0, 0, 1},
	"degrees_Celsius": {1, 273.15, 0, 0, 0, 1}, "degree_celsius": {1, 273.15, 0, 0, 0, 1}, "degrees_celsius": {1, 273.15, 0, 0, 0, 1}, "°C": {1, 273.15, 0, 0, 0, 1},
	"degF": {5. / 9, 459.67 * 5 / 9, 0, 0, 0, 1}, "fahrenheit": {5. / 9, 459.67 * 5 / 9, 0, 0, 0, 1},
	"Pa": {scale: 1, m: -1, kg: 1, s: -2}, "pascal": {scale: 1, m: -1, kg: 1, s: -2}, "pascals": {scale: 1, m: -1, kg: 1, s: -2},
	"hPa": {scale: 100, m: -1, kg: 1, s: -2}, "kPa": {scale: 1000, m: -1, kg: 1, s: -2}, "bar": {scale: 1e5, m: -1, kg: 1, s: -2},
	"mbar": {scale: 100, m: -1, kg: 1, s: -2}, "mb": {scale: 100, m: -1, kg: 1, s: -2}, "millibar": {scale: 100, m: -1, kg: 1, s: -2},
	"millibars": {scale: 100, m: -1, kg: 1, s: -2}, "dbar": {scale: 1e4, m: -1, kg: 1, s: -2},
	"J": {scale: 1, m: 2, kg: 1, s: -2}, "W": {scale: 1, m: 2, kg: 1, s: -3}, "N": {scale: 1, m: 1, kg: 1, s: -2},
	"radian": {scale: 1}, "rad": {scale: 1}, "degree": {scale: math.Pi / 180}, "degrees": {scale: math.Pi / 180},
}

// A factor is a word and perhaps a power: m, m2, m-2, m^2, m**-2.
var unitFactor = regexp.MustCompile(`^([A-Za-z%°_]+|1)(?:(?:\^|\*\*)?([+-]?\d))?$`)

// parseUnits reads the units of CF and of ERA5: factors beside one another or
// with . or * between, and / before those below.
func parseUnits(s string) (unit, error) {
	bad := fmt.Errorf("units %q are not among those that kiban knows, such as K, degC, Pa, hPa, m s-1, kg m-2 s-1, mm day-1, %%", s)
	out := unit{scale: 1}
	text := strings.TrimSpace(s)
	if text == "" {
		return out, fmt.Errorf("units are empty")
	}
	if strings.EqualFold(text, "deg C") { // old COARDS files
		text = "degC"
	}
	if text == "(0 - 1)" || text == "0-1" || text == "dimensionless" || text == "unitless" { // ERA5 writes fractions so
		return out, nil
	}
	factors := 0
	for i, part := range strings.Split(strings.ReplaceAll(text, "**", "^"), "/") {
		for _, f := range strings.FieldsFunc(part, func(r rune) bool { return r == ' ' || r == '.' || r == '*' }) {
			m := unitFactor.FindStringSubmatch(f)
			if m == nil {
				return out, bad
			}
			u, ok := baseUnits[m[1]]
			if !ok {
				return out, bad
			}
			n := 1
			if m[2] != "" {
				n, _ = strconv.Atoi(m[2]) // the pattern has let through one digit
			}
			if i > 0 {
				n = -n
			}
			out.scale *= math.Pow(u.scale, float64(n))
			out.m, out.kg, out.s, out.k = out.m+n*u.m, out.kg+n*u.kg, out.s+n*u.s, out.k+n*u.k
			if factors++; n == 1 && factors == 1 {
				out.offset = u.offset
			}
		}
	}
	if factors == 0 {
		return out, bad
	}
	if factors > 1 { // degC m-1 is of differences
		out.offset = 0
	}
	return out, nil
}

// same tells whether two units measure the same.
func (u unit) same(v unit) bool { return u.m == v.m && u.kg == v.kg && u.s == v.s && u.k == v.k }

// change is value*scale + offset from one quantity to another, with what there
// is to say about it.
type change struct {
	scale, offset float64
	seconds       bool // times the length of the time cell: a rate becomes an amount
	note          string
}

func (c change) none() bool { return c.scale == 1 && c.offset == 0 && !c.seconds }

// bridges are the quantities that become others by a constant, by standard_name.
var bridges = []struct {
	from, to string
	factor   float64 // in base units
	why      string
}{
	{"geopotential_height", "geopotential", Gravity, "times standard gravity, 9.80665 m s-2 (ClimaX was published with 9.807: 0.004% more)"},
	{"precipitation_flux", "lwe_precipitation_rate", 1e-3, "water of 1000 kg m-3"},
	{"precipitation_amount", "lwe_thickness_of_precipitation_amount", 1e-3, "water of 1000 kg m-3"},
}

// amounts are the rates that become amounts over a time cell.
var amounts = map[string]string{
	"precipitation_flux":     "precipitation_amount",
	"lwe_precipitation_rate": "lwe_thickness_of_precipitation_amount",
}

// quantity is what values are of.
type quantity struct{ standardName, units string }

// conversion finds the way from one quantity to another. A standard_name that
// is empty is unknown, and then only units speak.
func conversion(from, to quantity, accumulate bool) (change, error) {
	if from == to {
		return change{scale: 1}, nil
	}
	if strings.TrimSpace(from.units) == "" {
		return change{}, fmt.Errorf("has no units, and %s are wanted", to.units)
	}
	a, err := parseUnits(from.units)
	if err != nil {
		return change{}, err
	}
	b, err := parseUnits(to.units)
	if err != nil {
		return change{}, err
	}
	factor, why, seconds := 1.0, "", false
	name := from.standardName
	if name != to.standardName && name != "" && to.standardName != "" {
		if target, ok := amounts[name]; ok && !reaches(name, to.standardName) && reaches(target, to.standardName) {
			if !accumulate {
				return change{}, fmt.Errorf("is a rate (%s), and %s is an amount", name, to.standardName)
			}
			name, seconds = target, true
		}
		f, w, ok := bridge(name, to.standardName)
		if !ok {
			return change{}, fmt.Errorf("is %s, and %s is wanted", from.standardName, to.standardName)
		}
		factor, why = f, w
	}
	if seconds {
		a.s++
		why = strings.TrimPrefix(why+", times the seconds of each time cell", ", ")
	}
	have := a
	if factor != 1 && (name == "geopotential_height" || to.standardName == "geopotential_height") {
		if to.standardName == "geopotential" {
			have.m, have.s = have.m+1, have.s-2
		} else {
			have.m, have.s = have.m-1, have.s+2
		}
	} else if factor != 1 { // kg m-2 of water and m of it
		if factor < 1 {
			have.m, have.kg = have.m+3, have.kg-1
		} else {
			have.m, have.kg = have.m-3, have.kg+1
		}
	}
	if !have.same(b) {
		return change{}, fmt.Errorf("units are %q, which %q cannot be made of", from.units, to.units)
	}
	c := change{scale: a.scale * factor / b.scale, offset: (a.offset*factor - b.offset) / b.scale, seconds: seconds}
	if seconds {
		c.offset = 0
	}
	if math.Abs(c.scale-1) < 1e-14 {
		c.scale = 1
	}
	if !c.none() || why != "" {
		c.note = fmt.Sprintf("%s to %s", from.units, to.units)
		if why != "" {
			c.note += ": " + why
		}
	}
	return c, nil
}

func bridge(from, to string) (factor float64, why string, ok bool) {
	if from == to {
		return 1, "", true
	}
	for _, b := range bridges {
		switch {
		case b.from == from && b.to == to:
			return b.factor, b.why, true
		case b.from == to && b.to == from:
			return 1 / b.factor, strings.Replace(b.why, "times", "divided by", 1), true
		}
	}
	return 0, "", false
}

func reaches(from, to string) bool {
	_, _, ok := bridge(from, to)
	return ok
}
