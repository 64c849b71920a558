package main

import (
	"fmt"
	"os"
	"strings"
	"time"

	"github.com/urfave/cli/v2"
)

// resolveTraining resolves the options of a training verb, a pointer to a
// struct with its defaults, from a preset, nil for none, --config, the
// environment, --set and flags.
func resolveTraining(c *cli.Context, opt any, preset []byte) error {
	l := layers{
		preset: preset, file: c.String("config"), environ: os.Environ(), set: c.StringSlice("set"),
		aliases: map[string]string{}, help: c.Command.HelpName,
	}
	for long, ours := range longNames {
		l.aliases[strings.ReplaceAll(long, "-", "_")] = strings.ReplaceAll(ours, "-", "_")
	}
	var err error
	if l.flags, err = givenFlags(c, opt); err != nil {
		return err
	}
	_, err = resolve(opt, l)
	return err
}

// resolveFresh is resolveTraining of a verb whose preset counts only for a new
// model, without -m.
func resolveFresh(c *cli.Context, opt any, p presets) (fresh bool, err error) {
	var preset []byte
	if fresh = c.String("model") == ""; fresh {
		if preset, err = p.read(c.String("preset")); err != nil {
			return fresh, err
		}
	}
	return fresh, resolveTraining(c, opt, preset)
}

// wants collects what is wrong with options.
type wants []string

func (w *wants) want(ok bool, format string, args ...any) {
	if !ok {
		*w = append(*w, fmt.Sprintf(format, args...))
	}
}

// adam checks what every optimizer has.
func (w *wants) adam(warmup, decay, beta1, beta2, clip float64) {
	w.want(warmup >= 0, "warmup is %g, wanted 0 or more", warmup)
	w.want(decay >= 0, "weight_decay is %g, wanted 0 or more", decay)
	w.want(beta1 >= 0 && beta1 < 1 && beta2 >= 0 && beta2 < 1, "beta1 and beta2 are %g and %g, wanted 0 to below 1", beta1, beta2)
	w.want(clip >= 0, "grad_clip is %g, wanted 0 or more", clip)
}

// end checks when a run ends and saves.
func (w *wants) end(epochs float64, steps int, most, save time.Duration) {
	w.want(epochs > 0 || steps > 0 || most > 0, "epochs, max_steps and max_time are all 0, wanted an end")
	w.want(steps >= 0 && most >= 0 && save >= 0 && epochs >= 0, "epochs, max_steps, max_time and save_interval: wanted 0 or more")
}

// shape checks the sizes of a new model.
func (w *wants) shape(layers, heads, width int) {
	w.want(layers > 0 && heads > 0 && width > 0 && width%max(1, heads) == 0,
		"layers, heads and width are %d, %d and %d, wanted positive numbers and a width that the heads divide", layers, heads, width)
}

// err is misuse of a verb if anything is wrong.
func (w wants) err(help string) error {
	if len(w) == 0 {
		return nil
	}
	return usagef("%s. See %s --help", strings.Join(w, "; "), help)
}

// shapeFlags are the sizes of a new model.
func shapeFlags() []cli.Flag {
	return []cli.Flag{
		&cli.IntFlag{Name: "layers", Category: catModel, DefaultText: "of the preset", Usage: "build `N` layers"},
		&cli.IntFlag{Name: "heads", Category: catModel, DefaultText: "of the preset", Usage: "`N` attention heads a layer"},
		&cli.IntFlag{Name: "width", Category: catModel, DefaultText: "of the preset", Usage: "`N` numbers a token"},
	}
}

// vocabularyFlag is the size of a new model's tokenizer.
func vocabularyFlag() cli.Flag {
	return &cli.IntFlag{Name: "vocab-size", Category: catModel, DefaultText: "of the preset", Usage: "train a tokenizer of `N` tokens"}
}

// courseFlags say how the learning rate goes.
func courseFlags(schedule string, warmup float64, schedules ...string) []cli.Flag {
	return []cli.Flag{
		newChoice(&cli.StringFlag{Name: "schedule", Category: catTraining, Value: schedule, Usage: "course of the learning rate"}, schedules...),
		&cli.Float64Flag{Name: "warmup", Category: catTraining, Value: warmup, Usage: "warm up over `X` steps, or below 1 this share of all"},
	}
}

// adamFlags are the optimizer's.
func adamFlags(decay, beta1, beta2, clip float64) []cli.Flag {
	return []cli.Flag{
		&cli.Float64Flag{Name: "weight-decay", Category: catTraining, Value: decay, Usage: "AdamW weight decay `X`"},
		&cli.Float64Flag{Name: "beta1", Category: catTraining, Value: beta1, Usage: "AdamW first moment `X`"},
		&cli.Float64Flag{Name: "beta2", Category: catTraining, Value: beta2, Usage: "AdamW second moment `X`"},
		&cli.Float64Flag{Name: "grad-clip", Category: catTraining, Value: clip, Usage: "clip the gradient's norm to `X`; 0 does not"},
	}
}

// stopFlags end a run before its epochs do.
func stopFlags() []cli.Flag {
	return []cli.Flag{
		&cli.IntFlag{Name: "max-steps", Category: catTraining, Usage: "stop after `N` steps; 0 is by epochs"},
		&cli.DurationFlag{Name: "max-time", Category: catTraining, Usage: "save and stop after `TIME` such as 30m or 8h; 0 is no limit"},
	}
}

// saveFlags are how often a run by steps logs and saves.
func saveFlags(log, save, keep int) []cli.Flag {
	return []cli.Flag{
		&cli.IntFlag{Name: "log-every", Category: catOutput, Value: log, Usage: "log each `N` steps"},
		&cli.IntFlag{Name: "save-every", Category: catOutput, Value: save, Usage: "save a checkpoint each `N` steps"},
		&cli.DurationFlag{Name: "save-interval", Category: catOutput, Usage: "also save each `TIME`; 0 does not"},
		&cli.IntFlag{Name: "keep", Category: catOutput, Value: keep, Usage: "keep the last `N` checkpoints and the best"},
	}
}

// runFlags are of every training run.
func runFlags() []cli.Flag {
	return []cli.Flag{
		optional{&cli.StringFlag{Name: "resume", Category: catInput, Usage: "go on from the newest checkpoint in -o, or with --resume=`DIR` from that one"}, resumeNewest},
		&cli.StringFlag{Name: "config", Category: catInput, Usage: "read options from YAML `FILE`, such as config.yaml of a run"},
		&cli.StringSliceFlag{Name: "set", Category: catInput, Usage: "set an option, `KEY=VALUE`; repeatable"},
		dryRunFlag(),
	}
}
