package main

import (
	"errors"
	"fmt"
	"slices"
	"strings"

	"github.com/urfave/cli/v2"

	"github.com/kiban-models/kiban/climate/field"
	"github.com/kiban-models/kiban/climate/figure"
	stores "github.com/kiban-models/kiban/climate/store"
	"github.com/kiban-models/kiban/climate/task"
	"github.com/kiban-models/kiban/climate/verify"
)

// projects tells whether the run is to make of some years of forcings the climate
// of the last of them.
func (r *climateRun) projects() bool { return r.pairs != nil && r.opt.History > 0 }

// describeProjection says what a projector is to learn of pairs.
func (r *climateRun) describeProjection() (err error) {
	o, help := &r.opt, r.c.Command.HelpName
	for _, name := range []string{"target", "season", "region", "region-as-published"} {
		if r.c.IsSet(name) {
			return usagef("flags --history and --%s: a projection is of the whole grid, of the field itself; leave the latter out. See %s --help", name, help)
		}
	}
	made := list(r.c, "to-vars")
	if len(made) > 1 {
		return usagef("flag --to-vars: %s: a projector makes one of them. See %s --help", strings.Join(made, ", "), help)
	}
	s := task.Projection{Variables: r.setup.Variables, History: o.History, NorthFirst: r.setup.NorthFirst, AsPublished: o.AsPublished}
	if made != nil {
		s.Out = made[0]
	}
	if r.about, err = task.DescribeProjection(r.pairs, s); err != nil {
		return err
	}
	r.setup.Leads, o.Iterate = r.about.Leads, 0
	return r.begin(r.pairs.Target.Dir())
}

// bannerOfForcings says of what scenarios a projector learns.
func (r *climateRun) bannerOfForcings(t *task.Training) {
	in, out := r.pairs.Input, r.pairs.Target
	var forcings []string
	for _, ch := range r.about.Channels {
		forcings = append(forcings, ch.Key)
	}
	message(r.c, "data        %s examples: of %s in %s, %d records up to that of %s", human(t.Examples()), strings.Join(forcings, ", "), in.Dir(), r.about.History, out.Dir())
	for _, x := range []struct {
		part stores.Part
		verb string
	}{{stores.Train, "train on"}, {stores.Validation, "validate with"}, {stores.Test, "test with"}} {
		var names []string
		for _, run := range out.Manifest().Time.Runs {
			for i := run.From; i < run.To; i++ {
				if out.Part(i) == x.part {
					names = append(names, run.Member)
					break
				}
			}
		}
		if names != nil && !slices.Equal(names, []string{""}) {
			message(r.c, "scenarios   to %s: %s", x.verb, strings.Join(names, ", "))
		}
	}
}

// openScenario opens the run of a store of forcings that a projector is to
// project: that which is named, or the one that is held out.
func (r *running) openScenario(c *cli.Context, paths []string) (*task.Scenario, error) {
	if len(paths) != 1 || !isStore(paths[0]) {
		return nil, fmt.Errorf("%s: %s projects what a directory of kiban climate prepare holds, which knows what scenarios go on from; give one", paths[0], r.models[0].Path)
	}
	st, err := stores.Open(paths[0], stores.OpenOptions{})
	if err != nil {
		return nil, err
	}
	r.closers = append(r.closers, st.Close)
	name, err := scenarioOf(c, st)
	if err != nil {
		return nil, err
	}
	if r.source, err = verify.FromStore(st, name); err != nil {
		return nil, err
	}
	r.input = r.source
	return task.NewScenario(r.models[0].About, st, name)
}

// scenarioOf is the run that is named, or the only one that is wholly for the
// part of --split.
func scenarioOf(c *cli.Context, st *stores.Store) (string, error) {
	runs := st.Manifest().Time.Runs
	name := c.String("member")
	if name != "" || len(runs) == 1 {
		if name == "" {
			name = runs[0].Member
		}
		return name, nil
	}
	part := stores.Part(c.String("split"))
	var all, held []string
	for _, x := range runs {
		all = append(all, x.Member)
		if x.Part == part {
			held = append(held, x.Member)
		}
	}
	if len(held) != 1 {
		return "", fmt.Errorf("%s: %d of its scenarios are for %s; choose one with --scenario: it has %s", st.Dir(), len(held), part, strings.Join(all, " "))
	}
	return held[0], nil
}

