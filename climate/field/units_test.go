package field

import (
	"math"
	"strings"
	"testing"

	"github.com/kiban-models/kiban/climate/netcdf"
)

func TestConversion(t *testing.T) {
	for _, x := range []struct {
		from, to quantity
		in, want float64
	}{
		{quantity{"", "degC"}, quantity{"", "K"}, 20, 293.15},
		{quantity{"air_temperature", "K"}, quantity{"air_temperature", "degrees_celsius"}, 293.15, 20},
		{quantity{"", "degF"}, quantity{"", "degC"}, 212, 100},
		{quantity{"", "Deg C"}, quantity{"", "K"}, 0, 273.15},
		{quantity{"", "hPa"}, quantity{"", "Pa"}, 1013.25, 101325},
		{quantity{"", "mbar"}, quantity{"", "kPa"}, 1000, 100},
		{quantity{"", "km h-1"}, quantity{"", "m s**-1"}, 36, 10},
		{quantity{"", "m/s"}, quantity{"", "m s^-1"}, 7, 7},
		{quantity{"", "%"}, quantity{"", "1"}, 50, 0.5},
		{quantity{"", "(0 - 1)"}, quantity{"", "%"}, 0.5, 50},
		{quantity{"", "g kg-1"}, quantity{"", "1"}, 5, 0.005},
		{quantity{"", "kg kg**-1"}, quantity{"", "1"}, 0.005, 0.005},
		{quantity{"", "mm day-1"}, quantity{"", "m s-1"}, 86400, 1e-3},
		{quantity{"", "J m-2"}, quantity{"", "W s m-2"}, 3, 3},
		{quantity{"geopotential_height", "m"}, quantity{"geopotential", "m2 s-2"}, 5500, 5500 * 9.80665},
		{quantity{"geopotential_height", "gpm"}, quantity{"geopotential", "m**2 s**-2"}, 1, 9.80665},
		{quantity{"precipitation_flux", "kg m-2 s-1"}, quantity{"lwe_precipitation_rate", "mm day-1"}, 1e-5, 0.864},
		{quantity{"lwe_precipitation_rate", "mm day-1"}, quantity{"precipitation_flux", "kg m-2 s-1"}, 0.864, 1e-5},
	} {
		c, err := conversion(x.from, x.to, false)
		if err != nil {
			t.Errorf("%v to %v: %v", x.from, x.to, err)
		} else if got := x.in*c.scale + c.offset; math.Abs(got-x.want) > 1e-12*math.Abs(x.want)+1e-12 {
			t.Errorf("%v %v is %v %v, want %v", x.in, x.from, got, x.to, x.want)
		}
	}
	for _, x := range []struct {
		from, to quantity
		want     string
	}{
		{quantity{"", "K"}, quantity{"", "Pa"}, "which \"Pa\" cannot be made of"},
		{quantity{"", ""}, quantity{"", "K"}, "has no units"},
		{quantity{"", "furlong"}, quantity{"", "m"}, `"furlong" are not among those`},
		{quantity{"", "M/S"}, quantity{"", "m s-1"}, `"M/S" are not among those`},
		{quantity{"", "mm/m"}, quantity{"", "kg m-2 s-1"}, "cannot be made of"}, // millimetres a month, says a real file
		{quantity{"", "m"}, quantity{"geopotential", "m2 s-2"}, "cannot be made of"},
		{quantity{"air_temperature", "K"}, quantity{"sea_surface_temperature", "K"}, "is air_temperature, and sea_surface_temperature is wanted"},
		{quantity{"precipitation_flux", "kg m-2 s-1"}, quantity{"precipitation_amount", "kg m-2"}, "is a rate"},
	} {
		if c, err := conversion(x.from, x.to, false); err == nil || !strings.Contains(err.Error(), x.want) {
			t.Errorf("%v to %v: %+v (%v), want %s", x.from, x.to, c, err, x.want)
		}
	}
}

