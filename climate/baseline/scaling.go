package baseline

import (
	"context"
	"fmt"
	"math"

	"github.com/kiban-models/kiban/climate/netcdf"
	"github.com/kiban-models/kiban/climate/window"
)

// ScalingName is pattern scaling's in tables of skill.
const ScalingName = "pattern_scaling"

// Scaling is pattern scaling (Santer et al. 1990; Mitchell 2003,
// doi:10.1023/A:1026035305597): a field is, cell by cell, a straight line over
// its global mean, and that mean is one over the forcings of the same year, all of
// them at once (least squares). ClimateBench's own is given the true global mean
// of the temperature instead, over ten years.
type Scaling struct {
	Climatology *Climatology // of the same records
	forcings    []moment
	slope       [][]float64 // [channel][forcing], of the global mean over standardised forcings
	mean        []float64   // the global mean where all of these are 0
	cells       int
	a, b        []float64 // of each value: a + b times the global mean
	scratch     []float32
}

// moment is the mean and the deviation of a forcing; one that never changes has
// the deviation 0.
type moment struct{ mean, deviation float64 }

// ridge keeps forcings apart that went together all the time: a part of a
// standardised one's variance.
const ridge = 1e-6

// whole is the part of the area with values that a record must have, of what any
// has, for its global mean to be one of the same cells.
const whole = 0.99

// FitScaling reads the training records twice: the fields by d, of as many
// channels as go on cells of these areas, and some numbers that tell the forcing
// of the time. Records that miss more than a hundredth of the area which others
// have are left out of the lines.
func FitScaling(ctx context.Context, d Data, forcings func(record int) ([]float64, error), areas []float64, train []window.Stretch) (*Scaling, error) {
	if len(areas) == 0 || d.Size%len(areas) != 0 {
		return nil, fmt.Errorf("baseline: fields of %d values on %d cells", d.Size, len(areas))
	}
	field, err := newFitter(d.Calendar, TimeMean, d.Step, d.Size)
	if err != nil {
		return nil, err
	}
	s := &Scaling{cells: len(areas), a: make([]float64, d.Size), b: make([]float64, d.Size), scratch: make([]float32, d.Size)}
	x, channels := make([]float32, d.Size), d.Size/len(areas)
	each := func(visit func(record int) error) error {
		for _, w := range train {
			for i := w.From; i < w.To; i++ {
				if err := d.read(ctx, i, x); err != nil {
					return err
				}
				if err := visit(i); err != nil {
					return err
				}
			}
		}
		return nil
	}
	records, most := 0, make([]float64, channels) // of the area with values
	err = each(func(record int) error {
		field.add(d.Times[record], x)
		records++
		for c := range most {
			_, area := globalMean(x[c*s.cells:][:s.cells], areas)
			most[c] = max(most[c], area)
		}
		return nil
	})
	if err != nil {
		return nil, err
	}
	if records < 3 {
		return nil, fmt.Errorf("baseline: %d training records; a line over the forcing wants 3", records)
	}
	var force, globes [][]float64 // [record]
	lines := make([]line, d.Size)
	err = each(func(record int) error {
		f, err := forcings(record)
		if err != nil {
			return err
		}
		if len(f) == 0 || len(force) > 0 && len(f) != len(force[0]) {
			return fmt.Errorf("baseline: %d forcings at record %d; wanted some, and as many at all", len(f), record)
		}
		globe := make([]float64, channels)
		for c := range globe {
			of := x[c*s.cells:][:s.cells]
			var area float64
			if globe[c], area = globalMean(of, areas); area < whole*most[c] {
				globe[c] = math.NaN()
				continue
			}
			for k, y := range of {
				if y == y {
					lines[c*s.cells+k].add(globe[c], float64(y))
				}
			}
		}
		force, globes = append(force, f), append(globes, globe)
		return nil
	})
	if err != nil {
		return nil, err
	}
	for i, l := range lines {
		s.a[i], s.b[i] = l.fit()
	}
	s.Climatology = field.climatology(1)
	s.regress(force, globes, channels)
	return s, nil
}

// line sums up what a straight line of y over x is fitted by.
type line struct{ n, x, y, xx, xy float64 }

func (l *line) add(x, y float64) {
	l.n, l.x, l.y, l.xx, l.xy = l.n+1, l.x+x, l.y+y, l.xx+x*x, l.xy+x*y
}

// fit is y = a + bx; NaN of no values. Products less those of means lose nothing
// of fields in float32.
func (l line) fit() (a, b float64) {
	x, y := l.x/l.n, l.y/l.n
	if v := l.xx/l.n - x*x; v > 1e-12*l.xx/l.n {
		b = (l.xy/l.n - x*y) / v
	}
	return y - b*x, b
}

