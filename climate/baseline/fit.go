package baseline

import (
	"context"
	"fmt"
	"math"
	"slices"

	"github.com/kiban-models/kiban/climate/field"
	"github.com/kiban-models/kiban/climate/netcdf"
	"github.com/kiban-models/kiban/climate/window"
)

// Names of the forecasts, as they stand in tables of skill.
const (
	PersistenceName = "persistence"
	ClimatologyName = "climatology"
	DampedName      = "damped_persistence"
)

// Data are the records to fit on: Size values at each time, in their units,
// missing ones NaN.
type Data struct {
	Calendar netcdf.Calendar
	Times    []netcdf.Date
	Step     field.Step
	Size     int
	Read     func(record int, dst []float32) error
}

// Options say what climatology is fitted.
type Options struct {
	Kind Kind // "" means KindOf the step
	// Around, of FitCorrected, are the nine places of each cell that a regression
	// looks at; nil for none.
	Around []int32
	// Window smooths a day-of-year climatology over days: 0 means DefaultWindow,
	// 1 does not smooth.
	Window int
}

// Set is the baselines, fitted.
type Set struct {
	Climatology *Climatology
	Damped      *Damped
	// Deviation is the root of the mean square of each value's anomalies in the
	// training records; NaN where there is none, and nil if Fit had no lead times.
	Deviation []float32
	scratch   []float32
}

// Fit reads the training records twice, in order: for their climatology, and for
// the correlations of anomalies at some lead times, in steps, within each
// stretch. Nothing else is read. It holds 12 bytes a slot of the climatology and
// value at first, and then as many fields as the longest lead has steps.
func Fit(ctx context.Context, d Data, train []window.Stretch, leads []int, o Options) (*Set, error) {
	if o.Kind == "" {
		o.Kind = KindOf(d.Step)
	}
	if o.Window == 0 {
		o.Window = DefaultWindow
	}
	if o.Window < 0 || o.Window%2 == 0 {
		return nil, fmt.Errorf("baseline: a window of %d days; wanted an odd number", o.Window)
	}
	if len(train) == 0 {
		return nil, fmt.Errorf("baseline: no training records")
	}
	for _, l := range leads {
		if l < 1 {
			return nil, fmt.Errorf("baseline: a lead time of %d steps; wanted at least 1", l)
		}
	}
	f, err := newFitter(d.Calendar, o.Kind, d.Step, d.Size)
	if err != nil {
		return nil, err
	}
	x := make([]float32, d.Size)
	for _, s := range train {
		for i := s.From; i < s.To; i++ {
			if err := d.read(ctx, i, x); err != nil {
				return nil, err
			}
			f.add(d.Times[i], x)
		}
	}
	c := f.climatology(o.Window)
	damped, deviation, err := d.damped(ctx, c, train, leads)
	if err != nil {
		return nil, err
	}
	return &Set{Climatology: c, Damped: damped, Deviation: deviation, scratch: x}, nil
}

func (d Data) read(ctx context.Context, i int, dst []float32) error {
	if err := ctx.Err(); err != nil {
		return err
	}
	return d.Read(i, dst)
}

// damped keeps as many anomalies as the longest lead needs. It returns their
// deviation, too.
func (d Data) damped(ctx context.Context, c *Climatology, train []window.Stretch, leads []int) (*Damped, []float32, error) {
	leads = slices.Compact(slices.Sorted(slices.Values(leads)))
	out := &Damped{climatology: c, leads: leads}
	if len(leads) == 0 {
		return out, nil, nil
	}
	squares, counts := make([]float64, d.Size), make([]int32, d.Size)
	sums := make([]products, len(leads))
	for k := range sums {
		sums[k] = newProducts(d.Size)
	}
	ring := make([][]float32, leads[len(leads)-1]+1)
	pairs := make([]int, len(leads))
	for _, s := range train {
		for i := s.From; i < s.To; i++ {
			slot := &ring[i%len(ring)]
			if *slot == nil {
				*slot = make([]float32, d.Size)
			}
			now := *slot
			if err := d.read(ctx, i, now); err != nil {
				return nil, nil, err
			}
			mean, err := c.At(d.Times[i])
			if err != nil {
				return nil, nil, err
			}
			for j := range now {
				now[j] -= mean[j]
				if x := float64(now[j]); x == x {
					squares[j] += x * x
					counts[j]++
				}
			}
			for k, l := range leads {
				if i-l >= s.From {
					sums[k].add(ring[(i-l)%len(ring)], now)
					pairs[k]++
				}
			}
		}
	}
	for k, l := range leads {
		if pairs[k] == 0 {
			return nil, nil, fmt.Errorf("baseline: a lead time of %d steps is longer than any stretch of the training records; shorten it", l)
		}
		out.correlation = append(out.correlation, sums[k].correlation())
	}
	deviation := make([]float32, d.Size)
	for j, n := range counts {
		deviation[j] = float32(math.Sqrt(squares[j] / float64(n)))
	}
	return out, deviation, nil
}

// Each visits the forecasts for a time that is lead steps after the fields x of
// another: persistence, climatology, damped persistence. The fields are for
// reading, and until visit returns. A Set is used by one goroutine.
func (s *Set) Each(x []float32, lead int, from, to netcdf.Date, visit func(name string, forecast []float32) error) error {
	if err := visit(PersistenceName, x); err != nil {
		return err
	}
	c, err := s.Climatology.At(to)
	if err != nil {
		return err
	}
	if err := visit(ClimatologyName, c); err != nil {
		return err
	}
	if err := s.Damped.Forecast(s.scratch, x, lead, from, to); err != nil {
		return err
	}
	return visit(DampedName, s.scratch)
}
