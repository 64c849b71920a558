package verify

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"

	"github.com/kiban-models/kiban/climate/field"
	"github.com/kiban-models/kiban/climate/netcdf"
	"github.com/kiban-models/kiban/climate/pair"
	"github.com/kiban-models/kiban/climate/regrid"
	"github.com/kiban-models/kiban/climate/store"
	"github.com/kiban-models/kiban/climate/window"
)

// Source is fields of some channels on one grid at a row of times.
type Source struct {
	Name     string // in errors
	Grid     *field.Grid
	Channels []field.Channel // those that never change are Constant
	Calendar netcdf.Calendar
	Times    []netcdf.Date
	Step     field.Step
	Train    []window.Stretch // the training records, one stretch for each that has no gap
	Years    store.Years      // that Train was chosen by
	Global   []netcdf.Attribute
	Files    []field.File // that it was made of
	// Part tells what a record is for; nil where nobody said.
	Part func(record int) store.Part

	stored *store.Store // that it is a run of, from record first on; nil of files
	first  int
	read   func(ctx context.Context, record int, channels []int, dst []float32) error
	index  map[int64]int
}

// FromStore is a member of a store, which need not be named where there is one
// only, and may be where that has no name, as reanalysis has none. The store must
// stay open.
func FromStore(s *store.Store, member string) (*Source, error) {
	m := s.Manifest()
	var names []string
	var run *store.Run
	for i, r := range m.Time.Runs {
		names = append(names, r.Member)
		if len(m.Time.Runs) == 1 && (member == "" || r.Member == "") || member != "" && r.Member == member {
			run = &m.Time.Runs[i]
		}
	}
	if run == nil {
		return nil, fmt.Errorf("%s: has the members %s; choose one of them", s.Dir(), strings.Join(names, " "))
	}
	out := &Source{Name: s.Dir(), Grid: s.Grid(), Calendar: s.Calendar(), Times: s.Times()[run.From:run.To], Step: s.Step(), Years: m.Split.Train, stored: s, first: run.From}
	for i, c := range s.Channels() {
		out.Channels = append(out.Channels, field.Channel{Name: c.Name, Key: c.Key, StandardName: c.StandardName, LongName: c.LongName,
			Units: c.Units, Level: c.Level, CellMethods: c.CellMethods, Constant: i >= len(m.Channels)})
	}
	for _, x := range m.Sources {
		out.Files = append(out.Files, field.File{Path: x.File, TrackingID: x.TrackingID})
	}
	from := run.From
	out.Part = func(i int) store.Part { return s.Part(from + i) }
	stretches, err := s.Records().Stretches()
	if err != nil {
		return nil, fmt.Errorf("%s: %w", s.Dir(), err)
	}
	for _, x := range stretches {
		if x.Part == string(store.Train) && x.From >= run.From && x.To <= run.To {
			out.Train = append(out.Train, window.Stretch{From: x.From - from, To: x.To - from, Part: x.Part})
		}
	}
	n := s.Grid().Size()
	out.read = func(ctx context.Context, record int, channels []int, dst []float32) error {
		if err := ctx.Err(); err != nil {
			return err
		}
		for i, c := range channels {
			if err := s.Field(dst[i*n:(i+1)*n], from+record, c); err != nil {
				return err
			}
		}
		return nil
	}
	return out, out.number()
}

// FromSeries is a series, with the years that baselines are fitted on; without
// any it serves as input, not as truth. The series must stay open.
func FromSeries(name string, s *field.Series, train store.Years) (*Source, error) {
	out := &Source{Name: name, Grid: s.Grid, Channels: s.Channels, Calendar: s.Calendar, Times: s.Times, Step: s.Step, Global: s.Global, Files: s.Files, Years: train}
	if train != (store.Years{}) {
		r := window.Records{Calendar: s.Calendar, Times: s.Times, Step: s.Step, Part: func(d netcdf.Date) string {
			if train.Has(d.Year) {
				return string(store.Train)
			}
			return ""
		}}
		var err error
		if out.Train, err = r.Stretches(); err != nil {
			return nil, fmt.Errorf("%s: %w", name, err)
		}
		out.Part = func(i int) store.Part { return store.Part(r.Part(s.Times[i])) }
	}
	whole, n, last := make([]float32, s.Size()), s.Grid.Size(), -1
	out.read = func(ctx context.Context, record int, channels []int, dst []float32) error {
		if record != last {
			last = -1
			if err := s.Read(ctx, record, whole); err != nil {
				return err
			}
			last = record
		}
		for i, c := range channels {
			copy(dst[i*n:(i+1)*n], whole[c*n:(c+1)*n])
		}
		return nil
	}
	return out, out.number()
}

