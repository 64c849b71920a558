package main

import (
	"errors"

	"github.com/urfave/cli/v2"
)

func runPrepare(c *cli.Context) error {
	return errors.New("protein prepare: not built yet")
}
