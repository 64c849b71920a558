package rollout

import (
	"context"
	"fmt"
	"math"
	"slices"

	"github.com/kiban-models/kiban/climate/field"
	"github.com/kiban-models/kiban/climate/store"
	"github.com/kiban-models/kiban/climate/task"
	"github.com/kiban-models/kiban/climate/verify"
)

// Member is a model that is ready to run on the source's grid.
type Member struct {
	Model      *task.Model
	Forecaster *task.Forecaster
}

// Options say what is forecast.
type Options struct {
	Records []int // of the source, ascending, where forecasts begin
	Leads   []int // in steps, ascending
	// Iterative forecasts from forecast to forecast, by the shortest lead time that
	// the model was trained on; otherwise each lead time is forecast at once.
	Iterative bool
	// Dropout is the number of forecasts that each model makes with its dropout
	// on; 0 means one without. The forecasters must have been made so.
	Dropout int
	Out     []string // keys of what is forecast; nil means all that the models do
	// Scenario is what projectors see, a run of a store that the source is of.
	Scenario *task.Scenario
	Batch    int // records read at once; 0 means 4
}

// Rollout is forecasts that are made when Each asks for them.
type Rollout struct {
	members []Member
	source  *verify.Source
	options Options
	frame   verify.Frame
	by      int   // the lead time of a step, where they are iterative
	in      []int // channels of the source for the model's, or one of these:
	out     []int // of what the model makes
	cut     field.Cut
	columns int
	// Missing counts the values of the records that were not there and taken as
	// the mean of their variable, after Each.
	Missing int
}

// What is not in the source.
const (
	latitude = -1
	own      = -2 // the model has it
)

// New compares the models with one another and with the source.
func New(members []Member, s *verify.Source, o Options) (*Rollout, error) {
	if len(members) == 0 || len(o.Records) == 0 || len(o.Leads) == 0 {
		return nil, fmt.Errorf("rollout: %d models, %d records, %d lead times; wanted one of each at least", len(members), len(o.Records), len(o.Leads))
	}
	if o.Batch <= 0 {
		o.Batch = 4
	}
	r := &Rollout{members: members, source: s, options: o, columns: s.Grid.Columns()}
	first := members[0].Model
	for _, m := range members {
		if err := m.Model.Runs(); err != nil {
			return nil, err
		}
		if err := agree(first, m.Model); err != nil {
			return nil, err
		}
	}
	a := first.About
	if a.Step() != s.Step {
		return nil, fmt.Errorf("%s: its times are %s apart; %s was trained on data %s apart: give it such", s.Name, s.Step, first.Path, a.Step())
	}
	if err := r.inputs(first); err != nil {
		return nil, err
	}
	if err := r.outputs(first); err != nil {
		return nil, err
	}
	if o.Iterative {
		r.by = a.Leads[0]
		for _, l := range o.Leads {
			if l%r.by != 0 {
				return nil, fmt.Errorf("%s: forecasts %d steps of %s at a time; a lead time of %d steps is no multiple of it", first.Path, r.by, s.Step, l)
			}
		}
	}
	var err error
	if r.cut, err = extent(first, s.Grid); err != nil {
		return nil, err
	}
	return r, r.describe(a)
}

// agree is nil if two models forecast the same.
func agree(a, b *task.Model) error {
	x, y := a.About, b.About
	same := func(p, q task.Channel) bool { return p.Key == q.Key && p.Units == q.Units && p.Static == q.Static }
	var what string
	switch {
	case x.Task != y.Task:
		what = "are of other tasks"
	case !slices.EqualFunc(x.Made, y.Made, same) || !slices.Equal(a.Static, b.Static) || x.Task == task.Downscale && !sameGrid(x, y):
		what = "make other variables, or on another grid"
	case !slices.EqualFunc(x.Channels, y.Channels, same):
		what = "see or forecast other variables, or in other units or another order"
	case x.History != y.History:
		what = "see histories of other lengths"
	case x.Step() != y.Step():
		what = "were trained on data of other intervals"
	case x.Region != y.Region || x.Mirrored != y.Mirrored:
		what = "forecast other regions"
	default:
		return nil
	}
	return fmt.Errorf("%s and %s %s; models of an ensemble forecast the same", a.Path, b.Path, what)
}

// inputs finds what the model sees in the source.
func (r *Rollout) inputs(m *task.Model) error {
	for _, c := range m.About.Channels {
		i, err := r.source.Channel(c.Key)
		switch {
		case c.Own:
			i = own
		case err != nil && c.Static && c.Key == store.LatitudeKey:
			i = latitude
		case err != nil:
			return fmt.Errorf("%w; %s sees %s: give it the files that have it, too", err, m.Path, c.Key)
		case r.source.Channels[i].Units != c.Units:
			have := r.source.Channels[i]
			return fmt.Errorf("%s: variable %s: is in %q; %s was trained on %q: convert it, or assert its units", r.source.Name, have, have.Units, m.Path, c.Units)
		}
		r.in = append(r.in, i)
	}
	return nil
}

