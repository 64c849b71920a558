package main

import (
	"errors"

	"github.com/urfave/cli/v2"
)

func runPretrain(c *cli.Context) error {
	return errors.New("protein pretrain: not built yet")
}
