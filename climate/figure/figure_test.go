package figure

import (
	"math"
	"testing"

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
	return map[string]*figure.Figure{
		"map":      must(Map(warm(2.8125), Options{Title: "Temperature on 1 January", Subtitle: "a made-up field"})),
		"wind":     must(Map(wind(5.625), Options{Title: "Wind", Robust: true, Centre: 180})),
		"rain":     must(Map(rain(2.8125), Options{Title: "Rain", Robinson: true})),
		"region":   must(Map(europe(), Options{Title: "Europe"})),
		"america":  must(Map(warm(2.8125), Options{Title: "North America", Box: &Box{West: -140, East: -60, South: 15, North: 65}})),
		"triptych": must(Triptych(warm(2.8125), late, Options{Title: "Temperature, 72 h ahead", Robust: true})),
		"forecast": must(Forecast(warm(2.8125), warm(2.8125), late, Options{Title: "Temperature, 72 h ahead", Subtitle: "from 2010-01-01 00:00 UTC"})),
		"european": must(Forecast(europe(), europe(), bigger, Options{Title: "Temperature, 72 h ahead"})),
	}
}
