package task

import (
	"context"
	"fmt"
	"slices"
	"strings"

	"github.com/kiban-models/kiban/climate/baseline"
	"github.com/kiban-models/kiban/climate/forecast"
	"github.com/kiban-models/kiban/climate/netcdf"
	"github.com/kiban-models/kiban/climate/pair"
	"github.com/kiban-models/kiban/climate/store"
	"github.com/kiban-models/kiban/climate/window"
)

// Projection says what a projector is to learn.
type Projection struct {
	Variables []string // of the input, by key or by the source's name; nil means all
	Out       string   // the one of the target that it makes; "" means its only one
	History   int      // records that it sees, the last of the target's time
	// AsPublished learns the target in its units, not normalised, with cells that
	// count alike.
	AsPublished bool
	// NorthFirst is the order of rows that a model knows; nil means the data's.
	NorthFirst *bool
}

// DescribeProjection makes the About of a model that is to make of some years of
// forcings, the fields of one store, the climate of the last of them, a field of
// another on the same grid (ClimateBench: Watson-Parris et al. 2022). Each is
// normalised by the statistics of its own store.
func DescribeProjection(p *pair.Pairs, s Projection) (About, error) {
	in, out := p.Input, p.Target
	a := About{
		Format: 1, Task: Project, Target: Fields, Grid: out.Manifest().Grid, Calendar: out.Calendar(), Leads: []int{0}, History: s.History, Split: out.Manifest().Split,
	}
	step := p.Records().Step
	a.StepMonths, a.StepMillis = step.Months, step.Millis
	if _, err := turned(out.Grid(), in.Grid()); err != nil {
		return a, fmt.Errorf("%s and %s: are on two grids: %w; prepare both with the same --grid", in.Dir(), out.Dir(), err)
	}
	if g := out.Grid(); s.NorthFirst != nil && *s.NorthFirst != g.NorthFirst() {
		g = reversed(g)
		a.Grid.Lat, a.Grid.LatBounds = g.Lat, g.LatBounds
	}
	a.Channels = channelsOf(in, func(c Channel) bool { return chosen(s.Variables, c) })
	if missing := unknown(s.Variables, a.Channels); len(missing) > 0 {
		return a, fmt.Errorf("%s: has no forcing %s; it has %s", in.Dir(), strings.Join(missing, ", "), strings.Join(keys([]*store.Store{in}), " "))
	}
	var made []string
	if s.Out != "" {
		made = []string{s.Out}
	}
	a.Made = channelsOf(out, func(c Channel) bool { return !c.Static && chosen(made, c) })
	switch {
	case len(a.Made) == 0:
		return a, fmt.Errorf("%s: has no variable %s that changes in time; it has %s", out.Dir(), s.Out, strings.Join(keys([]*store.Store{out}), " "))
	case len(a.Made) > 1:
		return a, fmt.Errorf("%s: has %s, and a projector makes one of them; name it", out.Dir(), strings.Join(keys([]*store.Store{out}), " "))
	}
	if s.AsPublished {
		a.Made[0].Mean, a.Made[0].Std, a.Even = 0, 1, true
	}
	return a, a.check()
}

// NewProjector is the configuration of a new model for what About says.
func (a *About) NewProjector(patch, width, depth, heads int) forecast.Config {
	return a.NewConfig(patch, width, depth, heads).Projecting(a.Variables(), a.Made[0].Key, a.History)
}

// mayProject refuses a projector that makes something else.
func (m *Model) mayProject(a *About) error {
	c := m.Config
	if c.IsProjector() && (c.Out != a.Made[0].Key || c.History != a.History) {
		return fmt.Errorf("%s: makes %s of %d records, and is to make %s of %d; begin with a forecaster, or a new model", m.Path, c.Out, c.History, a.Made[0].Key, a.History)
	}
	return nil
}

