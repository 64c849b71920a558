package task

import (
	"context"
	"fmt"

	"github.com/kiban-models/kiban/climate/field"
	"github.com/kiban-models/kiban/climate/forecast"
	"github.com/kiban-models/kiban/climate/netcdf"
	"github.com/kiban-models/kiban/climate/window"
	"github.com/kiban-models/kiban/core/backend"
	"github.com/kiban-models/kiban/core/nn"
	"github.com/kiban-models/kiban/core/plan"
)

// Start is where a forecast begins.
type Start struct {
	Time netcdf.Date
	// Fields are [channel][row][column] of About.Channels, in their units, on the
	// grid of the data; missing values are NaN. Of a projector they are those of the
	// records that lead to Time, one after another.
	Fields []float32
}

// ForecasterOptions say how a Forecaster runs.
type ForecasterOptions struct {
	Policy nn.Policy
	Batch  int // forecasts at once; 0 means 4
	// Dropout leaves the model's dropout on, so that forecasts differ by Member.
	Dropout bool
	Seed    uint64
}

// Forecaster makes forecasts on the grid of some data. It is for one goroutine.
type Forecaster struct {
	about  *About
	frame  *frame
	runner *runner
	flip   bool // the rows of the data are in reverse
	rows   int
	member uint64
	seed   uint64
	passes uint64
	drops  bool
	x, see []float32
}

// Forecaster returns a forecaster on the grid of some data, over a backend that
// has the weights (see Load). The grid is that of the model; its rows may be in
// reverse.
func (m *Model) Forecaster(b backend.Backend, g *field.Grid, o ForecasterOptions) (*Forecaster, error) {
	if err := m.Runs(); err != nil {
		return nil, err
	}
	own, err := m.About.grid()
	if err != nil {
		return nil, err
	}
	flip, err := turned(own, g)
	if err != nil {
		return nil, fmt.Errorf("%s: the model's grid is not that of the data: %w; %s", m.Path, err, bringTo(own))
	}
	variables, out, patches, err := m.About.places(m.Config)
	if err != nil {
		return nil, err
	}
	if o.Batch <= 0 {
		o.Batch = 4
	}
	if o.Dropout && !m.Config.Drops() {
		return nil, fmt.Errorf("%s: the model has no dropout, so that all its forecasts are the same", m.Path)
	}
	r, err := newRunner(b, network{config: m.Config}, o.Policy, o.Batch, variables, out, patches, o.Dropout)
	if err != nil {
		return nil, err
	}
	fr := newFrame(m.About, own.Size(), m.Climatology, m.damping)
	fr.regress = m.regress
	f := newForecaster(m.About, fr, r)
	f.flip, f.rows, f.seed, f.drops = flip, own.Rows(), o.Seed, o.Dropout
	f.x = make([]float32, f.frame.years*len(f.frame.channels)*f.frame.cells)
	return f, nil
}

// newForecaster is a forecaster for fields whose rows are in the model's order.
func newForecaster(a *About, f *frame, r *runner) *Forecaster {
	return &Forecaster{about: a, frame: f, runner: r, see: make([]float32, r.samples*f.size())}
}

// bringTo says how data come to a model's grid.
func bringTo(own *field.Grid) string {
	if own.Global() {
		return fmt.Sprintf("bring the data to it: kiban climate prepare --grid %dx%d", own.Rows(), own.Columns())
	}
	return "prepare the data with the --grid and the --region that those of its training had"
}

// Memory returns what a Forecaster needs on a device with these limits.
func (m *Model) Memory(lim plan.Limits, o ForecasterOptions) (plan.Memory, error) {
	if err := m.Runs(); err != nil {
		return plan.Memory{}, err
	}
	variables, _, patches, err := m.About.places(m.Config)
	if err != nil {
		return plan.Memory{}, err
	}
	if o.Batch <= 0 {
		o.Batch = 4
	}
	p, err := network{config: m.Config}.compile(lim, o.Policy, shape{o.Batch, len(variables), len(patches)}, o.Dropout)
	if err != nil {
		return plan.Memory{}, err
	}
	return p.Memory(), nil
}

// places are the numbers of the variables that the model sees and of those that
// it forecasts, and the patches.
func (a *About) places(c forecast.Config) (variables, out, patches []int32, err error) {
	if variables, err = c.IDs(a.Variables()); err != nil {
		return nil, nil, nil, err
	}
	if a.Task == Project { // whose head makes one field
		patches, err = a.patches(c)
		return variables, []int32{0}, patches, err
	}
	var keys []string
	for _, ch := range a.Out() {
		keys = append(keys, ch.Key)
	}
	if out, err = c.IDs(keys); err != nil {
		return nil, nil, nil, err
	}
	patches, err = a.patches(c)
	return variables, out, patches, err
}

