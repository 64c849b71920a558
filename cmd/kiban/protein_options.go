package main

import (
	"embed"
	"fmt"
	"os"
	"strings"
	"time"

	"github.com/urfave/cli/v2"

	"github.com/kiban-models/kiban/bio/protein"
)

// trainOptions are all settings of pretrain and finetune that may come from a
// preset, a file, the environment, --set or a flag, and that config.yaml
// repeats. Shape settings (layers, heads, width) are those of the model file
// when fine-tuning.
type trainOptions struct {
	Layers      int           `yaml:"layers"`
	Heads       int           `yaml:"heads"`
	Width       int           `yaml:"width"`
	Context     int           `yaml:"context"` // places; 0 means seq_len
	LR          float64       `yaml:"lr"`
	LRDecay     float64       `yaml:"layer_lr_decay"`
	Freeze      string        `yaml:"freeze"` // none or embeddings
	FreezeTo    int           `yaml:"freeze_layers"`
	LoRARank    int           `yaml:"lora_rank"` // 0 trains the model itself
	LoRAAlpha   float64       `yaml:"lora_alpha"`
	LoRATargets string        `yaml:"lora_targets"` // by comma
	LoRADropout float64       `yaml:"lora_dropout"`
	LoRARS      bool          `yaml:"lora_rs"`
	Schedule    string        `yaml:"schedule"`
	Warmup      float64       `yaml:"warmup"` // steps, or a share below 1
	WeightDecay float64       `yaml:"weight_decay"`
	Beta1       float64       `yaml:"beta1"`
	Beta2       float64       `yaml:"beta2"`
	GradClip    float64       `yaml:"grad_clip"`
	GradAccum   int           `yaml:"grad_accum"`
	BatchSize   int           `yaml:"batch_size"`
	SeqLen      int           `yaml:"seq_len"`
	Dropout     float64       `yaml:"dropout"`
	Epochs      float64       `yaml:"epochs"`
	MaxSteps    int           `yaml:"max_steps"`
	MaxTime     time.Duration `yaml:"max_time"`
	Precision   string        `yaml:"precision"`
	Recompute   bool          `yaml:"recompute"`
	EvalEvery   int           `yaml:"eval_every"`
	EvalTokens  int           `yaml:"eval_tokens"` // of the evaluation at the end
	LogEvery    int           `yaml:"log_every"`
	SaveEvery   int           `yaml:"save_every"`
	SaveTime    time.Duration `yaml:"save_interval"`
	Keep        int           `yaml:"keep"`
	Seed        string        `yaml:"seed"`
}

// pretrainDefaults have the shape of nanoGPT's: cosine, decay 0.1, second
// moment 0.95.
func pretrainDefaults() trainOptions {
	return trainOptions{
		Layers: 4, Heads: 4, Width: 128,
		LR: 1e-3, LRDecay: 1, Freeze: "none", Schedule: "cosine", Warmup: 0.02, WeightDecay: 0.1, Beta1: 0.9, Beta2: 0.95,
		GradClip: 1, GradAccum: 1, BatchSize: 16, SeqLen: 256, Epochs: 3,
		Precision: "auto", EvalEvery: 500, EvalTokens: 1 << 20, LogEvery: 10, SaveEvery: 500, Keep: 3, Seed: "42",
	}
}

// finetuneDefaults are those of the Hugging Face trainer but for warmup and
// log-every. Layers, heads and width 0 mean: as the model has them.
func finetuneDefaults() trainOptions {
	return trainOptions{
		LoRAAlpha: 16, LoRATargets: strings.Join(protein.DefaultTargets, ","),
		LR: 5e-5, LRDecay: 1, Freeze: "none", Schedule: "linear", Warmup: 0.06, Beta1: 0.9, Beta2: 0.999,
		GradClip: 1, GradAccum: 1, BatchSize: 8, SeqLen: 512, Epochs: 3,
		Precision: "auto", EvalEvery: 500, EvalTokens: 1 << 20, LogEvery: 10, SaveEvery: 500, Keep: 3, Seed: "42",
	}
}

//go:embed presets
var presetFiles embed.FS

func presetNames() []string { return []string{"tiny", "small", "protgpt2"} }