// projectedRecords are the times of a scenario that have a history, within --time.
func projectedRecords(c *cli.Context, s *task.Scenario, source *verify.Source) ([]int, error) {
	keep, err := withinTime(c, source)
	if err != nil {
		return nil, err
	}
	var out []int
	short := 0
	for i := range s.Times {
		switch {
		case !keep(i):
		case s.Histories[i] == nil:
			short++
		default:
			out = append(out, i)
		}
	}
	if short > 0 {
		message(c, "%s times of %s have no history that is long enough", human(short), s.Name)
	}
	if len(out) == 0 {
		return nil, fmt.Errorf("%s: no time of %s that is wanted has a history; choose others with --time: it has %s to %s", source.Name, s.Name, s.Times[0], s.Times[len(s.Times)-1])
	}
	return out, nil
}

// withinTime tells which times of a source --time has; all without it.
func withinTime(c *cli.Context, s *verify.Source) (func(record int) bool, error) {
	text := c.String("time")
	if text == "" {
		return func(int) bool { return true }, nil
	}
	r, err := field.ParseTimeRange(text)
	if err != nil {
		return nil, usagef("flag --time: %s. See %s --help", strings.TrimPrefix(err.Error(), "field: "), c.Command.HelpName)
	}
	from, to, err := r.Span(s.Calendar, s.Times)
	if err != nil {
		return nil, fmt.Errorf("%s: %w", s.Name, err)
	}
	return func(i int) bool { return i >= from && i < to }, nil
}

// projectionAndTruth opens projections, in files or to be made, the scenario that
// came true, and the forcings that rivals are fitted on.
func projectionAndTruth(c *cli.Context, names, models []string, closers *[]func() error) (f verify.Forecasts, truth *verify.Source, forcings *stores.Store, err error) {
	from := list(c, "forcings")
	switch {
	case len(models) > 0 && len(from) > 0:
		return nil, nil, nil, usagef("flags --model and --forcings: a model projects what is named first; give one of them. See %s --help", c.Command.HelpName)
	case len(models) > 0:
		r, err := startForecasts(c, stores.Years{})
		if err != nil {
			return nil, nil, nil, err
		}
		*closers = append(*closers, r.Close)
		f, from = r, names
	case len(from) != 1:
		return nil, nil, nil, usagef("%s: holds projections; name the directory of their forcings with --forcings, of which pattern scaling is made and scored beside them. See %s --help", names[0], c.Command.HelpName)
	default:
		files, err := verify.OpenFields(verify.Project, names...)
		if err != nil {
			return nil, nil, nil, err
		}
		*closers = append(*closers, files.Close)
		f = files
	}
	paths := list(c, "truth")
	for _, p := range append(slices.Clone(paths), from...) {
		if !isStore(p) {
			return nil, nil, nil, fmt.Errorf("%s: is no directory of kiban climate prepare; the truth and the forcings of projections are such, with all scenarios", p)
		}
	}
	if len(paths) != 1 {
		return nil, nil, nil, usagef("flag --truth: %d directories; give the one of the outputs. See %s --help", len(paths), c.Command.HelpName)
	}
	if forcings, err = stores.Open(from[0], stores.OpenOptions{}); err != nil {
		return nil, nil, nil, err
	}
	*closers = append(*closers, forcings.Close)
	st, err := stores.Open(paths[0], stores.OpenOptions{})
	if err != nil {
		return nil, nil, nil, err
	}
	*closers = append(*closers, st.Close)
	name := f.Frame().Scenario
	if x := c.String("member"); x != "" {
		name = x
	}
	if name == "" {
		return nil, nil, nil, fmt.Errorf("%s: does not say of which scenario it is (attribute %s); name it with --scenario", names[0], verify.ScenarioAttribute)
	}
	if truth, err = verify.FromStore(st, name); err != nil {
		return nil, nil, nil, err
	}
	if len(models) > 0 || c.String("time") == "" { // a model was asked for those times alone
		return f, truth, forcings, nil
	}
	r, err := field.ParseTimeRange(c.String("time"))
	if err != nil {
		return nil, nil, nil, usagef("flag --time: %s. See %s --help", strings.TrimPrefix(err.Error(), "field: "), c.Command.HelpName)
	}
	f, err = verify.Between(f, r)
	if err != nil {
		err = fmt.Errorf("%s: %w", names[0], err)
	}
	return f, truth, forcings, err
}