// On is the source brought to another grid, bilinearly, as downscalers see it:
// where some of the four centres around a cell have no value, from the others;
// beyond the outermost centres there is none.
func (s *Source) On(g *field.Grid) (*Source, error) {
	w, err := regrid.New(s.Grid, g, regrid.Bilinear)
	if err != nil {
		return nil, fmt.Errorf("%s: %w", s.Name, err)
	}
	out := *s
	out.Grid = g
	var raw []float32
	out.read = func(ctx context.Context, record int, channels []int, dst []float32) error {
		raw = slices.Grow(raw[:0], len(channels)*s.Grid.Size())[:len(channels)*s.Grid.Size()]
		if err := s.read(ctx, record, channels, raw); err != nil {
			return err
		}
		return w.Apply(dst, raw, 0)
	}
	return &out, nil
}

// moment numbers times so that those which are the same step of the data have
// one number: months and years whatever the day, other times by the second.
func moment(c netcdf.Calendar, s field.Step, d netcdf.Date) int64 {
	switch {
	case s.Months > 0 && s.Months%12 == 0:
		return int64(d.Year)
	case s.Months > 0:
		return int64(12*d.Year + d.Month)
	}
	return (c.Millis(d) + 500) / 1000
}

func (s *Source) number() error {
	if s.Step == (field.Step{}) {
		return fmt.Errorf("%s: its %d times have no step; give data with regular times", s.Name, len(s.Times))
	}
	s.index = make(map[int64]int, len(s.Times))
	for i, d := range s.Times {
		s.index[moment(s.Calendar, s.Step, d)] = i
	}
	return nil
}

// Find is the record of a time.
func (s *Source) Find(d netcdf.Date) (record int, ok bool) {
	i, ok := s.index[moment(s.Calendar, s.Step, d)]
	return i, ok
}

// records are those of the times of a frame, -1 for none, in any calendar with the
// same days or months.
func (s *Source) records(f Frame) ([]int, error) {
	of := pair.Axis{Name: "the fields", Calendar: f.Calendar, Step: s.Step, Times: f.Times} // which may be some of its steps
	all, err := pair.Match(of, pair.Axis{Name: s.Name, Calendar: s.Calendar, Step: s.Step, Times: s.Times})
	if err != nil {
		return nil, err
	}
	out := slices.Repeat([]int{-1}, len(f.Times))
	for _, p := range all {
		out[p.Input] = p.Target
	}
	return out, nil
}

// After is the record that is some steps after another, and its time, also
// where there is no such record any more.
func (s *Source) After(record, steps int) (at int, d netcdf.Date, ok bool) {
	d = s.Step.After(s.Calendar, s.Times[record], steps)
	if at, ok = s.Find(d); ok {
		d = s.Times[at]
	}
	return at, d, ok
}

// Channel finds a channel by its key, or by its name and level.
func (s *Source) Channel(key string) (int, error) {
	keys := make([]string, len(s.Channels))
	for i, c := range s.Channels {
		if c.Key == key || c.String() == key {
			return i, nil
		}
		keys[i] = c.Key
	}
	return 0, fmt.Errorf("%s: has no variable %s; it has %s", s.Name, key, strings.Join(keys, " "))
}

// Read fills dst with some channels at a record, of the whole grid.
func (s *Source) Read(ctx context.Context, record int, channels []int, dst []float32) error {
	if record < 0 || record >= len(s.Times) || len(dst) != len(channels)*s.Grid.Size() {
		return fmt.Errorf("%s: record %d of %d, room for %d values of %d fields", s.Name, record, len(s.Times), len(dst), len(channels))
	}
	return s.read(ctx, record, channels, dst)
}

// view is some channels of a source on a part of its grid.
type view struct {
	of       *Source
	channels []int
	cells    []int // of the source's grid
	whole    []float32
}

