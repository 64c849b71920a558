package main

import (
	"errors"
	"strings"

	"github.com/urfave/cli/v2"

	"github.com/kiban-models/kiban/climate/pair"
	stores "github.com/kiban-models/kiban/climate/store"
	"github.com/kiban-models/kiban/climate/task"
)

// toFlags are those of training with which a model makes what another store has.
func toFlags() []cli.Flag {
	return []cli.Flag{
		&cli.StringFlag{Name: "to", Category: catInput, Usage: "downscale, or with --history project: make of DATA what the directory `DATA` of kiban climate prepare has at the same times, on its grid"},
		&cli.StringSliceFlag{Name: "to-vars", Category: catInput, Usage: "`VARIABLES` of --to to make, by comma; all without it"},
		&cli.IntFlag{Name: "history", Category: catModel, DefaultText: "that of a projector, or none", Usage: "project: make what --to has of `N` records of forcings, the last of its time"},
		&cli.BoolFlag{Name: "projection-as-published", Category: catTraining, Usage: "learn what is projected in its units, with cells that count alike", DisableDefaultText: true},
	}
}

// checkTo refuses what does not go with --to.
func (r *climateRun) checkTo() error {
	help := r.c.Command.HelpName
	if r.c.String("to") == "" {
		if r.c.IsSet("to-vars") {
			return usagef("flag --to-vars: is of --to, which is not given. See %s --help", help)
		}
		return nil
	}
	for _, name := range []string{"lead", "eval-lead", "iterate", "lead-as-published"} {
		if r.c.IsSet(name) {
			return usagef("flags --to and --%s: what is downscaled is of the same time; give one of them. See %s --help", name, help)
		}
	}
	if n := r.c.Args().Len(); n > 1 {
		return usagef("flag --to: %d directories to downscale from; give one. See %s --help", n, help)
	}
	return nil
}

// openTarget opens the store that is to be made, and pairs the input with it.
func (r *climateRun) openTarget(dir string) error {
	target, err := stores.Open(dir, stores.OpenOptions{})
	if err != nil {
		return err
	}
	if r.pairs, err = pair.Stores(r.set.Stores[0], target); err != nil {
		return errors.Join(err, target.Close())
	}
	return nil
}

// describeDownscaling says what is to be learnt of pairs. Where a preset starts
// from damped persistence it is from regression, of variables that are seen.
func (r *climateRun) describeDownscaling() (err error) {
	made := list(r.c, "to-vars")
	if r.setup.Target == task.Damped && !r.c.IsSet("target") {
		if _, err := task.DescribeDownscaling(r.pairs, r.setup, made); err != nil {
			r.setup.Target = task.Fields
		}
	}
	if r.about, err = task.DescribeDownscaling(r.pairs, r.setup, made); err != nil {
		return err
	}
	r.setup.Leads, r.opt.Iterate = r.about.Leads, 0
	return r.begin(r.pairs.Target.Dir())
}

// bannerOfPairs says what is brought from where.
func (r *climateRun) bannerOfPairs(t *task.Training) {
	in, out := r.pairs.Input, r.pairs.Target
	message(r.c, "data        %s examples of %s pairs: %s of %dx%d cells, bilinearly on those of %s", human(t.Examples()), human(len(r.pairs.All)),
		in.Dir(), in.Grid().Rows(), in.Grid().Columns(), out.Dir())
	var own []string
	for _, ch := range r.about.Channels {
		if ch.Own {
			own = append(own, ch.Key)
		}
	}
	if own != nil {
		message(r.c, "beside      it sees the %s of %s", strings.Join(own, ", "), out.Dir())
	}
	if reached, cells := t.Reached(); reached < cells {
		warning(r.c, "%s ends before %s of the %s cells that are made: there the model sees the mean, and nothing is interpolated; prepare it a row and a column wider",
			in.Dir(), human(cells-reached), human(cells))
	}
	if unpaired := out.Len() - len(r.pairs.All); unpaired > 0 && len(in.Manifest().Time.Runs) == 1 {
		message(r.c, "unpaired    %s of the %s times of %s are not in %s", human(unpaired), human(out.Len()), out.Dir(), in.Dir())
	}
}
