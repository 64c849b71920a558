package task

import (
	"context"
	"fmt"
	"math"

	"github.com/kiban-models/kiban/climate/baseline"
	"github.com/kiban-models/kiban/climate/forecast"
	"github.com/kiban-models/kiban/climate/netcdf"
	"github.com/kiban-models/kiban/climate/store"
	"github.com/kiban-models/kiban/climate/window"
)

// rivals are what a model is judged beside, fitted on the training records.
type rivals interface {
	// climatology is that of what is made, at a time: what ACC counts from.
	climatology(when netcdf.Date) ([]float32, error)
	// each visits what the rivals make of one record for another, some steps later.
	each(from, to, steps int, visit func(name string, fields []float32) error) error
}

// persistent are the baselines of forecasts.
type persistent struct {
	*baseline.Set
	of *examples
	x  []float32
}

// ofOne are the examples of one store, with the baselines of forecasts.
func ofOne(ctx context.Context, st *store.Store, a About, c forecast.Config, shape window.Shape, leads []int, fitting func(done, total int)) (*examples, error) {
	r, channels, err := newOfStore(st, &a)
	if err != nil {
		return nil, err
	}
	e, err := newExamples(r, channels, a, c, shape)
	if err != nil {
		return nil, err
	}
	return e, fitPersistent(ctx, e, leads, fitting)
}

// fitPersistent fits them, and gives the frame what a target counts from. fitting
// is told how many readings it has taken.
func fitPersistent(ctx context.Context, e *examples, leads []int, fitting func(done, total int)) error {
	learnt, records := e.learnt()
	done := 0
	read := func(record int, dst []float32) error {
		done++
		fitting(done, 2*records) // Fit reads twice
		return e.want(record, dst)
	}
	axis := e.axis()
	data := baseline.Data{Calendar: axis.Calendar, Times: axis.Times, Step: axis.Step, Size: len(e.y), Read: read}
	set, err := baseline.Fit(ctx, data, learnt, leads, baseline.Options{Kind: e.about.kind()})
	if err != nil {
		return fmt.Errorf("%s: %w", e.name(), err)
	}
	e.rivals = &persistent{set, e, make([]float32, len(e.y))}
	if e.about.Target.anomalous() {
		e.frame.climate = set.Climatology
	}
	if e.about.Target == AnomalyChange {
		e.spread(set.Deviation)
	}
	if e.about.Target == Damped {
		e.frame.damping = map[int][]float32{}
		for _, l := range leads {
			if e.frame.damping[l], err = set.Damped.Correlation(l); err != nil {
				return err
			}
		}
	}
	return nil
}

// spread sets what anomalies are normalised by: the root of their mean square
// over all cells.
func (e *examples) spread(deviation []float32) {
	for c := range e.about.Out() {
		sum, n := 0.0, 0
		for _, d := range deviation[c*e.frame.cells:][:e.frame.cells] {
			if x := float64(d); x == x {
				sum += x * x
				n++
			}
		}
		if n > 0 {
			e.about.Channels[c].AnomalyStd = math.Sqrt(sum / float64(n))
		}
	}
}

func (p *persistent) climatology(when netcdf.Date) ([]float32, error) { return p.Climatology.At(when) }

func (p *persistent) each(from, to, steps int, visit func(name string, fields []float32) error) error {
	if err := p.of.want(from, p.x); err != nil {
		return err
	}
	return p.Each(p.x, steps, p.of.time(from), p.of.time(to), visit)
}
