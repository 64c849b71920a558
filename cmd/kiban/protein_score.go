package main

import (
	"errors"

	"github.com/urfave/cli/v2"
)

func runScore(c *cli.Context) error {
	return errors.New("protein score: not built yet")
}
