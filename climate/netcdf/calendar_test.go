package netcdf

import (
	"fmt"
	"testing"
)

// The dates are computed by hand or taken from the calendars' own definitions.
func TestTimeUnitsDate(t *testing.T) {
	for _, x := range []struct {
		units, calendar string
		value           float64
		want            string
	}{
		{"days since 1850-01-01", "proleptic_gregorian", 0, "1850-01-01 00:00:00"},
		{"days since 2000-01-01", "standard", 60, "2000-03-01 00:00:00"},
		{"days since 1900-01-01", "standard", 59, "1900-03-01 00:00:00"},
		{"days since 1900-01-01", "julian", 59, "1900-02-29 00:00:00"},
		{"days since 1582-10-04", "gregorian", 1, "1582-10-15 00:00:00"},
		{"days since 1582-10-15", "", -1, "1582-10-04 00:00:00"},
		{"days since 1582-10-04", "proleptic_gregorian", 1, "1582-10-05 00:00:00"},
		{"days since 1582-10-04", "julian", 1, "1582-10-05 00:00:00"},
		// 1970-01-01 is Julian day 2440588 (at noon), 1-1-1 Julian is 1721424, 1-1-1 Gregorian 1721426.
		{"days since 0001-01-01", "standard", 2440588 - 1721424, "1970-01-01 00:00:00"},
		{"days since 0001-01-01", "proleptic_gregorian", 2440588 - 1721426, "1970-01-01 00:00:00"},
		{"days since 0001-01-01", "julian", 2440588 - 1721424, "1969-12-19 00:00:00"},
		{"days since 2000-02-28", "noleap", 1, "2000-03-01 00:00:00"},
		{"days since 2001-02-28", "all_leap", 1, "2001-02-29 00:00:00"},
		{"days since 2001-02-28", "366_day", 2, "2001-03-01 00:00:00"},
		{"days since 0001-01-01", "365_day", 365 * 1999, "2000-01-01 00:00:00"},
		{"days since 2000-01-01", "360_day", 59, "2000-02-30 00:00:00"},
		{"months since 2000-01-01", "360_day", 13.5, "2001-02-16 00:00:00"},
		{"years since 2000-01-01", "noleap", 4, "2004-01-01 00:00:00"},
		{"hours since 1999-12-31 18:00", "standard", 6.5, "2000-01-01 00:30:00"},
		{"seconds since 1970-01-01T00:00:00Z", "standard", 951782400.25, "2000-02-29 00:00:00.250"},
		{"minutes since 2000-01-01 00:00:00 +05:30", "standard", 0, "1999-12-31 18:30:00"},
		{"hours since 2000-01-01 00:00:00.0 -6", "standard", 0, "2000-01-01 06:00:00"},
		{"days since 1-1-1 00:00:0.0", "standard", 0, "0001-01-01 00:00:00"},
		{"hour since 0000-01-01 00:00:00", "", 24 * 366, "0001-01-01 00:00:00"},
		{"days since 1850-1-1", "standard", 2.0 / 3, "1850-01-01 16:00:00"},
		{"days since 1850-1-1", "standard", -0.25, "1849-12-31 18:00:00"},
	} {
		u, err := ParseTimeUnits(x.units, x.calendar)
		if err != nil {
			t.Errorf("%s, %s: %v", x.units, x.calendar, err)
			continue
		}
		if got, err := u.Date(x.value); err != nil || got.String() != x.want {
			t.Errorf("%v %s, %s: %v (%v), want %s", x.value, x.units, x.calendar, got, err, x.want)
		}
	}
}

func TestTimeUnitsRefuse(t *testing.T) {
	for _, x := range [][2]string{
		{"days", ""}, {"days since", ""}, {"days since yesterday", ""}, {"K", ""}, {"months since 2000-01-01", "standard"},
		{"fortnights since 2000-01-01", ""}, {"days since 2000-02-30", "standard"}, {"days since 1900-02-29", "gregorian"},
		{"days since 1582-10-10", "standard"}, {"days since 2000-13-01", "360_day"}, {"days since 2000-01-31", "360_day"},
		{"days since 2000-01-01 25:00", ""}, {"days since 2000-01-01", "mayan"}, {"days since 12000-01-01", ""},
	} {
		if u, err := ParseTimeUnits(x[0], x[1]); err == nil {
			t.Errorf("%s, %s is read as %+v", x[0], x[1], u)
		}
	}
	u, err := ParseTimeUnits("days since 2000-01-01", "standard")
	if err != nil {
		t.Fatal(err)
	}
	for _, v := range []float64{1e300, -1e300, 1e20, -800000, 9999 * 366} {
		if d, err := u.Date(v); err == nil {
			t.Errorf("%v days is %v, wanted an error", v, d)
		}
	}
}

// Days follow one another, and dayNumber and date are inverses, in every
// calendar from year 0 to 2400.
func TestCalendarsCountEveryDay(t *testing.T) {
	days := map[Calendar]int{Days360: 360 * 2401, NoLeap: 365 * 2401, AllLeap: 366 * 2401,
		Julian: 365*2401 + 601, Proleptic: 365*2401 + 583,
		// Centuries 1700, 1800, 1900, 2100, 2200, 2300 lose a day each, and ten went in 1582.
		Standard: 365*2401 + 601 - 6 - 10}
	for c, want := range days {
		n, last := 0, c.dayNumber(0, 1, 1)-1
		for y := 0; y <= 2400; y++ {
			for m := 1; m <= 12; m++ {
				for d := 1; d <= c.daysIn(y, m); d++ {
					if !c.valid(y, m, d) {
						continue
					}
					day := c.dayNumber(y, m, d)
					gy, gm, gd := c.date(day)
					if day != last+1 || gy != y || gm != m || gd != d {
						t.Fatalf("%s %d-%d-%d: day %d after %d, back as %d-%d-%d", c, y, m, d, day, last, gy, gm, gd)
					}
					n, last = n+1, day
				}
			}
		}
		if n != want {
			t.Errorf("%s has %d days in the years 0 to 2400, want %d", c, n, want)
		}
	}
}

func ExampleParseTimeUnits() {
	u, err := ParseTimeUnits("days since 1850-01-01", "360_day")
	if err != nil {
		fmt.Println(err)
		return
	}
	d, err := u.Date(59.5)
	fmt.Println(d, err)
	// Output: 1850-02-30 12:00:00 <nil>
}
