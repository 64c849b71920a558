package main

import (
	"errors"

	"github.com/urfave/cli/v2"
)

func runFinetune(c *cli.Context) error {
	return errors.New("protein finetune: not built yet")
}
