package main

import (
	"fmt"
	"os"
	"strings"
	"time"

	"github.com/urfave/cli/v2"
)

// taskOptions are all settings of materials finetune that may come from a
// preset, a file, the environment, --set or a flag, and that config.yaml
// repeats. Shape settings are those of the model when there is one.
type taskOptions struct {
	Layers      int           `yaml:"layers"`
	Heads       int           `yaml:"heads"`
	Width       int           `yaml:"width"`
	VocabSize   int           `yaml:"vocab_size"`
	Head        string        `yaml:"head"` // of entities: linear or crf
	Negatives   float64       `yaml:"negatives"`
	LR          float64       `yaml:"lr"`
	HeadLR      float64       `yaml:"head_lr"`
	LRDecay     float64       `yaml:"layer_lr_decay"`
	FreezeTo    int           `yaml:"freeze_layers"`
	Unfreeze    float64       `yaml:"unfreeze_every"` // epochs; 0 trains all from the start
	Patience    int           `yaml:"patience"`       // epochs; 0 is without end
	Schedule    string        `yaml:"schedule"`
	Warmup      float64       `yaml:"warmup"` // steps, or a share below 1
	WeightDecay float64       `yaml:"weight_decay"`
	Beta1       float64       `yaml:"beta1"`
	Beta2       float64       `yaml:"beta2"`
	GradClip    float64       `yaml:"grad_clip"`
	GradAccum   int           `yaml:"grad_accum"`
	BatchSize   int           `yaml:"batch_size"`
	MaxTokens   int           `yaml:"max_tokens"` // of a text
	Dropout     float64       `yaml:"dropout"`
	Epochs      float64       `yaml:"epochs"`
	MaxSteps    int           `yaml:"max_steps"`
	MaxTime     time.Duration `yaml:"max_time"`
	Precision   string        `yaml:"precision"`
	LogEvery    int           `yaml:"log_every"`
	SaveTime    time.Duration `yaml:"save_interval"`
	Keep        int           `yaml:"keep"`
	Seed        string        `yaml:"seed"`
}

// taskDefaults are the recipe by which MatSciBERT was fine-tuned (its
// repository's ner.py, relation_classification.py and cls.py): transformers'
// Trainer, AdamW without decay, a linear course after a tenth of warm-up, the
// head at 3e-4. Published models search 2e-5, 3e-5 and 5e-5 for the encoder.
func taskDefaults(epochs float64) taskOptions {
	return taskOptions{
		Head: "linear", Negatives: 1, LR: 5e-5, HeadLR: 3e-4, LRDecay: 1, Schedule: "linear", Warmup: 0.1, Beta1: 0.9, Beta2: 0.999,
		GradClip: 1, GradAccum: 1, BatchSize: 16, MaxTokens: 512, Dropout: 0.1, Epochs: epochs,
		Precision: "auto", LogEvery: 10, Keep: 2, Seed: "42",
	}
}

// encoderPresets are for models that learn from the beginning.
var encoderPresets = map[string]string{
	"tiny":  "layers: 2\nheads: 4\nwidth: 128\nvocab_size: 4096\nmax_tokens: 256\nlr: 1.0e-3\nhead_lr: 1.0e-3\nepochs: 25\n",
	"small": "layers: 4\nheads: 4\nwidth: 256\nvocab_size: 8192\nmax_tokens: 512\nlr: 5.0e-4\nhead_lr: 1.0e-3\nepochs: 30\n",
	"base":  "layers: 12\nheads: 12\nwidth: 768\nvocab_size: 31090\nmax_tokens: 512\nlr: 1.0e-4\nhead_lr: 3.0e-4\nepochs: 20\n",
}

