package main

import (
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"slices"
	"strings"

	"github.com/urfave/cli/v2"

	"github.com/kiban-models/kiban/climate/field"
	"github.com/kiban-models/kiban/climate/netcdf"
)

// runClimateInspect describes every file that can be read; those that cannot
// are one error at the end, so that one bad file hides no others.
func runClimateInspect(c *cli.Context) error {
	paths := c.Args().Slice()
	if len(paths) == 0 {
		return usagef("no file given; name NetCDF files or folders of them. See %s --help", c.Command.HelpName)
	}
	if slices.Contains(paths, "-") {
		return usagef("NetCDF cannot be read from a pipe; name files. See %s --help", c.Command.HelpName)
	}
	paths, notes, err := field.Files(paths)
	if err != nil {
		return err
	}
	for _, note := range notes {
		message(c, "%s", note)
	}
	out, err := createOutput(c)
	if err != nil {
		return err
	}
	defer out.Abort()
	all := []netcdf.Description{}
	var bad []error
	for _, path := range paths {
		if err := c.Context.Err(); err != nil {
			return err
		}
		d, err := describeNetCDF(path)
		if err != nil {
			bad = append(bad, err)
			continue
		}
		if c.Bool("json") {
			all = append(all, d)
			continue
		}
		if len(all) > 0 {
			fmt.Fprintln(out)
		}
		all = append(all, d)
		if _, err := io.WriteString(out, describeText(d, c.Bool("verbose"))); err != nil {
			return err
		}
	}
	if c.Bool("json") {
		e := json.NewEncoder(out)
		e.SetEscapeHTML(false)
		e.SetIndent("", "  ")
		if err := e.Encode(all); err != nil {
			return err
		}
	}
	if len(all) > 0 || len(bad) == 0 {
		if err := out.Commit(); err != nil {
			return err
		}
	}
	return errors.Join(bad...)
}

func describeNetCDF(path string) (d netcdf.Description, err error) {
	f, err := netcdf.Open(path)
	if err != nil {
		return d, err
	}
	defer func() { err = errors.Join(err, f.Close()) }()
	if d, err = f.Describe(); err != nil {
		return d, err
	}
	field.NameVariables(&d)
	return d, field.NameGrids(f, &d)
}

// describeText has the parts of cdo sinfo: format, variables, grid, levels,
// time; then what is wrong with the file. Attributes are for --verbose.
func describeText(d netcdf.Description, attributes bool) string {
	var b strings.Builder
	fmt.Fprintf(&b, "%s: %s\n", d.File, d.Format)
	describeGroup(&b, d.Group, attributes)
	if len(d.Problems) > 0 {
		b.WriteString("  problems\n")
		for _, p := range d.Problems {
			kind, where := "problem", ""
			if p.Note {
				kind = "note"
			}
			if p.Variable != "" {
				where = p.Variable + ": "
			}
			fmt.Fprintf(&b, "    %s: %s%s\n", kind, where, p.Text)
		}
	}
	return printable(b.String())
}

func describeGroup(b *strings.Builder, g netcdf.Group, attributes bool) {
	if g.Name != "" {
		fmt.Fprintf(b, "  group %s\n", g.Name)
	}
	dims := make([]string, len(g.Dimensions))
	for i, d := range g.Dimensions {
		dims[i] = fmt.Sprintf("%s %d", d.Name, d.Size)
		if d.Unlimited {
			dims[i] += " (unlimited)"
		}
	}
	if len(dims) > 0 {
		fmt.Fprintf(b, "  dimensions\n    %s\n", strings.Join(dims, ", "))
	}
	section(b, "variables", g.Variables, func(v netcdf.Variable) bool {
		return v.Role == netcdf.RoleData
	}, func(v netcdf.Variable) []string {
		cells := []string{v.Name, v.Type, shapeText(v), unitsText(v), describedAs(v)}
		if v.ModelName != "" && v.ModelName != v.Name {
			cells = append(cells, "to models "+v.ModelName)
		}
		return cells
	})
	axis := func(kinds ...netcdf.AxisKind) func(netcdf.Variable) bool {
		return func(v netcdf.Variable) bool { return v.Axis != nil && slices.Contains(kinds, v.Axis.Kind) }
	}
	section(b, "grid", g.Variables, axis(netcdf.Longitude, netcdf.Latitude, netcdf.X, netcdf.Y), axisCells)
	for _, x := range g.Grids {
		reach, first := "part of the globe", "south first"
		if x.Global {
			reach = "global"
		}
		if x.NorthFirst {
			first = "north first"
		}
		fmt.Fprintf(b, "    %s and %s: %s %dx%d, %s, %s\n", x.Latitude, x.Longitude, x.Kind, x.Rows, x.Columns, reach, first)
	}
	section(b, "levels", g.Variables, axis(netcdf.Vertical), axisCells)
	section(b, "time", g.Variables, axis(netcdf.Time), timeCells)
	section(b, "other coordinates", g.Variables, axis(netcdf.Other), axisCells)
	section(b, "labels and helpers", g.Variables, func(v netcdf.Variable) bool {
		return v.Axis == nil && v.Role != netcdf.RoleData
	}, func(v netcdf.Variable) []string {
		return []string{v.Name, v.Type, shapeText(v), string(v.Role)}
	})
	if attributes {
		b.WriteString("  attributes\n")
		for _, a := range g.Attributes {
			fmt.Fprintf(b, "    :%s = %s\n", a.Name, a)
		}
		for _, v := range g.Variables {
			for _, a := range v.Attributes {
				fmt.Fprintf(b, "    %s:%s = %s\n", v.Name, a.Name, a)
			}
		}
	}
	for _, sub := range g.Groups {
		describeGroup(b, sub, attributes)
	}
}

