package main

import (
	"fmt"
	"os"
	"strings"
	"time"

	"github.com/urfave/cli/v2"

	"github.com/kiban-models/kiban/core/mask"
	"github.com/kiban-models/kiban/core/train"
)

// maskedOptions are all settings of materials pretrain that may come from a
// preset, a file, the environment, --set or a flag, and that config.yaml
// repeats. Shape settings are those of the model when there is one.
type maskedOptions struct {
	Layers      int           `yaml:"layers"`
	Heads       int           `yaml:"heads"`
	Width       int           `yaml:"width"`
	VocabSize   int           `yaml:"vocab_size"`
	Cased       bool          `yaml:"cased"`
	SeqLen      int           `yaml:"seq_len"`
	Cross       bool          `yaml:"cross_documents"`
	Validation  float64       `yaml:"validation"`
	MaskShare   float64       `yaml:"mask_share"`
	LR          float64       `yaml:"lr"`
	Schedule    string        `yaml:"schedule"`
	Power       float64       `yaml:"power"`
	Warmup      float64       `yaml:"warmup"` // steps, or a share below 1
	WeightDecay float64       `yaml:"weight_decay"`
	Beta1       float64       `yaml:"beta1"`
	Beta2       float64       `yaml:"beta2"`
	Eps         float64       `yaml:"eps"`
	GradClip    float64       `yaml:"grad_clip"`
	GradAccum   int           `yaml:"grad_accum"`
	BatchSize   int           `yaml:"batch_size"`
	Dropout     float64       `yaml:"dropout"`
	Epochs      float64       `yaml:"epochs"`
	MaxSteps    int           `yaml:"max_steps"`
	MaxTime     time.Duration `yaml:"max_time"`
	Precision   string        `yaml:"precision"`
	Recompute   bool          `yaml:"recompute"`
	EvalEvery   int           `yaml:"eval_every"`
	EvalRows    int           `yaml:"eval_rows"` // of the evaluation at the end; 0 is all
	LogEvery    int           `yaml:"log_every"`
	SaveEvery   int           `yaml:"save_every"`
	SaveTime    time.Duration `yaml:"save_interval"`
	Keep        int           `yaml:"keep"`
	Seed        string        `yaml:"seed"`
}

// maskedDefaults are MatSciBERT's settings (its repository's
// pretraining/run_mlm.py and npj Computational Materials 8, 102): 16 rows of
// 512, 8 accumulated, 30 epochs.
func maskedDefaults() maskedOptions {
	return maskedOptions{
		SeqLen: 512, Validation: 0.05, MaskShare: mask.Share,
		LR: 1e-4, Schedule: "linear", Power: 1, Warmup: 0.048, WeightDecay: 0.01, Beta1: 0.9, Beta2: 0.98, Eps: 1e-6,
		GradAccum: 8, BatchSize: 16, Dropout: 0.1, Epochs: 30,
		Precision: "auto", EvalEvery: 500, LogEvery: 10, SaveEvery: 500, Keep: 3, Seed: "42",
	}
}

// maskedPresets are the files in presets/materials.
var maskedPresets = []string{"tiny", "small", "bert-base"}

// schedules are those of train.
var schedules = []string{string(train.Linear), string(train.Cosine), string(train.Constant), string(train.Polynomial), string(train.SlantedTriangular)}

