package main

import (
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

// trainingOptions resolves the options of a training verb from its defaults,
// --preset (where the verb has it), --config, the environment, --set and flags.
func trainingOptions(c *cli.Context, opt *trainOptions) error {
	var preset []byte
	if name := c.String("preset"); name != "" {
		var err error
		if preset, err = pretrainPresets.read(name); err != nil {
			return err
		}
	}
	if err := resolveTraining(c, opt, preset); err != nil {
		return err
	}
	return opt.check(c.Command.HelpName)
}

// check refuses values that no training can use.
func (o trainOptions) check(help string) error {
	var w wants
	w.want(o.LR > 0, "lr is %g, wanted more than 0", o.LR)
	w.want(o.LRDecay > 0 && o.LRDecay <= 1, "layer_lr_decay is %g, wanted above 0 to 1", o.LRDecay)
	w.want(o.Freeze == "none" || o.Freeze == "embeddings", "freeze is %q, wanted none or embeddings", o.Freeze)
	w.want(o.FreezeTo >= 0, "freeze_layers is %d, wanted 0 or more", o.FreezeTo)
	w.want(o.LoRARank >= 0 && o.LoRARank <= 1<<16, "lora_rank is %d, wanted 0 or more", o.LoRARank)
	w.want(o.LoRADropout >= 0 && o.LoRADropout < 1, "lora_dropout is %g, wanted 0 to below 1", o.LoRADropout)
	w.want(o.LoRARank == 0 || o.LoRAAlpha > 0, "lora_alpha is %g, wanted more than 0", o.LoRAAlpha)
	w.want(o.Schedule == "cosine" || o.Schedule == "linear" || o.Schedule == "constant", "schedule is %q, wanted cosine, linear or constant", o.Schedule)
	w.adam(o.Warmup, o.WeightDecay, o.Beta1, o.Beta2, o.GradClip)
	w.want(o.GradAccum > 0 && o.BatchSize > 0 && o.SeqLen > 1, "grad_accum, batch_size and seq_len are %d, %d and %d, wanted at least 1, 1 and 2", o.GradAccum, o.BatchSize, o.SeqLen)
	w.want(o.Dropout >= 0 && o.Dropout < 1, "dropout is %g, wanted 0 to below 1", o.Dropout)
	w.end(o.Epochs, o.MaxSteps, o.MaxTime, o.SaveTime)
	w.want(o.EvalTokens > 0, "eval_tokens is %d, wanted at least 1", o.EvalTokens)
	w.want(o.EvalEvery > 0 && o.LogEvery > 0 && o.SaveEvery > 0 && o.Keep > 0, "eval_every, log_every, save_every and keep: wanted at least 1")
	if o.Layers != 0 || o.Heads != 0 || o.Width != 0 {
		w.shape(o.Layers, o.Heads, o.Width)
	}
	return w.err(help)
}