// globalMean is that of the cells with values, and their area.
func globalMean(x []float32, areas []float64) (mean, weight float64) {
	sum := 0.0
	for i, v := range x {
		if v == v {
			sum += areas[i] * float64(v)
			weight += areas[i]
		}
	}
	return sum / weight, weight
}

// regress fits the global means over the forcings.
func (s *Scaling) regress(force, globes [][]float64, channels int) {
	k := len(force[0])
	s.forcings = make([]moment, k)
	for j := range s.forcings {
		m := &s.forcings[j]
		n, top := float64(len(force)), 0.0
		for _, f := range force {
			m.mean += f[j] / n
			top = max(top, math.Abs(f[j]))
		}
		for _, f := range force {
			m.deviation += (f[j] - m.mean) * (f[j] - m.mean) / n
		}
		if m.deviation = math.Sqrt(m.deviation); m.deviation <= 1e-9*top {
			m.deviation = 0
		}
	}
	for c := range channels {
		mean, n, centre := 0.0, 0.0, make([]float64, k) // of the records that have a global mean
		for t, g := range globes {
			if g[c] != g[c] {
				continue
			}
			mean, n = mean+g[c], n+1
			for j, z := range s.standard(force[t]) {
				centre[j] += z
			}
		}
		mean /= n
		for j := range centre {
			centre[j] /= n
		}
		matrix, right := make([][]float64, k), make([]float64, k)
		for i := range matrix {
			matrix[i] = make([]float64, k)
		}
		for t, g := range globes {
			if g[c] != g[c] {
				continue
			}
			z := s.standard(force[t])
			for i := range z {
				z[i] -= centre[i]
			}
			for i := range z {
				right[i] += z[i] * (g[c] - mean) / n
				for j := range z {
					matrix[i][j] += z[i] * z[j] / n
				}
			}
		}
		for i := range matrix {
			matrix[i][i] += ridge
		}
		slope := solve(matrix, right)
		for j := range slope {
			mean -= slope[j] * centre[j]
		}
		s.mean, s.slope = append(s.mean, mean), append(s.slope, slope)
	}
}

func (s *Scaling) standard(f []float64) []float64 {
	z := make([]float64, len(f))
	for j, m := range s.forcings {
		if m.deviation > 0 {
			z[j] = (f[j] - m.mean) / m.deviation
		}
	}
	return z
}

// solve is x of a symmetric, positive matrix a and ax = b (Cholesky). It
// overwrites both.
func solve(a [][]float64, b []float64) []float64 {
	n := len(b)
	for j := range n {
		for k := range j {
			a[j][j] -= a[j][k] * a[j][k]
		}
		a[j][j] = math.Sqrt(a[j][j])
		for i := j + 1; i < n; i++ {
			for k := range j {
				a[i][j] -= a[i][k] * a[j][k]
			}
			a[i][j] /= a[j][j]
		}
	}
	for i := range n {
		for k := range i {
			b[i] -= a[i][k] * b[k]
		}
		b[i] /= a[i][i]
	}
	for i := n - 1; i >= 0; i-- {
		for k := i + 1; k < n; k++ {
			b[i] -= a[k][i] * b[k]
		}
		b[i] /= a[i][i]
	}
	return b
}

// Each visits what is made of the forcings of a time: pattern scaling and the
// climatology. The fields are for reading, and until visit returns. A Scaling is
// used by one goroutine.
func (s *Scaling) Each(forcings []float64, when netcdf.Date, visit func(name string, fields []float32) error) error {
	x, err := s.Fields(forcings)
	if err != nil {
		return err
	}
	if err := visit(ScalingName, x); err != nil {
		return err
	}
	m, err := s.Climatology.At(when)
	if err != nil {
		return err
	}
	return visit(ClimatologyName, m)
}

// Fields are those of the forcings of a time, until the next call.
func (s *Scaling) Fields(forcings []float64) ([]float32, error) {
	if len(forcings) != len(s.forcings) {
		return nil, fmt.Errorf("baseline: %d forcings; wanted %d", len(forcings), len(s.forcings))
	}
	z := s.standard(forcings)
	for c, globe := range s.mean {
		for j := range z {
			globe += s.slope[c][j] * z[j]
		}
		for i := c * s.cells; i < (c+1)*s.cells; i++ {
			s.scratch[i] = float32(s.a[i] + s.b[i]*globe)
		}
	}
	return s.scratch, nil
}
