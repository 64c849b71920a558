package main

import (
	"errors"
	"fmt"
	"strings"

	"github.com/urfave/cli/v2"

	"github.com/kiban-models/kiban/climate/field"
)

// runClimateNames prints the names that are known, all or those of the rows
// that have a word that is given.
func runClimateNames(c *cli.Context) error {
	t := table{columns: []string{"cmip6", "era5_short", "era5_long", "standard_name", "units", "levels", "cmip6_standard_name", "cmip6_units"}}
	add := func(n field.Name) {
		t.add(cell(n.CMIP), cell(n.Short), cell(n.Long), n.StandardName, n.Units, n.Levels, cell(n.CMIPStandard), cell(n.CMIPUnits))
	}
	if c.Args().Len() == 0 {
		for _, n := range field.Names() {
			add(n)
		}
	}
	for _, s := range c.Args().Slice() {
		n, ok := field.LookUp(s)
		if !ok {
			return fmt.Errorf("variable %q is in no table; kiban climate names without it lists all", s)
		}
		add(n)
	}
	return printTable(c, c.App.Writer, t)
}

// cell is a text that may be missing.
func cell(s string) any {
	if s == "" {
		return nil
	}
	return s
}

// runClimateRegions prints the regions that have a name, or the box that an
// argument of --region means.
func runClimateRegions(c *cli.Context) error {
	t := table{columns: []string{"region", "west", "east", "south", "north"}}
	add := func(r field.Region) {
		for _, b := range r.Boxes {
			t.add(r.Name, b.West, b.East, b.South, b.North)
		}
	}
	if c.Args().Len() == 0 {
		for _, r := range field.Regions() {
			add(r)
		}
	}
	for _, s := range c.Args().Slice() {
		r, err := field.ParseRegion(s, "")
		if err != nil {
			return errors.New(strings.TrimPrefix(err.Error(), "field: "))
		}
		add(r)
	}
	return printTable(c, c.App.Writer, t)
}
