package main

import (
	"fmt"
	"slices"
	"strings"
	"time"

	"github.com/urfave/cli/v2"

	"github.com/kiban-models/kiban/climate/field"
	stores "github.com/kiban-models/kiban/climate/store"
	"github.com/kiban-models/kiban/climate/task"
	"github.com/kiban-models/kiban/climate/window"
	"github.com/kiban-models/kiban/core/train"
)

// climateOptions are all settings of climate pretrain and finetune that may come
// from a preset, a file, the environment, --set or a flag, and that config.yaml
// repeats. The shape is that of the model where there is one.
type climateOptions struct {
	Patch        int           `yaml:"patch"`
	Width        int           `yaml:"width"`
	Layers       int           `yaml:"layers"`
	DecoderDepth int           `yaml:"decoder_depth"`
	Heads        int           `yaml:"heads"`
	Vars         string        `yaml:"vars"`
	Target       string        `yaml:"target"` // "" is that of the model, or field
	Season       bool          `yaml:"season"`
	Lead         string        `yaml:"lead"`              // "" is that of the model, or by the data's interval
	LeadRange    bool          `yaml:"lead_as_published"` // without the end of a range
	EvalLead     string        `yaml:"eval_lead"`
	Iterate      int           `yaml:"iterate"`
	Region       string        `yaml:"region"`
	Mirrored     bool          `yaml:"region_as_published"`
	History      int           `yaml:"history"` // records that a projector sees; 0 is no projector
	AsPublished  bool          `yaml:"projection_as_published"`
	Freeze       string        `yaml:"freeze"`
	LoRARank     int           `yaml:"lora_rank"`
	LoRAAlpha    float64       `yaml:"lora_alpha"`
	LoRATargets  string        `yaml:"lora_targets"`
	LoRADropout  float64       `yaml:"lora_dropout"`
	LR           float64       `yaml:"lr"`
	MinLR        float64       `yaml:"min_lr"`
	Schedule     string        `yaml:"schedule"`
	Warmup       float64       `yaml:"warmup"` // steps, or a share below 1
	WeightDecay  float64       `yaml:"weight_decay"`
	Beta1        float64       `yaml:"beta1"`
	Beta2        float64       `yaml:"beta2"`
	GradClip     float64       `yaml:"grad_clip"`
	GradAccum    int           `yaml:"grad_accum"`
	BatchSize    int           `yaml:"batch_size"`
	Dropout      float64       `yaml:"dropout"`
	DropPath     float64       `yaml:"drop_path"`
	Epochs       float64       `yaml:"epochs"`
	MaxSteps     int           `yaml:"max_steps"`
	MaxTime      time.Duration `yaml:"max_time"`
	Patience     int           `yaml:"patience"`
	Precision    string        `yaml:"precision"`
	Recompute    bool          `yaml:"recompute"`
	EvalExamples int           `yaml:"eval_examples"`
	LogEvery     int           `yaml:"log_every"`
	SaveTime     time.Duration `yaml:"save_interval"`
	Keep         int           `yaml:"keep"`
	Seed         string        `yaml:"seed"`
}

// climateDefaults are ClimaX's settings (its configs/pretrain_climax.yaml and
// configs/global_forecast_climax.yaml, 6d5d354).
func climateDefaults(fine bool) climateOptions {
	o := climateOptions{
		DecoderDepth: 2, LoRAAlpha: 16, LoRATargets: strings.Join(task.DefaultTargets, ","),
		LR: 5e-4, MinLR: 1e-8, Schedule: "cosine", Warmup: 10000, WeightDecay: 1e-5, Beta1: 0.9, Beta2: 0.95, GradAccum: 1, BatchSize: 16,
		Dropout: 0.1, DropPath: 0.1, Epochs: 100, Precision: "auto", LogEvery: 10, Keep: 3, Seed: "42",
	}
	if fine {
		o.LR, o.Beta2, o.Warmup, o.Epochs, o.Patience = 5e-7, 0.99, 0.1, 50, 5
	}
	return o
}

