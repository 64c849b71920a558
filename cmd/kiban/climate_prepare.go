package main

import (
	"errors"
	"fmt"
	"os"
	"slices"
	"strconv"
	"strings"

	"github.com/urfave/cli/v2"

	"github.com/kiban-models/kiban/climate/field"
	"github.com/kiban-models/kiban/climate/regrid"
	"github.com/kiban-models/kiban/climate/stats"
	stores "github.com/kiban-models/kiban/climate/store"
)

func climatePrepareFlags() []cli.Flag {
	return append(append(climateReadFlags(), climateScenarioFlags()...),
		&cli.StringFlag{Name: "members", Category: catInput, Usage: "members of the ensemble, by comma, or all; needed where the files have several"},
		&cli.BoolFlag{Name: "join-experiments", Category: catInput, Usage: "take the experiments of a model, as historical and ssp585, for one series", DisableDefaultText: true},
		&cli.StringFlag{Name: "grid", Category: catOutput, Value: "native", Usage: "`GRID` to bring fields to: 5.625 (degrees), 32x64, a NetCDF file that has it, or native"},
		newChoice(&cli.StringFlag{Name: "method", Category: catOutput, Value: string(regrid.Bilinear), Usage: "how to bring them there; chord is xESMF's bilinear"},
			string(regrid.Bilinear), string(regrid.Chord), string(regrid.Conservative), string(regrid.Nearest)),
		&cli.Float64Flag{Name: "min-valid", Category: catOutput, Value: 0.5, Usage: "`SHARE` of a cell that must have values"},
		&cli.StringFlag{Name: "train", Category: catOutput, Usage: "`YEARS` to train on, such as 1979/2014; those before validation and test without it"},
		&cli.StringFlag{Name: "val", Category: catOutput, Usage: "`YEARS` to validate with"},
		&cli.StringFlag{Name: "test", Category: catOutput, Usage: "`YEARS` to test with"},
		optional{&cli.StringFlag{Name: "drop-leap-days", Category: catInput, Usage: "leave out the last day of leap years, as ClimaX was published; the 29th of February with --drop-leap-days=`feb-29`"}, string(stores.DropAsPublished)},
		newChoice(&cli.StringFlag{Name: "stats", Category: catOutput, Value: string(stats.Right), Usage: "means and deviations over all values, or with the slips of ClimaX"}, string(stats.Right), string(stats.AsPublished)),
		newChoice(&cli.StringFlag{Name: "empty", Category: catInput, Value: string(stores.RefuseEmpty), Usage: "times at which a variable has no value"}, string(stores.RefuseEmpty), string(stores.DropEmpty)),
		&cli.BoolFlag{Name: "resume", Category: catInput, Usage: "go on with what an interrupted run left", DisableDefaultText: true},
		dryRunFlag())
}

// climateReadFlags are of all verbs that read fields from NetCDF files.
func climateReadFlags() []cli.Flag {
	return []cli.Flag{
		&cli.StringSliceFlag{Name: "vars", Category: catInput, Usage: "`VARIABLES` by any of their names, by comma, such as tas,zg@500 or 2m_temperature=TEMP2; all without it"},
		&cli.StringSliceFlag{Name: "levels", Category: catInput, Usage: "levels in `hPa`, by comma; all without it"},
		&cli.StringFlag{Name: "region", Category: catInput, Usage: "`BOX` lon1,lon2,lat1,lat2 or lat=15:65,lon=220:300, or a name such as climax:NorthAmerica"},
		&cli.StringFlag{Name: "dataset", Category: catInput, Usage: "of files of several datasets, those with `WORDS` of their names, such as CanESM5 or Amon_CanESM5_historical"},
		&cli.StringFlag{Name: "time", Category: catInput, Usage: "`TIME` such as 1979/2014 or 2000-01-01/2000-03-31, both ends within"},
		&cli.StringSliceFlag{Name: "units", Category: catInput, Usage: "assert units, `NAME=UNIT`; repeatable"},
		&cli.StringSliceFlag{Name: "pick", Category: catInput, Usage: "take one index, from 0, of another dimension, `NAME=INDEX`, or the mean over it, NAME=mean; repeatable"},
		&cli.BoolFlag{Name: "accumulate", Category: catInput, Usage: "let rates become amounts over each time cell", DisableDefaultText: true},
	}
}

