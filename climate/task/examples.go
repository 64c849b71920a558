package task

import (
	"context"
	"fmt"

	"github.com/kiban-models/kiban/climate/baseline"
	"github.com/kiban-models/kiban/climate/forecast"
	"github.com/kiban-models/kiban/climate/netcdf"
	"github.com/kiban-models/kiban/climate/store"
	"github.com/kiban-models/kiban/climate/window"
)

// examples are those of one store.
type examples struct {
	store     *store.Store
	about     About // with the store's own channels and calendar
	frame     *frame
	all, out  *store.Selection // of the channels that are seen, and forecast, in their units
	flip      bool
	rows      int
	columns   int
	windows   *window.Windows // of the training years
	stretches []window.Stretch
	variables []int32 // the model's numbers of what is seen
	made      []int32 // and of what is forecast
	x, y, z   []float32
	baselines *baseline.Set
}

// newExamples finds those channels of a that a store has.
func newExamples(ctx context.Context, st *store.Store, a About, c forecast.Config, shape window.Shape, leads []int, fitting func(done, total int)) (*examples, error) {
	e := &examples{store: st, about: a}
	e.about.Calendar, e.about.Channels = st.Calendar(), nil
	var names, out []string
	for _, ch := range a.Channels {
		if _, err := st.Channel(ch.Key); err != nil {
			continue
		}
		e.about.Channels = append(e.about.Channels, ch)
		names = append(names, ch.Key)
		if !ch.Static {
			out = append(out, ch.Key)
		}
	}
	if len(out) == 0 {
		return nil, fmt.Errorf("%s: has none of the chosen variables that change in time", st.Dir())
	}
	own, err := a.grid()
	if err != nil {
		return nil, err
	}
	if e.flip, err = turned(own, st.Grid()); err != nil {
		return nil, fmt.Errorf("%s: not the grid of the model: %w", st.Dir(), err)
	}
	e.rows, e.columns = own.Rows(), own.Columns()
	raw := make([]store.Norm, len(names))
	for i := range raw {
		raw[i].Std = 1
	}
	if e.all, err = st.Select(names, raw); err != nil {
		return nil, err
	}
	if e.out, err = st.Select(out, raw[:len(out)]); err != nil {
		return nil, err
	}
	e.x, e.y, e.z = make([]float32, e.all.Size()), make([]float32, e.out.Size()), make([]float32, e.all.Size())
	if e.variables, e.made, _, err = e.about.places(c); err != nil {
		return nil, err
	}
	if e.stretches, err = st.Records().Stretches(); err != nil {
		return nil, fmt.Errorf("%s: %w", st.Dir(), err)
	}
	if e.windows, err = window.New(e.stretches, string(store.Train), shape); err != nil {
		return nil, fmt.Errorf("%s: %w", st.Dir(), err)
	}
	var learnt []window.Stretch
	for _, s := range e.stretches {
		if s.Part == string(store.Train) {
			learnt = append(learnt, s)
		}
	}
	total, done := 0, 0
	for _, s := range learnt {
		total += 2 * (s.To - s.From) // Fit reads twice
	}
	read := func(record int, dst []float32) error {
		done++
		fitting(done, total)
		return e.readOut(record, dst)
	}
	data := baseline.Data{Calendar: st.Calendar(), Times: st.Times(), Step: st.Step(), Size: e.out.Size(), Read: read}
	if e.baselines, err = baseline.Fit(ctx, data, learnt, leads, baseline.Options{Kind: a.kind()}); err != nil {
		return nil, fmt.Errorf("%s: %w", st.Dir(), err)
	}
	e.frame = newFrame(&e.about, own.Size(), nil, nil)
	if a.Target.anomalous() {
		e.frame.climate = e.baselines.Climatology
	}
	if a.Target == Damped {
		e.frame.damping = map[int][]float32{}
		for _, l := range leads {
			if e.frame.damping[l], err = e.baselines.Damped.Correlation(l); err != nil {
				return nil, err
			}
		}
	}
	return e, nil
}

// readAll reads what is seen of a record, in its units, rows as the model has
// them.
func (e *examples) readAll(record int, dst []float32) error { return e.read(e.all, record, dst) }

// readOut reads what is forecast.
func (e *examples) readOut(record int, dst []float32) error { return e.read(e.out, record, dst) }

func (e *examples) read(sel *store.Selection, record int, dst []float32) error {
	if !e.flip {
		return sel.Read(dst, []int{record})
	}
	z := e.z[:sel.Size()]
	if err := sel.Read(z, []int{record}); err != nil {
		return err
	}
	flipped(dst, z, e.rows, e.columns)
	return nil
}

func (e *examples) time(record int) netcdf.Date { return e.store.Times()[record] }

func (e *examples) hours(steps int) float64 {
	return window.Hours(e.about.Calendar, e.about.Step(), steps)
}

// example fills see and teach with the numbers of window i in an epoch, and
// returns its lead time.
func (e *examples) example(see, teach []float32, seed uint64, epoch, i int) (hours float64, err error) {
	steps, target := e.windows.Lead(seed, epoch, i)
	anchor := e.windows.Anchor(i)
	if err := e.readAll(anchor, e.x); err != nil {
		return 0, err
	}
	if err := e.readOut(target, e.y); err != nil {
		return 0, err
	}
	when, valid := e.time(anchor), e.time(target)
	if err := e.frame.see(see, e.x, when, valid); err != nil {
		return 0, err
	}
	return e.hours(steps), e.frame.teach(teach, e.y, see, steps, valid)
}
