package main

import (
	"slices"
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

// taskFlags are options of taskOptions.
func taskFlags(d taskOptions) []cli.Flag {
	return slices.Concat(
		[]cli.Flag{
			&cli.StringFlag{Name: "validation", Category: catInput, Usage: "choose the best epoch by `FILE`, or by this share of the input's documents"},
			taskPresets.flag("size of a model that learns from the beginning, without -m"),
		},
		shapeFlags(),
		[]cli.Flag{
			vocabularyFlag(),
			&cli.Float64Flag{Name: "lr", Category: catTraining, Value: d.LR, Usage: "highest learning rate `X` of the encoder"},
			&cli.Float64Flag{Name: "head-lr", Category: catTraining, Value: d.HeadLR, Usage: "highest learning rate `X` of the head"},
			&cli.Float64Flag{Name: "layer-lr-decay", Category: catTraining, Value: d.LRDecay, Usage: "multiply the learning rate by `X` a layer, from the top down to the embeddings"},
			&cli.IntFlag{Name: "freeze-layers", Category: catTraining, Usage: "do not train the embeddings and the first `N` layers; 0 trains all"},
			&cli.Float64Flag{Name: "unfreeze-every", Category: catTraining, Usage: "train the head alone at first, and a layer more each `X` epochs; 0 trains all"},
			&cli.IntFlag{Name: "patience", Category: catTraining, Usage: "stop after `N` epochs that were not the best; 0 does not"},
		},
		courseFlags(d.Schedule, d.Warmup, "cosine", "linear", "constant", "polynomial", "slanted_triangular"),
		adamFlags(d.WeightDecay, d.Beta1, d.Beta2, d.GradClip),
		[]cli.Flag{
			&cli.IntFlag{Name: "grad-accum", Category: catTraining, Value: d.GradAccum, Usage: "sum the gradients of `N` batches a step"},
			&cli.IntFlag{Name: "batch-size", Category: catTraining, Value: d.BatchSize, Usage: "`N` texts a batch"},
			&cli.IntFlag{Name: "max-tokens", Category: catTraining, Value: d.MaxTokens, Usage: "`N` tokens a text at most"},
			&cli.Float64Flag{Name: "dropout", Category: catTraining, Value: d.Dropout, Usage: "drop this `SHARE` of activations"},
			&cli.Float64Flag{Name: "epochs", Category: catTraining, Value: d.Epochs, Usage: "pass `X` times over the data"},
		},
		stopFlags(),
		[]cli.Flag{
			&cli.IntFlag{Name: "log-every", Category: catOutput, Value: d.LogEvery, Usage: "log each `N` steps"},
			&cli.DurationFlag{Name: "save-interval", Category: catOutput, Usage: "also save each `TIME`; 0 saves at the ends of epochs"},
			&cli.IntFlag{Name: "keep", Category: catOutput, Value: d.Keep, Usage: "keep the last `N` checkpoints and the best"},
		},
		runFlags())
}

// resolveTask resolves the options of a task. A preset counts only for a model
// that learns from the beginning.
func resolveTask(c *cli.Context, opt *taskOptions) error {
	fresh, err := resolveFresh(c, opt, taskPresets)
	if err != nil {
		return err
	}
	if !fresh && (opt.Layers != 0 || opt.Heads != 0 || opt.Width != 0 || opt.VocabSize != 0) {
		return usagef("layers, heads, width and vocab_size are those of the model %s. See %s --help", c.String("model"), c.Command.HelpName)
	}
	return opt.check(c.Command.HelpName, fresh)
}

// check refuses values that no training can use.
func (o taskOptions) check(help string, fresh bool) error {
	var w wants
	w.want(o.Head == "linear" || o.Head == "crf", "head is %q, wanted linear or crf", o.Head)
	w.want(o.LR > 0 && o.HeadLR > 0, "lr and head_lr are %g and %g, wanted more than 0", o.LR, o.HeadLR)
	w.want(o.LRDecay > 0 && o.LRDecay <= 1, "layer_lr_decay is %g, wanted above 0 to 1", o.LRDecay)
	w.want(o.FreezeTo >= 0, "freeze_layers is %d, wanted 0 or more", o.FreezeTo)
	w.want(o.Unfreeze >= 0 && o.Patience >= 0, "unfreeze_every and patience are %g and %d, wanted 0 or more", o.Unfreeze, o.Patience)
	w.want(o.Negatives >= 0, "negatives is %g, wanted 0 or more", o.Negatives)
	w.adam(o.Warmup, o.WeightDecay, o.Beta1, o.Beta2, o.GradClip)
	w.want(o.GradAccum > 0 && o.BatchSize > 0 && o.MaxTokens > 7, "grad_accum, batch_size and max_tokens are %d, %d and %d, wanted at least 1, 1 and 8", o.GradAccum, o.BatchSize, o.MaxTokens)
	w.want(o.Dropout >= 0 && o.Dropout < 1, "dropout is %g, wanted 0 to below 1", o.Dropout)
	w.end(o.Epochs, o.MaxSteps, o.MaxTime, o.SaveTime)
	w.want(o.LogEvery > 0 && o.Keep > 0, "log_every and keep: wanted at least 1")
	if fresh {
		w.shape(o.Layers, o.Heads, o.Width)
		w.want(o.VocabSize > 100, "vocab_size is %d, wanted more than 100", o.VocabSize)
	}
	return w.err(help)
}