// fieldOptions reads the flags of climateReadFlags.
func fieldOptions(c *cli.Context) (o field.Options, region *field.Region, err error) {
	misuse := func(name string, err error) error {
		return usagef("flag --%s: %s. See %s --help", name, strings.TrimPrefix(err.Error(), "field: "), c.Command.HelpName)
	}
	o.Variables, o.Accumulate, o.Dataset = list(c, "vars"), c.Bool("accumulate"), c.String("dataset")
	for _, s := range list(c, "levels") {
		x, err := strconv.ParseFloat(s, 64)
		if err != nil || !(x > 0 && x <= 1100) {
			return o, nil, usagef("flag --levels: %q is no pressure; give hPa such as 500,850. See %s --help", s, c.Command.HelpName)
		}
		o.Levels = append(o.Levels, x)
	}
	if s := c.String("region"); s != "" {
		r, err := field.ParseRegion(s, "climax")
		if err != nil {
			return o, nil, misuse("region", err)
		}
		region = &r
	}
	if s := c.String("time"); s != "" {
		if o.Time, err = field.ParseTimeRange(s); err != nil {
			return o, nil, misuse("time", err)
		}
	}
	for _, s := range c.StringSlice("units") {
		name, unit, ok := strings.Cut(s, "=")
		if !ok || name == "" || unit == "" {
			return o, nil, usagef("flag --units: %q cannot be read; give NAME=UNIT such as tas=K. See %s --help", s, c.Command.HelpName)
		}
		if o.Units == nil {
			o.Units = map[string]string{}
		}
		o.Units[name] = unit
	}
	for _, s := range list(c, "pick") {
		name, at, ok := strings.Cut(s, "=")
		i, err := strconv.Atoi(at)
		if at == "mean" {
			i, err = field.PickMean, nil
		} else if i < 0 {
			ok = false
		}
		if !ok || err != nil {
			return o, nil, usagef("flag --pick: %q cannot be read; give NAME=INDEX such as realization=0, or NAME=mean. See %s --help", s, c.Command.HelpName)
		}
		if o.Pick == nil {
			o.Pick = map[string]int{}
		}
		o.Pick[name] = i
	}
	return o, region, nil
}

func runClimatePrepare(c *cli.Context) (err error) {
	paths := c.Args().Slice()
	if len(paths) == 0 {
		return usagef("no file given; name NetCDF files or folders of them. See %s --help", c.Command.HelpName)
	}
	out := c.String("out")
	if out == "" || out == "-" {
		return usagef("no output directory given; name one with -o DIR. See %s --help", c.Command.HelpName)
	}
	read, region, err := fieldOptions(c)
	if err != nil {
		return err
	}
	o := stores.Options{Out: out, Region: region, Method: regrid.Method(c.String("method")), MinValid: c.Float64("min-valid"),
		Statistics: stats.Mode(c.String("stats")), Empty: stores.EmptyFields(c.String("empty")), LeapDays: stores.LeapDays(c.String("drop-leap-days")),
		Overwrite: c.Bool("overwrite"), Resume: c.Bool("resume"), Warn: func(text string) { warning(c, "%s", text) }}
	if o.Split, err = splitYears(c); err != nil {
		return err
	}
	if i := slices.Index(read.Variables, stores.LatitudeKey); i >= 0 {
		o.Latitude, read.Variables = true, slices.Delete(read.Variables, i, i+1)
		if len(read.Variables) == 0 {
			return usagef("flag --vars: %s alone changes at no time; name other variables, too. See %s --help", stores.LatitudeKey, c.Command.HelpName)
		}
	}
	if o.Target, err = targetGrid(c.String("grid")); err != nil {
		return err
	}
	read.Model, read.AllowGaps, read.AllowEmpty = true, true, o.Empty == stores.DropEmpty
	read.Join = c.Bool("join-experiments")
	if o.Target == nil && region != nil && len(region.Boxes) == 1 {
		read.Region = &region.Boxes[0]
	}
	if o.Inputs, err = climateInputs(c, paths, read); err != nil {
		return err
	}
	defer func() {
		for _, in := range o.Inputs {
			err = errors.Join(err, in.Series.Close())
		}
	}()
	if o.Sources, err = inputFiles(o.Inputs); err != nil {
		return err
	}
	var p *progress
	phase := ""
	o.Progress = func(name string, done, total int) {
		if name != phase {
			if p != nil {
				p.Done()
			}
			phase, p = name, newProgress(c, name, int64(total)).Unit("time").From(int64(done))
		}
		p.Update(int64(done))
	}
	plan, err := stores.NewPlan(o)
	if err != nil {
		return err
	}
	tellPlan(c, plan)
	if c.Bool("dry-run") {
		return printTable(c, c.App.Writer, channelTable(plan.Manifest(), false))
	}
	m, err := plan.Write(c.Context)
	if p != nil {
		p.Done()
	}
	if errors.Is(err, stores.ErrUnfinished) && contextInterrupted(c) {
		message(c, "%s: what is finished is kept; go on with --resume", out)
	}
	if err != nil {
		return err
	}
	if err := printTable(c, c.App.Writer, channelTable(m, true)); err != nil {
		return err
	}
	next, err := nextOfPrepare(c, out, m)
	if err == nil {
		message(c, "next: %s", next)
	}
	return err
}