func maskedFlags() []cli.Flag {
	d := maskedDefaults()
	return append([]cli.Flag{
		newChoice(&cli.StringFlag{Name: "preset", Category: catModel, Value: "tiny", Usage: "size of a new model with its training settings; not with -m"}, maskedPresets...),
		&cli.IntFlag{Name: "layers", Category: catModel, DefaultText: "of the preset", Usage: "build `N` layers"},
		&cli.IntFlag{Name: "heads", Category: catModel, DefaultText: "of the preset", Usage: "`N` attention heads a layer"},
		&cli.IntFlag{Name: "width", Category: catModel, DefaultText: "of the preset", Usage: "`N` numbers a token"},
		&cli.StringFlag{Name: "tokenizer", Category: catModel, Usage: "give a new model the tokenizer of `DIR` instead of training one"},
		&cli.IntFlag{Name: "vocab-size", Category: catModel, DefaultText: "of the preset", Usage: "train a tokenizer of `N` tokens"},
		&cli.BoolFlag{Name: "cased", Category: catModel, Usage: "train a tokenizer that tells capital letters", DisableDefaultText: true},
		&cli.Float64Flag{Name: "validation", Category: catInput, Value: d.Validation, Usage: "hold out this `SHARE` of the documents"},
		&cli.BoolFlag{Name: "cross-documents", Category: catInput, Usage: "let rows hold the end of a document and the beginning of the next", DisableDefaultText: true},
		&cli.IntFlag{Name: "seq-len", Category: catTraining, DefaultText: "of the preset, or 512", Usage: "pack sentences to rows of `N` tokens at most"},
		&cli.Float64Flag{Name: "mask-share", Category: catTraining, Value: d.MaskShare, Usage: "mask this `SHARE` of the tokens, whole words"},
		&cli.Float64Flag{Name: "lr", Category: catTraining, DefaultText: "of the preset, or 0.0001", Usage: "highest learning rate `X`"},
		newChoice(&cli.StringFlag{Name: "schedule", Category: catTraining, Value: d.Schedule, Usage: "course of the learning rate"}, schedules...),
		&cli.Float64Flag{Name: "power", Category: catTraining, Value: d.Power, Usage: "of the polynomial schedule"},
		&cli.Float64Flag{Name: "warmup", Category: catTraining, Value: d.Warmup, Usage: "warm up over `X` steps, or below 1 this share of all"},
		&cli.Float64Flag{Name: "weight-decay", Category: catTraining, Value: d.WeightDecay, Usage: "AdamW weight decay `X`"},
		&cli.Float64Flag{Name: "beta1", Category: catTraining, Value: d.Beta1, Usage: "AdamW first moment `X`"},
		&cli.Float64Flag{Name: "beta2", Category: catTraining, Value: d.Beta2, Usage: "AdamW second moment `X`"},
		&cli.Float64Flag{Name: "eps", Category: catTraining, Value: d.Eps, Usage: "AdamW epsilon `X`"},
		&cli.Float64Flag{Name: "grad-clip", Category: catTraining, Value: d.GradClip, Usage: "clip the gradient's norm to `X`; 0 does not"},
		&cli.IntFlag{Name: "grad-accum", Category: catTraining, DefaultText: "of the preset, or 8", Usage: "sum the gradients of `N` batches a step"},
		&cli.IntFlag{Name: "batch-size", Category: catTraining, DefaultText: "of the preset, or 16", Usage: "`N` rows of tokens a batch"},
		&cli.Float64Flag{Name: "dropout", Category: catTraining, DefaultText: "of the preset, or 0.1", Usage: "drop this `SHARE` of activations"},
		&cli.Float64Flag{Name: "epochs", Category: catTraining, DefaultText: "of the preset, or 30", Usage: "pass `X` times over the data"},
		&cli.IntFlag{Name: "max-steps", Category: catTraining, Usage: "stop after `N` steps; 0 is by epochs"},
		&cli.DurationFlag{Name: "max-time", Category: catTraining, Usage: "save and stop after `TIME` such as 30m or 8h; 0 is no limit"},
		&cli.BoolFlag{Name: "recompute", Category: catRuntime, Usage: "save memory by computing activations twice", DisableDefaultText: true},
		&cli.IntFlag{Name: "eval-every", Category: catTraining, Value: d.EvalEvery, Usage: "evaluate each `N` steps"},
		&cli.IntFlag{Name: "eval-rows", Category: catTraining, Usage: "evaluate at the end on `N` held-out rows; 0 is all"},
		&cli.IntFlag{Name: "log-every", Category: catOutput, Value: d.LogEvery, Usage: "log each `N` steps"},
		&cli.IntFlag{Name: "save-every", Category: catOutput, Value: d.SaveEvery, Usage: "save a checkpoint each `N` steps"},
		&cli.DurationFlag{Name: "save-interval", Category: catOutput, Usage: "also save each `TIME`; 0 does not"},
		&cli.IntFlag{Name: "keep", Category: catOutput, Value: d.Keep, Usage: "keep the last `N` checkpoints and the best"},
		optional{&cli.StringFlag{Name: "resume", Category: catInput, Usage: "go on from the newest checkpoint in -o, or with --resume=`DIR` from that one"}, resumeNewest},
		&cli.StringFlag{Name: "config", Category: catInput, Usage: "read options from YAML `FILE`, such as config.yaml of a run"},
		&cli.StringSliceFlag{Name: "set", Category: catInput, Usage: "set an option, `KEY=VALUE`; repeatable"},
		dryRunFlag(),
		&cli.BoolFlag{Name: "profile", Category: catRuntime, Usage: "print the time that each kernel took (cpu)", DisableDefaultText: true},
	}, documentFlags()...)
}

