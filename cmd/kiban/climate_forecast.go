package main

import (
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strings"

	"github.com/urfave/cli/v2"

	"github.com/kiban-models/kiban/climate/field"
	"github.com/kiban-models/kiban/climate/netcdf"
	"github.com/kiban-models/kiban/climate/rollout"
	stores "github.com/kiban-models/kiban/climate/store"
	"github.com/kiban-models/kiban/climate/task"
	"github.com/kiban-models/kiban/climate/verify"
	"github.com/kiban-models/kiban/climate/window"
)

func climateForecastFlags() []cli.Flag {
	return append(append(climateSourceFlags(), climateRunFlags()...),
		&cli.BoolFlag{Name: "valid-time", Category: catOutput, Usage: "have the time that is forecast as the only time; of one lead", DisableDefaultText: true},
		&cli.StringFlag{Name: "title", Category: catOutput, Usage: "`TEXT` for the file's title"},
		&cli.BoolFlag{Name: "history", Category: catOutput, Value: true, Usage: "write the command into the file's history", DisableDefaultText: true},
		dryRunFlag())
}

// climateRunFlags say what models forecast.
func climateRunFlags() []cli.Flag {
	return []cli.Flag{
		&cli.StringSliceFlag{Name: "model", Aliases: []string{"m"}, Category: catModel, Usage: "model directory `DIR`; several are an ensemble"},
		&cli.StringSliceFlag{Name: "lead", Category: catModel, Usage: "`TIMES` ahead, by comma, such as 6h,72h or 1mo,3mo; those that the model was trained on without it"},
		&cli.BoolFlag{Name: "iterative", Category: catModel, Usage: "forecast from forecast to forecast", DisableDefaultText: true},
		&cli.IntFlag{Name: "ensemble", Category: catModel, Usage: "`N` forecasts of each model, with its dropout on"},
		&cli.StringSliceFlag{Name: "out-vars", Category: catModel, Usage: "`VARIABLES` to forecast, by comma; all that the model does without it"},
		&cli.IntFlag{Name: "batch", Category: catModel, Value: 4, Usage: "forecasts computed at once"},
		&cli.StringFlag{Name: "time", Category: catInput, Usage: "begin at each `TIME` such as 1991/1992 or 2000-01-01/2000-03-31, both ends within"},
		newChoice(&cli.StringFlag{Name: "split", Category: catInput, Value: string(stores.Test), Usage: "part of a store to begin at each time of, without --time"},
			string(stores.Train), string(stores.Validation), string(stores.Test), "all"),
	}
}

// running is models on devices, ready to forecast from a source.
type running struct {
	*rollout.Rollout
	models  []*task.Model
	input   *verify.Source // as it was given
	source  *verify.Source // as the models see it
	seed    uint64
	closers []func() error
}

func (r *running) Close() error {
	var errs []error
	for _, f := range slices.Backward(r.closers) {
		errs = append(errs, f())
	}
	return errors.Join(errs...)
}