// splitYears reads --train, --val and --test.
func splitYears(c *cli.Context) (s stores.Split, err error) {
	for _, x := range []struct {
		flag string
		into *stores.Years
	}{{"train", &s.Train}, {"val", &s.Validation}, {"test", &s.Test}} {
		text := c.String(x.flag)
		if text == "" {
			continue
		}
		if *x.into, err = stores.ParseYears(text); err != nil {
			return s, usagef("flag --%s: %s. See %s --help", x.flag, err, c.Command.HelpName)
		}
	}
	if err := s.Check(); err != nil {
		return s, usagef("%s. See %s --help", err, c.Command.HelpName)
	}
	return s, nil
}

// targetGrid reads --grid; nil is native.
func targetGrid(text string) (*field.Grid, error) {
	if text == "native" {
		return nil, nil
	}
	if st, err := os.Stat(text); err == nil && !st.IsDir() {
		s, err := field.Open([]string{text}, field.Options{AllowGaps: true})
		if err != nil {
			return nil, fmt.Errorf("grid of %w", err)
		}
		return s.Grid, s.Close()
	}
	g, err := regrid.ParseTarget(text)
	if err != nil {
		return nil, usagef("flag --grid: %s, or a file that has it", strings.TrimPrefix(err.Error(), "regrid: "))
	}
	return g, nil
}

// climateInputs opens the files as one series a member.
func climateInputs(c *cli.Context, paths []string, o field.Options) ([]stores.Input, error) {
	all, err := field.OpenAll(paths, o)
	if err != nil {
		return nil, err
	}
	var in []stores.Input
	if len(list(c, "scenarios")) > 0 {
		in, err = chooseScenarios(c, all)
	} else {
		in, err = chooseMembers(c.String("members"), all)
	}
	if err != nil {
		for _, s := range all {
			err = errors.Join(err, s.Close())
		}
	}
	return in, err
}

func chooseMembers(wanted string, all []*field.Series) ([]stores.Input, error) {
	var names []string
	for _, s := range all {
		names = append(names, s.Dataset.Member)
	}
	if err := oneDataset(all); err != nil {
		return nil, err
	}
	if wanted == "" && len(all) > 1 {
		return nil, fmt.Errorf("the files are of %d members: %s; choose with --members, or take --members all", len(all), strings.Join(names, " "))
	}
	keep := strings.Split(wanted, ",")
	var in []stores.Input
	for i, s := range all {
		if wanted == "" || wanted == "all" || slices.Contains(keep, names[i]) {
			in = append(in, stores.Input{Member: names[i], Series: s})
		}
	}
	for _, k := range keep {
		if wanted != "" && wanted != "all" && !slices.Contains(names, k) {
			return nil, fmt.Errorf("the files have no member %s; there are %s", k, strings.Join(names, " "))
		}
	}
	return in, nil
}

