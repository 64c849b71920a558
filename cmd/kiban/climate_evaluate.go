package main

import (
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"slices"
	"strings"

	"github.com/urfave/cli/v2"

	"github.com/kiban-models/kiban/climate/baseline"
	"github.com/kiban-models/kiban/climate/field"
	"github.com/kiban-models/kiban/climate/skill"
	stores "github.com/kiban-models/kiban/climate/store"
	"github.com/kiban-models/kiban/climate/verify"
	"github.com/kiban-models/kiban/core/checkpoint"
	rundir "github.com/kiban-models/kiban/core/run"
)

// skillMetrics are all that --metrics takes.
var skillMetrics = []string{"rmse", "mae", "bias", "acc", "pearson", "nrmse_spatial", "nrmse_global", "nrmse", "crps", "crps_fair", "spread"}

func climateEvaluateFlags() []cli.Flag {
	return append(append(climateSourceFlags(), climateRunFlags()...),
		&cli.StringSliceFlag{Name: "truth", Category: catInput, Usage: "hold the forecasts of files against `PATH`: a directory of kiban climate prepare, or NetCDF files, by comma"},
		&cli.StringSliceFlag{Name: "coarse", Category: catInput, Usage: "hold downscaled files against the interpolation of what they were made of, `PATH`: a directory of kiban climate prepare, or NetCDF files, by comma"},
		&cli.StringSliceFlag{Name: "forcings", Category: catInput, Usage: "hold projected files against pattern scaling of their forcings, a `DIRECTORY` of kiban climate prepare with all scenarios"},
		&cli.StringFlag{Name: "train", Category: catInput, Usage: "`YEARS` of --truth to fit baselines on, such as 1982/1989; of files: those that the model was trained on without it"},
		&cli.StringSliceFlag{Name: "regions", Category: catOutput, Usage: "score in `REGIONS`: names by comma, or a box lon1,lon2,lat1,lat2; repeatable"},
		&cli.StringSliceFlag{Name: "metrics", Category: catOutput, Usage: "`METRICS` by comma (" + strings.Join(skillMetrics, ", ") + "); all that there are without it"},
		&cli.BoolFlag{Name: "published", Category: catOutput, Usage: "score as ClimaX was published: weights cos(lat), the mean of each time's RMSE, ACC by batches", DisableDefaultText: true},
		&cli.IntFlag{Name: "window", Category: catInput, Value: baseline.DefaultWindow, Usage: "smooth a climatology of days over `N` of them"},
		&cli.BoolFlag{Name: "figures", Category: catOutput, Value: true, Usage: "draw figures and report.html into the directory of -o", DisableDefaultText: true})
}

func runClimateEvaluate(c *cli.Context) (err error) {
	names := c.Args().Slice()
	if len(names) == 0 {
		return usagef("no input given; name files of kiban climate forecast with --truth, or data with -m MODEL. See %s --help", c.Command.HelpName)
	}
	dir := ""
	if c.String("out") != "" {
		if dir, err = outputDir(c, false); err != nil {
			return err
		}
	}
	o := verify.Options{Skill: skill.Options{Published: c.Bool("published")}, Baseline: baseline.Options{Window: c.Int("window")}}
	if o.Baseline.Window < 1 || o.Baseline.Window%2 == 0 {
		return usagef("flag --window: %d days; give an odd number. See %s --help", o.Baseline.Window, c.Command.HelpName)
	}
	if o.Regions, err = scoredRegions(c); err != nil {
		return err
	}
	metrics := list(c, "metrics")
	for _, m := range metrics {
		if !slices.Contains(skillMetrics, m) {
			return usagef("flag --metrics: unknown metric %q%s give some of %s. See %s --help", m, orSemicolon(didYouMean(m, skillMetrics, "")), strings.Join(skillMetrics, ", "), c.Command.HelpName)
		}
	}
	f, truth, coarse, forcings, done, err := forecastsAndTruth(c, names)
	o.Coarse, o.Forcings = coarse, forcings
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, done()) }()
	p := newProgress(c, "evaluating", int64(len(f.Frame().Times)*len(f.Frame().Leads))).Unit("forecast")
	o.Progress = func(done, _ int) { p.Update(int64(done)) }
	r, err := verify.Evaluate(c.Context, f, truth, o)
	p.Done()
	if err != nil {
		return err
	}
	if len(metrics) > 0 {
		r.Table = slices.DeleteFunc(r.Table, func(x skill.Row) bool { return !slices.Contains(metrics, x.Metric) })
	}
	if err := printTable(c, c.App.Writer, besideEachOther(r.Table, rivalsOf(r.Frame))); err != nil {
		return err
	}
	tellScored(c, r)
	if dir == "" {
		return nil
	}
	return writeSkill(c, dir, r, truth)
}

