package main

import (
	"strings"

	"github.com/urfave/cli/v2"
)

func presetsGroup() *cli.Command {
	return &cli.Command{
		Name:  "presets",
		Usage: "model sizes with their training settings",
		Subcommands: []*cli.Command{
			verb("list", "list the presets", "", nil, runPresetsList, "kiban presets list", "kiban presets list --json"),
			verb("show", "print a preset, to be changed and given to --config", "NAME", nil, runPresetsShow, "kiban presets show tiny", "kiban presets show small > my.yaml"),
		},
	}
}

func runPresetsList(c *cli.Context) error {
	t := table{columns: []string{"preset", "layers", "heads", "width", "seq_len", "batch_size", "grad_accum", "lr", "about"}}
	for _, name := range presetNames() {
		text, err := presetFiles.ReadFile("presets/" + name + ".yaml")
		if err != nil {
			return err
		}
		o := pretrainDefaults()
		if _, err := resolve(&o, layers{preset: text, help: c.Command.HelpName}); err != nil {
			return err
		}
		var about []string
		for line := range strings.Lines(string(text)) {
			if rest, ok := strings.CutPrefix(line, "# "); ok {
				about = append(about, strings.TrimSpace(rest))
			}
		}
		t.add(name, o.Layers, o.Heads, o.Width, o.SeqLen, o.BatchSize, o.GradAccum, o.LR, strings.Join(about, " "))
	}
	return printTable(c, c.App.Writer, t)
}

func runPresetsShow(c *cli.Context) error {
	if c.NArg() != 1 {
		return usagef("name one preset of %s. See %s --help", strings.Join(presetNames(), ", "), c.Command.HelpName)
	}
	name := c.Args().First()
	text, err := presetFiles.ReadFile("presets/" + name + ".yaml")
	if err != nil {
		return usagef("unknown preset %q%s give one of %s. See %s --help", name, orSemicolon(didYouMean(name, presetNames(), "")), strings.Join(presetNames(), ", "), c.Command.HelpName)
	}
	_, err = c.App.Writer.Write(text)
	return err
}