// climateSchedules are the courses that --schedule may take.
var climateSchedules = []string{string(train.Cosine), string(train.Linear), string(train.Constant)}

// climateTrainingFlags are those of both verbs.
func climateTrainingFlags(fine bool) []cli.Flag {
	d := climateDefaults(fine)
	target, leadUsage := "field", "by the data's interval: 6h..168h, 1mo..6mo or 1y..10y"
	if fine {
		target, leadUsage = "the model's", "the model's, or 72h of hours and one step of months"
	}
	return slices.Concat(toFlags(),
		[]cli.Flag{
			&cli.StringFlag{Name: "vars", Category: catInput, DefaultText: "all", Usage: "`VARIABLES` of the data, by comma; with --to those that the model sees"},
			optionalChoice(&cli.StringFlag{Name: "target", Category: catModel, DefaultText: target, Usage: "what the model makes: the field as published, its change, its anomaly from the climatology, the change of that, or the departure from damped persistence"}, "field", "change", "anomaly", "anomaly-change", "damped"),
			&cli.BoolFlag{Name: "season", Category: catModel, Usage: "let the model see the time of year of what it forecasts", DisableDefaultText: true},
			&cli.StringFlag{Name: "lead", Category: catTraining, DefaultText: leadUsage, Usage: "lead `TIMES`, such as 72h, 1mo,3mo or 6h..168h; one of several is drawn for each example"},
			&cli.BoolFlag{Name: "lead-as-published", Category: catTraining, Usage: "never draw the longest of a range, as ClimaX was published", DisableDefaultText: true},
			&cli.StringFlag{Name: "eval-lead", Category: catTraining, DefaultText: "those of training, or four of them", Usage: "lead `TIMES` to validate with"},
			&cli.Float64Flag{Name: "lr", Category: catTraining, DefaultText: fmt.Sprintf("of the preset, or %g", d.LR), Usage: "highest learning rate `X`"},
			&cli.Float64Flag{Name: "min-lr", Category: catTraining, Value: d.MinLR, Usage: "where the learning rate ends, `X`"},
		},
		courseFlags(d.Schedule, d.Warmup, climateSchedules...),
		adamFlags(d.WeightDecay, d.Beta1, d.Beta2, d.GradClip),
		[]cli.Flag{
			&cli.IntFlag{Name: "grad-accum", Category: catTraining, Value: d.GradAccum, Usage: "sum the gradients of `N` batches a step"},
			&cli.IntFlag{Name: "batch-size", Category: catTraining, DefaultText: "of the preset, or 16", Usage: "`N` examples a batch"},
			&cli.Float64Flag{Name: "dropout", Category: catTraining, DefaultText: "of the preset, or 0.1", Usage: "drop this `SHARE` of activations"},
			&cli.Float64Flag{Name: "drop-path", Category: catTraining, DefaultText: "of the preset, or 0.1", Usage: "skip the last block for this `SHARE` of the examples, those before for less"},
			&cli.Float64Flag{Name: "epochs", Category: catTraining, DefaultText: fmt.Sprintf("of the preset, or %g", d.Epochs), Usage: "pass `X` times over the data"},
			&cli.IntFlag{Name: "patience", Category: catTraining, Value: d.Patience, Usage: "stop after `N` epochs that validate no better; 0 does not"},
		},
		stopFlags(),
		[]cli.Flag{
			&cli.BoolFlag{Name: "recompute", Category: catRuntime, Usage: "save memory by computing activations twice", DisableDefaultText: true},
			&cli.IntFlag{Name: "eval-examples", Category: catTraining, Usage: "validate with `N` forecasts of each lead time; 0 is all"},
			&cli.IntFlag{Name: "log-every", Category: catOutput, Value: d.LogEvery, Usage: "log each `N` steps"},
			&cli.DurationFlag{Name: "save-interval", Category: catOutput, Usage: "save each `TIME`, not only after each epoch; 0 does not"},
			&cli.IntFlag{Name: "keep", Category: catOutput, Value: d.Keep, Usage: "keep the last `N` checkpoints and the best"},
		},
		runFlags())
}

