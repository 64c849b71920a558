package verify

import (
	"context"
	"errors"
	"fmt"
	"math"
	"slices"
	"strings"

	"github.com/kiban-models/kiban/climate/field"
	"github.com/kiban-models/kiban/climate/netcdf"
	"github.com/kiban-models/kiban/climate/store"
)

// Attributes of a forecast's file beside those of CF.
const (
	ModelAttribute  = "kiban_model_sha256"
	TrainAttribute  = "kiban_training_years" // such as 1982/1989
	RegionAttribute = "kiban_region"         // such as climax:NorthAmerica
	TaskAttribute   = "kiban_task"           // of what is no forecast: Downscale or Project
	// ScenarioAttribute is the run of the forcings that a projection is of.
	ScenarioAttribute = "kiban_scenario"
)

// Downscale is the task of a frame whose fields were made of such at the same
// time.
const Downscale = "downscale"

// Project is that of one whose fields were made of forcings of the years up to
// theirs.
const Project = "project"

// Frame is what forecasts there are. Its Channels have Keys.
type Frame struct {
	field.Frame
	Members int         // of the ensemble; 1 for single forecasts
	Train   store.Years // the model was trained on; zero where nobody said
	Region  string      // that the model forecasts; "" for the whole grid
	// Scenario is the run of a store that fields of Project are of.
	Scenario string
	// Task is "" of forecasts. Else Leads is a single 0: fields are of the Times.
	Task string
}

// Forecasts are of the Times and Leads of a Frame.
type Forecasts interface {
	Frame() Frame
	// Each visits all of them, lead by lead and time by time: fields [channel][lat][lon]
	// of each member. They are for reading, and until visit returns.
	Each(ctx context.Context, visit func(at, lead int, members [][]float32) error) error
}

// Ahead is a lead time for people: "1 month", "72 hours".
func (f Frame) Ahead(lead int) string {
	text := fmt.Sprintf("%g %s", f.Leads[lead], f.LeadUnits)
	if f.Leads[lead] == 1 {
		text = strings.TrimSuffix(text, "s")
	}
	return text
}

// Steps counts the leads in steps of the data that they are held against.
func (f Frame) Steps(s field.Step) ([]int, error) {
	out := make([]int, len(f.Leads))
	if f.Task != "" {
		return out, nil
	}
	for i, x := range f.Leads {
		n := math.NaN()
		switch {
		case f.LeadUnits == "months" && s.Months > 0:
			n = x / float64(s.Months)
		case f.LeadUnits == "days" && s.Millis > 0:
			n = x * 86_400_000 / float64(s.Millis)
		case f.LeadUnits == "hours" && s.Millis > 0:
			n = x * 3_600_000 / float64(s.Millis)
		}
		if out[i] = int(math.Round(n)); !(math.Abs(n-math.Round(n)) < 1e-6 && n >= 0.5 && n < 1<<31) {
			return nil, fmt.Errorf("a lead time of %g %s is no multiple of the data's interval, %s", x, f.LeadUnits, s)
		}
	}
	return out, nil
}

// valid is the time that a forecast is of.
func (f Frame) valid(s field.Step, at, lead int) (netcdf.Date, error) {
	if f.Task != "" {
		return f.Times[at], nil
	}
	if f.Valid != nil {
		return f.Valid[at*len(f.Leads)+lead], nil
	}
	steps, err := f.Steps(s)
	if err != nil {
		return netcdf.Date{}, err
	}
	return s.After(f.Calendar, f.Times[at], steps[lead]), nil
}

// Files are forecasts in NetCDF: a file a member.
type Files struct {
	frame Frame
	paths []string
	leads [][]*field.Series // of each member
	// Global are the attributes of the first file.
	Global []netcdf.Attribute
}

// OpenFiles opens files as kiban climate forecast writes them, or others with
// the dimensions time (forecast_reference_time) and lead (forecast_period). Several are
// members of one ensemble.
func OpenFiles(paths ...string) (*Files, error) { return openFiles(paths, openFile) }

// OpenFields opens files of fields at their own times, which a model made of
// others at the same times, or of forcings up to them: downscaled or projected ones. Several are members of one ensemble.
func OpenFields(task string, paths ...string) (*Files, error) {
	return openFiles(paths, func(path string) (Frame, []*field.Series, error) { return openFields(task, path) })
}