// checkProjection refuses what is no projector.
func (a *About) checkProjection() error {
	switch {
	case len(a.Made) != 1 || a.Made[0].Static || a.Made[0].Own:
		return fmt.Errorf("a projector of %d channels; wanted one that changes in time", len(a.Made))
	case slices.ContainsFunc(a.Channels, func(c Channel) bool { return c.Own || c.Key == a.Made[0].Key }):
		return fmt.Errorf("what is made is seen, or a channel is the model's own")
	case a.Target != Fields || a.Season:
		return fmt.Errorf("target %s, season %v of a projector; wanted %s and none", a.Target, a.Season, Fields)
	case !slices.Equal(a.Leads, []int{0}) || a.Iterations > 1:
		return fmt.Errorf("lead times of %v steps; wanted 0 of a projector", a.Leads)
	case a.History < 1 || a.History > 1<<12:
		return fmt.Errorf("a history of %d records; wanted at least 1", a.History)
	case len(a.Boxes) > 0 || a.Coarse != nil:
		return fmt.Errorf("a projector of a region, or of another grid")
	}
	return nil
}

// years are the records that a model sees at once.
func (a *About) years() int { return max(1, a.History) }

// fromForcings are the records of pairs of stores: each has some of the input,
// which lead to one of the target.
type fromForcings struct {
	pairs     *pair.Pairs
	histories []pair.History
	in, out   *store.Selection // in their units
	input     *turning
	*turning  // of the target
}

func newFromForcings(p *pair.Pairs, a *About) (*fromForcings, error) {
	r := &fromForcings{pairs: p}
	var in []string
	for _, c := range a.Channels {
		in = append(in, c.Key)
	}
	var err error
	if r.histories, err = p.Histories(a.History); err != nil {
		return nil, err
	}
	if r.input, err = newTurning(p.Input, a); err != nil {
		return nil, err
	}
	if r.turning, err = newTurning(p.Target, a); err != nil {
		return nil, err
	}
	if r.in, err = inUnits(p.Input, in); err != nil {
		return nil, err
	}
	r.out, err = inUnits(p.Target, []string{a.Made[0].Key})
	return r, err
}

func (r *fromForcings) name() string { return r.pairs.Input.Dir() + " and " + r.pairs.Target.Dir() }

// axis has each record alone: nothing is forecast from one to another.
func (r *fromForcings) axis() window.Records {
	w := window.Records{Calendar: r.pairs.Target.Calendar(), Step: r.pairs.Records().Step,
		PartAt: func(i int) string { return string(r.pairs.Target.Part(r.histories[i].Target)) }}
	for i, h := range r.histories {
		w.Times, w.Breaks = append(w.Times, r.pairs.Target.Times()[h.Target]), append(w.Breaks, i)
	}
	return w
}

// see reads the years of a history, [year][channel][row][column].
func (r *fromForcings) see(record int, dst []float32) error {
	n := r.in.Size()
	for i, at := range r.histories[record].Inputs {
		if err := r.input.read(r.in, at, dst[i*n:][:n]); err != nil {
			return err
		}
	}
	return nil
}

func (r *fromForcings) want(record int, dst []float32) error {
	return r.read(r.out, r.histories[record].Target, dst)
}

// ofForcings are the examples of a projector, with the baselines of one.
func ofForcings(ctx context.Context, p *pair.Pairs, a About, c forecast.Config, shape window.Shape, fitting func(done, total int)) (*examples, error) {
	r, err := newFromForcings(p, &a)
	if err != nil {
		return nil, err
	}
	e, err := newExamples(r, a.Channels, a, c, shape)
	if err != nil {
		return nil, err
	}
	s := &scaled{of: e}
	g, err := a.grid()
	if err != nil {
		return nil, err
	}
	s.areas = g.Areas()
	learnt, records := e.learnt()
	done := 0
	want := func(record int, dst []float32) error {
		done++
		fitting(done, 2*records) // FitScaling reads twice
		return e.want(record, dst)
	}
	axis := e.axis()
	data := baseline.Data{Calendar: axis.Calendar, Times: axis.Times, Step: axis.Step, Size: len(e.y), Read: want}
	if s.Scaling, err = baseline.FitScaling(ctx, data, s.forcings, s.areas, learnt); err != nil {
		return nil, fmt.Errorf("%s: %w", e.name(), err)
	}
	e.rivals = s
	return e, nil
}

