package main

import (
	"errors"
	"fmt"
	"math"
	"os"
	"path/filepath"
	"slices"
	"strings"

	"github.com/urfave/cli/v2"

	"github.com/kiban-models/kiban/climate/field"
	"github.com/kiban-models/kiban/climate/figure"
	"github.com/kiban-models/kiban/climate/netcdf"
	"github.com/kiban-models/kiban/climate/skill"
	"github.com/kiban-models/kiban/climate/verify"
	corefigure "github.com/kiban-models/kiban/core/figure"
)

// writeSkillNetCDF writes skill.nc: a variable such as rmse_tas for each metric
// and variable, by model, region and lead time.
func writeSkillNetCDF(c *cli.Context, path string, r *verify.Result) (err error) {
	if netcdf.LibraryVersion() == "" {
		warning(c, "no skill.nc: this kiban was built without NetCDF")
		return nil
	}
	var models, regions, metrics []string
	once := func(all *[]string, s string) {
		if !slices.Contains(*all, s) {
			*all = append(*all, s)
		}
	}
	for _, x := range r.Table {
		once(&models, x.Model)
		once(&regions, x.Region)
		once(&metrics, x.Metric)
	}
	if len(models) == 0 {
		return fmt.Errorf("%s: no scores of the metrics that were asked for", path)
	}
	s := netcdf.Schema{
		Dimensions: []netcdf.Dimension{{Name: "model", Size: len(models)}, {Name: "region", Size: len(regions)}, {Name: "lead_time", Size: len(r.Hours)}},
		Attributes: []netcdf.Attribute{netcdf.Text("Conventions", "CF-1.8"), netcdf.Text("title", "skill of forecasts"), netcdf.Text("source", readVersion().line()),
			netcdf.Text("history", commandLine(os.Args))},
	}
	// Names are flags, as CF has them: all programs read numbers.
	flags := func(name, long string, values []string) {
		numbers, words := make([]int32, len(values)), make([]string, len(values))
		for i, v := range values {
			numbers[i], words[i] = int32(i), strings.NewReplacer(" ", "_", ",", "_").Replace(v)
		}
		s.Variables = append(s.Variables, netcdf.NewVariable{Name: name, Type: "int", Dimensions: []string{name}, Attributes: []netcdf.Attribute{
			netcdf.Text("long_name", long), {Name: "flag_values", Value: numbers}, netcdf.Text("flag_meanings", strings.Join(words, " "))}})
	}
	flags("model", "model or baseline", models)
	flags("region", "region", regions)
	s.Variables = append(s.Variables, netcdf.NewVariable{Name: "lead_time", Type: "double", Dimensions: []string{"lead_time"}, Attributes: []netcdf.Attribute{
		netcdf.Text("standard_name", "forecast_period"), netcdf.Text("units", "hours")}})
	values := map[string][]float64{}
	var order []string
	for _, x := range r.Table {
		name := x.Metric + "_" + scoreName(x)
		if values[name] == nil {
			order = append(order, name)
			values[name] = make([]float64, len(models)*len(regions)*len(r.Hours))
			for i := range values[name] {
				values[name][i] = math.NaN()
			}
			s.Variables = append(s.Variables, netcdf.NewVariable{Name: name, Type: "double", Dimensions: []string{"model", "region", "lead_time"}, Attributes: []netcdf.Attribute{
				netcdf.Text("long_name", strings.ReplaceAll(x.Metric, "_", " ")+" of "+scoreName(x)), netcdf.Text("units", x.Units), {Name: "_FillValue", Value: []float64{math.NaN()}}}})
		}
		at := (slices.Index(models, x.Model)*len(regions)+slices.Index(regions, x.Region))*len(r.Hours) + slices.Index(r.Hours, x.LeadHours)
		values[name][at] = float64(x.Value)
	}
	w, err := netcdf.Create(path, s)
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, w.Abort()) }()
	count := func(n int) []float64 {
		x := make([]float64, n)
		for i := range x {
			x[i] = float64(i)
		}
		return x
	}
	put := func(name string, x []float64, shape ...int) {
		if err == nil {
			err = w.Put(name, make([]int, len(shape)), shape, x)
		}
	}
	put("model", count(len(models)), len(models))
	put("region", count(len(regions)), len(regions))
	put("lead_time", r.Hours, len(r.Hours))
	for _, name := range order {
		put(name, values[name], len(models), len(regions), len(r.Hours))
	}
	if err != nil {
		return err
	}
	return w.Commit()
}

// scoreName is a variable and its level as part of a file's name: zg_500.
func scoreName(r skill.Row) string { return channelName(r.Variable, r.Level) }

func channelName(name string, hpa float64) string {
	if hpa > 0 {
		return fmt.Sprintf("%s_%g", name, hpa)
	}
	return name
}

const (
	mostCurves = 16 // in a report
	mostMaps   = 6
)