// forecastsAndTruth opens what is scored, what it is held against, and of
// downscaled or projected fields what they were made of.
func forecastsAndTruth(c *cli.Context, names []string) (f verify.Forecasts, truth, coarse *verify.Source, forcings *stores.Store, done func() error, err error) {
	train := stores.Years{}
	if s := c.String("train"); s != "" {
		if train, err = stores.ParseYears(s); err != nil {
			return nil, nil, nil, nil, nil, usagef("flag --train: %s. See %s --help", err, c.Command.HelpName)
		}
	}
	var closers []func() error
	done = func() (err error) {
		for _, f := range slices.Backward(closers) {
			err = errors.Join(err, f())
		}
		return err
	}
	defer func() {
		if err != nil {
			err = errors.Join(err, done())
		}
	}()
	paths, models := list(c, "truth"), list(c, "model")
	if len(models) > 0 && len(paths) == 0 {
		if !isStore(names[0]) && train == (stores.Years{}) {
			return nil, nil, nil, nil, done, usagef("files do not say which years are for training; name them with --train. See %s --help", c.Command.HelpName)
		}
		r, err := startForecasts(c, train)
		if err != nil {
			return nil, nil, nil, nil, done, err
		}
		closers = append(closers, r.Close)
		if r.Frame().Task != "" {
			return nil, nil, nil, nil, done, usagef("the model makes of %s what another source has; name that with --truth. See %s --help", names[0], c.Command.HelpName)
		}
		return r, r.source, nil, nil, done, nil
	}
	if len(paths) == 0 {
		return nil, nil, nil, nil, done, usagef("no truth given; name it with --truth, or a model with -m. See %s --help", c.Command.HelpName)
	}
	if isProjection(c, names, models) {
		f, truth, forcings, err = projectionAndTruth(c, names, models, &closers)
		return f, truth, nil, forcings, done, err
	}
	if f, coarse, err = fieldsToScore(c, names, models, &closers); err != nil {
		return nil, nil, nil, nil, done, err
	}
	frame := f.Frame()
	if train == (stores.Years{}) {
		train = frame.Train
	}
	if !isStore(paths[0]) && train == (stores.Years{}) {
		return nil, nil, nil, nil, done, fmt.Errorf("%s: does not say which years its model was trained on (attribute %s), nor do files of truth; name them with --train", names[0], verify.TrainAttribute)
	}
	var wanted []string
	for _, ch := range frame.Channels {
		wanted = append(wanted, ch.Key)
	}
	var release func() error
	if truth, release, err = openSource(c, paths, wanted, train, field.Step{}); err != nil {
		return nil, nil, nil, nil, done, err
	}
	closers = append(closers, release)
	return f, truth, coarse, nil, done, nil
}

// fieldsToScore opens files, or makes a model downscale, and what they are of.
func fieldsToScore(c *cli.Context, names, models []string, closers *[]func() error) (verify.Forecasts, *verify.Source, error) {
	from := list(c, "coarse")
	if len(models) > 0 {
		if len(from) > 0 {
			return nil, nil, usagef("flags --model and --coarse: a model downscales what is named first; give one of them. See %s --help", c.Command.HelpName)
		}
		r, err := startForecasts(c, stores.Years{})
		if err != nil {
			return nil, nil, err
		}
		*closers = append(*closers, r.Close)
		if r.Frame().Task == "" {
			return nil, nil, usagef("flags --model and --truth: a model forecasts from the truth that is named; give one of them. See %s --help", c.Command.HelpName)
		}
		return r, r.input, nil
	}
	downscaled := len(from) > 0 || verify.TaskOf(names[0]) == verify.Downscale
	if downscaled && len(from) == 0 {
		return nil, nil, usagef("%s: holds downscaled fields; name what they were made of with --coarse, whose interpolation is scored beside them. See %s --help", names[0], c.Command.HelpName)
	}
	var f *verify.Files
	var err error
	if downscaled {
		f, err = verify.OpenFields(verify.Downscale, names...)
	} else {
		f, err = verify.OpenFiles(names...)
	}
	if err != nil {
		return nil, nil, err
	}
	*closers = append(*closers, f.Close)
	if !downscaled {
		return f, nil, nil
	}
	coarse, done, err := openSource(c, from, nil, stores.Years{}, field.Step{})
	if err != nil {
		return nil, nil, err
	}
	*closers = append(*closers, done)
	return f, coarse, nil
}

// scoredRegions reads --regions.
func scoredRegions(c *cli.Context) ([]field.Region, error) {
	var out []field.Region
	for _, text := range c.StringSlice("regions") {
		words := strings.Split(text, ",")
		if strings.Contains(text, "=") || strings.Trim(words[0], " 0123456789.+-") == "" {
			words = []string{text}
		}
		for _, w := range words {
			r, err := field.ParseRegion(w, "climax")
			if err != nil {
				return nil, usagef("flag --regions: %s. See %s --help", strings.TrimPrefix(err.Error(), "field: "), c.Command.HelpName)
			}
			out = append(out, r)
		}
	}
	return out, nil
}

