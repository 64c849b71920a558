package figure

import (
	"flag"
	"math"
	"os"
	"path/filepath"
	"testing"
)

var out = flag.String("out", "", "folder for sample pictures to look at")

// globe is a field on cells of d degrees that is f of each centre.
func globe(d float64, f func(lat, lon float64) float64) Field {
	var g Field
	for lat := -90 + d/2; lat < 90; lat += d {
		g.Lat = append(g.Lat, lat)
	}
	for lon := 0.0; lon < 360; lon += d {
		g.Lon = append(g.Lon, lon)
	}
	for _, lat := range g.Lat {
		for _, lon := range g.Lon {
			g.Values = append(g.Values, f(lat, lon))
		}
	}
	return g
}

func sin(d float64) float64 { return math.Sin(d * math.Pi / 180) }
func cos(d float64) float64 { return math.Cos(d * math.Pi / 180) }

func temperature(lat, lon float64) float64 {
	return 300 - 55*sin(lat)*sin(lat) + 6*sin(2*lon)*cos(lat) + 3*sin(5*lon+3*lat)
}

func warm(d float64) Field {
	f := globe(d, temperature)
	f.Name, f.Units, f.Standard = "Near-Surface Air Temperature", "K", "air_temperature"
	return f
}

func wind(d float64) Field {
	f := globe(d, func(lat, lon float64) float64 { return 12*sin(3*lat)*cos(lat) + 4*sin(4*lon)*cos(lat) })
	f.Name, f.Units, f.Standard = "Eastward Near-Surface Wind", "m s-1", "eastward_wind"
	return f
}

func rain(d float64) Field {
	f := globe(d, func(lat, lon float64) float64 {
		return math.Max(0, 14*math.Exp(-lat*lat/150)*(1+0.7*sin(3*lon))+3*math.Exp(-math.Pow(math.Abs(lat)-45, 2)/120)-0.2)
	})
	f.Name, f.Units, f.Standard = "Precipitation", "mm day-1", "precipitation_flux"
	return f
}

func TestLook(t *testing.T) {
	if *out == "" {
		t.Skip("no folder for pictures was given")
	}
	for name, f := range samples(t) {
		names, err := Save(f, filepath.Join(*out, name))
		if err != nil {
			t.Fatal(err)
		}
		for _, n := range names {
			if s, err := os.Stat(n); err == nil {
				t.Log(n, s.Size())
			}
		}
	}
}