// section is a heading and an aligned line for each variable that belongs.
func section(b *strings.Builder, title string, all []netcdf.Variable, belongs func(netcdf.Variable) bool, cells func(netcdf.Variable) []string) {
	var rows [][]string
	var widths []int
	for _, v := range all {
		if !belongs(v) {
			continue
		}
		row := cells(v)
		for i, s := range row {
			if i == len(widths) {
				widths = append(widths, 0)
			}
			widths[i] = max(widths[i], len([]rune(s)))
		}
		rows = append(rows, row)
	}
	if len(rows) == 0 {
		return
	}
	fmt.Fprintf(b, "  %s\n", title)
	for _, row := range rows {
		line := "   "
		for i, s := range row {
			line += " " + s + strings.Repeat(" ", widths[i]-len([]rune(s))+1)
		}
		b.WriteString(strings.TrimRight(line, " ") + "\n")
	}
}

func shapeText(v netcdf.Variable) string {
	if len(v.Dimensions) == 0 {
		return "scalar"
	}
	parts := make([]string, len(v.Dimensions))
	for i, name := range v.Dimensions {
		parts[i] = fmt.Sprintf("%s=%d", name, v.Shape[i])
	}
	return strings.Join(parts, " ")
}

func unitsText(v netcdf.Variable) string {
	a, _ := v.Attribute("units")
	if s, ok := a.Text(); ok {
		return "[" + s + "]"
	}
	return "[]"
}

// describedAs is the standard name, else the long one.
func describedAs(v netcdf.Variable) string {
	for _, name := range []string{"standard_name", "long_name"} {
		a, _ := v.Attribute(name)
		if s, ok := a.Text(); ok && s != "" {
			return s
		}
	}
	return ""
}

func axisCells(v netcdf.Variable) []string {
	a := v.Axis
	digits := 9
	if v.Type == "float" {
		digits = 7 // more would show how binary numbers miss decimal ones
	}
	num := func(x float64) string { return fmt.Sprintf("%.*g", digits, x) }
	var s string
	switch {
	case a.Missing == a.Count:
		s = "no values"
	case len(v.Shape) > 1:
		s = num(a.Min) + " to " + num(a.Max)
	case a.Count == 1:
		s = num(a.First)
	case a.Regular:
		s = num(a.First) + " to " + num(a.Last) + " by " + num(a.Step)
	case len(a.Values) > 0 && len(a.Values) <= 20:
		words := make([]string, len(a.Values))
		for i, x := range a.Values {
			words[i] = num(x)
		}
		s = strings.Join(words, " ")
	default:
		s = num(a.First) + " to " + num(a.Last) + ", irregular"
	}
	return append([]string{v.Name, shapeText(v), s, unitsText(v)}, boundsText(a)...)
}

func boundsText(a *netcdf.Axis) []string {
	if a.Bounds == "" {
		return nil
	}
	return []string{"bounds " + a.Bounds}
}

func timeCells(v netcdf.Variable) []string {
	t := v.Time
	if t == nil {
		return axisCells(v)
	}
	span := "no times"
	switch {
	case v.Axis.Count == 1:
		span = t.First.String()
	case v.Axis.Count > 1:
		span = fmt.Sprintf("%s to %s, %s", t.First, t.Last, t.Interval)
	}
	return append([]string{v.Name, shapeText(v), span, t.Units, string(t.Calendar)}, boundsText(v.Axis)...)
}