// trainingOptions resolves the options of a training verb from its defaults,
// --preset (where the verb has it), --config, the environment, --set and flags.
func trainingOptions(c *cli.Context, opt *trainOptions) error {
	l := layers{
		file: c.String("config"), environ: os.Environ(), set: c.StringSlice("set"),
		aliases: map[string]string{}, help: c.Command.HelpName,
	}
	for long, ours := range longNames {
		l.aliases[strings.ReplaceAll(long, "-", "_")] = strings.ReplaceAll(ours, "-", "_")
	}
	if name := c.String("preset"); name != "" {
		b, err := presetFiles.ReadFile("presets/" + name + ".yaml")
		if err != nil {
			return usagef("unknown preset %q; give one of %s. See %s --help", name, strings.Join(presetNames(), ", "), c.Command.HelpName)
		}
		l.preset = b
	}
	var err error
	if l.flags, err = givenFlags(c, *opt); err != nil {
		return err
	}
	if _, err = resolve(opt, l); err != nil {
		return err
	}
	return opt.check(c.Command.HelpName)
}

// check refuses values that no training can use.
func (o trainOptions) check(help string) error {
	var bad []string
	want := func(ok bool, format string, args ...any) {
		if !ok {
			bad = append(bad, fmt.Sprintf(format, args...))
		}
	}
	want(o.LR > 0, "lr is %g, wanted more than 0", o.LR)
	want(o.LRDecay > 0 && o.LRDecay <= 1, "layer_lr_decay is %g, wanted above 0 to 1", o.LRDecay)
	want(o.Freeze == "none" || o.Freeze == "embeddings", "freeze is %q, wanted none or embeddings", o.Freeze)
	want(o.FreezeTo >= 0, "freeze_layers is %d, wanted 0 or more", o.FreezeTo)
	want(o.LoRARank >= 0 && o.LoRARank <= 1<<16, "lora_rank is %d, wanted 0 or more", o.LoRARank)
	want(o.LoRADropout >= 0 && o.LoRADropout < 1, "lora_dropout is %g, wanted 0 to below 1", o.LoRADropout)
	want(o.LoRARank == 0 || o.LoRAAlpha > 0, "lora_alpha is %g, wanted more than 0", o.LoRAAlpha)
	want(o.Schedule == "cosine" || o.Schedule == "linear" || o.Schedule == "constant", "schedule is %q, wanted cosine, linear or constant", o.Schedule)
	want(o.Warmup >= 0, "warmup is %g, wanted 0 or more", o.Warmup)
	want(o.WeightDecay >= 0, "weight_decay is %g, wanted 0 or more", o.WeightDecay)
	want(o.Beta1 >= 0 && o.Beta1 < 1 && o.Beta2 >= 0 && o.Beta2 < 1, "beta1 and beta2 are %g and %g, wanted 0 to below 1", o.Beta1, o.Beta2)
	want(o.GradClip >= 0, "grad_clip is %g, wanted 0 or more", o.GradClip)
	want(o.GradAccum > 0 && o.BatchSize > 0 && o.SeqLen > 1, "grad_accum, batch_size and seq_len are %d, %d and %d, wanted at least 1, 1 and 2", o.GradAccum, o.BatchSize, o.SeqLen)
	want(o.Dropout >= 0 && o.Dropout < 1, "dropout is %g, wanted 0 to below 1", o.Dropout)
	want(o.Epochs > 0 || o.MaxSteps > 0 || o.MaxTime > 0, "epochs, max_steps and max_time are all 0, wanted an end")
	want(o.MaxSteps >= 0 && o.MaxTime >= 0 && o.SaveTime >= 0 && o.Epochs >= 0, "epochs, max_steps, max_time and save_interval: wanted 0 or more")
	want(o.EvalTokens > 0, "eval_tokens is %d, wanted at least 1", o.EvalTokens)
	want(o.EvalEvery > 0 && o.LogEvery > 0 && o.SaveEvery > 0 && o.Keep > 0, "eval_every, log_every, save_every and keep: wanted at least 1")
	if o.Layers != 0 || o.Heads != 0 || o.Width != 0 {
		want(o.Layers > 0 && o.Heads > 0 && o.Width > 0 && o.Width%max(1, o.Heads) == 0,
			"layers, heads and width are %d, %d and %d, wanted positive numbers and a width that the heads divide", o.Layers, o.Heads, o.Width)
	}
	if len(bad) > 0 {
		return usagef("%s. See %s --help", strings.Join(bad, "; "), help)
	}
	return nil
}
