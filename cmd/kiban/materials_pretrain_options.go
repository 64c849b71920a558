package main

import (
	"slices"
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

// schedules are those of train.
var schedules = []string{string(train.Linear), string(train.Cosine), string(train.Constant), string(train.Polynomial), string(train.SlantedTriangular)}

func maskedFlags() []cli.Flag {
	d := maskedDefaults()
	return slices.Concat(
		[]cli.Flag{maskedPresets.flag("size of a new model with its training settings; not with -m")}, shapeFlags(),
		[]cli.Flag{
			&cli.StringFlag{Name: "tokenizer", Category: catModel, Usage: "give a new model the tokenizer of `DIR` instead of training one"},
			vocabularyFlag(),
			&cli.BoolFlag{Name: "cased", Category: catModel, Usage: "train a tokenizer that tells capital letters", DisableDefaultText: true},
			&cli.Float64Flag{Name: "validation", Category: catInput, Value: d.Validation, Usage: "hold out this `SHARE` of the documents"},
			&cli.BoolFlag{Name: "cross-documents", Category: catInput, Usage: "let rows hold the end of a document and the beginning of the next", DisableDefaultText: true},
			&cli.IntFlag{Name: "seq-len", Category: catTraining, DefaultText: "of the preset, or 512", Usage: "pack sentences to rows of `N` tokens at most"},
			&cli.Float64Flag{Name: "mask-share", Category: catTraining, Value: d.MaskShare, Usage: "mask this `SHARE` of the tokens, whole words"},
			&cli.Float64Flag{Name: "lr", Category: catTraining, DefaultText: "of the preset, or 0.0001", Usage: "highest learning rate `X`"},
		},
		courseFlags(d.Schedule, d.Warmup, schedules...),
		[]cli.Flag{
			&cli.Float64Flag{Name: "power", Category: catTraining, Value: d.Power, Usage: "of the polynomial schedule"},
		},
		adamFlags(d.WeightDecay, d.Beta1, d.Beta2, d.GradClip),
		[]cli.Flag{
			&cli.Float64Flag{Name: "eps", Category: catTraining, Value: d.Eps, Usage: "AdamW epsilon `X`"},
			&cli.IntFlag{Name: "grad-accum", Category: catTraining, DefaultText: "of the preset, or 8", Usage: "sum the gradients of `N` batches a step"},
			&cli.IntFlag{Name: "batch-size", Category: catTraining, DefaultText: "of the preset, or 16", Usage: "`N` rows of tokens a batch"},
			&cli.Float64Flag{Name: "dropout", Category: catTraining, DefaultText: "of the preset, or 0.1", Usage: "drop this `SHARE` of activations"},
			&cli.Float64Flag{Name: "epochs", Category: catTraining, DefaultText: "of the preset, or 30", Usage: "pass `X` times over the data"},
		},
		stopFlags(),
		[]cli.Flag{
			&cli.BoolFlag{Name: "recompute", Category: catRuntime, Usage: "save memory by computing activations twice", DisableDefaultText: true},
			&cli.IntFlag{Name: "eval-every", Category: catTraining, Value: d.EvalEvery, Usage: "evaluate each `N` steps"},
			&cli.IntFlag{Name: "eval-rows", Category: catTraining, Usage: "evaluate at the end on `N` held-out rows; 0 is all"},
		},
		saveFlags(d.LogEvery, d.SaveEvery, d.Keep), runFlags(), documentFlags())
}

// resolveMasked resolves the options. A preset counts only for a new model.
func resolveMasked(c *cli.Context, opt *maskedOptions) error {
	fresh, err := resolveFresh(c, opt, maskedPresets)
	if err != nil {
		return err
	}
	if !fresh && (opt.Layers != 0 || opt.Heads != 0 || opt.Width != 0 || opt.VocabSize != 0 || opt.Cased || c.IsSet("tokenizer")) {
		return usagef("layers, heads, width and tokenizer are those of the model %s. See %s --help", c.String("model"), c.Command.HelpName)
	}
	return opt.check(c.Command.HelpName, fresh)
}

// check refuses values that no training can use.
func (o maskedOptions) check(help string, fresh bool) error {
	var w wants
	_, err := train.ParseSchedule(o.Schedule)
	w.want(err == nil, "schedule is %q, wanted one of %s", o.Schedule, strings.Join(schedules, ", "))
	w.want(o.LR > 0 && o.Eps > 0 && o.Power > 0, "lr, eps and power are %g, %g and %g, wanted more than 0", o.LR, o.Eps, o.Power)
	w.want(o.Validation >= 0 && o.Validation < 1, "validation is %g, wanted 0 to below 1", o.Validation)
	w.want(o.MaskShare > 0 && o.MaskShare < 1, "mask_share is %g, wanted above 0 and below 1", o.MaskShare)
	w.adam(o.Warmup, o.WeightDecay, o.Beta1, o.Beta2, o.GradClip)
	w.want(o.GradAccum > 0 && o.BatchSize > 0 && o.SeqLen > 7, "grad_accum, batch_size and seq_len are %d, %d and %d, wanted at least 1, 1 and 8", o.GradAccum, o.BatchSize, o.SeqLen)
	w.want(o.Dropout >= 0 && o.Dropout < 1, "dropout is %g, wanted 0 to below 1", o.Dropout)
	w.end(o.Epochs, o.MaxSteps, o.MaxTime, o.SaveTime)
	w.want(o.EvalRows >= 0, "eval_rows is %d, wanted 0 or more", o.EvalRows)
	w.want(o.EvalEvery > 0 && o.LogEvery > 0 && o.SaveEvery > 0 && o.Keep > 0, "eval_every, log_every, save_every and keep: wanted at least 1")
	if fresh {
		w.shape(o.Layers, o.Heads, o.Width)
		w.want(o.VocabSize > 100, "vocab_size is %d, wanted more than 100", o.VocabSize)
	}
	return w.err(help)
}