// No two rows have a name in common, or a name would not say which is meant.
func TestNamesAreUnique(t *testing.T) {
	seen := map[string]string{}
	for _, n := range Names() {
		for _, s := range []string{n.CMIP, n.Short, n.Long} {
			if other, twice := seen[s]; twice && s != "" && other != n.Long {
				t.Errorf("%s is %s and %s", s, other, n.Long)
			}
			seen[s] = n.Long
		}
		if _, err := parseUnits(n.Units); err != nil && n.Long != "lattitude" {
			t.Errorf("%s: %v", n.Long, err)
		}
		if n.CMIPStandard == "" && n.CMIPUnits == "" || n.CMIP == "" {
			continue
		}
		if _, err := conversion(n.quantityOf(n.CMIP), n.quantityOf(n.Long), false); err != nil {
			t.Errorf("%s to %s: %v", n.CMIP, n.Long, err)
		}
	}
}

func TestTimeRange(t *testing.T) {
	times := func(c netcdf.Calendar) (out []netcdf.Date) {
		for y := 1999; y <= 2001; y++ {
			for m := 1; m <= 12; m++ {
				for d := 1; d <= c.DaysIn(y, m); d++ {
					out = append(out, netcdf.Date{Year: y, Month: m, Day: d, Hour: 12})
				}
			}
		}
		return out
	}
	for _, x := range []struct {
		in          string
		c           netcdf.Calendar
		first, last string
		n           int
	}{
		{"2000", netcdf.Days360, "2000-01-01 12:00:00", "2000-12-30 12:00:00", 360},
		{"1999/2000", netcdf.NoLeap, "1999-01-01 12:00:00", "2000-12-31 12:00:00", 730},
		{"2000-02", netcdf.Standard, "2000-02-01 12:00:00", "2000-02-29 12:00:00", 29},
		{"2000-02-30/2000-03-01", netcdf.Days360, "2000-02-30 12:00:00", "2000-03-01 12:00:00", 2},
		{"2000-01-01T12:00/2000-01-02T11:59", netcdf.Standard, "2000-01-01 12:00:00", "2000-01-01 12:00:00", 1},
	} {
		r, err := ParseTimeRange(x.in)
		must(t, err)
		all := times(x.c)
		from, to, err := r.Span(x.c, all)
		if err != nil || to-from != x.n || all[from].String() != x.first || all[to-1].String() != x.last {
			t.Errorf("%s, %s: %d to %d (%v)", x.in, x.c, from, to, err)
		}
	}
	for in, want := range map[string]string{
		"yesterday": "cannot be read", "2000/": "cannot be read", "2000-02-30": "the standard calendar has no 2000-02-30",
		"2001/2000": "ends before it begins", "1850/1900": "no time lies in 1850/1900; there are 1999-01-01", "2000-13": "has no 2000-13",
	} {
		r, err := ParseTimeRange(in)
		if err == nil {
			_, _, err = r.Span(netcdf.Standard, times(netcdf.Standard))
		}
		if err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("%s: %v, want %s", in, err, want)
		}
	}
}

func TestFileNames(t *testing.T) {
	for in, want := range map[string]string{
		"tas_Amon_CanESM5_historical_r1i1p1f1_gn_185001-201412.nc":           "tas Amon_CanESM5_historical_r1i1p1f1_gn 185001-201412 true",
		"/a/b/tas_Amon_HadGEM2-ES_rcp85_r1i1p1_200512-203011.nc":             "tas Amon_HadGEM2-ES_rcp85_r1i1p1 200512-203011 true",
		"orog_fx_CanESM5_historical_r1i1p1f1_gn.nc":                          "orog fx_CanESM5_historical_r1i1p1f1_gn  true",
		"tas_Amon_MIROC6_dcppA-hindcast_s1960-r1i1p1f1_gn_196011-197012.nc":  "tas Amon_MIROC6_dcppA-hindcast_s1960-r1i1p1f1_gn 196011-197012 true",
		"psl_ERA5_mon_194001-202212.nc":                                      "false",
		"tas_Amon_CanESM5_historical_r1i1p1f1_gn_185001-201412_something.nc": "false",
	} {
		f, ok := parseFileName(in)
		got := "false"
		if ok {
			got = strings.Join([]string{f.Variable, f.Dataset.String(), f.Range, "true"}, " ")
		}
		if got != want {
			t.Errorf("%s: %s, want %s", in, got, want)
		}
	}
}