// taskFlags are options of taskOptions.
func taskFlags(d taskOptions) []cli.Flag {
	return []cli.Flag{
		&cli.StringFlag{Name: "validation", Category: catInput, Usage: "choose the best epoch by `FILE`, or by this share of the input's documents"},
		newChoice(&cli.StringFlag{Name: "preset", Category: catModel, Value: "tiny", Usage: "size of a model that learns from the beginning, without -m"}, "tiny", "small", "base"),
		&cli.IntFlag{Name: "layers", Category: catModel, DefaultText: "of the preset", Usage: "build `N` layers"},
		&cli.IntFlag{Name: "heads", Category: catModel, DefaultText: "of the preset", Usage: "`N` attention heads a layer"},
		&cli.IntFlag{Name: "width", Category: catModel, DefaultText: "of the preset", Usage: "`N` numbers a token"},
		&cli.IntFlag{Name: "vocab-size", Category: catModel, DefaultText: "of the preset", Usage: "train a tokenizer of `N` tokens"},
		&cli.Float64Flag{Name: "lr", Category: catTraining, Value: d.LR, Usage: "highest learning rate `X` of the encoder"},
		&cli.Float64Flag{Name: "head-lr", Category: catTraining, Value: d.HeadLR, Usage: "highest learning rate `X` of the head"},
		&cli.Float64Flag{Name: "layer-lr-decay", Category: catTraining, Value: d.LRDecay, Usage: "multiply the learning rate by `X` a layer, from the top down to the embeddings"},
		&cli.IntFlag{Name: "freeze-layers", Category: catTraining, Usage: "do not train the embeddings and the first `N` layers; 0 trains all"},
		&cli.Float64Flag{Name: "unfreeze-every", Category: catTraining, Usage: "train the head alone at first, and a layer more each `X` epochs; 0 trains all"},
		&cli.IntFlag{Name: "patience", Category: catTraining, Usage: "stop after `N` epochs that were not the best; 0 does not"},
		newChoice(&cli.StringFlag{Name: "schedule", Category: catTraining, Value: d.Schedule, Usage: "course of the learning rate"}, "cosine", "linear", "constant", "polynomial", "slanted_triangular"),
		&cli.Float64Flag{Name: "warmup", Category: catTraining, Value: d.Warmup, Usage: "warm up over `X` steps, or below 1 this share of all"},
		&cli.Float64Flag{Name: "weight-decay", Category: catTraining, Value: d.WeightDecay, Usage: "AdamW weight decay `X`"},
		&cli.Float64Flag{Name: "beta1", Category: catTraining, Value: d.Beta1, Usage: "AdamW first moment `X`"},
		&cli.Float64Flag{Name: "beta2", Category: catTraining, Value: d.Beta2, Usage: "AdamW second moment `X`"},
		&cli.Float64Flag{Name: "grad-clip", Category: catTraining, Value: d.GradClip, Usage: "clip the gradient's norm to `X`; 0 does not"},
		&cli.IntFlag{Name: "grad-accum", Category: catTraining, Value: d.GradAccum, Usage: "sum the gradients of `N` batches a step"},
		&cli.IntFlag{Name: "batch-size", Category: catTraining, Value: d.BatchSize, Usage: "`N` texts a batch"},
		&cli.IntFlag{Name: "max-tokens", Category: catTraining, Value: d.MaxTokens, Usage: "`N` tokens a text at most"},
		&cli.Float64Flag{Name: "dropout", Category: catTraining, Value: d.Dropout, Usage: "drop this `SHARE` of activations"},
		&cli.Float64Flag{Name: "epochs", Category: catTraining, Value: d.Epochs, Usage: "pass `X` times over the data"},
		&cli.IntFlag{Name: "max-steps", Category: catTraining, Usage: "stop after `N` steps; 0 is by epochs"},
		&cli.DurationFlag{Name: "max-time", Category: catTraining, Usage: "save and stop after `TIME` such as 30m or 8h; 0 is no limit"},
		&cli.IntFlag{Name: "log-every", Category: catOutput, Value: d.LogEvery, Usage: "log each `N` steps"},
		&cli.DurationFlag{Name: "save-interval", Category: catOutput, Usage: "also save each `TIME`; 0 saves at the ends of epochs"},
		&cli.IntFlag{Name: "keep", Category: catOutput, Value: d.Keep, Usage: "keep the last `N` checkpoints and the best"},
		optional{&cli.StringFlag{Name: "resume", Category: catInput, Usage: "go on from the newest checkpoint in -o, or with --resume=`DIR` from that one"}, resumeNewest},
		&cli.StringFlag{Name: "config", Category: catInput, Usage: "read options from YAML `FILE`, such as config.yaml of a run"},
		&cli.StringSliceFlag{Name: "set", Category: catInput, Usage: "set an option, `KEY=VALUE`; repeatable"},
		dryRunFlag(),
		&cli.BoolFlag{Name: "profile", Category: catRuntime, Usage: "print the time that each kernel took (cpu)", DisableDefaultText: true},
	}
}