// startForecasts opens what -m and the inputs name. train are the training years
// of inputs that are files.
func startForecasts(c *cli.Context, train stores.Years) (r *running, err error) {
	dirs, paths := list(c, "model"), c.Args().Slice()
	if len(dirs) == 0 {
		return nil, usagef("no model given; name its directory with -m DIR. See %s --help", c.Command.HelpName)
	}
	if len(paths) == 0 {
		return nil, usagef("no input given; name a directory of kiban climate prepare, or NetCDF files. See %s --help", c.Command.HelpName)
	}
	if n := c.Int("ensemble"); n < 0 || c.IsSet("ensemble") && n < 1 {
		return nil, usagef("flag --ensemble: %d forecasts; give 1 or more. See %s --help", n, c.Command.HelpName)
	}
	if n := c.Int("batch"); n < 1 {
		return nil, usagef("flag --batch: %d at once; give 1 or more. See %s --help", n, c.Command.HelpName)
	}
	r = &running{}
	if r.seed, err = seed(c); err != nil {
		return nil, err
	}
	defer func() {
		if err != nil {
			err = errors.Join(err, r.Close())
			r = nil
		}
	}()
	for _, dir := range dirs {
		m, err := task.OpenModel(dir, task.OpenOptions{})
		if err != nil {
			return r, err
		}
		r.models, r.closers = append(r.models, m), append(r.closers, m.Close)
		if err := m.Runs(); err != nil {
			return r, err
		}
	}
	about := r.models[0].About
	o := rollout.Options{Batch: c.Int("batch"), Dropout: c.Int("ensemble"), Out: list(c, "out-vars")}
	if o.Leads, err = leadSteps(c, about); err != nil {
		return r, err
	}
	if about.Task == task.Project {
		if o.Scenario, err = r.openScenario(c, paths); err == nil {
			o.Records, err = projectedRecords(c, o.Scenario, r.source)
		}
	} else {
		err = r.openInput(c, paths, train)
		if err == nil {
			o.Iterative = iterates(c, r.models[0], o.Leads)
			o.Records, err = initialRecords(c, r.source, isStore(paths[0]))
		}
	}
	if err != nil {
		return r, err
	}
	var members []rollout.Member
	for _, m := range r.models {
		if err := alike(r.models[0], m); err != nil {
			return r, err
		}
		f, err := r.load(c, m)
		if err != nil {
			return r, err
		}
		members = append(members, rollout.Member{Model: m, Forecaster: f})
	}
	r.Rollout, err = rollout.New(members, r.source, o)
	return r, err
}

// openInput opens what the first model sees.
func (r *running) openInput(c *cli.Context, paths []string, train stores.Years) (err error) {
	about := r.models[0].About
	var wanted []string
	for _, ch := range about.Channels {
		if ch.Key != stores.LatitudeKey && !ch.Own {
			wanted = append(wanted, ch.Key)
		}
	}
	var done func() error
	if r.input, done, err = openSource(c, paths, wanted, train, about.Step()); err != nil {
		return err
	}
	r.closers = append(r.closers, done)
	r.source, err = rollout.Seen(r.models[0], r.input)
	return err
}

// alike refuses what the models could not agree on before weights are read.
func alike(a, b *task.Model) error {
	if a.About.Task != b.About.Task {
		return fmt.Errorf("%s and %s: are of other tasks, %s and %s; models of an ensemble do the same", a.Path, b.Path, a.About.Task, b.About.Task)
	}
	if a.About.Step() != b.About.Step() {
		return fmt.Errorf("%s and %s: were trained on data %s and %s apart; models of an ensemble forecast the same", a.Path, b.Path, a.About.Step(), b.About.Step())
	}
	return nil
}

// load puts a model on a device of its own.
func (r *running) load(c *cli.Context, m *task.Model) (*task.Forecaster, error) {
	b, err := openBackend(c)
	if err != nil {
		return nil, err
	}
	r.closers = append(r.closers, b.Close)
	p, err := policy(c.String("precision"), false, b)
	if err != nil {
		return nil, err
	}
	if err := m.Load(b, p); err != nil {
		return nil, err
	}
	f, err := m.Forecaster(b, r.source.Grid, task.ForecasterOptions{Policy: p, Batch: c.Int("batch"), Dropout: c.Int("ensemble") > 0, Seed: r.seed})
	if err != nil {
		return nil, err
	}
	r.closers = append(r.closers, f.Close)
	detail(c, "%s: %d parameters on %s; %s", m.Path, m.Config.Parameters(), b.Name(), m.About.Describe())
	return f, nil
}

// mostLeads are forecast without being named.
const mostLeads = 12

// leadSteps reads --lead.
func leadSteps(c *cli.Context, a *task.About) ([]int, error) {
	if a.Task != task.Forecast {
		for _, name := range []string{"lead", "iterative"} {
			if c.IsSet(name) {
				return nil, usagef("flag --%s: the model is there to %s, which leads to no other time. See %s --help", name, a.Task, c.Command.HelpName)
			}
		}
		return a.Leads, nil
	}
	var out []int
	for _, s := range list(c, "lead") {
		n, err := window.ParseLead(s, a.Step())
		if err != nil {
			return nil, usagef("flag --lead: %s. See %s --help", strings.TrimPrefix(err.Error(), "window: "), c.Command.HelpName)
		}
		out = append(out, n)
	}
	if out == nil {
		out = slices.Clone(a.Leads)
		for i := range max(0, a.Iterations-1) {
			out = append(out, (i+2)*a.Leads[0])
		}
		if len(out) > mostLeads {
			return nil, usagef("the model was trained on %d lead times, %s to %s; choose some with --lead. See %s --help",
				len(out), aheadText(a, out[0]), aheadText(a, out[len(out)-1]), c.Command.HelpName)
		}
	}
	slices.Sort(out)
	return slices.Compact(out), nil
}