func (s *Source) view(g *field.Grid, channels []field.Channel) (*view, error) {
	v := &view{of: s}
	var bad []error
	for _, c := range channels {
		i, err := s.Channel(c.Key)
		if err != nil {
			bad = append(bad, err)
			continue
		}
		if have := s.Channels[i].Units; have != c.Units {
			bad = append(bad, fmt.Errorf("%s: variable %s: is in %q, the forecast in %q; convert one of them, or assert its units", s.Name, s.Channels[i], have, c.Units))
		}
		v.channels = append(v.channels, i)
	}
	if len(bad) > 0 {
		return nil, errors.Join(bad...)
	}
	rows, columns, err := within(g, s.Grid)
	if err != nil {
		return nil, fmt.Errorf("%s: is on another grid than the forecast: %w; bring it there, as kiban climate prepare --grid FORECAST.nc does", s.Name, err)
	}
	for _, r := range rows {
		for _, c := range columns {
			v.cells = append(v.cells, r*s.Grid.Columns()+c)
		}
	}
	v.whole = make([]float32, len(channels)*s.Grid.Size())
	return v, nil
}

func (v *view) size() int { return len(v.channels) * len(v.cells) }

func (v *view) read(ctx context.Context, record int, dst []float32) error {
	if err := v.of.Read(ctx, record, v.channels, v.whole); err != nil {
		return err
	}
	n := v.of.Grid.Size()
	for i := range v.channels {
		for k, at := range v.cells {
			dst[i*len(v.cells)+k] = v.whole[i*n+at]
		}
	}
	return nil
}

// Beside reads what goes with one forecast of a channel, on its grid: the field
// from which it begins, nil where the source lacks that time or of what is no
// forecast, and what came.
func (s *Source) Beside(ctx context.Context, f Frame, channel, at, lead int) (begins, came []float32, err error) {
	if f.Task == "" && !sameCalendar(f.Calendar, s.Calendar) {
		return nil, nil, fmt.Errorf("%s: is in the %s calendar, the forecasts in %s; wanted one calendar", s.Name, s.Calendar, f.Calendar)
	}
	v, err := s.view(f.Grid, f.Channels[channel:channel+1])
	if err != nil {
		return nil, nil, err
	}
	valid, err := f.valid(s.Step, at, lead)
	if err != nil {
		return nil, nil, fmt.Errorf("%s: %w", s.Name, err)
	}
	to, ok := s.Find(valid)
	if f.Task != "" {
		same, err := s.records(f)
		if err != nil {
			return nil, nil, err
		}
		to, ok = same[at], same[at] >= 0
	}
	if !ok {
		return nil, nil, fmt.Errorf("%s: does not have %s, which is forecast; it has %s to %s", s.Name, valid, s.Times[0], s.Times[len(s.Times)-1])
	}
	came = make([]float32, v.size())
	if err := v.read(ctx, to, came); err != nil {
		return nil, nil, err
	}
	if from, ok := s.Find(f.Times[at]); ok && f.Task == "" {
		begins = make([]float32, v.size())
		err = v.read(ctx, from, begins)
	}
	return begins, came, err
}

// within finds the rows and columns of part in whole.
func within(part, whole *field.Grid) (rows, columns []int, err error) {
	find := func(axis string, x, in []float64, circle float64) ([]int, error) {
		out := make([]int, len(x))
		for i, a := range x {
			out[i] = slices.IndexFunc(in, func(b float64) bool { return near(a, b, circle) })
			if out[i] < 0 {
				return nil, fmt.Errorf("%s %g of the forecast is not among its %d, %g to %g", axis, a, len(in), in[0], in[len(in)-1])
			}
		}
		return out, nil
	}
	if rows, err = find("latitude", part.Lat, whole.Lat, 0); err != nil {
		return nil, nil, err
	}
	columns, err = find("longitude", part.Lon, whole.Lon, 360)
	return rows, columns, err
}

// near tells whether degrees are the same: float32 ones have a grain of 3e-5.
func near(a, b, circle float64) bool {
	d := a - b
	if circle > 0 {
		for d > circle/2 {
			d -= circle
		}
		for d < -circle/2 {
			d += circle
		}
	}
	return d < 1e-3 && d > -1e-3
}
