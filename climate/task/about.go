package task

import (
	"fmt"
	"math"
	"slices"
	"strings"

	"github.com/kiban-models/kiban/climate/baseline"
	"github.com/kiban-models/kiban/climate/field"
	"github.com/kiban-models/kiban/climate/netcdf"
	"github.com/kiban-models/kiban/climate/store"
)

// The files of a model beside those of package forecast.
const (
	AboutFile       = "kiban.json"
	ClimatologyFile = "climatology.safetensors" // the last two of models of anomalies
	DampingFile     = "damping.safetensors"     // of Damped alone
	StaticFile      = "static.safetensors"      // of a downscaler: what the fine grid has at all times
	RegressionFile  = "regression.safetensors"  // of a downscaler's Damped
)

// The tasks of models that this package makes.
const (
	Forecast = "forecast"
	// Downscale makes fields of another source, or of a finer grid, of those of the
	// same time, brought to that grid (Nguyen et al. 2023, arXiv:2301.10343, on
	// climate model downscaling).
	Downscale = "downscale"
	// Project makes of some years of forcings, on the same grid, the climate of the
	// last of them.
	Project = "project"
)

// Target is what a model makes, of normalised numbers. A downscaler counts from
// the interpolated fields: its Change is the departure from them, its Anomaly that
// from them with the mean departure of the time of year in the training years, its
// Damped that from the regression of each cell on those about it, as persistence is
// damped by that of the anomaly on itself. So zeros are bilinear interpolation, such
// with a correction, and the regression.
type Target string

const (
	// Fields are what is published: (y - mean) / deviation.
	Fields Target = "field"
	// Change is (y - x) / deviation of the fields x that it sees: a model that
	// makes zeros is persistence.
	Change Target = "change"
	// Anomaly is (y - climatology) / deviation, of the training years and the
	// time that is forecast; it sees such anomalies, too. A model that makes
	// zeros is the climatology.
	Anomaly Target = "anomaly"
	// Damped is Anomaly less the anomaly that it sees times that one's correlation
	// at the lead time, cell by cell in the training years: a model that makes
	// zeros is damped persistence.
	Damped Target = "damped"
	// AnomalyChange is the change of the anomaly, for data with a trend, whose recent
	// years are further from the climatology than any before: a model that makes
	// zeros lets the anomaly persist. Anomalies, seen and made, are over their own
	// deviation, which is small beside that of the fields.
	AnomalyChange Target = "anomaly-change"
)

// Targets are all.
var Targets = []Target{Fields, Change, Anomaly, Damped, AnomalyChange}

// anomalous tells whether a model sees anomalies.
func (t Target) anomalous() bool { return t == Anomaly || t == Damped || t == AnomalyChange }

// The variables that About.Season adds to a model: the time of year of what is
// forecast, sine and cosine times the root of 2, the same in all cells.
const (
	SeasonSine   = "season_sine"
	SeasonCosine = "season_cosine"
)

// About is kiban.json of a model.
type About struct {
	Format int    `json:"format"` // 1
	Task   string `json:"task"`
	// Channels are what the model sees, in the order in which they are given to
	// it; those that change in time come first, and are what it forecasts.
	Channels []Channel `json:"channels"`
	// Made is what a downscaler or a projector makes; a forecaster makes of Channels
	// what changes.
	Made []Channel `json:"made,omitempty"`
	// Coarse is the grid of a downscaler's input, from which it is brought to Grid,
	// bilinearly.
	Coarse *store.Grid `json:"input_grid,omitempty"`
	// History is how many records a projector sees, the last of the time that it
	// makes.
	History int `json:"history,omitempty"`
	// Even lets all cells count alike in a projector's loss, as published, rather
	// than by latitude.
	Even bool `json:"even_cells,omitempty"`
	// Season says that SeasonSine and SeasonCosine come after them.
	Season bool   `json:"season"`
	Target Target `json:"target"`
	// Grid has its rows in the order that the model knows, which need not be that
	// of the data.
	Grid store.Grid `json:"grid"`
	// Region names where it forecasts and what it sees, Boxes, of west, east,
	// south and north in degrees, say it; without them it is the whole grid.
	Region string       `json:"region,omitempty"`
	Boxes  [][4]float64 `json:"region_boxes,omitempty"`
	// Mirrored takes the region's latitudes in reverse, as the published code does.
	Mirrored   bool            `json:"region_mirrored,omitempty"`
	Calendar   netcdf.Calendar `json:"calendar"`
	StepMonths int             `json:"step_months,omitempty"` // the interval of the data: whole months,
	StepMillis int64           `json:"step_millis,omitempty"` // or milliseconds
	Leads      []int           `json:"lead_steps"`            // that it was trained on, ascending; 0 of a downscaler and a projector
	// Iterations is how often the forecast was made from the one before when it
	// was judged; 0 and 1 mean that it was not.
	Iterations int `json:"iterations,omitempty"`
	// Climatology is the kind of ClimatologyFile, "" without.
	Climatology baseline.Kind `json:"climatology,omitempty"`
	// Damping are the lead times, in steps, that DampingFile has correlations of.
	Damping []int `json:"damping_lead_steps,omitempty"`
	// Climatologies is of how many data sets, each with a climatology of its own, the
	// model has learnt the departures, where they are several. None of them lies
	// beside it: it can be trained further, not run.
	Climatologies int `json:"climatologies,omitempty"`
	// Split are the years of the data.
	Split store.Split `json:"split"`
	// Provenance: data, seed, versions, command.
	Provenance map[string]any `json:"provenance,omitempty"`
}