// aheadText is a number of steps as --lead takes it.
func aheadText(a *task.About, steps int) string {
	if a.StepMonths > 0 {
		return fmt.Sprintf("%dmo", steps*a.StepMonths)
	}
	return fmt.Sprintf("%gh", float64(steps)*a.Step().Hours())
}

// iterates decides between one forecast and a row of them, and says what the
// model was not trained for.
func iterates(c *cli.Context, m *task.Model, leads []int) bool {
	a := m.About
	if c.IsSet("iterative") {
		if !c.Bool("iterative") {
			return false
		}
	} else if a.Iterations <= 1 {
		for _, l := range leads {
			if !slices.Contains(a.Leads, l) {
				warning(c, "%s: a lead of %s is none of those that it was trained on, %s to %s; see --iterative", m.Path, aheadText(a, l), aheadText(a, a.Leads[0]), aheadText(a, a.Leads[len(a.Leads)-1]))
				break
			}
		}
		return false
	}
	message(c, "forecasting %s at a time, from forecast to forecast", aheadText(a, a.Leads[0]))
	return true
}

// initialRecords are where forecasts begin: of a store its test part, of files
// all but the years that were said to be trained on.
func initialRecords(c *cli.Context, s *verify.Source, store bool) ([]int, error) {
	from, to := 0, len(s.Times)
	part := stores.Part(c.String("split"))
	if text := c.String("time"); text != "" {
		r, err := field.ParseTimeRange(text)
		if err != nil {
			return nil, usagef("flag --time: %s. See %s --help", strings.TrimPrefix(err.Error(), "field: "), c.Command.HelpName)
		}
		if from, to, err = r.Span(s.Calendar, s.Times); err != nil {
			return nil, fmt.Errorf("%s: %w", s.Name, err)
		}
		part = "all"
	}
	var out []int
	for i := from; i < to; i++ {
		switch {
		case part == "all" || s.Part == nil, !store && s.Part(i) != stores.Train, store && s.Part(i) == part:
			out = append(out, i)
		}
	}
	if len(out) == 0 {
		return nil, fmt.Errorf("%s: no time of it is set aside for this (%s); choose others with --time or --split: it has %s to %s",
			s.Name, part, s.Times[0], s.Times[len(s.Times)-1])
	}
	return out, nil
}

