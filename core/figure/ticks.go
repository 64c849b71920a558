package figure

import (
	"math"
	"strconv"
	"strings"

	"gonum.org/v1/plot"
)

// ticks puts about five round marks on a linear axis, with labels short enough
// for 6 pt: thousands as k, no trailing zeros, the same number of decimals on
// every label.
type ticks struct{}

// Ticks are about five round values from lo to hi with their labels.
func Ticks(lo, hi float64) []plot.Tick { return ticks{}.Ticks(lo, hi) }

func (ticks) Ticks(lo, hi float64) []plot.Tick {
	span := hi - lo
	if !(span > 0) || math.IsInf(span, 0) {
		return []plot.Tick{{Value: lo, Label: Number(lo)}}
	}
	step := roundStep(span / 5)
	var out []plot.Tick
	for k := math.Ceil(lo/step - 1e-9); k*step <= hi+span*1e-9; k++ {
		out = append(out, plot.Tick{Value: k * step, Label: tickLabel(k*step, step, math.Max(math.Abs(lo), math.Abs(hi)))})
	}
	return out
}

// roundStep is the 1, 2 or 5 times a power of ten nearest above v.
func roundStep(v float64) float64 {
	p := math.Pow(10, math.Floor(math.Log10(v)))
	for _, m := range []float64{1, 2, 5} {
		if v <= m*p*1.0001 {
			return m * p
		}
	}
	return 10 * p
}

func tickLabel(v, step, largest float64) string {
	if math.Abs(v) < step*1e-6 {
		v = 0
	}
	if largest >= 1e7 || largest < 1e-3 {
		return tidyExp(strconv.FormatFloat(v, 'g', 3, 64))
	}
	if largest >= 1e4 && step >= 100 {
		if v == 0 {
			return "0"
		}
		return strconv.FormatFloat(v/1000, 'f', decimals(step/1000), 64) + "k"
	}
	return strconv.FormatFloat(v, 'f', decimals(step), 64)
}

func decimals(step float64) int {
	return max(0, int(math.Ceil(-math.Log10(step)-1e-9)))
}

func tidyExp(s string) string {
	s = strings.Replace(s, "e+0", "e", 1)
	s = strings.Replace(s, "e+", "e", 1)
	return strings.Replace(s, "e-0", "e-", 1)
}

// Number is a value with three significant digits for a label.
func Number(v float64) string { return digits(v, 3) }

func digits(v float64, n int) string {
	a := math.Abs(v)
	switch {
	case v == 0:
		return "0"
	case a >= 1e7 || a < 1e-3:
		return tidyExp(strconv.FormatFloat(v, 'g', n, 64))
	case a >= math.Pow(10, float64(n-1)):
		return strconv.FormatFloat(v, 'f', 0, 64)
	}
	d := n - 1 - int(math.Floor(math.Log10(a)))
	s := strconv.FormatFloat(v, 'f', max(0, d), 64)
	if strings.Contains(s, ".") {
		s = strings.TrimRight(strings.TrimRight(s, "0"), ".")
	}
	return s
}

// logTicks marks 1, 2, 5 of each decade with labels where few decades are
// shown, and the decades alone where many are.
type logTicks struct{}

func (logTicks) Ticks(lo, hi float64) []plot.Tick {
	var out []plot.Tick
	if !(lo > 0) || !(hi > lo) {
		return out
	}
	decades := math.Log10(hi / lo)
	for e := math.Floor(math.Log10(lo)); e <= math.Log10(hi)+1e-9; e++ {
		for m := 1; m < 10; m++ {
			v := float64(m) * math.Pow(10, e)
			if v < lo*(1-1e-9) || v > hi*(1+1e-9) {
				continue
			}
			t := plot.Tick{Value: v}
			if m == 1 || decades < 2 && (m == 2 || m == 5) || decades < 0.7 {
				t.Label = Number(v)
			}
			out = append(out, t)
		}
	}
	return out
}

// categoryTicks names whole positions 0, 1, 2, ….
type categoryTicks []string

func (c categoryTicks) Ticks(lo, hi float64) []plot.Tick {
	out := make([]plot.Tick, len(c))
	for i, s := range c {
		out[i] = plot.Tick{Value: float64(i), Label: s}
	}
	return out
}

// fixedTicks are marks at given values.
type fixedTicks []float64

func (f fixedTicks) Ticks(lo, hi float64) []plot.Tick {
	out := make([]plot.Tick, len(f))
	for i, v := range f {
		out[i] = plot.Tick{Value: v, Label: Number(v)}
	}
	return out
}
