package main

import (
	"errors"
	"fmt"
	"math"
	"os"
	"path/filepath"
	"slices"
	"strconv"
	"strings"

	"github.com/urfave/cli/v2"

	"github.com/kiban-models/kiban/climate/field"
	"github.com/kiban-models/kiban/climate/figure"
	"github.com/kiban-models/kiban/climate/netcdf"
	stores "github.com/kiban-models/kiban/climate/store"
	"github.com/kiban-models/kiban/climate/verify"
	"github.com/kiban-models/kiban/climate/window"
	corefigure "github.com/kiban-models/kiban/core/figure"
)

func climatePlotFlags() []cli.Flag {
	return append(climateSourceFlags(),
		&cli.StringFlag{Name: "var", Category: catInput, Usage: "`VARIABLE` to draw, such as tas or zg@500; needed where there are several"},
		&cli.StringFlag{Name: "time", Category: catInput, Usage: "`TIME` to draw, such as 1992-07; of a forecast, where it begins; the first without it"},
		&cli.StringFlag{Name: "lead", Category: catInput, Usage: "`TIME` ahead of a forecast, such as 72h or 3mo; the first without it"},
		&cli.StringSliceFlag{Name: "truth", Category: catInput, Usage: "draw a forecast beside the truth of `PATH`: a directory of kiban climate prepare, or NetCDF files, by comma"},
		&cli.StringSliceFlag{Name: "coarse", Category: catInput, Usage: "draw a downscaled file beside the interpolation of `PATH`, too, from which it was made"},
		newChoice(&cli.StringFlag{Name: "panels", Category: catOutput, Value: "four", Usage: "of a forecast beside the truth: with where it begins, or without"}, "four", "three"),
		&cli.StringFlag{Name: "region", Category: catOutput, Usage: "draw `BOX` lon1,lon2,lat1,lat2, or a name such as climax:NorthAmerica; of scores, the region as it is called there"},
		&cli.StringFlag{Name: "metric", Category: catInput, Value: "rmse", Usage: "`METRIC` of a table of scores"},
		newChoice(&cli.StringFlag{Name: "curve", Category: catInput, Value: "loss", Usage: "of a training run"}, "loss", "learning_rate", "throughput"),
		&cli.BoolFlag{Name: "robust", Category: catOutput, Usage: "scale from the 2nd to the 98th percentile", DisableDefaultText: true},
		&cli.Float64Flag{Name: "vmin", Category: catOutput, Usage: "lowest `VALUE` of the scale", DefaultText: "of the field"},
		&cli.Float64Flag{Name: "vmax", Category: catOutput, Usage: "highest `VALUE` of the scale", DefaultText: "of the field"},
		&cli.StringFlag{Name: "cmap", Category: catOutput, Usage: "colours by `NAME`, such as cividis or RdBu_r", DefaultText: "by the quantity"},
		&cli.StringSliceFlag{Name: "levels", Category: catOutput, Usage: "borders of classes, `VALUES` by comma"},
		&cli.BoolFlag{Name: "anomaly", Category: catOutput, Usage: "a scale symmetric about 0", DisableDefaultText: true},
		newChoice(&cli.StringFlag{Name: "projection", Category: catOutput, Value: "platecarree", Usage: "of a map"}, "platecarree", "robinson"),
		&cli.Float64Flag{Name: "centre", Category: catOutput, Usage: "longitude in the middle of a map of the globe, in `DEGREES`"},
		&cli.StringFlag{Name: "title", Category: catOutput, Usage: "`TEXT` above the figure", DefaultText: "the variable"})
}