// optionalChoice is a choice that need not be given.
func optionalChoice(f *cli.StringFlag, values ...string) cli.Flag { return newChoice(f, values...) }

func climatePretrainFlags() []cli.Flag {
	return slices.Concat([]cli.Flag{
		climatePresets.flag("size of the model with its training settings"),
		&cli.IntFlag{Name: "patch", Category: catModel, DefaultText: "of the preset", Usage: "join `N` by N cells"},
	}, shapeFlags(), []cli.Flag{
		&cli.IntFlag{Name: "decoder-depth", Category: catModel, Value: 2, Usage: "`N` hidden layers in the head"},
	}, climateTrainingFlags(false))
}

func climateFinetuneFlags() []cli.Flag {
	d := climateDefaults(true)
	return slices.Concat([]cli.Flag{
		finePresets.flag("training settings"),
		&cli.IntFlag{Name: "heads", Category: catModel, DefaultText: "16", Usage: "`N` attention heads of a checkpoint without a configuration"},
		&cli.StringFlag{Name: "region", Category: catInput, DefaultText: "the model's, or the whole grid", Usage: "`BOX` lon1,lon2,lat1,lat2 or lat=15:65,lon=220:300, or a name such as climax:NorthAmerica"},
		&cli.BoolFlag{Name: "region-as-published", Category: catInput, Usage: "take the region's latitudes mirrored at the equator, as ClimaX was published", DisableDefaultText: true},
		&cli.IntFlag{Name: "iterate", Category: catTraining, Usage: "validate with `N` forecasts, each made of the one before"},
		optionalChoice(&cli.StringFlag{Name: "freeze", Category: catTraining, DefaultText: "nothing", Usage: "what does not train: the blocks but for their norms"}, "body"),
		&cli.IntFlag{Name: "lora-rank", Category: catTraining, Usage: "train adapters of rank `N` and, of the rest, only variables and head; 0 trains all"},
		&cli.Float64Flag{Name: "lora-alpha", Category: catTraining, Value: d.LoRAAlpha, Usage: "their factor is `X` over the rank"},
		&cli.StringFlag{Name: "lora-targets", Category: catTraining, Value: d.LoRATargets, Usage: "`LAYERS` that get adapters, by comma"},
		&cli.Float64Flag{Name: "lora-dropout", Category: catTraining, Usage: "drop this `SHARE` of what adapters see"},
	}, climateTrainingFlags(true))
}

// check refuses values that no training can use.
func (o climateOptions) check(help string, fine bool) error {
	var w wants
	_, err := train.ParseSchedule(o.Schedule)
	w.want(err == nil && slices.Contains(climateSchedules, o.Schedule), "schedule is %q, wanted one of %s", o.Schedule, strings.Join(climateSchedules, ", "))
	w.want(o.LR > 0 && o.MinLR >= 0 && o.MinLR <= o.LR, "lr and min_lr are %g and %g, wanted more than 0, and 0 to lr", o.LR, o.MinLR)
	w.adam(o.Warmup, o.WeightDecay, o.Beta1, o.Beta2, o.GradClip)
	w.want(o.GradAccum > 0 && o.BatchSize > 0, "grad_accum and batch_size are %d and %d, wanted at least 1", o.GradAccum, o.BatchSize)
	w.want(o.Dropout >= 0 && o.Dropout < 1 && o.DropPath >= 0 && o.DropPath < 1, "dropout and drop_path are %g and %g, wanted 0 to below 1", o.Dropout, o.DropPath)
	w.end(o.Epochs, o.MaxSteps, o.MaxTime, o.SaveTime)
	w.want(o.Patience >= 0 && o.EvalExamples >= 0 && o.Iterate >= 0, "patience, eval_examples and iterate: wanted 0 or more")
	w.want(o.LogEvery > 0 && o.Keep > 0, "log_every and keep: wanted at least 1")
	w.want(o.Target == "" || slices.Contains(task.Targets, task.Target(o.Target)), "target is %q, wanted field, change, anomaly, anomaly-change or damped", o.Target)
	w.want(o.Freeze == "" || o.Freeze == string(task.FreezeBody), "freeze is %q, wanted body", o.Freeze)
	w.want(o.LoRARank >= 0 && o.LoRARank <= 1<<12 && o.LoRAAlpha > 0 && o.LoRADropout >= 0 && o.LoRADropout < 1, "lora_rank, lora_alpha and lora_dropout are %d, %g and %g, wanted 0 or more, above 0, and 0 to below 1", o.LoRARank, o.LoRAAlpha, o.LoRADropout)
	w.want(o.LoRARank == 0 || o.Freeze == "", "lora_rank and freeze: adapters train and the body is frozen anyway; give one of them")
	w.want(o.History >= 0 && o.History <= 1<<12, "history is %d, wanted 0 or more", o.History)
	w.want(!o.Mirrored || o.Region != "", "region_as_published needs a region")
	if !fine {
		w.shape(o.Layers, o.Heads, o.Width)
		w.want(o.Patch > 0 && o.DecoderDepth >= 0, "patch and decoder_depth are %d and %d, wanted at least 1 and 0", o.Patch, o.DecoderDepth)
		w.want(o.Region == "" && o.Freeze == "" && o.LoRARank == 0 && o.Iterate == 0, "region, freeze, lora_rank and iterate are of finetune")
	}
	return w.err(help)
}

