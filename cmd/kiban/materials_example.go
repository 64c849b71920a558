package main

import (
	"github.com/urfave/cli/v2"

	"github.com/kiban-models/kiban/materials/example"
)

func runMaterialsExample(c *cli.Context) error {
	if c.NArg() > 0 {
		return usagef("takes no input, but %q was given. See %s --help", c.Args().First(), c.Command.HelpName)
	}
	dir, err := outputDir(c, false)
	if err != nil {
		return err
	}
	if err := example.Write(dir); err != nil {
		return err
	}
	message(c, "wrote %s: annotated sentences in ner, topics and brat, papers in documents; README.md says how they were annotated", dir)
	message(c, "next: kiban materials finetune ner %s/ner/train.conll --validation %s/ner/dev.conll -o ner", dir, dir)
	return nil
}
