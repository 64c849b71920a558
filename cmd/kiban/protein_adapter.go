package main

import (
	"strings"

	"github.com/urfave/cli/v2"

	"github.com/kiban-models/kiban/bio/protein"
	"github.com/kiban-models/kiban/core/checkpoint"
	"github.com/kiban-models/kiban/core/lora"
	"github.com/kiban-models/kiban/core/nn"
)

// adapterOptions sets o up to train adapters if the options or --adapter ask
// for that. The adapter that it returns, nil without --adapter, must stay open
// while o is used.
func adapterOptions(c *cli.Context, opt *trainOptions, base checkpoint.Lister, o *protein.TrainingOptions) (*lora.Adapter, error) {
	o.NoMerge = c.Bool("no-merge")
	path := c.String("adapter")
	if path == "" && opt.LoRARank == 0 {
		for _, name := range []string{"no-merge", "lora-alpha", "lora-targets", "lora-dropout", "lora-rs"} {
			if c.IsSet(name) {
				return nil, usagef("flag --%s is of adapters; give --lora-rank too. See %s --help", name, c.Command.HelpName)
			}
		}
		return nil, nil
	}
	o.Base = c.String("model")
	if path == "" {
		o.Config.LoRA = &nn.LoRA{
			Rank: opt.LoRARank, Alpha: opt.LoRAAlpha, RSLoRA: opt.LoRARS, Dropout: float32(opt.LoRADropout),
			Targets: strings.FieldsFunc(opt.LoRATargets, func(r rune) bool { return r == ',' || r == ' ' }),
		}
		return nil, nil
	}
	for _, name := range []string{"lora-rank", "lora-alpha", "lora-targets", "lora-rs"} {
		if c.IsSet(name) {
			return nil, usagef("flag --%s: the adapter %s says that itself; leave it out. See %s --help", name, path, c.Command.HelpName)
		}
	}
	a, err := protein.OpenAdapter(path)
	if err != nil {
		return nil, err
	}
	if err := protein.CheckBase(path, base); err != nil {
		a.Close()
		return nil, err
	}
	// What config.yaml records is what holds.
	opt.LoRARank, opt.LoRAAlpha, opt.LoRARS, opt.LoRATargets = a.Rank, a.Alpha, a.RSLoRA, strings.Join(a.Targets, ",")
	l := a.LoRA
	if c.IsSet("lora-dropout") {
		l.Dropout = float32(opt.LoRADropout)
	}
	opt.LoRADropout = float64(l.Dropout)
	o.Config.LoRA, o.Adapter = &l, a.Weights
	return a, nil
}