// resolveTask resolves the options of a task. A preset counts only for a model
// that learns from the beginning.
func resolveTask(c *cli.Context, opt *taskOptions) error {
	l := layers{
		file: c.String("config"), environ: os.Environ(), set: c.StringSlice("set"),
		aliases: map[string]string{}, help: c.Command.HelpName,
	}
	for long, ours := range longNames {
		l.aliases[strings.ReplaceAll(long, "-", "_")] = strings.ReplaceAll(ours, "-", "_")
	}
	fresh := c.String("model") == ""
	if fresh {
		l.preset = []byte(encoderPresets[c.String("preset")])
	}
	var err error
	if l.flags, err = givenFlags(c, *opt); err != nil {
		return err
	}
	if _, err = resolve(opt, l); err != nil {
		return err
	}
	if !fresh && (opt.Layers != 0 || opt.Heads != 0 || opt.Width != 0 || opt.VocabSize != 0) {
		return usagef("layers, heads, width and vocab_size are those of the model %s. See %s --help", c.String("model"), c.Command.HelpName)
	}
	return opt.check(c.Command.HelpName, fresh)
}

// check refuses values that no training can use.
func (o taskOptions) check(help string, fresh bool) error {
	var bad []string
	want := func(ok bool, format string, args ...any) {
		if !ok {
			bad = append(bad, fmt.Sprintf(format, args...))
		}
	}
	want(o.Head == "linear" || o.Head == "crf", "head is %q, wanted linear or crf", o.Head)
	want(o.LR > 0 && o.HeadLR > 0, "lr and head_lr are %g and %g, wanted more than 0", o.LR, o.HeadLR)
	want(o.LRDecay > 0 && o.LRDecay <= 1, "layer_lr_decay is %g, wanted above 0 to 1", o.LRDecay)
	want(o.FreezeTo >= 0, "freeze_layers is %d, wanted 0 or more", o.FreezeTo)
	want(o.Unfreeze >= 0 && o.Patience >= 0, "unfreeze_every and patience are %g and %d, wanted 0 or more", o.Unfreeze, o.Patience)
	want(o.Negatives >= 0, "negatives is %g, wanted 0 or more", o.Negatives)
	want(o.Warmup >= 0 && o.WeightDecay >= 0 && o.GradClip >= 0, "warmup, weight_decay and grad_clip are %g, %g and %g, wanted 0 or more", o.Warmup, o.WeightDecay, o.GradClip)
	want(o.Beta1 >= 0 && o.Beta1 < 1 && o.Beta2 >= 0 && o.Beta2 < 1, "beta1 and beta2 are %g and %g, wanted 0 to below 1", o.Beta1, o.Beta2)
	want(o.GradAccum > 0 && o.BatchSize > 0 && o.MaxTokens > 7, "grad_accum, batch_size and max_tokens are %d, %d and %d, wanted at least 1, 1 and 8", o.GradAccum, o.BatchSize, o.MaxTokens)
	want(o.Dropout >= 0 && o.Dropout < 1, "dropout is %g, wanted 0 to below 1", o.Dropout)
	want(o.Epochs > 0 || o.MaxSteps > 0 || o.MaxTime > 0, "epochs, max_steps and max_time are all 0, wanted an end")
	want(o.MaxSteps >= 0 && o.MaxTime >= 0 && o.SaveTime >= 0 && o.Epochs >= 0, "epochs, max_steps, max_time and save_interval: wanted 0 or more")
	want(o.LogEvery > 0 && o.Keep > 0, "log_every and keep: wanted at least 1")
	if fresh {
		want(o.Layers > 0 && o.Heads > 0 && o.Width > 0 && o.Width%max(1, o.Heads) == 0,
			"layers, heads and width are %d, %d and %d, wanted positive numbers and a width that the heads divide", o.Layers, o.Heads, o.Width)
		want(o.VocabSize > 100, "vocab_size is %d, wanted more than 100", o.VocabSize)
	}
	if len(bad) > 0 {
		return usagef("%s. See %s --help", strings.Join(bad, "; "), help)
	}
	return nil
}
