package baseline

import (
	"fmt"
	"math"
	"slices"

	"github.com/kiban-models/kiban/climate/netcdf"
)

// Damped is persistence of the anomaly, times its correlation at the lead time in
// the training records, cell by cell: the best linear forecast of a first-order
// autoregression.
type Damped struct {
	climatology *Climatology
	leads       []int
	correlation [][]float32 // of each lead; 0 where there is no anomaly
}

// products of anomalies a, and b some steps later.
type products struct{ ab, aa, bb []float64 }

func newProducts(size int) products {
	return products{make([]float64, size), make([]float64, size), make([]float64, size)}
}

func (p products) add(a, b []float32) {
	for i := range a {
		x, y := float64(a[i]), float64(b[i])
		if xy := x * y; xy == xy {
			p.ab[i] += xy
			p.aa[i] += x * x
			p.bb[i] += y * y
		}
	}
}

func (p products) correlation() []float32 {
	out := make([]float32, len(p.ab))
	for i, ab := range p.ab {
		if both := p.aa[i] * p.bb[i]; both > 0 {
			out[i] = float32(min(1, max(-1, ab/math.Sqrt(both))))
		}
	}
	return out
}

// Correlation is that of each cell at a lead time in steps; not to be changed.
func (d *Damped) Correlation(lead int) ([]float32, error) {
	k := slices.Index(d.leads, lead)
	if k < 0 {
		return nil, fmt.Errorf("baseline: a lead time of %d steps; damped persistence was fitted for %v", lead, d.leads)
	}
	return d.correlation[k], nil
}

// Forecast fills dst with the forecast for a time that is lead steps after the
// fields x of another.
func (d *Damped) Forecast(dst, x []float32, lead int, from, to netcdf.Date) error {
	r, err := d.Correlation(lead)
	if err != nil {
		return err
	}
	a, err := d.climatology.At(from)
	if err != nil {
		return err
	}
	b, err := d.climatology.At(to)
	if err != nil {
		return err
	}
	if len(dst) != len(r) || len(x) != len(r) {
		return fmt.Errorf("baseline: %d values to forecast from %d; wanted %d", len(dst), len(x), len(r))
	}
	for i := range dst {
		dst[i] = b[i] + r[i]*(x[i]-a[i])
	}
	return nil
}
