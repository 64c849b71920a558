package main

import (
	"embed"
	"fmt"
	"slices"
	"strings"

	"github.com/urfave/cli/v2"
)

//go:embed presets
var presetFiles embed.FS

// presets are those of a verb, YAML files of its options.
type presets struct {
	verb  string
	dir   string // within the folder presets, with / at the end
	names []string
}

var (
	pretrainPresets = presets{"protein pretrain", "", []string{"tiny", "small", "protgpt2"}}
	maskedPresets   = presets{"materials pretrain", "materials/", []string{"tiny", "small", "bert-base"}}
	taskPresets     = presets{"materials finetune", "materials/finetune/", []string{"tiny", "small", "base"}}
	climatePresets  = presets{"climate pretrain", "climate/", []string{"tiny", "small", "climax"}}
	finePresets     = presets{"climate finetune", "climate/finetune/", []string{"tiny", "small", "climax", "climatebench"}}
	allPresets      = []presets{pretrainPresets, maskedPresets, taskPresets, climatePresets, finePresets}
)

// flag is --preset; usage says when it counts.
func (p presets) flag(usage string) cli.Flag {
	return newChoice(&cli.StringFlag{Name: "preset", Category: catModel, Value: p.names[0], Usage: usage}, p.names...)
}

// read returns the YAML of a preset, whose name the flag has checked.
func (p presets) read(name string) ([]byte, error) {
	return presetFiles.ReadFile("presets/" + p.dir + name + ".yaml")
}

func presetsGroup() *cli.Command {
	return &cli.Command{
		Name:  "presets",
		Usage: "model sizes with their training settings",
		Subcommands: []*cli.Command{
			verb("list", "list the presets", "", nil, runPresetsList, "kiban presets list", "kiban presets list --json"),
			verb("show", "print a preset, to be changed and given to --config", "NAME", nil, runPresetsShow, "kiban presets show tiny", "kiban presets show materials/small > my.yaml"),
		},
	}
}

// listed is what the list says of a preset.
type listed struct {
	layers, heads, width, tokens, batchSize, gradAccum int
	lr                                                 float64
}

// resolved are the options of a preset, with their verb's defaults.
func (p presets) resolved(text []byte, help string) (listed, error) {
	l := layers{preset: text, help: help}
	switch p.verb {
	case maskedPresets.verb:
		o := maskedDefaults()
		_, err := resolve(&o, l)
		return listed{o.Layers, o.Heads, o.Width, o.SeqLen, o.BatchSize, o.GradAccum, o.LR}, err
	case taskPresets.verb:
		o := taskDefaults(0)
		_, err := resolve(&o, l)
		return listed{o.Layers, o.Heads, o.Width, o.MaxTokens, o.BatchSize, o.GradAccum, o.LR}, err
	case climatePresets.verb, finePresets.verb:
		o := climateDefaults(p.verb == finePresets.verb)
		_, err := resolve(&o, l)
		return listed{o.Layers, o.Heads, o.Width, 0, o.BatchSize, o.GradAccum, o.LR}, err
	}
	o := pretrainDefaults()
	_, err := resolve(&o, l)
	return listed{o.Layers, o.Heads, o.Width, o.SeqLen, o.BatchSize, o.GradAccum, o.LR}, err
}

func runPresetsList(c *cli.Context) error {
	t := table{columns: []string{"preset", "verb", "layers", "heads", "width", "seq_len", "batch_size", "grad_accum", "lr", "about"}}
	for _, p := range allPresets {
		for _, name := range p.names {
			text, err := p.read(name)
			if err != nil {
				return err
			}
			o, err := p.resolved(text, c.Command.HelpName)
			if err != nil {
				return fmt.Errorf("%s: %w", p.dir+name, err)
			}
			var about []string
			for line := range strings.Lines(string(text)) {
				if rest, ok := strings.CutPrefix(line, "# "); ok {
					about = append(about, strings.TrimSpace(rest))
				}
			}
			t.add(p.dir+name, p.verb, some(o.layers), some(o.heads), some(o.width), some(o.tokens), o.batchSize, o.gradAccum, o.lr, strings.Join(about, " "))
		}
	}
	return printTable(c, c.App.Writer, t)
}

// some is n, or missing: a model that is taught has its own shape, and fields
// have no tokens.
func some(n int) any {
	if n == 0 {
		return nil
	}
	return n
}

func runPresetsShow(c *cli.Context) error {
	var known []string
	for _, p := range allPresets {
		for _, name := range p.names {
			known = append(known, p.dir+name)
		}
	}
	if c.NArg() != 1 {
		return usagef("name one preset of %s. See %s --help", strings.Join(known, ", "), c.Command.HelpName)
	}
	name := c.Args().First()
	if !slices.Contains(known, name) {
		return usagef("unknown preset %q%s give one of %s. See %s --help", name, orSemicolon(didYouMean(name, known, "")), strings.Join(known, ", "), c.Command.HelpName)
	}
	text, err := presetFiles.ReadFile("presets/" + name + ".yaml")
	if err != nil {
		return err
	}
	_, err = c.App.Writer.Write(text)
	return err
}