// rivalsOf are the baselines of a frame, the one that must be beaten first.
func rivalsOf(f verify.Frame) []string {
	switch f.Task {
	case verify.Downscale:
		return []string{baseline.BilinearName, baseline.CorrectedName, baseline.RegressionName, baseline.ClimatologyName}
	case verify.Project:
		return []string{baseline.ScalingName, baseline.ClimatologyName}
	}
	return []string{baseline.PersistenceName, baseline.DampedName, baseline.ClimatologyName}
}

// besideEachOther has a row for each score and a column for each model.
func besideEachOther(all skill.Table, rivals []string) table {
	beside := append([]string{verify.ModelName}, rivals...)
	t := table{columns: []string{"variable", "level", "region", "lead_hours", "metric"}}
	t.columns = append(append(t.columns, beside...), "units", "n")
	at := map[skill.Row]int{}
	for _, r := range all {
		key := r
		key.Model, key.Value, key.N = "", 0, 0
		i, ok := at[key]
		if !ok {
			i = len(t.rows)
			at[key] = i
			var level any
			if r.Level > 0 {
				level = r.Level
			}
			row := append([]any{r.Variable, level, r.Region, r.LeadHours, r.Metric}, make([]any, len(beside))...)
			t.add(append(row, r.Units, r.N)...)
		}
		t.rows[i][5+slices.Index(beside, r.Model)] = float64(r.Value)
	}
	return t
}

// tellScored says what was not scored, and how often the model is best.
func tellScored(c *cli.Context, r *verify.Result) {
	rivals, scored := rivalsOf(r.Frame), "forecasts"
	if r.Frame.Task != "" {
		scored = "times"
	}
	won, of := beats(r.Table, rivals[0])
	best, _ := beats(r.Table, rivals...)
	if of > 0 {
		message(c, "RMSE below that of %s in %d of %d rows, below all baselines in %d; %s %s scored", strings.ReplaceAll(rivals[0], "_", " "), won, of, best, human(r.Scored), scored)
	}
	if r.NoTruth > 0 {
		message(c, "%s %s are of times that the truth does not have", human(r.NoTruth), scored)
	}
	switch {
	case r.NoStart > 0 && r.Frame.Task != "":
		message(c, "%s times are not in what the fields were made of, so that nothing can be interpolated", human(r.NoStart))
	case r.NoStart > 0:
		message(c, "%s forecasts begin at times that the truth does not have, from which nothing can persist", human(r.NoStart))
	}
	switch {
	case r.Training > 0 && r.Frame.Task != "":
		warning(c, "%s of the times are in training years: they do not say how good the model is", human(r.Training))
	case r.Training > 0:
		warning(c, "%s of the forecasts begin or end in training years: they do not say how good the model is", human(r.Training))
	}
}

// beats counts the variables, regions and leads in which the model's RMSE is
// below that of all of some baselines.
func beats(all skill.Table, names ...string) (won, of int) {
	for _, r := range all {
		if r.Model != verify.ModelName || r.Metric != "rmse" {
			continue
		}
		of++
		below := true
		for _, name := range names {
			x, ok := all.Find(name, r.Variable, r.Level, r.Region, r.LeadHours, "rmse")
			below = below && ok && float64(r.Value) < x
		}
		if below {
			won++
		}
	}
	return won, of
}

// skillResults is results.json of climate evaluate.
type skillResults struct {
	Command  string      `json:"command"`
	Scored   int         `json:"forecasts"`
	NoTruth  int         `json:"without_truth"`
	NoStart  int         `json:"without_start"`
	Training int         `json:"in_training_years"`
	Members  int         `json:"members"`
	Train    string      `json:"baselines_fitted_on"`
	Rivals   []string    `json:"baselines"`
	Beats    int         `json:"rmse_below_first_baseline"`
	BeatsAll int         `json:"rmse_below_all_baselines"`
	Of       int         `json:"of"`
	Scores   skill.Table `json:"scores"`
}

// writeSkill leaves all scores, figures and a report in a directory.
func writeSkill(c *cli.Context, dir string, r *verify.Result, truth *verify.Source) error {
	if err := os.MkdirAll(dir, 0o777); err != nil {
		return err
	}
	if err := checkpoint.WriteFile(filepath.Join(dir, "skill.csv"), func(w io.Writer) error { return r.Table.WriteCSV(w) }); err != nil {
		return err
	}
	if err := writeSkillNetCDF(c, filepath.Join(dir, "skill.nc"), r); err != nil {
		return err
	}
	x := skillResults{Command: commandLine(os.Args), Scored: r.Scored, NoTruth: r.NoTruth, NoStart: r.NoStart, Training: r.Training,
		Members: r.Frame.Members, Train: truth.Years.String(), Scores: r.Table}
	rivals := rivalsOf(r.Frame)
	x.Rivals = rivals
	x.Beats, x.Of = beats(r.Table, rivals[0])
	x.BeatsAll, _ = beats(r.Table, rivals...)
	if err := rundir.WriteJSON(filepath.Join(dir, "results.json"), x); err != nil {
		return err
	}
	if c.Bool("figures") {
		if err := writeSkillReport(c, dir, r, x); err != nil {
			return err
		}
	}
	message(c, "wrote %s", dir)
	return nil
}
