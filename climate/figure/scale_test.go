package figure

import (
	"math"
	"slices"
	"testing"

	"github.com/kiban-models/kiban/core/figure"
)

func TestLimits(t *testing.T) {
	ramp := make([]float64, 101) // 0 to 200
	for i := range ramp {
		ramp[i] = 2 * float64(i)
	}
	nan := math.NaN()
	shifted := slices.Clone(ramp)
	for i := range shifted {
		shifted[i] -= 50
	}
	temp, windy, wet := Colours("air_temperature"), Colours("eastward_wind"), Colours("precipitation_flux")
	for name, c := range map[string]struct {
		values       []float64
		maps         Maps
		opt          Options
		lo, hi       float64
		below, above bool
		colours      *figure.ColourMap
	}{
		"all":        {ramp, temp, Options{}, 0, 200, false, false, figure.Cividis()},
		"robust":     {ramp, temp, Options{Robust: true}, 4, 196, true, true, figure.Cividis()},
		"two signs":  {shifted, temp, Options{}, -150, 150, false, false, figure.Diverging()},
		"robust two": {shifted, temp, Options{Robust: true}, -146, 146, false, true, figure.Diverging()},
		"anomaly":    {ramp, temp, Options{Anomaly: true}, -200, 200, false, false, figure.Diverging()},
		"wind":       {ramp, windy, Options{}, -200, 200, false, false, PuOr()},
		"rain":       {ramp, wet, Options{}, 2, 200, true, false, YlGnBu()},
		"rain less":  {shifted, wet, Options{}, -150, 150, false, false, BrBG()},
		"given":      {ramp, temp, Options{Limits: [2]float64{50, 100}}, 50, 100, true, true, figure.Cividis()},
		"one given":  {ramp, temp, Options{Limits: [2]float64{nan, 120}}, 0, 120, false, true, figure.Cividis()},
		"one of two": {shifted, temp, Options{Limits: [2]float64{nan, 60}}, -60, 60, false, true, figure.Diverging()},
		"levels":     {ramp, temp, Options{Levels: []float64{-10, 0, 10}}, -10, 10, false, true, figure.Diverging()},
		"sea":        {append([]float64{-2}, ramp...), Field{Units: "Deg C"}.maps(), Options{}, -2, 200, false, false, figure.Cividis()},
		"air":        {shifted, Field{Units: "degC"}.maps(), Options{}, -150, 150, false, false, figure.Diverging()},
		"sea less":   {append([]float64{-2}, ramp...), Field{Units: "degrees_Celsius"}.maps(), Options{Anomaly: true}, -200, 200, false, false, figure.Diverging()},
		"named":      {ramp, temp, Options{Map: YlGnBu()}, 0, 200, false, false, YlGnBu()},
	} {
		s := newScale(slices.Clone(c.values), c.maps, c.opt)
		if s.lo != c.lo || s.hi != c.hi || s.below != c.below || s.above != c.above {
			t.Errorf("%s: from %v to %v, beyond %v %v; wanted %v to %v, %v %v", name, s.lo, s.hi, s.below, s.above, c.lo, c.hi, c.below, c.above)
		}
		if *s.colours != *c.colours {
			t.Errorf("%s: other colours than wanted", name)
		}
	}
	if s := newScale([]float64{5, 5}, temp, Options{}); !(s.lo < 5 && s.hi > 5) || s.below || s.above {
		t.Errorf("one value everywhere has the scale %v to %v", s.lo, s.hi)
	}
	if s := newScale([]float64{0, 0}, wet, Options{}); !(s.lo < s.hi) || s.levels != nil {
		t.Errorf("no rain has the scale %v to %v", s.lo, s.hi)
	}
}

// The percentiles are NumPy's: numpy.percentile([1, 2, 4, 8, 16], [2, 50, 98])
// is 1.08, 4, 15.36.
func TestPercentile(t *testing.T) {
	v := []float64{1, 2, 4, 8, 16}
	for q, want := range map[float64]float64{0: 1, 0.02: 1.08, 0.5: 4, 0.98: 15.36, 1: 16} {
		if got := percentile(v, q); math.Abs(got-want) > 1e-12 {
			t.Errorf("percentile %v is %v, wanted %v", q, got, want)
		}
	}
}

func TestClasses(t *testing.T) {
	if got, want := classes(37), []float64{0.2, 0.5, 1, 2, 5, 10, 20}; !slices.Equal(got, want) {
		t.Errorf("classes up to 37 are %v, wanted %v", got, want)
	}
	if got, want := classes(3e-4), []float64{2e-6, 5e-6, 1e-5, 2e-5, 5e-5, 1e-4, 2e-4}; !slices.Equal(got, want) {
		t.Errorf("classes up to 3e-4 are %v, wanted %v", got, want)
	}
	s := scale{colours: figure.Cividis(), levels: []float64{1, 2, 5}, lo: 1, hi: 5, above: true}
	for v, want := range map[float64]int{0.5: -1, 1: 0, 1.9: 0, 2: 1, 5: 1, 5.1: 2} {
		if got := s.classOf(v); got != want {
			t.Errorf("%v is of class %d, wanted %d", v, got, want)
		}
	}
	if s.class(0) != s.colours[0] || s.class(2) != s.colours[255] {
		t.Error("classes do not use the whole map")
	}
}

// No map is a rainbow: the lightness of sequential maps goes one way, and that
// of diverging ones is highest in the middle.
func TestLightness(t *testing.T) {
	light := func(m *figure.ColourMap, i int) float64 {
		return 0.2126*float64(m[i].R) + 0.7152*float64(m[i].G) + 0.0722*float64(m[i].B)
	}
	for _, name := range Names() {
		m := Named(name)
		turns := 0
		last := 0.0
		for i := 8; i < 256; i += 8 {
			d := light(m, i) - light(m, i-8)
			if d*last < 0 {
				turns++
			}
			last = d
		}
		want := 1
		if name == "cividis" || name == "viridis" || name == "YlGnBu" {
			want = 0
		}
		if turns != want {
			t.Errorf("%s turns %d times from lighter to darker or back, wanted %d", name, turns, want)
		}
	}
	if Named("jet") != nil {
		t.Error("there is a rainbow")
	}
}
