package hostile

import (
	"bytes"
	"fmt"
	"math"
	"slices"
	"strings"
)

// months is a harmless series of temperatures as climate models write them,
// for the cases to spoil.
type months struct {
	version        byte
	name           string
	lat, lon, time []float64
	lats, lons     []cdfAttr // of the coordinates
	times          []cdfAttr
	attrs          []cdfAttr // of the variable
	global         []cdfAttr
	kind           int // of the values
	value          func(month, cell int) float64
	without        string // a variable to leave out
	more           []cdfVar
}

// some is two years on 4x8 cells, from year on.
func some(year int) months {
	m := months{version: 1, name: "tas", kind: cdfFloat,
		lats:   []cdfAttr{{"units", "degrees_north"}, {"standard_name", "latitude"}},
		lons:   []cdfAttr{{"units", "degrees_east"}, {"standard_name", "longitude"}},
		times:  []cdfAttr{{"units", "days since 1990-01-01"}, {"calendar", "360_day"}, {"standard_name", "time"}},
		attrs:  []cdfAttr{{"units", "K"}, {"standard_name", "air_temperature"}},
		global: []cdfAttr{{"Conventions", "CF-1.8"}},
		value: func(month, cell int) float64 {
			return 280 + 10*math.Cos(float64(month)*math.Pi/6) + float64(cell) + math.Sin(float64(month*cell))
		},
	}
	for i := range 4 {
		m.lat = append(m.lat, -67.5+45*float64(i))
	}
	for i := range 8 {
		m.lon = append(m.lon, 45*float64(i))
	}
	for i := range 24 {
		m.time = append(m.time, float64(360*(year-1990)+15+30*i))
	}
	return m
}

// set changes an attribute, or adds it; nil takes it away.
func set(all []cdfAttr, name string, value any) []cdfAttr {
	out := slices.DeleteFunc(slices.Clone(all), func(a cdfAttr) bool { return a.name == name })
	if value == nil {
		return out
	}
	return append(out, cdfAttr{name, value})
}

func (m months) cdf() cdf {
	c := cdf{version: m.version, records: len(m.time), dims: []cdfDim{{"time", 0}, {"lat", len(m.lat)}, {"lon", len(m.lon)}}, attrs: m.global}
	cells := len(m.lat) * len(m.lon)
	values := make([]float64, 0, len(m.time)*cells)
	for t := range m.time {
		for i := range cells {
			values = append(values, m.value(t, i))
		}
	}
	c.variables = append([]cdfVar{
		{name: "lat", dims: []int{1}, attrs: m.lats, data: m.lat},
		{name: "lon", dims: []int{2}, attrs: m.lons, data: m.lon},
		{name: "time", dims: []int{0}, attrs: m.times, data: m.time},
		{name: m.name, dims: []int{0, 1, 2}, attrs: m.attrs, kind: m.kind, data: values},
	}, m.more...)
	c.variables = slices.DeleteFunc(c.variables, func(v cdfVar) bool { return v.name == m.without })
	return c
}

func (m months) bytes() []byte { return m.cdf().bytes() }

// swapped changes the first place that has some bytes, which there must be.
func swapped(b []byte, from, to string) []byte {
	if !bytes.Contains(b, []byte(from)) {
		panic(fmt.Sprintf("hostile: no %q to change", from))
	}
	return bytes.Replace(b, []byte(from), []byte(to), 1)
}

// preparing are the arguments that make a store of files.
func preparing(files ...string) []string {
	return append(append([]string{"climate", "prepare"}, files...), "-o", "out", "--test", "1991", "--progress", "none")
}

// inspecting are those that look into a file.
func inspecting(files ...string) []string { return append([]string{"climate", "inspect"}, files...) }

// climateCases are attacks by the files of climate. A refusal leaves nothing.
// base has what ClimateBase says; without, "", the attacks on it are left out.
func climateCases(base Folder) []Case {
	all := slices.Concat(classicCases(), seriesCases(), hdf5Cases())
	if base != "" {
		all = slices.Concat(all, storeCases(base), forecasterCases(base), scoreCases(base))
	}
	for i := range all {
		// What an interrupted run left stays, whatever it is.
		all[i].Clean = !strings.HasPrefix(all[i].Name, "st_journal_")
	}
	return all
}
