package main

import (
	"errors"
	"os"

	"github.com/urfave/cli/v2"

	"github.com/kiban-models/kiban/climate/example"
)

// runClimateExample writes made-up scenarios in the form of ClimateBench's files.
func runClimateExample(c *cli.Context) error {
	if c.NArg() > 0 {
		return usagef("takes no input, but %q was given. See %s --help", c.Args().First(), c.Command.HelpName)
	}
	dir, err := outputDir(c, false)
	if err != nil {
		return err
	}
	if err := os.MkdirAll(dir, 0o777); err != nil {
		return err
	}
	if err := errors.Join(example.WriteReadme(dir), example.Write(dir, example.Options{})); err != nil {
		return err
	}
	message(c, "wrote %s: emissions in inputs_<scenario>.nc, what a toy climate answers in outputs_<scenario>.nc; README.md says how they were made", dir)
	message(c, "next: kiban climate prepare %s/inputs_*.nc -o forcings --vars CO2,SO2,CH4,BC --scenarios all --test-scenario ssp245", dir)
	return nil
}