// scaled are the baselines of projections.
type scaled struct {
	*baseline.Scaling
	of    *examples
	areas []float64
}

func (s *scaled) climatology(when netcdf.Date) ([]float32, error) { return s.Climatology.At(when) }

func (s *scaled) each(from, _, _ int, visit func(name string, fields []float32) error) error {
	f, err := s.forcings(from)
	if err != nil {
		return err
	}
	return s.Each(f, s.of.time(from), visit)
}

// forcings are the global means of what is seen of the last year.
func (s *scaled) forcings(record int) ([]float64, error) {
	e := s.of
	if err := e.see(record, e.x); err != nil {
		return nil, err
	}
	return globalMeans(e.x[len(e.x)-len(e.about.Channels)*e.frame.cells:], s.areas), nil
}

// globalMeans are those of fields.
func globalMeans(x []float32, areas []float64) []float64 {
	var out []float64
	for at := 0; at < len(x); at += len(areas) {
		sum, weight := 0.0, 0.0
		for i, v := range x[at:][:len(areas)] {
			if v == v {
				sum, weight = sum+areas[i]*float64(v), weight+areas[i]
			}
		}
		if weight > 0 {
			sum /= weight
		}
		out = append(out, sum)
	}
	return out
}

// Scenario is one run of a store of forcings, for a projector.
type Scenario struct {
	Name      string
	Times     []netcdf.Date // of the run
	Histories [][]int       // records of the store that lead to each; nil where they are too few
	selected  *store.Selection
}

// NewScenario finds the channels of a projector in a run of a store. Rows are in
// the order of the store. That no time has a history is an error.
func NewScenario(a *About, st *store.Store, run string) (*Scenario, error) {
	runs := st.Manifest().Time.Runs
	at := slices.IndexFunc(runs, func(r store.Run) bool { return r.Member == run })
	if at < 0 {
		var names []string
		for _, r := range runs {
			names = append(names, r.Member)
		}
		return nil, fmt.Errorf("%s: has no scenario %q; it has %s", st.Dir(), run, strings.Join(names, " "))
	}
	if st.Step() != a.Step() {
		return nil, fmt.Errorf("%s: its times are %s apart; the model was trained on forcings %s apart", st.Dir(), st.Step(), a.Step())
	}
	var names []string
	for _, c := range a.Channels {
		i, err := st.Channel(c.Key)
		if err != nil {
			return nil, err
		}
		if have := st.Channels()[i].Units; have != c.Units {
			return nil, fmt.Errorf("%s: variable %s is in %q, for the model in %q; prepare it in the same units", st.Dir(), c.Key, have, c.Units)
		}
		names = append(names, c.Key)
	}
	s := &Scenario{Name: run}
	var err error
	if s.selected, err = inUnits(st, names); err != nil {
		return nil, err
	}
	s.Times = st.Times()[runs[at].From:runs[at].To]
	s.Histories = pair.Histories(st, a.History)[runs[at].From:runs[at].To]
	if !slices.ContainsFunc(s.Histories, func(h []int) bool { return h != nil }) {
		return nil, fmt.Errorf("%s: %q has no time with the %d records, each %s after the one before, that the model sees; prepare what it goes on from, too", st.Dir(), run, a.History, st.Step())
	}
	return s, nil
}

// Start is what a projector sees for one of the times, which has a history.
func (s *Scenario) Start(at int) (Start, error) {
	if at < 0 || at >= len(s.Times) || s.Histories[at] == nil {
		return Start{}, fmt.Errorf("task: time %d of %d of %s has no history", at, len(s.Times), s.Name)
	}
	x := make([]float32, len(s.Histories[at])*s.selected.Size())
	return Start{s.Times[at], x}, s.selected.Read(x, s.Histories[at])
}
