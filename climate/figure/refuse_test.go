package figure

import (
	"math"
	"strings"
	"testing"

	"github.com/kiban-models/kiban/core/figure"
)

func TestRefuses(t *testing.T) {
	good := func() Field { return globe(30, func(lat, lon float64) float64 { return lat }) }
	change := func(f func(*Field)) func() (*figure.Figure, error) {
		return func() (*figure.Figure, error) {
			g := good()
			f(&g)
			return Map(g, Options{})
		}
	}
	with := func(o Options) func() (*figure.Figure, error) {
		return func() (*figure.Figure, error) { return Map(good(), o) }
	}
	europe := Field{Name: "tas", Lat: []float64{30, 60}, Lon: []float64{0, 30}, Values: make([]float64, 4)}
	for name, c := range map[string]struct {
		draw func() (*figure.Figure, error)
		say  string
	}{
		"nothing":       {func() (*figure.Figure, error) { return Map(Field{}, Options{}) }, "0 values"},
		"short":         {change(func(f *Field) { f.Values = f.Values[1:] }), "71 values on 6 latitudes and 12"},
		"no number":     {change(func(f *Field) { f.Lat[2] = math.NaN() }), "latitude: [2] is NaN"},
		"zigzag":        {change(func(f *Field) { f.Lat[2] = -80 }), "latitude: [2] is -80 after -45"},
		"twice":         {change(func(f *Field) { f.Lon[3] = f.Lon[2] }), "longitude: [3] is 60 after 60"},
		"beyond a pole": {change(func(f *Field) { f.Lat[5] = 150 }), "wanted one within -90 to 90"},
		"bounds":        {change(func(f *Field) { f.LatBounds = make([][2]float64, 3) }), "bounds of 3 cells, wanted 6"},
		"bounds away":   {change(func(f *Field) { f.LatBounds = make([][2]float64, 6) }), "wanted them on both sides"},
		"one cell": {func() (*figure.Figure, error) {
			return Map(Field{Lat: []float64{1}, Lon: []float64{1}, Values: []float64{1}}, Options{})
		}, "give its bounds"},
		"all missing":     {change(func(f *Field) { f.Values = []float64{71: math.NaN()}; fill(f.Values, math.NaN()) }), "has no value in"},
		"box upside down": {with(Options{Box: &Box{0, 10, 20, 10}}), "south before north"},
		"box far":         {with(Options{Box: &Box{0, 1000, 10, 20}}), "degrees east"},
		"box elsewhere":   {func() (*figure.Figure, error) { return Map(europe, Options{Box: &Box{100, 120, -20, 0}}) }, "tas has no cell in"},
		"robinson":        {func() (*figure.Figure, error) { return Map(europe, Options{Robinson: true}) }, "Robinson projection shows the globe"},
		"limits":          {with(Options{Limits: [2]float64{2, 1}}), "wanted the lower first"},
		"level":           {with(Options{Levels: []float64{1}}), "two or more"},
		"levels":          {with(Options{Levels: []float64{1, 1}}), "wanted numbers that rise"},
		"units": {func() (*figure.Figure, error) {
			a, b := good(), good()
			a.Units, b.Units = "K", "degC"
			return Triptych(a, b, Options{})
		}, "wanted the same units"},
		"grids":    {func() (*figure.Figure, error) { return Triptych(good(), europe, Options{}) }, "regrid one of them"},
		"no panel": {func() (*figure.Figure, error) { return Panels(nil, 1, Options{}) }, "0 panels"},
		"scenario": {func() (*figure.Figure, error) {
			return Scenarios([]Scenario{{Name: "ssp245", Years: []float64{2015}}}, "", Options{})
		}, "scenario ssp245 has 1 years"},
	} {
		_, err := c.draw()
		if err == nil || !strings.Contains(err.Error(), c.say) {
			t.Errorf("%s: the error is %v, wanted it to say %q", name, err, c.say)
		}
	}
}

func fill(v []float64, x float64) {
	for i := range v {
		v[i] = x
	}
}

// A picture of 64 x 128 cells stays small, and is the same on every run.
func TestSize(t *testing.T) {
	f, err := Forecast(warm(2.8125), warm(2.8125), wet(2.8125), Options{})
	if err != nil {
		t.Fatal(err)
	}
	svg, err := f.SVG(Size(f))
	if err != nil {
		t.Fatal(err)
	}
	if len(svg) > 1<<20 {
		t.Errorf("SVG of four maps has %d bytes, wanted at most 1 MB", len(svg))
	}
	again, err := f.SVG(Size(f))
	if err != nil || string(svg) != string(again) {
		t.Errorf("the second SVG differs, %v", err)
	}
	t.Logf("four maps of 64 x 128 cells: %d bytes of SVG", len(svg))
	big := globe(0.5, func(lat, lon float64) float64 { return lat })
	m, err := Map(big, Options{})
	if err != nil {
		t.Fatal(err)
	}
	if _, err := m.CSV(); err == nil {
		t.Error("there is a table of 259,200 cells")
	}
}

// wet is a noisy field: no two neighbours have the same colour.
func wet(d float64) Field {
	f := warm(d)
	for i := range f.Values {
		f.Values[i] += 20 * math.Sin(float64(i*i))
	}
	return f
}
