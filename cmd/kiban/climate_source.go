package main

import (
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strings"

	"github.com/urfave/cli/v2"

	"github.com/kiban-models/kiban/climate/field"
	stores "github.com/kiban-models/kiban/climate/store"
	"github.com/kiban-models/kiban/climate/verify"
)

// climateSourceFlags are of verbs that read a store, or NetCDF files in place of
// one.
func climateSourceFlags() []cli.Flag {
	return []cli.Flag{
		&cli.StringFlag{Name: "member", Aliases: []string{"scenario"}, Category: catInput, Usage: "`MEMBER`, or scenario, of a store that has several"},
		&cli.StringSliceFlag{Name: "units", Category: catInput, Usage: "assert units of files, `NAME=UNIT`; repeatable"},
		&cli.StringSliceFlag{Name: "pick", Category: catInput, Usage: "take one index, from 0, of another dimension of files, `NAME=INDEX`, or the mean over it, NAME=mean; repeatable"},
		&cli.BoolFlag{Name: "accumulate", Category: catInput, Usage: "let rates become amounts over each time cell", DisableDefaultText: true},
	}
}

// isStore tells a directory that kiban climate prepare made from one of files.
func isStore(path string) bool {
	_, err := os.Stat(filepath.Join(path, stores.ManifestFile))
	return err == nil
}

// openSource opens a store, or files as a series of the variables that are
// wanted, nil for all. train are the training years of files; a store has its
// own. A single time has the step that is given.
func openSource(c *cli.Context, paths, wanted []string, train stores.Years, step field.Step) (s *verify.Source, done func() error, err error) {
	for _, p := range paths {
		if isStore(p) && len(paths) > 1 {
			return nil, nil, fmt.Errorf("%s: is a store of kiban climate prepare, and %d other inputs are named; give one store, or NetCDF files", p, len(paths)-1)
		}
	}
	if isStore(paths[0]) {
		st, err := stores.Open(paths[0], stores.OpenOptions{})
		if err != nil {
			return nil, nil, err
		}
		s, err := verify.FromStore(st, c.String("member"))
		if err != nil {
			return nil, nil, errors.Join(err, st.Close())
		}
		return s, st.Close, nil
	}
	o, _, err := fieldOptions(c)
	if err != nil {
		return nil, nil, err
	}
	o.Variables, o.Time = wanted, field.TimeRange{}
	o.Model, o.AllowGaps, o.AllowEmpty = true, true, true
	series, err := field.Open(paths, o)
	if err != nil {
		return nil, nil, err
	}
	for _, note := range series.Notes {
		message(c, "%s", note)
	}
	if len(series.Times) == 1 {
		series.Step = step
	}
	if s, err = verify.FromSeries(strings.Join(paths[:min(3, len(paths))], " "), series, train); err != nil {
		return nil, nil, errors.Join(err, series.Close())
	}
	return s, series.Close, nil
}