func openFiles(paths []string, open func(path string) (Frame, []*field.Series, error)) (*Files, error) {
	f := &Files{paths: paths}
	for i, path := range paths {
		frame, leads, err := open(path)
		if err == nil {
			f.leads = append(f.leads, leads)
			if i == 0 {
				f.frame, f.Global = frame, leads[0].Global
			} else if e := sameFrame(f.frame, frame); e != nil {
				err = fmt.Errorf("%s: is no member of the ensemble of %s: %w", path, paths[0], e)
			}
		}
		if err != nil {
			return nil, errors.Join(err, f.Close())
		}
	}
	if len(paths) == 0 {
		return nil, fmt.Errorf("verify: no file of forecasts")
	}
	f.frame.Members = len(paths)
	return f, nil
}

// Frame says what the files hold.
func (f *Files) Frame() Frame { return f.frame }

// Each reads the forecasts one by one.
func (f *Files) Each(ctx context.Context, visit func(at, lead int, members [][]float32) error) error {
	members := make([][]float32, len(f.leads))
	for i := range members {
		members[i] = make([]float32, len(f.frame.Channels)*f.frame.Grid.Size())
	}
	for at := range f.frame.Times {
		for lead := range f.frame.Leads {
			for i, m := range f.leads {
				if err := m[lead].Read(ctx, at, members[i]); err != nil {
					return err
				}
			}
			if err := visit(at, lead, members); err != nil {
				return err
			}
		}
	}
	return nil
}

// Read is one forecast of the first member, [channel][lat][lon].
func (f *Files) Read(ctx context.Context, at, lead int) ([]float32, error) {
	x := make([]float32, len(f.frame.Channels)*f.frame.Grid.Size())
	return x, f.leads[0][lead].Read(ctx, at, x)
}

// Close closes the files.
func (f *Files) Close() error {
	var errs []error
	for _, m := range f.leads {
		for _, s := range m {
			errs = append(errs, s.Close())
		}
	}
	return errors.Join(errs...)
}

func openFile(path string) (frame Frame, leads []*field.Series, err error) {
	d, values, valid, err := leadsOf(path)
	if err != nil {
		return frame, nil, err
	}
	defer func() {
		if err != nil {
			for _, s := range leads {
				err = errors.Join(err, s.Close())
			}
		}
	}()
	for i := range values {
		s, err := field.Open([]string{path}, field.Options{Pick: map[string]int{d.Dimensions[0]: i}, AllowEmpty: true, AllowGaps: true})
		if err != nil {
			return frame, leads, err
		}
		leads = append(leads, s)
	}
	s := leads[0]
	frame.Frame = field.Frame{Grid: s.Grid, Calendar: s.Calendar, Times: s.Times, Leads: values, LeadUnits: leadUnits[d.Text("units")]}
	for _, c := range s.Channels {
		// With leads a level is in a variable's name.
		base := strings.TrimSuffix(c.Name, fmt.Sprintf("_%g", c.Level/100))
		c.Name, c.Key = base, field.ModelKey(base, c.Level)
		frame.Channels = append(frame.Channels, c)
	}
	if valid != nil {
		if frame.Valid, err = valid(len(s.Times) * len(values)); err != nil {
			return frame, leads, err
		}
	}
	return frame, leads, frame.attributes(path, s.Global)
}

// attributes reads what Kiban wrote about the model.
func (f *Frame) attributes(path string, global []netcdf.Attribute) (err error) {
	g := netcdf.Group{Attributes: global}
	f.Region, f.Scenario = g.Text(RegionAttribute), g.Text(ScenarioAttribute)
	if text := g.Text(TrainAttribute); text != "" {
		if f.Train, err = store.ParseYears(text); err != nil {
			return fmt.Errorf("%s: attribute %s: %w", path, TrainAttribute, err)
		}
	}
	return nil
}

func openFields(task, path string) (frame Frame, leads []*field.Series, err error) {
	s, err := field.Open([]string{path}, field.Options{AllowEmpty: true, AllowGaps: true})
	if err != nil {
		return frame, nil, err
	}
	frame = Frame{Task: task, Frame: field.Frame{Grid: s.Grid, Calendar: s.Calendar, Times: s.Times, Leads: []float64{0}, LeadUnits: "hours"}}
	for _, c := range s.Channels {
		c.Key = field.ModelKey(c.Name, c.Level)
		frame.Channels = append(frame.Channels, c)
	}
	if err := frame.attributes(path, s.Global); err != nil {
		return frame, nil, errors.Join(err, s.Close())
	}
	return frame, []*field.Series{s}, nil
}

