package figure

import (
	"flag"
	"math"
	"os"
	"path/filepath"
	"testing"

	"gonum.org/v1/plot/cmpimg"

	"github.com/kiban-models/kiban/core/figure"
)

// europe is a region across Greenwich, north first, as ERA5 files have it.
func europe() Field {
	var f Field
	for lat := 70.0; lat >= 30; lat -= 2.5 {
		f.Lat = append(f.Lat, lat)
	}
	for lon := 345.0; lon < 360; lon += 2.5 {
		f.Lon = append(f.Lon, lon)
	}
	for lon := 0.0; lon <= 40; lon += 2.5 {
		f.Lon = append(f.Lon, lon)
	}
	for _, lat := range f.Lat {
		for _, lon := range f.Lon {
			v := temperature(lat, lon)
			if lat < 45 && lon > 10 && lon < 20 {
				v = math.NaN()
			}
			f.Values = append(f.Values, v)
		}
	}
	f.Name, f.Units, f.Standard = "2 metre temperature", "K", "air_temperature"
	return f
}

var update = flag.Bool("update", false, "write the golden pictures anew")

// The pictures of the golden test: each kind once, in half of the size that is
// saved.
func TestGolden(t *testing.T) {
	all := samples(t)
	for _, name := range []string{"region", "wind", "rain", "triptych", "forecast", "rmse_by_lead", "scenarios"} {
		got, err := all[name].PNGWide(Size(all[name]), Pixels/2)
		if err != nil {
			t.Fatal(err)
		}
		path := filepath.Join("testdata", name+".png")
		if *update {
			if err := os.WriteFile(path, got, 0o644); err != nil {
				t.Fatal(err)
			}
		}
		want, err := os.ReadFile(path)
		if err != nil {
			t.Fatal(err)
		}
		same, err := cmpimg.EqualApprox("png", got, want, 0.05)
		if err != nil {
			t.Fatal(err)
		}
		if !same {
			t.Errorf("%s differs from the picture in %s; look at both, then run with -update", name, path)
		}
	}
}

func samples(t *testing.T) map[string]*figure.Figure {
	t.Helper()
	must := func(f *figure.Figure, err error) *figure.Figure {
		t.Helper()
		if err != nil {
			t.Fatal(err)
		}
		return f
	}
	late := warm(2.8125)
	for i := range late.Values {
		late.Values[i] += 2*math.Sin(float64(i)/300) + 0.5
	}
	bigger := europe()
	for i := range bigger.Values {
		bigger.Values[i] += math.Sin(float64(i) / 9)
	}
	var paths []Scenario
	for i, n := range []string{"ssp126", "ssp245", "ssp370", "ssp585"} {
		s := Scenario{Name: n}
		for y := 2015.0; y <= 2100; y++ {
			v := 1.1 + (y-2015)*0.012*float64(i+1) + 0.1*math.Sin(y*2)
			s.Years, s.Target, s.Forecast = append(s.Years, y), append(s.Target, v), append(s.Forecast, v+0.1*math.Sin(y/7))
		}
		paths = append(paths, s)
	}
	past := Scenario{Name: "historical"}
	for y := 1850.0; y < 2015; y++ {
		past.Years, past.Target = append(past.Years, y), append(past.Target, math.Exp((y-2015)/50)+0.12*math.Sin(y*2))
	}
	return map[string]*figure.Figure{
		"scenarios":    must(Scenarios(append([]Scenario{past}, paths...), "Surface air temperature change (K)", Options{Title: "Warming", Subtitle: "global mean"})),
		"rmse_by_lead": must(ByLead(monthly(), "rmse")),
		"acc_by_lead":  must(ByLead(monthly(), "acc")),
		"map":          must(Map(warm(2.8125), Options{Title: "Temperature on 1 January", Subtitle: "a made-up field"})),
		"wind":         must(Map(wind(5.625), Options{Title: "Wind", Robust: true, Centre: 180})),
		"rain":         must(Map(rain(2.8125), Options{Title: "Rain", Robinson: true})),
		"region":       must(Map(europe(), Options{Title: "Europe"})),
		"america":      must(Map(warm(2.8125), Options{Title: "North America", Box: &Box{West: -140, East: -60, South: 15, North: 65}})),
		"triptych":     must(Triptych(warm(2.8125), late, Options{Title: "Temperature, 72 h ahead", Robust: true})),
		"forecast":     must(Forecast(warm(2.8125), warm(2.8125), late, Options{Title: "Temperature, 72 h ahead", Subtitle: "from 2010-01-01 00:00 UTC"})),
		"european":     must(Forecast(europe(), europe(), bigger, Options{Title: "Temperature, 72 h ahead"})),
	}
}