// leads reads lead times, such as 72h, 1mo,3mo or 6h..168h, in steps of the
// data, and up to which there must be a truth.
func (o climateOptions) leads(text, flag, help string, step field.Step) (steps []int, reach int, err error) {
	for item := range strings.SplitSeq(text, ",") {
		from, to, two := strings.Cut(item, "..")
		if !two {
			to = from
		}
		a, err := window.ParseLead(from, step)
		if err != nil {
			return nil, 0, usagef("flag --%s: %s. See %s --help", flag, strings.TrimPrefix(err.Error(), "window: "), help)
		}
		b, err := window.ParseLead(to, step)
		if err != nil {
			return nil, 0, usagef("flag --%s: %s. See %s --help", flag, strings.TrimPrefix(err.Error(), "window: "), help)
		}
		reach = max(reach, b)
		if two && o.LeadRange {
			b--
		}
		if b < a || b > 1<<20 {
			return nil, 0, usagef("flag --%s: %q is no range; give the shorter time first. See %s --help", flag, item, help)
		}
		for i := a; i <= b; i++ {
			steps = append(steps, i)
		}
	}
	slices.Sort(steps)
	return slices.Compact(steps), reach, nil
}

// usualLeads are those of ClimaX for data of some hours, and what is like them
// for months and years.
func usualLeads(step field.Step) string {
	switch {
	case step.Months%12 == 0 && step.Months > 0:
		return fmt.Sprintf("%dmo..%dmo", step.Months, max(1, 120/step.Months)*step.Months)
	case step.Months > 0:
		return fmt.Sprintf("%dmo..%dmo", step.Months, max(1, 6/step.Months)*step.Months)
	}
	const week = 168 * 3_600_000
	first := max(step.Millis, (6*3_600_000+step.Millis-1)/step.Millis*step.Millis)
	return fmt.Sprintf("%gh..%gh", float64(first)/3_600_000, float64(max(1, week/step.Millis)*step.Millis)/3_600_000)
}

// someLead is one of them: three days, or a step of months.
func someLead(step field.Step) string {
	if step.Months > 0 {
		return fmt.Sprintf("%dmo", step.Months)
	}
	const days = 72 * 3_600_000
	return fmt.Sprintf("%gh", float64(max(1, days/step.Millis)*step.Millis)/3_600_000)
}

// openStores opens the data of a run.
func openStores(c *cli.Context) (*stores.Set, error) {
	dirs := c.Args().Slice()
	if len(dirs) == 0 {
		return nil, usagef("no data given; name directories that kiban climate prepare wrote. See %s --help", c.Command.HelpName)
	}
	return stores.Together(dirs, stores.OpenOptions{})
}