func runClimateForecast(c *cli.Context) (err error) {
	out := c.String("out")
	if out == "" || out == "-" {
		return usagef("no output file given; name one with -o FILE.nc. NetCDF does not go to stdout. See %s --help", c.Command.HelpName)
	}
	r, err := startForecasts(c, stores.Years{})
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, r.Close()) }()
	f := r.Frame()
	if c.Bool("valid-time") && len(f.Leads) != 1 {
		return usagef("flag --valid-time: %d lead times have no dimension then; give one with --lead. See %s --help", len(f.Leads), c.Command.HelpName)
	}
	files := rollout.Paths(out, f.Members)
	for _, name := range files {
		if err := mayWrite(c, name); err != nil {
			return err
		}
	}
	members := ""
	if f.Members > 1 {
		members = fmt.Sprintf(", by %d members", f.Members)
	}
	if f.Task == verify.Project {
		message(c, "%s: %s times of %s, %s to %s, on a grid of %dx%d%s", f.Scenario, human(len(f.Times)), f.Channels[0].Key,
			f.Times[0], f.Times[len(f.Times)-1], f.Grid.Rows(), f.Grid.Columns(), members)
	} else if f.Task != "" {
		message(c, "%s times of %d variables and levels, %s to %s, from a grid of %dx%d to one of %dx%d%s", human(len(f.Times)), len(f.Channels),
			f.Times[0], f.Times[len(f.Times)-1], r.input.Grid.Rows(), r.input.Grid.Columns(), f.Grid.Rows(), f.Grid.Columns(), members)
	} else {
		message(c, "%s forecasts of %d variables and levels: %s begin %s to %s, to %s ahead, on a grid of %dx%d%s",
			human(len(f.Times)*len(f.Leads)), len(f.Channels), human(len(f.Times)), f.Times[0], f.Times[len(f.Times)-1],
			f.Ahead(len(f.Leads)-1), f.Grid.Rows(), f.Grid.Columns(), members)
	}
	if c.Bool("dry-run") {
		return forecastTable(c, f, nil)
	}
	about, err := r.provenance(c)
	if err != nil {
		return err
	}
	if err := os.MkdirAll(filepath.Dir(out), 0o777); err != nil {
		return err
	}
	doing := "forecasting"
	switch f.Task {
	case verify.Downscale:
		doing = "downscaling"
	case verify.Project:
		doing = "projecting"
	}
	p := newProgress(c, doing, int64(len(f.Times)*len(f.Leads))).Unit("field")
	err = rollout.Write(c.Context, r, out, about, c.Bool("valid-time"), func(done, _ int) { p.Update(int64(done)) })
	p.Done()
	if err != nil {
		return err
	}
	if r.Missing > 0 {
		message(c, "%s values of the inputs are missing; the model saw the mean of their variable there", human(r.Missing))
	}
	if err := forecastTable(c, f, files); err != nil {
		return err
	}
	evaluated := files[0]
	if len(files) > 1 {
		evaluated = strings.Join(files[1:], " ")
	}
	switch {
	case f.Task == verify.Project:
		message(c, "next: kiban climate evaluate %s --truth OUTPUTS --forcings %s -o skill, with the data of what came of them for OUTPUTS", evaluated, c.Args().First())
	case f.Task != "":
		message(c, "next: kiban climate evaluate %s --truth FINE --coarse %s -o skill, with the data of that grid for FINE", evaluated, c.Args().First())
	case !c.Bool("valid-time"):
		message(c, "next: kiban climate evaluate %s --truth %s -o skill", evaluated, c.Args().First())
	}
	return nil
}

// forecastTable has a row for each file, or what would be in one.
func forecastTable(c *cli.Context, f verify.Frame, files []string) error {
	t := table{columns: []string{"file", "times", "leads", "variables", "lat", "lon", "bytes"}}
	row := func(name, bytes any) {
		t.add(name, len(f.Times), len(f.Leads), len(f.Channels), f.Grid.Rows(), f.Grid.Columns(), bytes)
	}
	for _, name := range files {
		st, err := os.Stat(name)
		if err != nil {
			return err
		}
		row(name, st.Size())
	}
	if files == nil {
		row(c.String("out"), nil)
	}
	return printTable(c, c.App.Writer, t)
}

// provenance is what the files say of themselves.
func (r *running) provenance(c *cli.Context) (field.About, error) {
	var names, hashes []string
	for _, m := range r.models {
		h, err := m.Hash()
		if err != nil {
			return field.About{}, err
		}
		names, hashes = append(names, filepath.Base(filepath.Clean(m.Path))), append(hashes, h)
	}
	a := field.About{
		Title: c.String("title"), Source: "kiban " + readVersion().Version + ", model " + strings.Join(names, " "),
		References: "ClimaX: Nguyen et al. 2023, arXiv:2301.10343", Inherited: r.source.Global,
		Extra:   []netcdf.Attribute{netcdf.Text(verify.ModelAttribute, strings.Join(hashes, " "))},
		Command: commandLine(os.Args), NoHistory: !c.Bool("history"),
	}
	if c.Int("ensemble") > 0 {
		a.Extra = append(a.Extra, netcdf.Text("kiban_seed", fmt.Sprint(r.seed)))
	}
	var ids []string
	for _, f := range r.source.Files {
		if f.TrackingID != "" && !slices.Contains(ids, f.TrackingID) {
			ids = append(ids, f.TrackingID)
		}
	}
	if ids != nil {
		a.Extra = append(a.Extra, netcdf.Text("input_tracking_ids", strings.Join(ids, " ")))
	}
	return a, nil
}