// outputs chooses among what the model forecasts.
func (r *Rollout) outputs(m *task.Model) error {
	all := m.About.Out()
	called := func(i int, s string) bool {
		return s == all[i].Key || s == all[i].Field().String() || m.About.Task == task.Forecast && s == r.source.Channels[r.in[i]].String()
	}
	for i := range all {
		if r.options.Out == nil || slices.ContainsFunc(r.options.Out, func(s string) bool { return called(i, s) }) {
			r.out = append(r.out, i)
		}
	}
	for _, s := range r.options.Out {
		if !slices.ContainsFunc(r.out, func(i int) bool { return called(i, s) }) {
			var keys []string
			for _, c := range all {
				keys = append(keys, c.Key)
			}
			return fmt.Errorf("%s: does not forecast %s; it forecasts %v", m.Path, s, keys)
		}
	}
	return nil
}

func (r *Rollout) describe(a *task.About) error {
	s := r.source
	f := field.Frame{Grid: r.cut.Grid, Calendar: s.Calendar, LeadUnits: "hours"}
	for _, i := range r.out {
		if a.Task != task.Forecast {
			f.Channels = append(f.Channels, a.Made[i].Field())
		} else {
			f.Channels = append(f.Channels, s.Channels[r.in[i]])
		}
	}
	for i, record := range r.options.Records {
		if record < 0 || record >= len(s.Times) || i > 0 && record <= r.options.Records[i-1] {
			return fmt.Errorf("rollout: record %d of %d; wanted ascending ones", record, len(s.Times))
		}
		f.Times = append(f.Times, s.Times[record])
	}
	if (a.Task == task.Project) != (r.options.Scenario != nil) {
		return fmt.Errorf("rollout: a model to %s, with a scenario %v; projectors have one", a.Task, r.options.Scenario != nil)
	}
	if a.Task != task.Forecast {
		if !slices.Equal(r.options.Leads, a.Leads) || r.options.Iterative {
			return fmt.Errorf("rollout: lead times of %v steps; what is made to %s is of the same time", r.options.Leads, a.Task)
		}
		f.Leads, f.Valid = []float64{0}, f.Times
		r.frame = verify.Frame{Frame: f, Members: len(r.members) * max(1, r.options.Dropout), Train: a.Split.Train, Region: a.Region, Task: a.Task}
		if s := r.options.Scenario; s != nil {
			r.frame.Scenario = s.Name
		}
		return nil
	}
	for i, l := range r.options.Leads {
		if l < 1 || i > 0 && l <= r.options.Leads[i-1] {
			return fmt.Errorf("rollout: lead times of %v steps; wanted at least 1, ascending", r.options.Leads)
		}
		x := float64(l) * s.Step.Hours()
		if s.Step.Months > 0 {
			f.LeadUnits, x = "months", float64(l*s.Step.Months)
		}
		f.Leads = append(f.Leads, x)
	}
	for _, record := range r.options.Records {
		for _, l := range r.options.Leads {
			_, d, _ := s.After(record, l)
			f.Valid = append(f.Valid, d)
		}
	}
	r.frame = verify.Frame{Frame: f, Members: len(r.members) * max(1, r.options.Dropout), Train: a.Split.Train, Region: a.Region}
	return nil
}

// Frame says what is forecast.
func (r *Rollout) Frame() verify.Frame { return r.frame }

// Each forecasts batch by batch.
func (r *Rollout) Each(ctx context.Context, visit func(at, lead int, members [][]float32) error) error {
	r.Missing = 0
	records := r.options.Records
	for at := 0; at < len(records); at += r.options.Batch {
		starts, err := r.starts(ctx, records[at:min(len(records), at+r.options.Batch)])
		if err != nil {
			return err
		}
		made, err := r.batch(ctx, starts, at/r.options.Batch)
		if err != nil {
			return err
		}
		for i := range starts {
			for lead := range r.options.Leads {
				if err := visit(at+i, lead, made[lead][i]); err != nil {
					return err
				}
			}
		}
	}
	return nil
}