// resolveMasked resolves the options. A preset counts only for a new model.
func resolveMasked(c *cli.Context, opt *maskedOptions) error {
	l := layers{
		file: c.String("config"), environ: os.Environ(), set: c.StringSlice("set"),
		aliases: map[string]string{}, help: c.Command.HelpName,
	}
	for long, ours := range longNames {
		l.aliases[strings.ReplaceAll(long, "-", "_")] = strings.ReplaceAll(ours, "-", "_")
	}
	fresh := c.String("model") == ""
	if fresh {
		b, err := presetFiles.ReadFile("presets/materials/" + c.String("preset") + ".yaml")
		if err != nil {
			return usagef("unknown preset %q; give one of %s. See %s --help", c.String("preset"), strings.Join(maskedPresets, ", "), c.Command.HelpName)
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
	if !fresh && (opt.Layers != 0 || opt.Heads != 0 || opt.Width != 0 || opt.VocabSize != 0 || opt.Cased || c.IsSet("tokenizer")) {
		return usagef("layers, heads, width and tokenizer are those of the model %s. See %s --help", c.String("model"), c.Command.HelpName)
	}
	return opt.check(c.Command.HelpName, fresh)
}

// check refuses values that no training can use.
func (o maskedOptions) check(help string, fresh bool) error {
	var bad []string
	want := func(ok bool, format string, args ...any) {
		if !ok {
			bad = append(bad, fmt.Sprintf(format, args...))
		}
	}
	_, err := train.ParseSchedule(o.Schedule)
	want(err == nil, "schedule is %q, wanted one of %s", o.Schedule, strings.Join(schedules, ", "))
	want(o.LR > 0 && o.Eps > 0 && o.Power > 0, "lr, eps and power are %g, %g and %g, wanted more than 0", o.LR, o.Eps, o.Power)
	want(o.Validation >= 0 && o.Validation < 1, "validation is %g, wanted 0 to below 1", o.Validation)
	want(o.MaskShare > 0 && o.MaskShare < 1, "mask_share is %g, wanted above 0 and below 1", o.MaskShare)
	want(o.Warmup >= 0 && o.WeightDecay >= 0 && o.GradClip >= 0, "warmup, weight_decay and grad_clip are %g, %g and %g, wanted 0 or more", o.Warmup, o.WeightDecay, o.GradClip)
	want(o.Beta1 >= 0 && o.Beta1 < 1 && o.Beta2 >= 0 && o.Beta2 < 1, "beta1 and beta2 are %g and %g, wanted 0 to below 1", o.Beta1, o.Beta2)
	want(o.GradAccum > 0 && o.BatchSize > 0 && o.SeqLen > 7, "grad_accum, batch_size and seq_len are %d, %d and %d, wanted at least 1, 1 and 8", o.GradAccum, o.BatchSize, o.SeqLen)
	want(o.Dropout >= 0 && o.Dropout < 1, "dropout is %g, wanted 0 to below 1", o.Dropout)
	want(o.Epochs > 0 || o.MaxSteps > 0 || o.MaxTime > 0, "epochs, max_steps and max_time are all 0, wanted an end")
	want(o.MaxSteps >= 0 && o.MaxTime >= 0 && o.SaveTime >= 0 && o.Epochs >= 0 && o.EvalRows >= 0, "epochs, max_steps, max_time, save_interval and eval_rows: wanted 0 or more")
	want(o.EvalEvery > 0 && o.LogEvery > 0 && o.SaveEvery > 0 && o.Keep > 0, "eval_every, log_every, save_every and keep: wanted at least 1")
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
