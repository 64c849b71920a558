package baseline

import (
	"fmt"
	"math"

	"github.com/kiban-models/kiban/climate/field"
	"github.com/kiban-models/kiban/climate/netcdf"
)

// Climatology is the mean field of each slot of the year.
type Climatology struct {
	slots
	mean [][]float32 // of each slot; nil for one without any record
}

// DefaultWindow is WeatherBench 2's, in days.
const DefaultWindow = 61

// fitter sums up fields: 12 bytes a slot and value.
type fitter struct {
	slots
	size  int
	sum   [][]float64
	count [][]int32
}

func newFitter(c netcdf.Calendar, k Kind, step field.Step, size int) (*fitter, error) {
	s, err := newSlots(c, k, step)
	return &fitter{slots: s, size: size, sum: make([][]float64, s.count()), count: make([][]int32, s.count())}, err
}

func (f *fitter) add(d netcdf.Date, x []float32) {
	k := f.of(d)
	if f.sum[k] == nil {
		f.sum[k], f.count[k] = make([]float64, f.size), make([]int32, f.size)
	}
	sum, count := f.sum[k], f.count[k]
	for i, v := range x {
		if v == v {
			sum[i] += float64(v)
			count[i]++
		}
	}
}

// climatology divides. window is for DayOfYear, in days, and odd: a day's mean
// takes in those around it with weights that fall linearly from 1 to 0 at half
// the window, as in WeatherBench 2's compute_climatology.py, each time of day by
// itself. 1 or less takes the day alone.
func (f *fitter) climatology(window int) *Climatology {
	c := &Climatology{slots: f.slots, mean: make([][]float32, f.slots.count())}
	half := 0
	if f.kind == DayOfYear {
		half = min(window/2, f.days/2)
	}
	sum, weight := make([]float64, f.size), make([]float64, f.size)
	for k := range c.mean {
		clear(sum)
		clear(weight)
		any := false
		for d := -half; d <= half; d++ {
			w := 1.0
			if half > 0 {
				w = 1 - math.Abs(float64(d))/float64(half)
			}
			day := (k/f.times + d + f.days) % f.days
			j := day*f.times + k%f.times
			if w == 0 || f.sum[j] == nil {
				continue
			}
			any = true
			for i, n := range f.count[j] {
				sum[i] += w * f.sum[j][i]
				weight[i] += w * float64(n)
			}
		}
		if !any {
			continue
		}
		c.mean[k] = make([]float32, f.size)
		for i := range sum {
			c.mean[k][i] = float32(sum[i] / weight[i]) // NaN of none
		}
	}
	return c
}

// At is the climatology of a time; not to be changed. Cells that were missing in
// all records are NaN.
func (c *Climatology) At(d netcdf.Date) ([]float32, error) {
	if !c.calendar.Valid(d) {
		return nil, fmt.Errorf("baseline: the %s calendar has no %s", c.calendar, d)
	}
	m := c.mean[c.of(d)]
	if m == nil {
		return nil, fmt.Errorf("baseline: no training record is at the time of year of %s; train on whole years, or take the climatology %s", d, TimeMean)
	}
	return m, nil
}

// Kind is what it keeps apart.
func (c *Climatology) Kind() Kind { return c.kind }
