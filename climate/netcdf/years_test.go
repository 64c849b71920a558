package netcdf

import (
	"slices"
	"testing"
)

func TestPlainYears(t *testing.T) {
	units := func(s string) Variable {
		v := Variable{Name: "time", Type: "int64", Dimensions: []string{"time"}, Shape: []int{3}}
		if s != "" {
			v.Attributes = []Attribute{Text("units", s)}
		}
		return v
	}
	for _, x := range []struct {
		units  string
		values []float64
		ok     bool
	}{
		{"", []float64{2015, 2016, 2017}, true},
		{"year", []float64{1850, 1860}, true},
		{"", []float64{0, 1, 2}, false},
		{"", []float64{2015, 2015.5}, false},
		{"", []float64{2016, 2015}, false},
		{"days since 1850-01-01", []float64{2015, 2016}, false},
		{"K", []float64{2015, 2016}, false},
		{"", nil, false},
	} {
		dates, bounds, ok := PlainYears(units(x.units), x.values)
		if ok != x.ok {
			t.Errorf("%q %v: %v", x.units, x.values, ok)
			continue
		}
		for i := range dates {
			if year := int(x.values[i]); dates[i] != (Date{Year: year, Month: 7, Day: 1}) || bounds[i] != [2]Date{{Year: year, Month: 1, Day: 1}, {Year: year + 1, Month: 1, Day: 1}} {
				t.Errorf("%v is %v within %v", x.values[i], dates[i], bounds[i])
			}
		}
		if a, ok := yearsAxis(units(x.units), x.values); ok && !slices.Contains([]string{"1 year", "10 years"}, a.Interval) {
			t.Errorf("%v: interval %q", x.values, a.Interval)
		}
	}
}