// writeSkillReport draws errors by lead time, mean biases and a forecast of each
// variable, and gathers them in report.html.
func writeSkillReport(c *cli.Context, dir string, r *verify.Result, x skillResults) error {
	scores := make([]figure.Score, len(r.Table))
	for i, s := range r.Table {
		scores[i] = figure.Score{Model: s.Model, Variable: s.Variable, Level: s.Level, Region: s.Region, LeadHours: s.LeadHours,
			Metric: s.Metric, Value: float64(s.Value), Units: s.Units, N: s.N}
	}
	curves, maps, err := skillFigures(r, scores)
	if err != nil {
		return err
	}
	shown := slices.Concat(curves[:min(len(curves), mostCurves)], maps[:min(len(maps), mostMaps)])
	for _, s := range slices.Concat(curves[min(len(curves), mostCurves):], maps[min(len(maps), mostMaps):]) {
		if _, err := figure.Save(s.Figure, filepath.Join(dir, "figures", s.Name)); err != nil {
			return fmt.Errorf("figure %s: %w", s.Name, err)
		}
	}
	f := r.Frame
	rep := corefigure.Report{
		Title: "Skill of " + strings.Join(channelNames(f.Channels), ", "),
		Asked: []corefigure.KV{{Key: scoredText(f), Value: fmt.Sprintf("%s of %s times from %s to %s", human(x.Scored), human(len(f.Times)), f.Times[0], f.Times[len(f.Times)-1])},
			{Key: "members", Value: human(f.Members)}, {Key: "grid", Value: fmt.Sprintf("%d x %d", f.Grid.Rows(), f.Grid.Columns())},
			{Key: "baselines fitted on", Value: x.Train}},
		Limits:    []string{"The model and the baselines are scored on the same cells: those where all of them and the truth have a value."},
		Repeat:    []string{x.Command},
		Versions:  []corefigure.KV{{Key: "kiban", Value: readVersion().line()}},
		Generator: readVersion().line(),
	}
	if x.Training > 0 {
		rep.Limits = append(rep.Limits, fmt.Sprintf("%s of the %s begin or end in training years.", human(x.Training), scoredText(f)))
	}
	if n := len(curves) + len(maps) - len(shown); n > 0 {
		rep.Limits = append(rep.Limits, fmt.Sprintf("%d more figures are in the folder figures.", n))
	}
	files, err := figure.WriteReport(dir, rep, scores, shown)
	if err != nil {
		return err
	}
	for _, name := range files {
		detail(c, "wrote %s", name)
	}
	return nil
}

// scoredText is what a frame's fields are.
func scoredText(f verify.Frame) string {
	if f.Task != "" {
		return "fields"
	}
	return "forecasts"
}

// skillFigures are curves by lead time, of forecasts, and maps.
func skillFigures(r *verify.Result, scores []figure.Score) (curves, maps []figure.Shown, err error) {
	if r.Frame.Task == "" {
		if curves, err = skillCurves(scores); err != nil {
			return nil, nil, err
		}
	}
	maps, err = skillMaps(r)
	return curves, maps, err
}

// downscaledMap is the last field that was scored beside what it was made of, or
// pattern scaling, and the truth; none where these have no value.
func downscaledMap(r *verify.Result, ch field.Channel, part func([]float32) figure.Field) ([]figure.Shown, error) {
	if r.Shown.Forecast == nil || r.Shown.Forecast[0] == nil {
		return nil, nil
	}
	from, truth, made := part(r.Shown.Initial), part(r.Shown.Truth[0]), part(r.Shown.Forecast[0])
	if !anyValue(truth) || !anyValue(made) {
		return nil, nil
	}
	if !anyValue(from) {
		from.Values = nil
	}
	d := r.Shown.Begins
	if r.Frame.Task == verify.Project {
		return projectedMaps(r, ch, from, truth, made)
	}
	fig, err := figure.Downscaled(from, truth, made, figure.Options{Title: ch.String(), Subtitle: d.String()})
	if err != nil {
		return nil, err
	}
	return []figure.Shown{{Name: fmt.Sprintf("downscaled_%s_%04d%02d%02dt%02d", channelName(ch.Name, ch.Level/100), d.Year, d.Month, d.Day, d.Hour), Figure: fig,
		Caption: fmt.Sprintf("%s: interpolated, as it was, as it was made, and the difference.", ch),
		Finding: fmt.Sprintf("The downscaled %s of %s beside the truth.", ch, d)}}, nil
}

func channelNames(all []field.Channel) []string {
	var out []string
	for _, ch := range all {
		out = append(out, ch.String())
	}
	return out
}