// runClimatePlot draws what the inputs are: scores, a training run, forecasts or
// fields.
func runClimatePlot(c *cli.Context) error {
	paths, out := c.Args().Slice(), c.String("out")
	if len(paths) == 0 {
		return usagef("no input given; name a NetCDF file, a directory of kiban climate prepare, skill.csv, or a training run. See %s --help", c.Command.HelpName)
	}
	ext := strings.ToLower(filepath.Ext(out))
	if !slices.Contains([]string{".png", ".svg", ".csv"}, ext) {
		return usagef("flag --out: %q; name a file that ends in .png, .svg, or .csv for the numbers. See %s --help", out, c.Command.HelpName)
	}
	if err := mayWrite(c, out); err != nil {
		return err
	}
	opt, err := mapOptions(c)
	if err != nil {
		return err
	}
	var f *corefigure.Figure
	switch _, err := os.Stat(filepath.Join(paths[0], "metrics.jsonl")); {
	case strings.HasSuffix(paths[0], ".csv"):
		f, err = plotScores(c, paths)
		if err != nil {
			return err
		}
	case err == nil:
		if f, err = plotRun(c, paths); err != nil {
			return err
		}
	default:
		if f, err = plotFields(c, paths, opt); err != nil {
			return err
		}
	}
	page := figure.Size(f)
	var data []byte
	switch ext {
	case ".png":
		data, err = f.PNGWide(page, figure.Pixels)
	case ".svg":
		data, err = f.SVG(page)
	default:
		data, err = f.CSV()
	}
	if err != nil {
		return fmt.Errorf("%s: %w", out, err)
	}
	if err := os.MkdirAll(filepath.Dir(out), 0o777); err != nil {
		return err
	}
	if err := writeWhole(out, data); err != nil {
		return err
	}
	message(c, "wrote %s (%s)", out, size(int64(len(data))))
	return nil
}

// mapOptions reads what maps have in common.
func mapOptions(c *cli.Context) (figure.Options, error) {
	o := figure.Options{Title: c.String("title"), Robust: c.Bool("robust"), Anomaly: c.Bool("anomaly"), Robinson: c.String("projection") == "robinson", Centre: c.Float64("centre")}
	if c.IsSet("vmin") || c.IsSet("vmax") {
		o.Limits = [2]float64{math.NaN(), math.NaN()}
		for i, name := range []string{"vmin", "vmax"} {
			if c.IsSet(name) {
				o.Limits[i] = c.Float64(name)
			}
		}
		if o.Limits[0] >= o.Limits[1] {
			return o, usagef("flags --vmin and --vmax: %g and %g; give the lower first. See %s --help", o.Limits[0], o.Limits[1], c.Command.HelpName)
		}
	}
	for _, s := range list(c, "levels") {
		x, err := strconv.ParseFloat(s, 64)
		if err != nil || math.IsNaN(x) || math.IsInf(x, 0) {
			return o, usagef("flag --levels: %q is no number. See %s --help", s, c.Command.HelpName)
		}
		o.Levels = append(o.Levels, x)
	}
	if n := len(o.Levels); n == 1 || !slices.IsSorted(o.Levels) {
		return o, usagef("flag --levels: give two numbers or more, ascending. See %s --help", c.Command.HelpName)
	}
	if name := c.String("cmap"); name != "" {
		if o.Map = figure.Named(name); o.Map == nil {
			return o, usagef("flag --cmap: unknown colours %q%s give one of %s. See %s --help", name, orSemicolon(didYouMean(name, figure.Names(), "")), strings.Join(figure.Names(), ", "), c.Command.HelpName)
		}
	}
	return o, nil
}

// mapBox reads --region of a map.
func mapBox(c *cli.Context) (*figure.Box, error) {
	text := c.String("region")
	if text == "" {
		return nil, nil
	}
	r, err := field.ParseRegion(text, "climax")
	if err != nil {
		return nil, usagef("flag --region: %s. See %s --help", strings.TrimPrefix(err.Error(), "field: "), c.Command.HelpName)
	}
	if len(r.Boxes) != 1 {
		return nil, usagef("flag --region: %s is of %d boxes; a map shows one. See %s --help", r.Name, len(r.Boxes), c.Command.HelpName)
	}
	b := r.Boxes[0]
	return &figure.Box{West: b.West, East: b.East, South: b.South, North: b.North}, nil
}

// plotFields draws a field of files or of a store, or a forecast.
func plotFields(c *cli.Context, paths []string, opt figure.Options) (f *corefigure.Figure, err error) {
	if opt.Box, err = mapBox(c); err != nil {
		return nil, err
	}
	forecast := len(paths) == 1 && !isStore(paths[0]) && isForecast(paths[0])
	if !forecast && len(paths) == 1 && len(list(c, "truth")) > 0 && verify.TaskOf(paths[0]) != "" {
		return plotMade(c, paths[0], opt)
	}
	if !forecast && (c.String("lead") != "" || len(list(c, "truth")) > 0) {
		return nil, usagef("flags --lead and --truth are of forecasts; %s has none. See %s --help", paths[0], c.Command.HelpName)
	}
	if forecast {
		return plotForecast(c, paths[0], opt)
	}
	s, done, err := openFields(c, paths)
	if err != nil {
		return nil, err
	}
	defer func() { err = errors.Join(err, done()) }()
	i, err := chooseChannel(c, s.Name, s.Channels)
	if err != nil {
		return nil, err
	}
	at, err := chooseTime(c, s.Name, s.Calendar, s.Times)
	if err != nil {
		return nil, err
	}
	x := make([]float32, s.Grid.Size())
	if err := s.Read(c.Context, at, []int{i}, x); err != nil {
		return nil, err
	}
	ch := s.Channels[i]
	shown := mapField(s.Grid, ch, x)
	if !anyValue(shown) {
		return nil, fmt.Errorf("%s: variable %s: has no value at %s; draw another time", s.Name, ch, s.Times[at])
	}
	if opt.Title == "" {
		opt.Title = shown.Name
	}
	if !ch.Constant {
		opt.Subtitle = s.Times[at].String()
	}
	return figure.Map(shown, opt)
}

