package main

import (
	"errors"

	"github.com/urfave/cli/v2"
)

func runGenerate(c *cli.Context) error {
	return errors.New("protein generate: not built yet")
}