// Channel is a variable at a level, in its units.
type Channel struct {
	Key          string  `json:"key"`  // the model's name: geopotential_500
	Name         string  `json:"name"` // the source's
	StandardName string  `json:"standard_name,omitempty"`
	LongName     string  `json:"long_name,omitempty"`
	Units        string  `json:"units"`
	Level        float64 `json:"level_pa,omitempty"`
	CellMethods  string  `json:"cell_methods,omitempty"`
	Mean         float64 `json:"mean"`
	Std          float64 `json:"std"`              // 0 normalises as 1
	Static       bool    `json:"static,omitempty"` // the same at all times
	Own          bool    `json:"own,omitempty"`    // of a downscaler: not in its input, but in its StaticFile
	// AnomalyStd normalises the channel's anomalies: the root of their mean square in
	// the training years. Of AnomalyChange alone; 0 means Std.
	AnomalyStd float64 `json:"anomaly_std,omitempty"`
}

// Field describes the channel to packages that read and score.
func (c Channel) Field() field.Channel {
	return field.Channel{Name: c.Name, Key: c.Key, StandardName: c.StandardName, LongName: c.LongName, Units: c.Units,
		Level: c.Level, CellMethods: c.CellMethods, Constant: c.Static}
}

// spread is what anomalies are normalised by.
func (c Channel) spread() float64 {
	if c.AnomalyStd > 0 {
		return c.AnomalyStd
	}
	return c.scale()
}

func (c Channel) scale() float64 {
	if c.Std == 0 {
		return 1
	}
	return c.Std
}

// Out are the channels that are made.
func (a *About) Out() []Channel {
	if a.Task == Downscale || a.Task == Project {
		return a.Made
	}
	return a.moving()
}

// moving are the channels that are seen and change in time.
func (a *About) moving() []Channel {
	n := slices.IndexFunc(a.Channels, func(c Channel) bool { return c.Static })
	if n < 0 {
		n = len(a.Channels)
	}
	return a.Channels[:n]
}

// Where is the region; without boxes the whole grid.
func (a *About) Where() field.Region {
	r := field.Region{Name: a.Region}
	for _, b := range a.Boxes {
		r.Boxes = append(r.Boxes, field.Box{West: b[0], East: b[1], South: b[2], North: b[3]})
	}
	return r
}

// SetRegion sets the region.
func (a *About) SetRegion(r field.Region, mirrored bool) {
	a.Region, a.Mirrored, a.Boxes = r.Name, mirrored, nil
	for _, b := range r.Boxes {
		a.Boxes = append(a.Boxes, [4]float64{b.West, b.East, b.South, b.North})
	}
}

// Step is the interval of the data.
func (a *About) Step() field.Step { return field.Step{Months: a.StepMonths, Millis: a.StepMillis} }

// Variables are the model's names of all that it is given.
func (a *About) Variables() []string {
	var v []string
	for _, c := range a.Channels {
		v = append(v, c.Key)
	}
	if a.Season {
		v = append(v, SeasonSine, SeasonCosine)
	}
	return v
}

// known are the model's names of all that it is given or makes.
func (a *About) known() []string {
	v := a.Variables()
	if a.Task == Project { // which has a head for the one
		return v
	}
	for _, c := range a.Made {
		if !slices.Contains(v, c.Key) {
			v = append(v, c.Key)
		}
	}
	return v
}

// Baselines are the names of what a model is judged beside, in tables of scores.
func (a *About) Baselines() []string {
	switch a.Task {
	case Downscale:
		return []string{baseline.BilinearName, baseline.CorrectedName, baseline.RegressionName, baseline.ClimatologyName}
	case Project:
		return []string{baseline.ScalingName, baseline.ClimatologyName}
	}
	return []string{baseline.PersistenceName, baseline.DampedName, baseline.ClimatologyName}
}

