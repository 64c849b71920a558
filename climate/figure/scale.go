package figure

import (
	"image/color"
	"math"
	"slices"
	"sort"

	"github.com/kiban-models/kiban/core/figure"
)

// scale gives each value its colour, evenly from lo to hi or in classes.
type scale struct {
	colours      *figure.ColourMap
	lo, hi       float64
	levels       []float64 // nil: even
	below, above bool      // there are values beyond the ends
}

// newScale is the scale that all these values share.
func newScale(values []float64, maps Maps, opt Options) scale {
	slices.Sort(values)
	s := scale{lo: 0, hi: 1}
	if n := len(values); n > 0 {
		s.lo, s.hi = values[0], values[n-1]
		if opt.Robust {
			s.lo, s.hi = percentile(values, 0.02), percentile(values, 0.98)
		}
	}
	signed := opt.Anomaly || maps.Signed || s.lo < 0 && s.hi > 0 && !(maps.Celsius && math.Min(-s.lo, s.hi) < 0.1*(s.hi-s.lo))
	switch {
	case opt.Levels != nil:
		s.levels = opt.Levels
	case opt.limited():
		s.limit(opt.Limits, signed)
	case signed:
		m := math.Max(math.Abs(s.lo), math.Abs(s.hi))
		s.lo, s.hi = -m, m
	case maps.Classes && opt.Map == nil:
		s.levels = classes(s.hi)
	}
	if s.levels != nil {
		s.lo, s.hi = s.levels[0], s.levels[len(s.levels)-1]
	}
	if !(s.lo < s.hi) { // one value everywhere
		d := math.Max(math.Abs(s.lo)*0.01, 1e-9)
		if s.lo == 0 {
			d = 1
		}
		s.lo, s.hi = s.lo-d, s.hi+d
	}
	s.colours = maps.Sequential
	if s.lo == -s.hi {
		s.colours = maps.Diverging
	}
	if opt.Map != nil {
		s.colours = opt.Map
	}
	if n := len(values); n > 0 {
		s.below, s.above = values[0] < s.lo, values[n-1] > s.hi
	}
	return s
}

// limit takes over the ends that are given. Where one is given and zero is the
// midpoint, the other is as far from zero.
func (s *scale) limit(given [2]float64, signed bool) {
	lo, hi := !math.IsNaN(given[0]), !math.IsNaN(given[1])
	if lo {
		s.lo = given[0]
	}
	if hi {
		s.hi = given[1]
	}
	switch {
	case lo && !hi && signed && s.lo < 0:
		s.hi = -s.lo
	case hi && !lo && signed && s.hi > 0:
		s.lo = -s.hi
	}
}

// percentile is that of sorted values, between neighbours on a straight line
// as NumPy's default has it.
func percentile(sorted []float64, q float64) float64 {
	p := q * float64(len(sorted)-1)
	k := min(int(p), len(sorted)-1)
	if k+1 == len(sorted) {
		return sorted[k]
	}
	return sorted[k] + (p-float64(k))*(sorted[k+1]-sorted[k])
}

// classes are the seven numbers of 1, 2, 5 and their tenfolds up to hi; nil
// where hi is not positive.
func classes(hi float64) []float64 {
	if !(hi > 0) || math.IsInf(hi, 0) {
		return nil
	}
	e := int(math.Floor(math.Log10(hi)))
	var all []float64
	for k := e - 3; k <= e; k++ {
		for _, m := range []float64{1, 2, 5} {
			// Dividing by a whole power of ten is exact to the last digit.
			v := m * math.Pow10(k)
			if k < 0 {
				v = m / math.Pow10(-k)
			}
			if v <= hi {
				all = append(all, v)
			}
		}
	}
	return all[len(all)-min(7, len(all)):]
}

// at is the colour of a finite value.
func (s scale) at(v float64) color.RGBA {
	if s.levels == nil {
		return s.colours.At((v - s.lo) / (s.hi - s.lo))
	}
	return s.class(s.classOf(v))
}

// classOf is -1 below the first level, and the last class holds the last level.
func (s scale) classOf(v float64) int {
	n := len(s.levels)
	k := sort.SearchFloat64s(s.levels, v)
	if k == n || s.levels[k] > v {
		k--
	}
	if k == n-1 && v == s.levels[k] {
		k--
	}
	return k
}

// class is the colour of a class; those beyond the ends, -1 and past the last,
// have the ends of the map where there are such values.
func (s scale) class(k int) color.RGBA {
	first, last := 0, len(s.levels)-2
	if s.below {
		first--
	}
	if s.above {
		last++
	}
	if first == last {
		return s.colours.At(0.5)
	}
	return s.colours.At(float64(k-first) / float64(last-first))
}