// openFields opens what is drawn as it is, in its own units.
func openFields(c *cli.Context, paths []string) (*verify.Source, func() error, error) {
	if isStore(paths[0]) {
		return openSource(c, paths, nil, stores.Years{}, field.Step{})
	}
	o, _, err := fieldOptions(c)
	if err != nil {
		return nil, nil, err
	}
	o.Time, o.AllowGaps, o.AllowEmpty = field.TimeRange{}, true, true
	series, err := field.Open(paths, o)
	if v := c.String("var"); err != nil && v != "" {
		// Its neighbours may be on another grid. Asked for by name, it comes in the
		// units of the table of names.
		o.Variables = []string{v}
		series, err = field.Open(paths, o)
	}
	if err != nil {
		return nil, nil, err
	}
	for _, note := range series.Notes {
		message(c, "%s", note)
	}
	if series.Step == (field.Step{}) {
		series.Step = field.Step{Millis: 1} // nothing is looked for by time
	}
	s, err := verify.FromSeries(paths[0], series, stores.Years{})
	if err != nil {
		return nil, nil, errors.Join(err, series.Close())
	}
	return s, series.Close, nil
}

// isForecast tells whether a file has lead times. One that cannot be opened is
// for others to complain about.
func isForecast(path string) bool {
	f, err := netcdf.Open(path)
	if err != nil {
		return false
	}
	defer f.Close()
	d, err := f.Describe()
	return err == nil && slices.ContainsFunc(d.Variables, func(v netcdf.Variable) bool {
		return v.Text("standard_name") == "forecast_period" && len(v.Dimensions) == 1
	})
}

func chooseChannel(c *cli.Context, name string, all []field.Channel) (int, error) {
	wanted := c.String("var")
	for i, ch := range all {
		if wanted == ch.Key || wanted == ch.String() || wanted == channelName(ch.Name, ch.Level/100) || wanted == "" && len(all) == 1 {
			return i, nil
		}
	}
	if wanted != "" && len(all) == 1 { // a file was asked for this one, by any of its names
		return 0, nil
	}
	return 0, fmt.Errorf("%s: has %s; choose one with --var", name, strings.Join(channelNames(all), ", "))
}

func chooseTime(c *cli.Context, name string, calendar netcdf.Calendar, times []netcdf.Date) (int, error) {
	text := c.String("time")
	if text == "" {
		return 0, nil
	}
	r, err := field.ParseTimeRange(text)
	if err != nil {
		return 0, usagef("flag --time: %s. See %s --help", strings.TrimPrefix(err.Error(), "field: "), c.Command.HelpName)
	}
	from, _, err := r.Span(calendar, times)
	if err != nil {
		return 0, fmt.Errorf("%s: %w", name, err)
	}
	return from, nil
}