// kind is that of the climatology that the model is measured from, or else
// judged by while it trains: of days, at four times of a day, it would take a
// gigabyte for some fifty fields of 5.625 degrees.
func (a *About) kind() baseline.Kind {
	k := baseline.KindOf(a.Step())
	if (!a.Target.anomalous() || a.Task == Downscale) && k == baseline.DayOfYear {
		k = baseline.Monthly
	}
	return k
}

// maxLead is more steps than any forecast has.
const maxLead = 1 << 24

// check refuses what no training writes.
func (a *About) check() error {
	switch {
	case a.Format != 1 || a.Task != Forecast && a.Task != Downscale && a.Task != Project:
		return fmt.Errorf("format %d of task %.40q; wanted format 1 of %s, %s or %s", a.Format, a.Task, Forecast, Downscale, Project)
	case len(a.moving()) == 0:
		return fmt.Errorf("no channel that changes in time")
	case slices.ContainsFunc(a.Channels[len(a.moving()):], func(c Channel) bool { return !c.Static }):
		return fmt.Errorf("channels that change in time are not first")
	case !slices.Contains(Targets, a.Target):
		return fmt.Errorf("target %.40q; wanted field, change, anomaly, anomaly-change or damped", string(a.Target))
	case a.Target.anomalous() != (a.Climatology != ""):
		return fmt.Errorf("target %s with climatology %.40q; anomalies need one, others have none", a.Target, string(a.Climatology))
	case len(a.Damping) > 0 && a.Target != Damped:
		return fmt.Errorf("target %s with correlations, which only damped has", a.Target)
	case (a.StepMonths > 0) == (a.StepMillis > 0) || a.StepMonths < 0 || a.StepMillis < 0:
		return fmt.Errorf("an interval of %d months and %d ms; wanted one of them", a.StepMonths, a.StepMillis)
	case a.Task == Project:
		if err := a.checkProjection(); err != nil {
			return err
		}
	case a.History != 0 || a.Even:
		return fmt.Errorf("a history of %d records, cells that count alike %v, of a model to %s", a.History, a.Even, a.Task)
	case a.Task == Downscale:
		if err := a.checkDownscale(); err != nil {
			return err
		}
	case a.Made != nil || a.Coarse != nil || slices.ContainsFunc(a.Channels, func(c Channel) bool { return c.Own }):
		return fmt.Errorf("a forecaster with an input of another grid")
	case !a.Step().Possible():
		return fmt.Errorf("an interval of %d months or %d ms; wanted one within 10,000 years", a.StepMonths, a.StepMillis)
	case slices.ContainsFunc(a.Where().Boxes, func(b field.Box) bool { return !b.Possible() }):
		return fmt.Errorf("region_boxes %v; wanted west, east, south and north in degrees", a.Boxes)
	case len(a.Leads) == 0 || a.Leads[0] < 1 || a.Leads[len(a.Leads)-1] > maxLead || !slices.IsSorted(a.Leads):
		return fmt.Errorf("lead times of %v steps; wanted at least 1, ascending", a.Leads)
	}
	for _, channels := range [][]Channel{a.Channels, a.Made} {
		if err := checkChannels(channels); err != nil {
			return err
		}
	}
	if _, err := netcdf.ParseCalendar(string(a.Calendar)); err != nil {
		return err
	}
	return a.Split.Check()
}

func checkChannels(all []Channel) error {
	seen := map[string]bool{}
	for _, c := range all {
		if c.Key == "" || seen[c.Key] || c.Key == SeasonSine || c.Key == SeasonCosine {
			return fmt.Errorf("channel %q is there twice or has a name that is none", c.Key)
		}
		seen[c.Key] = true
		if !(math.Abs(c.Mean) <= math.MaxFloat32 && usable(c.Std) && usable(c.AnomalyStd)) {
			return fmt.Errorf("channel %s has mean %v and deviation %v", c.Key, c.Mean, c.Std)
		}
	}
	return nil
}

// usable tells whether a deviation can be divided by; 0 stands for 1.
func usable(std float64) bool {
	return std == 0 || std > 0 && std <= math.MaxFloat32 && !math.IsInf(1/std, 0)
}

// Describe is the model in a line, for people.
func (a *About) Describe() string {
	var names []string
	for _, c := range a.Out() {
		names = append(names, c.Key)
	}
	where := "the whole grid"
	if len(a.Boxes) > 0 {
		where = a.Region
	}
	if a.Task == Downscale {
		var seen []string
		for _, c := range a.moving() {
			seen = append(seen, c.Key)
		}
		return fmt.Sprintf("%s over %s, of %s on a grid of %dx%d", strings.Join(names, ", "), where, strings.Join(seen, ", "), len(a.Coarse.Lat), len(a.Coarse.Lon))
	}
	return fmt.Sprintf("%s over %s, data each %s", strings.Join(names, ", "), where, a.Step())
}