// inheritHistory takes that of a projector, which needs a target to learn.
func (r *climateRun) inheritHistory() error {
	switch {
	case !r.model.Config.IsProjector():
	case r.pairs == nil:
		return fmt.Errorf("%s: the model is a projector, which learns from forcings and what they lead to: name the latter with --to", r.model.Path)
	case r.opt.History == 0:
		r.opt.History = r.model.Config.History
	}
	return nil
}

// isProjection tells whether a projector, or what one has made, is to be scored.
func isProjection(c *cli.Context, names, models []string) bool {
	if len(models) == 0 {
		return len(list(c, "forcings")) > 0 || verify.TaskOf(names[0]) == verify.Project
	}
	m, err := task.OpenModel(models[0], task.OpenOptions{})
	if err != nil {
		return false // which is said when it is run
	}
	defer m.Close()
	return m.Config.IsProjector()
}

// openTruth opens what a field is drawn beside: of a projection its scenario.
func openTruth(c *cli.Context, paths []string, ch field.Channel, frame verify.Frame) (*verify.Source, func() error, error) {
	if frame.Scenario == "" || c.String("member") != "" || len(paths) != 1 || !isStore(paths[0]) {
		return openSource(c, paths, []string{ch.Key}, stores.Years{}, field.Step{})
	}
	st, err := stores.Open(paths[0], stores.OpenOptions{})
	if err != nil {
		return nil, nil, err
	}
	s, err := verify.FromStore(st, frame.Scenario)
	if err != nil {
		return nil, nil, errors.Join(err, st.Close())
	}
	return s, st.Close, nil
}

// projectedMaps are the last field that was scored, and the mean of the globe by
// year.
func projectedMaps(r *verify.Result, ch field.Channel, scaled, truth, made figure.Field) ([]figure.Shown, error) {
	name, d, scenario := channelName(ch.Name, ch.Level/100), r.Shown.Begins, r.Frame.Scenario
	fig, err := figure.Projected(scaled, truth, made, figure.Options{Title: ch.String(), Subtitle: fmt.Sprintf("%s %d", scenario, d.Year)})
	if err != nil {
		return nil, err
	}
	shown := []figure.Shown{{Name: fmt.Sprintf("projected_%s_%04d", name, d.Year), Figure: fig,
		Caption: fmt.Sprintf("%s of %s in %d: by pattern scaling, as it was, as it was projected, and the difference.", ch, scenario, d.Year),
		Finding: fmt.Sprintf("The projected %s of %d beside the truth.", ch, d.Year)}}
	i := slices.IndexFunc(r.Frame.Channels, func(x field.Channel) bool { return x.Key == ch.Key })
	g := r.Globe[i]
	if len(g.Times) < 3 {
		return shown, nil
	}
	line := figure.Scenario{Name: scenario, Target: g.Truth, Forecast: g.Made}
	for _, t := range g.Times {
		line.Years = append(line.Years, float64(t.Year))
	}
	label := "Global mean of " + ch.String()
	if ch.Units != "" {
		label += " (" + ch.Units + ")"
	}
	if fig, err = figure.Scenarios([]figure.Scenario{line}, label, figure.Options{}); err != nil {
		return nil, err
	}
	return append(shown, figure.Shown{Name: "global_mean_" + name, Figure: fig,
		Caption: fmt.Sprintf("Global mean of %s in %s by year: as it was, and as it was projected.", ch, scenario),
		Finding: fmt.Sprintf("In %d the global mean of %s is %.3g as it was and %.3g as projected.", g.Times[len(g.Times)-1].Year, ch, g.Truth[len(g.Truth)-1], g.Made[len(g.Made)-1])}), nil
}
