package baseline

import (
	"context"
	"fmt"

	"github.com/kiban-models/kiban/climate/netcdf"
	"github.com/kiban-models/kiban/climate/window"
)

// Names of what downscaling is held against, as they stand in tables of skill.
const (
	BilinearName  = "bilinear"
	CorrectedName = "corrected_bilinear"
)

// Corrected is an interpolated field plus, cell by cell, the mean departure from
// it of what it should have been at that time of year in the training records:
// the delta or bias correction of downscaling.
type Corrected struct {
	Climatology *Climatology // of what it should be
	Departure   *Climatology // of that from the interpolated field
	scratch     []float32
}

// FitCorrected reads the training records once: what should be by d, and the
// interpolated fields of the same size. Missing values of either are left out.
// Without a kind it keeps months apart, and of yearly data nothing.
func FitCorrected(ctx context.Context, d Data, interpolated func(record int, dst []float32) error, train []window.Stretch, o Options) (*Corrected, error) {
	if o.Kind == "" {
		if o.Kind = KindOf(d.Step); o.Kind == DayOfYear {
			o.Kind = Monthly
		}
	}
	if o.Window == 0 {
		o.Window = DefaultWindow
	}
	if len(train) == 0 {
		return nil, fmt.Errorf("baseline: no training records")
	}
	field, err := newFitter(d.Calendar, o.Kind, d.Step, d.Size)
	if err != nil {
		return nil, err
	}
	departure, err := newFitter(d.Calendar, o.Kind, d.Step, d.Size)
	if err != nil {
		return nil, err
	}
	y, x := make([]float32, d.Size), make([]float32, d.Size)
	for _, s := range train {
		for i := s.From; i < s.To; i++ {
			if err := d.read(ctx, i, y); err != nil {
				return nil, err
			}
			if err := interpolated(i, x); err != nil {
				return nil, err
			}
			field.add(d.Times[i], y)
			for k := range y {
				y[k] -= x[k]
			}
			departure.add(d.Times[i], y)
		}
	}
	return &Corrected{field.climatology(o.Window), departure.climatology(o.Window), x}, nil
}

// Each visits what is made of the interpolated fields x of a time: these, with
// the correction, and the climatology. The fields are for reading, and until visit
// returns. A Corrected is used by one goroutine.
func (c *Corrected) Each(x []float32, when netcdf.Date, visit func(name string, fields []float32) error) error {
	if err := visit(BilinearName, x); err != nil {
		return err
	}
	d, err := c.Departure.At(when)
	if err != nil {
		return err
	}
	if len(x) != len(d) {
		return fmt.Errorf("baseline: %d values to correct; wanted %d", len(x), len(d))
	}
	for i := range d {
		c.scratch[i] = x[i] + d[i]
	}
	if err := visit(CorrectedName, c.scratch); err != nil {
		return err
	}
	m, err := c.Climatology.At(when)
	if err != nil {
		return err
	}
	return visit(ClimatologyName, m)
}
