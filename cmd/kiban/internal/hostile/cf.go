package hostile

import (
	"fmt"
	"math"
	"strings"
)

// seriesCases are attacks by what sound NetCDF files say: coordinates, times,
// units and values that nobody can compute with.
func seriesCases() []Case {
	var cases []Case
	add := func(c Case) { cases = append(cases, c) }
	with := func(change func(m *months)) func() []byte {
		return func() []byte { m := some(1990); change(&m); return m.bytes() }
	}
	refuse := func(name string, change func(m *months), says ...string) {
		add(Case{Name: name, Make: file("in.nc", with(change)), Args: preparing("in.nc"), Says: append(says, "in.nc: ")})
	}
	// Twin is what the file must be read like.
	accept := func(name string, change, twin func(m *months), says ...string) {
		add(Case{Name: name, Make: file("in.nc", with(change)), Twin: file("in.nc", with(twin)), Args: preparing("in.nc"), Accept: true, Says: says, Files: []string{"out/fields-*.bin"}})
	}
	plain := func(*months) {}

	// Packing.
	for name, x := range map[string]any{"nan": []float64{math.NaN()}, "inf": []float64{math.Inf(1)}, "zero": []float64{0}, "two": []float64{1, 2}, "text": "0.5", "none": []float64{}} {
		refuse("cf_scale_"+name, func(m *months) { m.attrs = set(m.attrs, "scale_factor", x) }, "variable tas", "scale_factor", "one finite number")
		if name != "zero" {
			refuse("cf_offset_"+name, func(m *months) { m.attrs = set(m.attrs, "add_offset", x) }, "variable tas", "add_offset", "one finite number")
		}
	}
	refuse("cf_scale_overflow", func(m *months) { m.attrs = set(m.attrs, "scale_factor", []float64{1e300}) }, "variable tas", "time 0", "Inf", "latitude 0, longitude 0")
	refuse("cf_time_scale", func(m *months) { m.times = set(m.times, "scale_factor", []float64{math.NaN()}) }, "coordinate time", "kiban climate inspect says why")
	packed := func(m *months) { m.kind = cdfShort; m.value = func(t, i int) float64 { return float64(280 + t + i) } }
	accept("cf_packed", func(m *months) { packed(m); m.attrs = set(m.attrs, "scale_factor", []float64{1}) }, packed)
	accept("cf_fill_text", func(m *months) { m.attrs = set(m.attrs, "missing_value", "none") }, plain)
	accept("cf_fill_many", func(m *months) { m.attrs = set(m.attrs, "missing_value", make([]float64, 1000)) }, plain)
	refuse("cf_fill_all", func(m *months) {
		m.value = func(int, int) float64 { return 1e20 }
		m.attrs = set(m.attrs, "_FillValue", []float32{1e20})
	}, "variable tas", "time 0", "all 32 are missing", "leave that time out")
	refuse("cf_range", func(m *months) { m.attrs = set(m.attrs, "valid_range", []float64{1, 0}) }, "variable tas", "are missing")

	// Values.
	refuse("cf_all_nan", func(m *months) { m.value = func(int, int) float64 { return math.NaN() } }, "variable tas", "time 0", "all 32 are missing")
	refuse("cf_one_nan", func(m *months) {
		v := m.value
		m.value = func(t, i int) float64 {
			if t == 7 {
				return math.NaN()
			}
			return v(t, i)
		}
	}, "variable tas", "time 7 (1990-08-16 00:00:00)", "all 32 are missing")
	refuse("cf_inf", func(m *months) {
		v := m.value
		m.value = func(t, i int) float64 {
			if t == 3 && i == 10 {
				return math.Inf(-1)
			}
			return v(t, i)
		}
	}, "variable tas", "-Inf at time 3", "latitude 1, longitude 2")
	accept("cf_some_nan", func(m *months) {
		v := m.value
		m.value = func(t, i int) float64 {
			if i == 5 {
				return 1e20
			}
			return v(t, i)
		}
		m.attrs = set(m.attrs, "_FillValue", []float32{1e20})
	}, func(m *months) {
		v := m.value
		m.value = func(t, i int) float64 {
			if i == 5 {
				return float64(math.Float32frombits(0x7fc00000))
			}
			return v(t, i)
		}
	})

	// Time.
	units := func(name, units, calendar string, says ...string) {
		refuse("cf_units_"+name, func(m *months) { m.times = set(set(m.times, "units", units), "calendar", calendar) }, append(says, "time")...)
	}
	units("mb", "days since "+strings.Repeat("1", 1<<20), "360_day")
	accept("cf_units_spaces", func(m *months) { m.times = set(m.times, "units", "days since"+strings.Repeat(" ", 1<<19)+"1990-01-01") }, plain)
	units("since", strings.Repeat("days since ", 1000), "360_day", "cannot be read")
	units("month", "months since 1990-01-01", "standard", "no fixed length")
	units("year", "days since 999999999-01-01", "360_day", "cannot be read")
	units("day", "days since 1990-02-30", "standard", "no such reference date")
	units("unit", "fortnights since 1990-01-01", "360_day", "fortnights")
	units("none", "", "360_day")
	units("utf8", "days since 1990-01-0\xff", "360_day")
	units("control", "days since \x1b[2J", "360_day")
	units("calendar", "days since 1990-01-01", "mayan", "calendar", "mayan")
	units("calendar_long", "days since 1990-01-01", strings.Repeat("standard ", 1<<16), "calendar")
	times := func(name string, change func(t []float64) []float64, says ...string) {
		refuse("cf_time_"+name, func(m *months) { m.time = change(m.time) }, append(says, "time")...)
	}
	times("twice", func(t []float64) []float64 { t[5] = t[4]; return t }, "values 4 and 5 are both 1990-05-16", "each time once")
	times("back", func(t []float64) []float64 { t[5] = 1; return t }, "value 5 is 1990-01-02 00:00:00 after 1990-05-16", "ascending")
	times("descending", func(t []float64) []float64 {
		for i := range t {
			t[i] = float64(1000 - i)
		}
		return t
	}, "value 1 is", "ascending")
	times("nan", func(t []float64) []float64 { t[9] = math.NaN(); return t }, "value 9 is missing")
	times("inf", func(t []float64) []float64 { t[9] = math.Inf(1); return t }, "value 9", "years 0 to 9999")
	times("huge", func(t []float64) []float64 { t[9] = 1e300; return t }, "value 9", "years 0 to 9999")
	times("10000", func(t []float64) []float64 { t[23] = 360 * 8011; return t }, "value 23", "years 0 to 9999")
	times("before", func(t []float64) []float64 { t[0] = -360 * 2000; return t }, "value 0", "years 0 to 9999")
	times("fill", func(t []float64) []float64 { t[9] = 9.969209968386869e36; return t }, "value 9 is missing")
	refuse("cf_time_empty", func(m *months) { m.time = nil }, "no times")
	refuse("cf_time_none", func(m *months) { m.without = "time" }, "time")
	refuse("cf_bounds_loop", func(m *months) { m.times = set(m.times, "bounds", "time"); m.without = "tas" }, "in.nc")
	accept("cf_bounds_none", func(m *months) { m.times = set(m.times, "bounds", "time_bnds") }, plain)
	accept("cf_bounds_self", func(m *months) { m.lats = set(m.lats, "bounds", "lat") }, plain, "edges half-way")
	accept("cf_coordinates_bomb", func(m *months) { m.attrs = set(m.attrs, "coordinates", strings.Repeat("lat ", 1<<17)) }, plain)
	accept("cf_coordinates_self", func(m *months) { m.attrs = set(m.attrs, "coordinates", "tas ../lat /etc/passwd") }, plain)

	// Coordinates.
	refuse("cf_no_lat", func(m *months) { m.without = "lat" }, "variable tas", "lat", "coordinate variable")
	refuse("cf_no_lon", func(m *months) { m.without = "lon" }, "variable tas", "lon", "coordinate variable")
	grid := func(name string, change func(m *months), says ...string) { refuse("cf_"+name, change, says...) }
	grid("lat_91", func(m *months) { m.lat[3] = 91 }, "latitude value 3 is 91", "within -90 and 90")
	grid("lat_nan", func(m *months) { m.lat[1] = math.NaN() }, "variable lat", "value 1 is", "may miss none")
	grid("lat_inf", func(m *months) { m.lat[1] = math.Inf(1) }, "variable lat", "value 1 is", "may miss none")
	grid("lat_twice", func(m *months) { m.lat[2] = m.lat[1] }, "latitude value 2", "strictly")
	grid("lat_zigzag", func(m *months) { m.lat[2] = -80 }, "latitude value 2", "strictly")
	grid("lon_721", func(m *months) { m.lon[7] = 721 }, "longitude value 7 is 721")
	grid("lon_span", func(m *months) {
		for i := range m.lon {
			m.lon[i] = 60 * float64(i)
		}
	}, "longitude value 7 is 420", "a circle or more", "each meridian once")
	grid("lon_circle", func(m *months) { m.lon[7] = 360 }, "longitude value 7 is 360", "a circle or more")
	grid("lon_nan", func(m *months) { m.lon[0] = math.NaN() }, "variable lon", "value 0 is", "may miss none")
	grid("lon_back", func(m *months) { m.lon[4] = 10 }, "longitude value 4", "strictly ascending")
	accept("cf_lat_units", func(m *months) { m.lats = []cdfAttr{{"units", "K"}, {"axis", "Q"}} }, plain) // by its name
	// One cell, one row, one column: fields all the same.
	for name, n := range map[string][2]int{"cell": {1, 1}, "row": {1, 8}, "column": {4, 1}} {
		accept("cf_one_"+name, func(m *months) { m.lat, m.lon = m.lat[:n[0]], m.lon[:n[1]] }, func(m *months) { m.version = 2; m.lat, m.lon = m.lat[:n[0]], m.lon[:n[1]] })
	}
	// As many rows as nobody has, at uneven steps: what kind of grid it is is
	// found out in time.
	add(Case{Name: "cf_lat_many", Args: inspecting("in.nc"), Accept: true, Make: file("in.nc", with(func(m *months) {
		m.lat, m.lon, m.time = nil, m.lon[:1], m.time[:1]
		for i := range 100_000 {
			m.lat = append(m.lat, -89+178*math.Sqrt(float64(i)/100_000))
		}
	}))})
	add(Case{Name: "cf_lat_gaussian", Args: inspecting("in.nc"), Accept: true, Make: file("in.nc", with(func(m *months) {
		m.lat, m.lon, m.time = nil, m.lon[:1], m.time[:1]
		for i := range 100_000 {
			m.lat = append(m.lat, -math.Asin(math.Cos(math.Pi*(float64(i)+0.75)/100_000.5))*180/math.Pi)
		}
	}))})
	// Names that name names: each is looked for once.
	refuse("cf_names_many", func(m *months) {
		m.attrs = set(m.attrs, "coordinates", strings.Repeat("a ", 500_000))
		m.attrs = set(m.attrs, "units", nil)
		for i := range 8000 {
			m.more = append(m.more, cdfVar{name: fmt.Sprint("v", i), dims: []int{1}, data: m.lat})
		}
	}, "variable tas", "--units tas=K")
	add(Case{Name: "cf_fields_many", Args: []string{"climate", "prepare", "in.nc", "-o", "out", "--progress", "none"}, Accept: true, Make: file("in.nc", with(func(m *months) {
		m.time, m.lat, m.lon = m.time[:1], m.lat[:1], m.lon[:1]
		for i := range 8000 {
			m.more = append(m.more, cdfVar{name: fmt.Sprint("v", i), kind: cdfFloat, dims: []int{0, 1, 2}, data: []float64{1}})
		}
	}))})
	refuse("cf_units_wrong", func(m *months) { m.attrs = set(m.attrs, "units", "kg m-2 s-1") }, "variable tas", `kg m-2 s-1`, "--units tas=K")
	refuse("cf_units_missing", func(m *months) { m.attrs = set(m.attrs, "units", nil) }, "variable tas", "--units tas=K")
	refuse("cf_units_bomb", func(m *months) { m.attrs = set(m.attrs, "units", strings.Repeat("K ", 1<<18)) }, "variable tas")
	refuse("cf_units_power", func(m *months) { m.attrs = set(m.attrs, "units", "K"+strings.Repeat("9", 1000)) }, "variable tas")
	refuse("cf_units_parens", func(m *months) { m.attrs = set(m.attrs, "units", strings.Repeat("(", 100_000)) }, "variable tas")

	// Several files.
	several := func(name string, args []string, a, b func(m *months), says ...string) {
		add(Case{Name: name, Args: args, Says: says, Make: func(f Folder) error {
			next := some(1992)
			b(&next)
			return errorsFirst(f.Write("a.nc", with(a)()), f.Write("b.nc", next.bytes()))
		}})
	}
	both := preparing("a.nc", "b.nc")
	several("cf_files_calendar", both, plain, func(m *months) { m.times = set(m.times, "calendar", "noleap") }, "b.nc: ", "has the calendar noleap", "a.nc has 360_day", "one series has one")
	several("cf_files_grid", both, plain, func(m *months) { m.lat[3] = 68 }, "b.nc: variable tas", "another grid", "latitude value 3", "a.nc", "remap")
	several("cf_files_grid_size", both, plain, func(m *months) { m.lon = m.lon[:6] }, "b.nc: variable tas", "another grid", "longitude", "a.nc")
	several("cf_files_units", both, plain, func(m *months) { m.attrs = set(m.attrs, "units", "kg") }, "b.nc: variable tas", "kg")
	several("cf_files_absent", append(both, "--vars", "tas,psl"), func(m *months) {
		m.more = []cdfVar{{name: "psl", dims: []int{0, 1, 2}, kind: cdfFloat, attrs: []cdfAttr{{"units", "Pa"}, {"standard_name", "air_pressure_at_mean_sea_level"}}, data: make([]float64, 24*32)}}
	}, plain, "a.nc: variable psl is absent at time 24 (1992-01-16 00:00:00)", "b.nc has it of tas")
	several("cf_files_overlap", both, plain, func(m *months) {
		for i := range m.time {
			m.time[i] -= 90
		}
	}, "b.nc: begins at 1991-10-16", "a.nc, which ends at 1991-12-16", "each time in one file")
	add(Case{Name: "cf_files_twice", Args: preparing("in.nc", "in.nc"), Accept: true, Make: file("in.nc", with(plain)), Twin: file("in.nc", with(plain)), TwinArgs: preparing("in.nc"), Files: []string{"out/*"}})
	add(Case{Name: "cf_files_zero", Args: both, Accept: true, Says: []string{"b.nc: variable tas: has no times", "left out"}, Make: func(f Folder) error {
		next := some(1992)
		next.time = nil
		return errorsFirst(f.Write("a.nc", with(plain)()), f.Write("b.nc", next.bytes()))
	}})
	several("cf_files_cut", preparing("a.nc", "b.nc", "c.nc"), plain, plain, "c.nc: no such file")
	// The variable that is wanted is in none.
	add(Case{Name: "cf_vars_none", Make: file("in.nc", with(plain)), Args: append(preparing("in.nc"), "--vars", "zg@500"), Says: []string{"in.nc: has no variable zg@500", "kiban climate inspect"}})
	add(Case{Name: "cf_test_years", Make: file("in.nc", with(plain)), Args: append(preparing("in.nc")[:3:3], "-o", "out", "--test", "2050", "--progress", "none"), Says: []string{"test years 2050", "1990/1991"}})
	add(Case{Name: "cf_region_outside", Make: file("in.nc", with(func(m *months) { m.lon = m.lon[:2] })), Args: append(preparing("in.nc"), "--region", "200,250,0,40"), Says: []string{"no cell has its centre", "longitudes 0 to 45"}})
	for _, verb := range []string{"inspect", "plot"} {
		args := inspecting("in.nc")
		if verb == "plot" {
			args = []string{"climate", "plot", "in.nc", "-o", "out.svg"}
		}
		for name, change := range map[string]func(m *months){
			"names": func(m *months) { m.attrs = set(m.attrs, "long_name", "\x1b]0;evil\x07\x1b[2J") },
			"label": func(m *months) { m.attrs = set(m.attrs, "long_name", strings.Repeat("<script>", 10_000)) },
			"range": func(m *months) { m.value = func(t, i int) float64 { return 3e38 * float64(1-2*(i%2)) } },
			"flat":  func(m *months) { m.value = func(int, int) float64 { return 0 } },
			"tiny":  func(m *months) { m.value = func(t, i int) float64 { return 1e-45 * float64(i) } },
			"lat":   func(m *months) { m.lat[3] = 67.50001; m.lat = m.lat[2:] },
		} {
			add(Case{Name: fmt.Sprintf("cf_%s_%s", verb, name), Make: file("in.nc", with(change)), Args: args, Accept: true})
		}
	}
	return cases
}