// TaskOf is the task that a file says it was made by; "" of forecasts and of what
// says nothing, or cannot be read.
func TaskOf(path string) string {
	f, err := netcdf.Open(path)
	if err != nil {
		return ""
	}
	defer f.Close()
	d, err := f.Describe()
	if err != nil {
		return ""
	}
	return netcdf.Group{Attributes: d.Attributes}.Text(TaskAttribute)
}

var leadUnits = map[string]string{"hours": "hours", "hour": "hours", "h": "hours", "days": "days", "day": "days", "d": "days", "months": "months", "month": "months"}

// mostLeads are in a file: each is opened as a series of its own.
const mostLeads = 4096

// leadsOf finds the coordinate of leads and the times that the forecasts are of.
func leadsOf(path string) (lead netcdf.Variable, values []float64, valid func(n int) ([]netcdf.Date, error), err error) {
	f, err := netcdf.Open(path)
	if err != nil {
		return lead, nil, nil, err
	}
	defer func() { err = errors.Join(err, f.Close()) }()
	d, err := f.Describe()
	if err != nil {
		return lead, nil, nil, err
	}
	i := slices.IndexFunc(d.Variables, func(v netcdf.Variable) bool {
		return v.Text("standard_name") == "forecast_period" && len(v.Dimensions) == 1
	})
	if i < 0 {
		return lead, nil, nil, fmt.Errorf("%s: is no file of forecasts: no coordinate along a dimension has the standard_name forecast_period; kiban climate forecast writes one, without --valid-time", path)
	}
	lead = d.Variables[i]
	if leadUnits[lead.Text("units")] == "" {
		return lead, nil, nil, fmt.Errorf("%s: variable %s: is in %q; wanted hours, days or months", path, lead.Name, lead.Text("units"))
	}
	if values, err = f.ReadFloat64(lead.Name, nil, nil); err != nil {
		return lead, nil, nil, err
	}
	if len(values) > mostLeads {
		return lead, nil, nil, fmt.Errorf("%s: variable %s: %d lead times, more than %d; write fewer into a file", path, lead.Name, len(values), mostLeads)
	}
	for k, x := range values {
		if math.IsInf(x, 1) || !(x > 0) || k > 0 && x <= values[k-1] {
			return lead, nil, nil, fmt.Errorf("%s: variable %s: value %d is %v; wanted positive leads, ascending", path, lead.Name, k, x)
		}
	}
	v, ok := d.Variable("valid_time")
	if !ok || len(v.Shape) != 2 || v.Dimensions[1] != lead.Dimensions[0] {
		return lead, values, nil, nil
	}
	units, err := netcdf.ParseTimeUnits(v.Text("units"), v.Text("calendar"))
	if err != nil {
		return lead, nil, nil, fmt.Errorf("%s: variable %s: %w", path, v.Name, err)
	}
	numbers, err := f.ReadFloat64(v.Name, nil, nil)
	if err != nil {
		return lead, nil, nil, err
	}
	return lead, values, func(n int) ([]netcdf.Date, error) {
		if len(numbers) != n {
			return nil, fmt.Errorf("%s: variable %s: %d times, wanted %d", path, v.Name, len(numbers), n)
		}
		dates := make([]netcdf.Date, n)
		for k, x := range numbers {
			if dates[k], err = units.Date(x); err != nil {
				return nil, fmt.Errorf("%s: variable %s: value %d: %w", path, v.Name, k, err)
			}
		}
		return dates, nil
	}, nil
}

func sameFrame(a, b Frame) error {
	if err := a.Grid.Same(b.Grid); err != nil {
		return fmt.Errorf("their grids differ: %w", err)
	}
	switch {
	case a.Calendar != b.Calendar || !slices.Equal(a.Times, b.Times):
		return fmt.Errorf("its forecasts begin at other times")
	case !slices.Equal(a.Leads, b.Leads) || a.LeadUnits != b.LeadUnits:
		return fmt.Errorf("it has other lead times")
	case !slices.EqualFunc(a.Channels, b.Channels, func(x, y field.Channel) bool { return x.Key == y.Key && x.Units == y.Units }):
		return fmt.Errorf("it has other variables, or other units")
	}
	return nil
}
