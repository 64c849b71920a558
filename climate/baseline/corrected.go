package baseline

import (
	"context"
	"fmt"

	"github.com/kiban-models/kiban/climate/netcdf"
	"github.com/kiban-models/kiban/climate/window"
)

// Names of what downscaling is held against, as they stand in tables of skill.
const (
	BilinearName   = "bilinear"
	CorrectedName  = "corrected_bilinear"
	RegressionName = "regression"
)

// Corrected is an interpolated field plus, cell by cell, the mean departure from
// it of what it should have been at that time of year in the training records:
// the delta or bias correction of downscaling.
type Corrected struct {
	Climatology *Climatology // of what it should be
	Departure   *Climatology // of that from the interpolated field
	Regression  *Regression  // nil without Options.Around
	scratch     []float32
}

// FitCorrected reads the training records once, with o.Around twice: what should be
// by d, and the interpolated fields of the same size. Missing values of either are
// left out.
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
	coarse, err := newFitter(d.Calendar, o.Kind, d.Step, d.Size)
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
			if o.Around != nil {
				coarse.add(d.Times[i], x)
			}
			for k := range y {
				y[k] -= x[k]
			}
			departure.add(d.Times[i], y)
		}
	}
	c := &Corrected{Climatology: field.climatology(o.Window), Departure: departure.climatology(o.Window), scratch: make([]float32, d.Size)}
	if o.Around != nil {
		c.Regression, err = fitRegression(ctx, c, coarse.climatology(o.Window), d, interpolated, train, o.Around)
	}
	return c, err
}

// Each visits what is made of the interpolated fields x of a time: these, with
// the correction, by regression on those about each cell, and the climatology. The fields are for reading, and until visit
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
	if c.Regression != nil {
		if err := c.Regression.Make(c.scratch, x, when); err != nil {
			return err
		}
		if err := visit(RegressionName, c.scratch); err != nil {
			return err
		}
	}
	m, err := c.Climatology.At(when)
	if err != nil {
		return err
	}
	return visit(ClimatologyName, m)
}