// turned tells whether the rows of data are in the reverse order of the model's.
// Other points are an error.
func turned(own, data *field.Grid) (bool, error) {
	err := own.Same(data)
	if err == nil {
		return false, nil
	}
	if own.Same(reversed(data)) == nil {
		return true, nil
	}
	return false, err
}

// reversed is a grid with its rows the other way round.
func reversed(g *field.Grid) *field.Grid { return g.Reversed() }

// Member chooses which of the forecasts that dropout makes different comes next.
func (f *Forecaster) Member(n int) { f.member, f.passes = uint64(n), 0 }

// Forecast returns for each start the fields [channel][row][column] of About.Out
// in their units, some steps later, at once; of a downscaler or a projector 0 steps. Outside the
// model's region they are NaN. missing counts the values of the starts that were not there, or not
// finite, and taken as the mean.
func (f *Forecaster) Forecast(ctx context.Context, starts []Start, steps int) (fields [][]float32, missing int, err error) {
	if least := min(1, f.about.Leads[0]); steps < least {
		return nil, 0, fmt.Errorf("task: a lead time of %d steps; wanted at least %d", steps, least)
	}
	for len(starts) > 0 {
		n := min(len(starts), f.runner.samples)
		some, m, err := f.some(ctx, starts[:n], steps)
		if err != nil {
			return nil, 0, err
		}
		fields, missing, starts = append(fields, some...), missing+m, starts[n:]
	}
	return fields, missing, nil
}

func (f *Forecaster) some(ctx context.Context, starts []Start, steps int) (fields [][]float32, missing int, err error) {
	a, size := f.about, f.frame.size()
	hours := window.Hours(a.Calendar, a.Step(), steps)
	for i := range f.runner.samples {
		s := starts[min(i, len(starts)-1)] // the rest of the batch repeats the last
		x := s.Fields
		if len(x) != f.frame.years*len(f.frame.channels)*f.frame.cells {
			return nil, 0, fmt.Errorf("task: a start of %d values, wanted %d times %d channels of %d cells", len(x), f.frame.years, len(f.frame.channels), f.frame.cells)
		}
		if f.flip {
			flipped(f.x, x, f.rows, f.frame.cells/f.rows)
			x = f.x
		}
		see := f.see[i*size:][:size]
		if err := f.frame.see(see, x, s.Time, a.Step().After(a.Calendar, s.Time, steps)); err != nil {
			return nil, 0, err
		}
		n, err := f.frame.give(f.runner.batch, i, see, hours)
		if err != nil {
			return nil, 0, err
		}
		if i < len(starts) {
			missing += n
		}
	}
	var seed *[2]uint64
	if f.drops {
		seed = &[2]uint64{f.passes + f.member<<32, f.seed} // a program reads 32 bits of the seed, and all of the count
		f.passes++
	}
	if err := f.runner.pass(ctx, seed); err != nil {
		return nil, 0, err
	}
	for i, s := range starts {
		made := f.runner.field(i)
		if err := f.frame.restore(made, f.see[i*size:][:size], steps, a.Step().After(a.Calendar, s.Time, steps)); err != nil {
			return nil, 0, err
		}
		if f.flip {
			back := make([]float32, len(made))
			flipped(back, made, f.rows, f.frame.cells/f.rows)
			made = back
		}
		fields = append(fields, made)
	}
	return fields, missing, nil
}

// Iterate forecasts n times over, each from the forecast before; visit gets the
// fields of each, counted from 1, as Forecast returns them.
func (f *Forecaster) Iterate(ctx context.Context, starts []Start, steps, n int, visit func(time int, fields [][]float32) error) error {
	now := make([]Start, len(starts))
	for i, s := range starts {
		now[i] = Start{s.Time, append([]float32(nil), s.Fields...)}
	}
	for k := 1; k <= n; k++ {
		fields, _, err := f.Forecast(ctx, now, steps)
		if err != nil {
			return err
		}
		for i := range now {
			now[i].Time = f.about.Step().After(f.about.Calendar, now[i].Time, steps)
			copy(now[i].Fields, fields[i]) // those that are forecast come first
		}
		if err := visit(k, fields); err != nil {
			return err
		}
	}
	return nil
}

// Close frees the program.
func (f *Forecaster) Close() error { return f.runner.close() }