// skillCurves are RMSE and ACC by lead time of each variable and region.
func skillCurves(scores []figure.Score) ([]figure.Shown, error) {
	type what struct {
		variable string
		level    float64
		region   string
	}
	var order []what
	of := map[what][]figure.Score{}
	regions := map[string]bool{}
	for _, s := range scores {
		k := what{s.Variable, s.Level, s.Region}
		if of[k] == nil {
			order = append(order, k)
		}
		of[k] = append(of[k], s)
		regions[s.Region] = true
	}
	var out []figure.Shown
	for _, k := range order {
		for _, metric := range []string{"rmse", "acc"} {
			some := slices.DeleteFunc(slices.Clone(of[k]), func(s figure.Score) bool { return s.Metric != metric || math.IsNaN(s.Value) })
			if len(some) == 0 {
				continue
			}
			f, err := figure.ByLead(some, metric)
			if err != nil {
				return nil, err
			}
			name := metric + "_by_lead_" + channelName(k.variable, k.level)
			if len(regions) > 1 {
				name += "_" + strings.ToLower(strings.NewReplacer(":", "_", ",", "_", "-", "_", ".", "p").Replace(k.region))
			}
			out = append(out, figure.Shown{Name: name, Figure: f, Finding: figure.Finding(some, metric),
				Caption: fmt.Sprintf("%s of %s by lead time, %s.", strings.ToUpper(metric), channelName(k.variable, k.level), k.region)})
		}
	}
	return out, nil
}

// skillMaps are a forecast and the mean biases of each variable at the shortest
// and the longest lead time; those of the first variables come first.
func skillMaps(r *verify.Result) ([]figure.Shown, error) {
	var out []figure.Shown
	f, n := r.Frame, r.Frame.Grid.Size()
	leads := slices.Compact([]int{0, len(f.Leads) - 1})
	for i, ch := range f.Channels {
		name := channelName(ch.Name, ch.Level/100)
		part := func(x []float32) figure.Field { return mapField(f.Grid, ch, x[i*n:][:n]) }
		if f.Task != "" {
			fig, err := downscaledMap(r, ch, part)
			if err != nil {
				return nil, err
			}
			out = append(out, fig...)
		}
		lead := slices.IndexFunc(r.Shown.Forecast, func(x []float32) bool { return x != nil })
		if f.Task == "" && lead >= 0 && anyValue(part(r.Shown.Initial)) && anyValue(part(r.Shown.Truth[lead])) && anyValue(part(r.Shown.Forecast[lead])) {
			ahead := f.Ahead(lead)
			fig, err := figure.Forecast(part(r.Shown.Initial), part(r.Shown.Truth[lead]), part(r.Shown.Forecast[lead]), figure.Options{
				Title: ch.String(), Subtitle: fmt.Sprintf("from %s, %s ahead", r.Shown.Begins, ahead)})
			if err != nil {
				return nil, err
			}
			d := r.Shown.Begins
			out = append(out, figure.Shown{Name: fmt.Sprintf("forecast_%s_%04d%02d%02dt%02d", name, d.Year, d.Month, d.Day, d.Hour), Figure: fig,
				Caption: fmt.Sprintf("%s: where a forecast begins, what came, what was forecast, and the difference.", ch),
				Finding: fmt.Sprintf("The forecast of %s from %s, %s ahead, beside the truth.", ch, d, ahead)})
		}
		for _, lead := range leads {
			bias := mapField(f.Grid, ch, r.Bias[i][lead])
			if !anyValue(bias) {
				continue
			}
			file, of, less := fmt.Sprintf("bias_%s_%s", name, leadNames(f)[lead]), fmt.Sprintf("%s, %s ahead", ch, f.Ahead(lead)), "forecast − truth, "+f.Ahead(lead)+" ahead"
			if f.Task != "" {
				file, of, less = "bias_"+name, ch.String(), "downscaled − truth"
			}
			fig, err := figure.Map(bias, figure.Options{Anomaly: true, Title: "Mean bias of " + ch.String(), Subtitle: less})
			if err != nil {
				return nil, err
			}
			low, high := limits(bias.Values)
			out = append(out, figure.Shown{Name: file, Figure: fig,
				Caption: fmt.Sprintf("Mean of what was made less the truth, %s.", of),
				Finding: fmt.Sprintf("The mean bias of %s lies between %s and %s %s.", ch, human(low), human(high), ch.Units)})
		}
	}
	return out, nil
}

// mapField is a field as figures want it.
func mapField(g *field.Grid, ch field.Channel, x []float32) figure.Field {
	f := figure.Field{Name: ch.LongName, Units: ch.Units, Standard: ch.StandardName, Lat: g.Lat, Lon: g.Lon, LatBounds: g.LatBounds, LonBounds: g.LonBounds,
		Values: make([]float64, len(x))}
	if f.Name == "" {
		f.Name = ch.Name
	}
	if ch.Level > 0 {
		f.Name += fmt.Sprintf(" at %g hPa", ch.Level/100)
	}
	for i, v := range x {
		f.Values[i] = float64(v)
	}
	return f
}

func anyValue(f figure.Field) bool {
	return slices.ContainsFunc(f.Values, func(v float64) bool { return v == v })
}

func limits(x []float64) (low, high float64) {
	low, high = math.Inf(1), math.Inf(-1)
	for _, v := range x {
		if v == v {
			low, high = min(low, v), max(high, v)
		}
	}
	return low, high
}
