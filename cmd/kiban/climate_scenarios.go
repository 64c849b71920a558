package main

import (
	"cmp"
	"fmt"
	"slices"
	"strings"

	"github.com/urfave/cli/v2"

	"github.com/kiban-models/kiban/climate/field"
	"github.com/kiban-models/kiban/climate/netcdf"
	stores "github.com/kiban-models/kiban/climate/store"
)

// historical is the experiment that scenarios go on from, in the words of CMIP6.
const historical = "historical"

// climateScenarioFlags are of prepare.
func climateScenarioFlags() []cli.Flag {
	return []cli.Flag{
		&cli.StringSliceFlag{Name: "scenarios", Category: catInput, Usage: "take experiments (historical, ssp126, …), by comma or `all`, for runs of one store; those of the future go on from historical"},
		&cli.StringSliceFlag{Name: "val-scenario", Category: catOutput, Usage: "`SCENARIOS` to validate with, whatever their years"},
		&cli.StringSliceFlag{Name: "test-scenario", Category: catOutput, Usage: "`SCENARIOS` to test with"},
	}
}

// chooseScenarios makes a run of each experiment: historical first, the others
// after it where they begin a step after one of its times.
func chooseScenarios(c *cli.Context, all []*field.Series) ([]stores.Input, error) {
	series, err := byExperiment(c, all)
	if err != nil {
		return nil, err
	}
	var in []stores.Input
	for _, s := range series {
		x := stores.Input{Member: s.Dataset.Experiment, Series: s}
		if before := series[0]; before.Dataset.Experiment == historical && s != before && follows(before, s) {
			x.After = historical
		}
		if strings.HasPrefix(x.Member, "ssp") && x.After == "" {
			message(c, "%s: historical does not lead to its first time, %s: a model that sees a history begins that much later", x.Member, s.Times[0])
		}
		in = append(in, x)
	}
	for _, hold := range []struct {
		flag string
		part stores.Part
	}{{"val-scenario", stores.Validation}, {"test-scenario", stores.Test}} {
		for _, name := range list(c, hold.flag) {
			i := slices.IndexFunc(in, func(x stores.Input) bool { return x.Member == name })
			switch {
			case i < 0:
				return nil, usagef("flag --%s: no scenario %q; there are %s. See %s --help", hold.flag, name, strings.Join(experiments(series), ", "), c.Command.HelpName)
			case in[i].Part != "":
				return nil, usagef("flag --%s: %s is to validate with already; a scenario is for one thing. See %s --help", hold.flag, name, c.Command.HelpName)
			}
			in[i].Part = hold.part
		}
	}
	return in, nil
}

// follows tells whether a series goes on from another.
func follows(before, s *field.Series) bool {
	step := cmp.Or(s.Step, before.Step)
	return slices.ContainsFunc(before.Times, func(d netcdf.Date) bool { return step.Follows(s.Calendar, d, s.Times[0]) })
}

func experiments(all []*field.Series) []string {
	var names []string
	for _, s := range all {
		if !slices.Contains(names, s.Dataset.Experiment) {
			names = append(names, s.Dataset.Experiment)
		}
	}
	return names
}

// byExperiment are the series that are wanted, one of each experiment and
// historical first.
func byExperiment(c *cli.Context, all []*field.Series) ([]*field.Series, error) {
	wanted, member := list(c, "scenarios"), c.String("members")
	every := slices.Contains(wanted, "all")
	var out []*field.Series
	for _, s := range all {
		d, first := s.Dataset, all[0].Dataset
		if d.Experiment == "" {
			return nil, fmt.Errorf("%s: says no experiment, by the attribute experiment_id or its name; scenarios are told apart by it", s.Files[0].Path)
		}
		if d.Source != first.Source || d.Table != first.Table || d.Grid != first.Grid {
			return nil, fmt.Errorf("the files are of several datasets: %s and %s; prepare those of one model", first, d)
		}
		if !every && !slices.Contains(wanted, d.Experiment) || member != "" && d.Member != "" && d.Member != member {
			continue
		}
		if i := slices.IndexFunc(out, func(x *field.Series) bool { return x.Dataset.Experiment == d.Experiment }); i >= 0 {
			return nil, fmt.Errorf("the files of %s are of the members %s and %s; choose one with --members", d.Experiment, out[i].Dataset.Member, d.Member)
		}
		out = append(out, s)
	}
	for _, name := range wanted {
		if !every && !slices.Contains(experiments(out), name) {
			return nil, usagef("flag --scenarios: the files have no %q; they have %s. See %s --help", name, strings.Join(experiments(all), ", "), c.Command.HelpName)
		}
	}
	if len(out) == 0 {
		return nil, fmt.Errorf("the files have no member %s", member)
	}
	place := func(s *field.Series) int {
		if s.Dataset.Experiment == historical {
			return -2
		}
		return slices.Index(wanted, s.Dataset.Experiment)
	}
	slices.SortStableFunc(out, func(a, b *field.Series) int { return place(a) - place(b) })
	return out, nil
}

// heldOut says which years, or scenarios, a part of a store is.
func heldOut(m stores.Manifest, part stores.Part) string {
	var words []string
	if y := m.Split.Years(part); y != (stores.Years{}) {
		words = append(words, y.String())
	}
	for _, r := range m.Time.Runs {
		if r.Part == part {
			words = append(words, r.Member)
		}
	}
	return strings.Join(words, ", ")
}

// runsText is "of 3 members", or scenarios.
func runsText(m stores.Manifest) string {
	n, what := len(m.Time.Runs), "members"
	if n < 2 {
		return ""
	}
	if hasScenarios(m) {
		what = "scenarios"
	}
	return fmt.Sprintf(" of %d %s", n, what)
}

// hasScenarios tells runs that are scenarios from members of an ensemble.
func hasScenarios(m stores.Manifest) bool {
	return slices.ContainsFunc(m.Time.Runs, func(r stores.Run) bool { return r.After != "" || r.Part != "" })
}