// starts reads what the model sees. A variable that has no value at all is no
// start of a forecast.
func (r *Rollout) starts(ctx context.Context, records []int) ([]task.Start, error) {
	n := r.source.Grid.Size()
	var out []task.Start
	for _, record := range records {
		if s := r.options.Scenario; s != nil {
			start, err := s.Start(record)
			if err != nil {
				return nil, err
			}
			out = append(out, start)
			continue
		}
		x := make([]float32, len(r.in)*n)
		for i, c := range r.in {
			to := x[i*n:][:n]
			if c == own {
				at := i - (len(r.in) - len(r.members[0].Model.Static)/n) // they come last
				copy(to, r.members[0].Model.Static[at*n:])
				continue
			}
			if c == latitude {
				for k := range to {
					to[k] = float32(r.source.Grid.Lat[k/r.columns])
				}
				continue
			}
			if err := r.source.Read(ctx, record, []int{c}, to); err != nil {
				return nil, err
			}
			if !slices.ContainsFunc(to, func(v float32) bool { return v == v }) {
				return nil, fmt.Errorf("%s: variable %s: has no value at all at %s (record %d); begin forecasts at other times", r.source.Name, r.source.Channels[c], r.source.Times[record], record)
			}
		}
		when := r.source.Times[record]
		if a := r.members[0].Model.About; a.Task == task.Downscale { // whose calendar is that of what it was trained to make
			when.Day = min(when.Day, a.Calendar.DaysIn(when.Year, when.Month))
		}
		out = append(out, task.Start{Time: when, Fields: x})
	}
	return out, nil
}

// batch returns [lead][start][member] fields.
func (r *Rollout) batch(ctx context.Context, starts []task.Start, number int) ([][][][]float32, error) {
	made := make([][][][]float32, len(r.options.Leads))
	for lead := range made {
		made[lead] = make([][][]float32, len(starts))
	}
	put := func(lead int, fields [][]float32) {
		for i, f := range fields {
			made[lead][i] = append(made[lead][i], r.part(f))
		}
	}
	draws := max(1, r.options.Dropout)
	for i, m := range r.members {
		for d := range draws {
			if r.options.Dropout > 0 { // no two batches and no two models have the same draws
				m.Forecaster.Member((number*len(r.members)+i)*draws + d)
			}
			if r.options.Iterative {
				last := r.options.Leads[len(r.options.Leads)-1] / r.by
				err := m.Forecaster.Iterate(ctx, starts, r.by, last, func(time int, fields [][]float32) error {
					if lead := slices.Index(r.options.Leads, time*r.by); lead >= 0 {
						put(lead, fields)
					}
					return ctx.Err()
				})
				if err != nil {
					return nil, err
				}
				continue
			}
			for lead, steps := range r.options.Leads {
				if err := ctx.Err(); err != nil {
					return nil, err
				}
				fields, missing, err := m.Forecaster.Forecast(ctx, starts, steps)
				if err != nil {
					return nil, err
				}
				if lead == 0 && d == 0 && m == r.members[0] {
					r.Missing += missing
				}
				put(lead, fields)
			}
		}
	}
	return made, nil
}

// part is the chosen channels on the rows and columns of the forecast.
func (r *Rollout) part(fields []float32) []float32 {
	n, size := r.source.Grid.Size(), r.cut.Grid.Size()
	out := make([]float32, len(r.out)*size)
	for i, c := range r.out {
		r.cut.Pick(out[i*size:][:size], fields[c*n:][:n], r.columns)
	}
	return out
}

// extent is the rows and columns of the source's grid that hold all cells which
// a model forecasts.
func extent(m *task.Model, g *field.Grid) (field.Cut, error) {
	own, err := m.About.Grid.Field()
	if err != nil {
		return field.Cut{}, err
	}
	patches := m.Config.All()
	if where := m.About.Where(); len(where.Boxes) > 0 {
		if patches, err = m.Config.Region(own, where, m.About.Mirrored); err != nil {
			return field.Cut{}, err
		}
	}
	size := m.Config.Patch
	across := m.Config.Grid[1] / size
	box := field.Box{South: math.Inf(1), North: math.Inf(-1)}
	columns := make([]bool, m.Config.Grid[1])
	for _, p := range patches {
		row, column := int(p)/across*size, int(p)%across*size
		for k := range size {
			box.South, box.North = min(box.South, own.Lat[row+k]), max(box.North, own.Lat[row+k])
			columns[column+k] = true
		}
	}
	first, last := span(columns)
	box.West, box.East = own.Lon[first], own.Lon[last]
	return g.Cut(box)
}

// span is the first and the last column, from west to east, of those that are
// in: what lies outside is the widest gap of the circle.
func span(in []bool) (first, last int) {
	n := len(in)
	widest := 0
	first, last = 0, n-1
	for i := range in {
		if in[i] || !in[(i+n-1)%n] {
			continue
		}
		gap := 0
		for !in[(i+gap)%n] {
			gap++
		}
		if gap > widest {
			widest, first, last = gap, (i+gap)%n, (i+n-1)%n
		}
	}
	return first, last
}
