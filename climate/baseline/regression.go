package baseline

import (
	"context"
	"fmt"
	"math"

	"github.com/kiban-models/kiban/climate/field"
	"github.com/kiban-models/kiban/climate/netcdf"
	"github.com/kiban-models/kiban/climate/window"
)

// around is how many places a regression looks at: the cell and eight about it.
const around = 9

// shrinkage is added to the diagonal of the normal equations, as a share of its mean:
// some hundred months say too little of nine places that are much alike.
const shrinkage = 0.05

// Around gives for each cell of a fine grid nine: itself, and those about it that
// are as far away as the cells of a coarse grid from one another. Where the grid
// ends the last take the place of others.
func Around(fine, coarse *field.Grid) []int32 {
	apart := func(a, b float64) int { return max(1, int(math.Round(math.Abs(a/b)))) }
	rows, columns := 1, 1
	fineLat, fineLon := fine.Spacing()
	coarseLat, coarseLon := coarse.Spacing()
	if fineLat != 0 && coarseLat != 0 {
		rows = apart(coarseLat, fineLat)
	}
	if fineLon != 0 && coarseLon != 0 {
		columns = apart(coarseLon, fineLon)
	}
	m, n := fine.Rows(), fine.Columns()
	var out []int32
	for r := range m {
		for c := range n {
			for k := range around {
				// The cell itself comes first.
				k = (k + around/2) % around
				i, j := min(m-1, max(0, r+(k/3-1)*rows)), c+(k%3-1)*columns
				if fine.Periodic() {
					j = (j%n + n) % n
				} else {
					j = min(n-1, max(0, j))
				}
				out = append(out, int32(i*n+j))
			}
		}
	}
	return out
}

// Regression makes in each cell the anomaly out of those of the interpolated field
// at nine places, as the departure from the one there: multiple linear regression,
// the usual perfect-prognosis downscaling (Maraun and Widmann 2018, Statistical
// Downscaling and Bias Correction for Climate Research).
type Regression struct {
	departure, coarse *Climatology // of the field from the interpolated one, and of this
	places            []int32      // of each cell
	slope             []float32    // [value][place]
}

// RegressionFields are the numbers of a Regression; not to be changed.
// NewRegression makes it anew.
type RegressionFields struct {
	Departure, Coarse *Climatology
	Slopes            [][]float32 // for each place, of each value
}

// Fields are its numbers.
func (r *Regression) Fields() RegressionFields {
	f := RegressionFields{Departure: r.departure, Coarse: r.coarse}
	for p := range around {
		s := make([]float32, len(r.slope)/around)
		for i := range s {
			s[i] = r.slope[i*around+p]
		}
		f.Slopes = append(f.Slopes, s)
	}
	return f
}

// NewRegression is that whose Fields these are, with the places that Around gives.
func NewRegression(f RegressionFields, places []int32) (*Regression, error) {
	if len(f.Slopes) != around || len(places)%around != 0 {
		return nil, fmt.Errorf("baseline: a regression on %d places; wanted %d", len(f.Slopes), around)
	}
	r := &Regression{f.Departure, f.Coarse, places, make([]float32, len(f.Slopes[0])*around)}
	for p, s := range f.Slopes {
		if len(s)*around != len(r.slope) {
			return nil, fmt.Errorf("baseline: slopes of %d values, wanted %d", len(s), len(f.Slopes[0]))
		}
		for i, v := range s {
			r.slope[i*around+p] = v
		}
	}
	return r, nil
}

// Make fills dst with what the regression makes of the interpolated fields x of a
// time.
func (r *Regression) Make(dst, x []float32, when netcdf.Date) error {
	departure, err := r.departure.At(when)
	if err != nil {
		return err
	}
	zero, err := r.coarse.At(when)
	if err != nil {
		return err
	}
	if len(dst) != len(x) || len(x) != len(departure) || len(x) != len(zero) || len(x)*around != len(r.slope) {
		return fmt.Errorf("baseline: %d values to make of %d; wanted %d", len(dst), len(x), len(departure))
	}
	for i := range x {
		dst[i] = x[i] + departure[i]
	}
	r.each(x, zero, func(at int, a *[around]float64) {
		sum := 0.0
		for p, b := range r.slope[at*around:][:around] {
			sum += float64(b) * a[p]
		}
		dst[at] += float32(sum)
	})
	return nil
}

// fitRegression reads the training records once more. It holds 432 bytes a value.
func fitRegression(ctx context.Context, c *Corrected, coarse *Climatology, d Data, interpolated func(record int, dst []float32) error, train []window.Stretch, places []int32) (*Regression, error) {
	r := &Regression{departure: c.Departure, places: places, coarse: coarse, slope: make([]float32, d.Size*around)}
	const square = around * (around + 1) / 2
	sums := make([][square + around]float64, d.Size)
	y, x := make([]float32, d.Size), make([]float32, d.Size)
	for _, s := range train {
		for i := s.From; i < s.To; i++ {
			if err := d.read(ctx, i, y); err != nil {
				return nil, err
			}
			if err := interpolated(i, x); err != nil {
				return nil, err
			}
			mean, err := c.Climatology.At(d.Times[i])
			if err != nil {
				return nil, err
			}
			zero, err := coarse.At(d.Times[i])
			if err != nil {
				return nil, err
			}
			r.each(x, zero, func(at int, a *[around]float64) {
				departure := float64(y[at]-mean[at]) - float64(x[at]-zero[at])
				if departure != departure {
					return
				}
				k, to := 0, &sums[at]
				for p := range around {
					for q := range p + 1 {
						to[k] += a[p] * a[q]
						k++
					}
					to[square+p] += a[p] * departure
				}
			})
		}
	}
	for at := range sums {
		b := slopes(sums[at][:square], sums[at][square:])
		for p, v := range b {
			r.slope[at*around+p] = float32(v)
		}
	}
	return r, nil
}

// each visits all values with the anomalies of the interpolated field about them;
// those that are missing are 0.
func (r *Regression) each(x, zero []float32, visit func(at int, a *[around]float64)) {
	cells := len(r.places) / around
	var a [around]float64
	for at := range x {
		first := at / cells * cells
		for p, place := range r.places[at%cells*around:][:around] {
			i := first + int(place)
			if a[p] = float64(x[i] - zero[i]); a[p] != a[p] {
				a[p] = 0
			}
		}
		visit(at, &a)
	}
}

// slopes solves the normal equations, their lower triangle given, with the shrinkage
// on the diagonal (Cholesky); zeros where nothing varies.
func slopes(lower, right []float64) (b [around]float64) {
	var l [around][around]float64
	trace, k := 0.0, 0
	for p := range around {
		for q := range p + 1 {
			l[p][q] = lower[k]
			k++
		}
		trace += l[p][p]
	}
	if !(trace > 0) {
		return b
	}
	for p := range around {
		l[p][p] += shrinkage * trace / around
		for q := range p + 1 {
			for m := range q {
				l[p][q] -= l[p][m] * l[q][m]
			}
			if p == q {
				l[p][p] = math.Sqrt(l[p][p])
			} else {
				l[p][q] /= l[q][q]
			}
		}
	}
	for p := range around {
		b[p] = right[p]
		for m := range p {
			b[p] -= l[p][m] * b[m]
		}
		b[p] /= l[p][p]
	}
	for p := around - 1; p >= 0; p-- {
		for m := p + 1; m < around; m++ {
			b[p] -= l[m][p] * b[m]
		}
		b[p] /= l[p][p]
	}
	return b
}
