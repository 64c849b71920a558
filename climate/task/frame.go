package task

import (
	"fmt"
	"maps"
	"math"
	"slices"

	"github.com/kiban-models/kiban/climate/baseline"
	"github.com/kiban-models/kiban/climate/forecast"
	"github.com/kiban-models/kiban/climate/netcdf"
)

var nan = float32(math.NaN())

func fill(x []float32, v float32) {
	for i := range x {
		x[i] = v
	}
}

func allNaN(x []float32) bool {
	for _, v := range x {
		if v == v {
			return false
		}
	}
	return true
}

// frame turns fields in their units into a model's numbers, and back. Rows are
// in the order that the model knows.
type frame struct {
	channels []Channel // that are seen; a forecaster's own first
	made     []Channel
	of       []int // of a downscaler: the channel of the same variable as what is made, -1 for none; nil of a forecaster
	years    int   // that are seen at once
	cells    int
	target   Target
	season   bool
	climate  *baseline.Climatology // of what is made, or of its departure from what is seen; nil but for anomalies
	damping  map[int][]float32     // of Damped: correlations by lead time
	regress  *baseline.Regression  // of a downscaler's Damped
	calendar netcdf.Calendar
}

func newFrame(a *About, cells int, climate *baseline.Climatology, damping map[int][]float32) *frame {
	return &frame{channels: a.Channels, made: a.Out(), of: a.interpolated(), years: a.years(), cells: cells, target: a.Target, season: a.Season, climate: climate, damping: damping, calendar: a.Calendar}
}

// variables is the number of fields that a model sees of a year.
func (f *frame) variables() int {
	if f.season {
		return len(f.channels) + 2
	}
	return len(f.channels)
}

// size is the number of values that a model sees.
func (f *frame) size() int { return f.years * f.variables() * f.cells }

// zero are the fields, in their units, that a number of 0 stands for at a time;
// nil means each channel's mean.
func (f *frame) zero(when netcdf.Date) ([]float32, error) {
	if f.climate == nil {
		return nil, nil
	}
	return f.climate.At(when)
}

// normalize makes the numbers of channels, the first of them f.channels[0], at
// a time. dst may be x.
func (f *frame) normalize(dst, x []float32, when netcdf.Date) error {
	var zero []float32
	if f.of == nil {
		var err error
		if zero, err = f.zero(when); err != nil {
			return err
		}
	}
	for c := range len(x) / f.cells {
		ch := f.channels[c%len(f.channels)]
		scale := 1 / ch.scale()
		from, to := x[c*f.cells:][:f.cells], dst[c*f.cells:][:f.cells]
		if zero != nil && c < len(f.made) {
			scale = 1 / ch.spread()
			for i, z := range zero[c*f.cells:][:f.cells] {
				to[i] = float32((float64(from[i]) - float64(z)) * scale)
			}
			continue
		}
		for i, v := range from {
			to[i] = float32((float64(v) - ch.Mean) * scale)
		}
	}
	return nil
}

// see fills dst with what a model sees of the fields x of all channels at a time
// when it forecasts for another, and of a projector of the times before.
func (f *frame) see(dst, x []float32, when, valid netcdf.Date) error {
	if len(x) != f.years*len(f.channels)*f.cells || len(dst) != f.size() {
		return fmt.Errorf("task: fields of %d values for %d times %d channels of %d cells", len(x), f.years, len(f.channels), f.cells)
	}
	if err := f.normalize(dst[:len(x)], x, when); err != nil {
		return err
	}
	if f.season {
		sin, cos := math.Sincos(2 * math.Pi * f.phase(valid))
		fill(dst[len(x):][:f.cells], float32(math.Sqrt2*sin))
		fill(dst[len(x)+f.cells:], float32(math.Sqrt2*cos))
	}
	return nil
}

// give puts what a model sees into example i of a batch, and returns the number of
// values that are missing.
func (f *frame) give(b *forecast.Batch, i int, seen []float32, hours float64) (missing int, err error) {
	n := f.size() / f.years
	for y := range f.years {
		k, err := b.SetField(i*f.years+y, seen[y*n:][:n], hours)
		if err != nil {
			return 0, err
		}
		missing += k
	}
	return missing, nil
}

// weights are what the squared errors of a model's numbers are multiplied by, so
// that losses are of the field over its deviation; nil means 1.
func (f *frame) weights() []float64 {
	if f.target != AnomalyChange {
		return nil
	}
	w := make([]float64, len(f.made))
	for i, c := range f.made {
		x := c.spread() / c.scale()
		w[i] = x * x
	}
	return w
}

// phase is the part of its year that has passed at a time.
func (f *frame) phase(d netcdf.Date) float64 {
	last := netcdf.Date{Year: d.Year, Month: 12, Day: f.calendar.DaysIn(d.Year, 12)}
	day := float64(f.calendar.DayOfYear(d)-1) + (float64(d.Hour)+float64(d.Minute)/60)/24
	return day / float64(f.calendar.DayOfYear(last))
}

// teach fills dst with what a model that sees the numbers seen is to make of the
// fields y, which are of the channels that are made, some steps later.
func (f *frame) teach(dst, y, seen []float32, steps int, valid netcdf.Date) error {
	if f.of != nil {
		return f.departs(dst, y, seen, valid)
	}
	if err := f.normalize(dst, y, valid); err != nil {
		return err
	}
	return f.keep(dst, seen, -1, steps)
}

// keep adds to x, times sign, what the target takes for kept of the numbers seen.
// Those that are missing count as the 0 that the model sees in their place.
func (f *frame) keep(x, seen []float32, sign float32, steps int) error {
	if f.target != Change && f.target != Damped && f.target != AnomalyChange {
		return nil
	}
	r := f.damping[steps]
	if f.target == Damped && r == nil {
		return fmt.Errorf("task: a lead time of %d steps, of which the model has no correlations; it was trained for %v", steps, slices.Sorted(maps.Keys(f.damping)))
	}
	for i := range x {
		switch s := seen[i]; {
		case s != s:
		case r != nil:
			x[i] += sign * r[i] * s
		default:
			x[i] += sign * s
		}
	}
	return nil
}

// restore turns what a model made of the numbers seen into fields in their
// units, in place.
func (f *frame) restore(made, seen []float32, steps int, valid netcdf.Date) error {
	if f.of != nil {
		return f.arrives(made, seen, valid)
	}
	if err := f.keep(made, seen, 1, steps); err != nil {
		return err
	}
	zero, err := f.zero(valid)
	if err != nil {
		return err
	}
	for c, ch := range f.made {
		x := made[c*f.cells:][:f.cells]
		for i := range x {
			if zero != nil {
				x[i] = float32(float64(x[i])*ch.spread() + float64(zero[c*f.cells+i]))
			} else {
				x[i] = float32(float64(x[i])*ch.scale() + ch.Mean)
			}
		}
	}
	return nil
}

// flipped copies fields of rows and columns with their rows in reverse.
func flipped(dst, x []float32, rows, columns int) {
	for at := 0; at < len(x); at += rows * columns {
		for r := range rows {
			copy(dst[at+r*columns:][:columns], x[at+(rows-1-r)*columns:])
		}
	}
}