// oneDataset refuses series that differ in more than their member, and says how to
// choose.
func oneDataset(all []*field.Series) error {
	var names []string
	word := ""
	first := all[0].Dataset
	for _, s := range all {
		d := s.Dataset
		for _, part := range [][2]string{{first.Source, d.Source}, {first.Experiment, d.Experiment}, {first.Table, d.Table}, {first.Grid, d.Grid}} {
			if word == "" && part[0] != part[1] && part[0] != "" {
				word = part[0]
			}
		}
		d.Member = ""
		if name := d.String(); !slices.Contains(names, name) {
			names = append(names, name)
		}
	}
	if len(names) == 1 {
		return nil
	}
	choose := "name the files of one"
	if word != "" {
		choose = "choose one with --dataset, such as --dataset " + word
	}
	return fmt.Errorf("the files are of %d datasets: %s; %s: a model can be trained on several stores; or take experiments for runs of one store with --scenarios all", len(names), strings.Join(names, ", "), choose)
}

// inputFiles are the files of all members, each once.
func inputFiles(in []stores.Input) ([]stores.InputFile, error) {
	var out []stores.InputFile
	seen := map[string]bool{}
	for _, i := range in {
		for _, f := range i.Series.Files {
			if seen[f.Path] {
				continue
			}
			seen[f.Path] = true
			st, err := os.Stat(f.Path)
			if err != nil {
				return nil, err
			}
			out = append(out, stores.InputFile{Source: stores.Source{File: f.Path, Bytes: st.Size(), TrackingID: f.TrackingID}, Modified: st.ModTime()})
		}
	}
	return out, nil
}

// tellPlan says on stderr what will be made of what.
func tellPlan(c *cli.Context, p *stores.Plan) {
	m, dates := p.Manifest(), p.Dates()
	for _, text := range m.Conversions {
		message(c, "%s", text)
	}
	bytes, shards := p.Bytes()
	first, last := dates[0], dates[0]
	for _, d := range dates {
		if m.Time.Calendar.Compare(d, first) < 0 {
			first = d
		}
		if m.Time.Calendar.Compare(d, last) > 0 {
			last = d
		}
	}
	runs := runsText(m)
	message(c, "times %s%s from %s to %s, step %s, calendar %s, gaps %d; variables and levels %d, grid %s %dx%d; %s, shards %d",
		human(m.Records), runs, first, last, m.Time.Step, m.Time.Calendar, len(m.Time.Gaps), len(m.Channels)+len(m.Static),
		m.Grid.Kind, len(m.Grid.Lat), len(m.Grid.Lon), size(bytes), shards)
	count := p.Parts()
	var parts []string
	for _, x := range []struct {
		part stores.Part
		verb string
	}{{stores.Train, "train on"}, {stores.Validation, "validate with"}, {stores.Test, "test with"}} {
		if count[x.part] > 0 {
			parts = append(parts, fmt.Sprintf("%s to %s (%s)", human(count[x.part]), x.verb, heldOut(m, x.part)))
		}
	}
	if n := count[""]; n > 0 {
		parts = append(parts, human(n)+" to no purpose")
	}
	message(c, "%s", strings.Join(parts, ", "))
	for _, r := range m.Time.Runs {
		if r.After != "" {
			detail(c, "%s goes on from %s", r.Member, r.After)
		}
	}
	if count[stores.Test] == 0 {
		warning(c, "no years are set aside to test with: give --test YEARS, and --val YEARS")
	}
}

// channelTable has a row for each variable and level.
func channelTable(m stores.Manifest, written bool) table {
	t := table{columns: []string{"variable", "source", "units", "level"}}
	if written {
		t.columns = append(t.columns, "mean", "std", "min", "max", "n", "missing", "mask")
	}
	for i, ch := range append(append([]stores.Channel{}, m.Channels...), m.Static...) {
		var level any
		if ch.Level > 0 {
			level = ch.Level / 100
		}
		row := []any{ch.Key, ch.Name, ch.Units, level}
		if written {
			mask := string(ch.Mask)
			if i >= len(m.Channels) {
				mask = "static"
			}
			row = append(row, ch.Mean, ch.Std, ch.Min, ch.Max, ch.Count, ch.Missing, mask)
		}
		t.add(row...)
	}
	return t
}