// plotForecast draws one forecast of a file, beside the truth if there is one.
func plotForecast(c *cli.Context, path string, opt figure.Options) (f *corefigure.Figure, err error) {
	files, err := verify.OpenFiles(path)
	if err != nil {
		return nil, err
	}
	defer func() { err = errors.Join(err, files.Close()) }()
	frame := files.Frame()
	i, err := chooseChannel(c, path, frame.Channels)
	if err != nil {
		return nil, err
	}
	at, err := chooseTime(c, path, frame.Calendar, frame.Times)
	if err != nil {
		return nil, err
	}
	lead, err := chooseLead(c, path, frame)
	if err != nil {
		return nil, err
	}
	x, err := files.Read(c.Context, at, lead)
	if err != nil {
		return nil, err
	}
	n, ch := frame.Grid.Size(), frame.Channels[i]
	shown := mapField(frame.Grid, ch, x[i*n:][:n])
	if !anyValue(shown) {
		return nil, fmt.Errorf("%s: variable %s: has no value in the forecast from %s; draw another", path, ch, frame.Times[at])
	}
	if opt.Title == "" {
		opt.Title = shown.Name
	}
	opt.Subtitle = fmt.Sprintf("from %s, %s ahead", frame.Times[at], frame.Ahead(lead))
	truth := list(c, "truth")
	if len(truth) == 0 {
		return figure.Map(shown, opt)
	}
	s, done, err := openSource(c, truth, []string{ch.Key}, stores.Years{}, field.Step{})
	if err != nil {
		return nil, err
	}
	defer func() { err = errors.Join(err, done()) }()
	begins, came, err := s.Beside(c.Context, frame, i, at, lead)
	if err != nil {
		return nil, err
	}
	if c.String("panels") == "three" {
		return figure.Triptych(mapField(frame.Grid, ch, came), shown, opt)
	}
	if begins == nil {
		return nil, fmt.Errorf("%s: does not have %s, where the forecast begins; draw it without, by --panels three", s.Name, frame.Times[at])
	}
	return figure.Forecast(mapField(frame.Grid, ch, begins), mapField(frame.Grid, ch, came), shown, opt)
}

// plotMade draws one time of a downscaled or projected file beside the truth, and
// what it was made of if that is named.
func plotMade(c *cli.Context, path string, opt figure.Options) (f *corefigure.Figure, err error) {
	task := verify.TaskOf(path)
	files, err := verify.OpenFields(task, path)
	if err != nil {
		return nil, err
	}
	defer func() { err = errors.Join(err, files.Close()) }()
	frame := files.Frame()
	i, err := chooseChannel(c, path, frame.Channels)
	if err != nil {
		return nil, err
	}
	at, err := chooseTime(c, path, frame.Calendar, frame.Times)
	if err != nil {
		return nil, err
	}
	x, err := files.Read(c.Context, at, 0)
	if err != nil {
		return nil, err
	}
	n, ch := frame.Grid.Size(), frame.Channels[i]
	beside := func(paths []string, brought bool) (fields figure.Field, err error) {
		s, done, err := openTruth(c, paths, ch, frame)
		if err != nil {
			return fields, err
		}
		defer func() { err = errors.Join(err, done()) }()
		if brought {
			if s, err = s.On(frame.Grid); err != nil {
				return fields, err
			}
		}
		_, came, err := s.Beside(c.Context, frame, i, at, 0)
		if err != nil {
			return fields, err
		}
		return mapField(frame.Grid, ch, came), nil
	}
	shown := mapField(frame.Grid, ch, x[i*n:][:n])
	truth, err := beside(list(c, "truth"), false)
	if err != nil {
		return nil, err
	}
	var interpolated figure.Field
	if from := list(c, "coarse"); len(from) > 0 {
		if interpolated, err = beside(from, true); err != nil {
			return nil, err
		}
	}
	if opt.Title == "" {
		opt.Title = shown.Name
	}
	opt.Subtitle = strings.TrimSpace(frame.Scenario + " " + frame.Times[at].String())
	if task == verify.Project {
		return figure.Projected(interpolated, truth, shown, opt)
	}
	return figure.Downscaled(interpolated, truth, shown, opt)
}

// chooseLead finds --lead among those of a file.
func chooseLead(c *cli.Context, path string, f verify.Frame) (int, error) {
	text := c.String("lead")
	if text == "" {
		return 0, nil
	}
	names := leadNames(f)
	unit := map[string]field.Step{"hours": {Millis: 3_600_000}, "days": {Millis: 86_400_000}, "months": {Months: 1}}[f.LeadUnits]
	steps, err := window.ParseLead(text, unit) // 5d is 120h
	for i, x := range f.Leads {
		if names[i] == text || err == nil && float64(steps) == x {
			return i, nil
		}
	}
	return 0, fmt.Errorf("%s: has no forecast of %s ahead; it has %s", path, text, strings.Join(names, ", "))
}

// leadNames are the leads as --lead takes them: 72h, 3mo.
func leadNames(f verify.Frame) []string {
	out := make([]string, len(f.Leads))
	for i, x := range f.Leads {
		out[i] = strconv.FormatFloat(x, 'g', -1, 64) + map[string]string{"hours": "h", "days": "d", "months": "mo"}[f.LeadUnits]
	}
	return out
}
