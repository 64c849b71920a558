package main

import (
	"fmt"
	"strings"
	"time"

	"github.com/kiban-models/kiban/climate/field"
	"github.com/kiban-models/kiban/climate/forecast"
	"github.com/kiban-models/kiban/climate/task"
	"github.com/kiban-models/kiban/core/train"
)

// banner says before the first step what is going to happen.
func (r *climateRun) banner(o task.Options, t *task.Training) {
	c, k := r.c, o.Config
	if r.fine {
		r.bannerOfModel()
	}
	message(c, "model       %dx%d cells in patches of %d, %d layers, width %d, %d heads, %d variables: %s parameters, %s train",
		k.Grid[0], k.Grid[1], k.Patch, k.Depth, k.Width, k.Heads, len(k.Variables), human(k.Parameters()), human(t.Trainable()))
	message(c, "task        %s of %s; %s of %d patches", o.About.Target, o.About.Describe(), human(t.Patches()), k.Patches())
	if r.pairs == nil {
		message(c, "data        %s examples of %s, lead times of %s", human(t.Examples()), strings.Join(c.Args().Slice(), ", "), leadText(o.About.Leads, o.About.Step()))
	} else if r.projects() {
		r.bannerOfForcings(t)
	} else {
		r.bannerOfPairs(t)
	}
	if !t.Validates() {
		warning(c, "no years are set aside to validate with (kiban climate prepare --val); nothing will be evaluated, and the last step is kept")
	}
	message(c, "steps       %s of %d examples, %.3g epochs", human(t.Steps()), o.BatchSize*max(1, r.opt.GradAccum), float64(t.Steps())/t.StepsPerEpoch())
	message(c, "optimizer   AdamW, learning rate %g, %s, weight decay %g, clip %g", r.opt.LR, r.opt.Schedule, r.opt.WeightDecay, r.opt.GradClip)
	r.run.bannerEnd(o.Policy.Compute.String(), o.Seed, t.Memory())
}

// bannerOfModel says what of a model is another than it was.
func (r *climateRun) bannerOfModel() {
	c, b := r.c, r.begun
	if len(b.New) > 0 {
		message(c, "new         the model did not know %s: their embeddings and outputs are drawn", strings.Join(b.New, ", "))
	}
	if b.Resized {
		message(c, "resized     the places of a grid of %dx%d to one of %dx%d", r.model.Config.Grid[0], r.model.Config.Grid[1], b.Config.Grid[0], b.Config.Grid[1])
	}
	if a := r.model.About; a != nil {
		if lon := a.Grid.Lon; !b.Resized && len(lon) > 0 && lon[0] != r.about.Grid.Lon[0] {
			warning(c, "the model's first longitude is %g, that of the data %g: what it knows of places is of others; prepare the data with the same --grid", lon[0], r.about.Grid.Lon[0])
		}
	}
}

// besideText are the normalised errors of baselines.
func besideText(s train.Scores, names []string) string {
	var all []string
	for _, name := range names {
		all = append(all, fmt.Sprintf("%s %.4f", strings.ReplaceAll(name, "_", " "), s["w_rmse_"+name]))
	}
	return strings.Join(all, ", ")
}

// leadText is "1, 3 and 6 steps of 1 month", or "1 to 28 steps of 6 hours".
func leadText(leads []int, step field.Step) string {
	n := len(leads)
	text := fmt.Sprint(leads[0])
	switch {
	case n > 2 && leads[n-1]-leads[0] == n-1:
		text = fmt.Sprintf("%d to %d", leads[0], leads[n-1])
	case n > 1:
		text = strings.Trim(strings.Join(strings.Fields(fmt.Sprint(leads[:n-1])), ", "), "[]") + fmt.Sprintf(" and %d", leads[n-1])
	}
	return text + " × " + step.String()
}

// tell says what came of it.
func (r *climateRun) tell(config forecast.Config, t *task.Training, out task.Outcome) {
	c, s := r.c, out.Scores
	took := time.Duration(out.Seconds * float64(time.Second)).Round(time.Second)
	speed := rate(out.Progress)
	if t.Validates() {
		message(c, "validation RMSE over the deviation: %s, this model %.4f at epoch %.3g of %.3g · %s samples/s · %s",
			besideText(s, out.Baselines), s["w_rmse"], float64(out.BestAt)/t.StepsPerEpoch(), float64(out.Step)/t.StepsPerEpoch(), human(speed), took)
	} else {
		message(c, "trained %d steps, not evaluated · %s samples/s · %s", out.Step, human(speed), took)
	}
	message(c, "next: %s", r.next(config))
}
