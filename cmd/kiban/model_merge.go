package main

import (
	"os"

	"github.com/urfave/cli/v2"

	"github.com/kiban-models/kiban/bio/protein"
	"github.com/kiban-models/kiban/core/checkpoint"
	"github.com/kiban-models/kiban/core/tensor"
)

func runModelMerge(c *cli.Context) error {
	if c.NArg() != 2 {
		return usagef("name the model and the adapter, in this order. See %s --help", c.Command.HelpName)
	}
	base, err := checkpoint.OpenDir(c.Args().Get(0))
	if err != nil {
		return err
	}
	defer base.Close()
	adapter, err := protein.OpenAdapter(c.Args().Get(1))
	if err != nil {
		return err
	}
	defer adapter.Close()
	weights, err := protein.Weights(base)
	if err != nil {
		return err
	}
	if err := protein.CheckBase(adapter.Path(), weights); err != nil {
		return err
	}
	var as *tensor.DType
	if name := c.String("dtype"); name != "base" {
		dt, err := tensor.ParseDType(name)
		if err != nil {
			return usagef("flag --dtype: %v", err)
		}
		as = &dt
	}
	out, err := outputDir(c, false)
	if err != nil {
		return err
	}
	if err := os.MkdirAll(out, 0o777); err != nil {
		return err
	}
	if err := protein.WriteMerged(out, base, adapter, as); err != nil {
		return err
	}
	message(c, "merged %d layers of %s into %s", len(adapter.Layers()), adapter.Path(), out)
	return nil
}
