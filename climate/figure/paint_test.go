package figure

import (
	"bytes"
	"image"
	"image/color"
	"math"
	"math/rand/v2"
	"slices"
	"testing"

	"github.com/kiban-models/kiban/climate/figure/coast"
)

// painted is a field in grey levels of its values 0 to 255.
func painted(t *testing.T, f Field, opt Options, w, h int) *image.RGBA {
	t.Helper()
	c, err := f.cells()
	if err != nil {
		t.Fatal(err)
	}
	v, err := newView(c, opt)
	if err != nil {
		t.Fatal(err)
	}
	return paint(v, c, grey(), w, h, 1)
}

func grey() scale {
	s := scale{hi: 255}
	s.colours = Named("cividis")
	for i := range s.colours {
		s.colours[i] = color.RGBA{uint8(i), uint8(i), uint8(i), 255}
	}
	return s
}

// Each pixel has the value of the cell that holds its place, in every order of
// rows and columns and from every origin of longitudes.
func TestPaintOrder(t *testing.T) {
	value := func(lat, lon float64) float64 {
		return math.Round(120 + lat/2 + 40*math.Sin(mod(lon, 360)*math.Pi/180))
	}
	base := globe(10, value)
	for i := range base.Lon {
		base.Lon[i] += 5
	}
	for i := range base.Values {
		base.Values[i] = value(base.Lat[i/36], base.Lon[i%36])
	}
	want := painted(t, base, Options{}, 360, 180)
	for _, at := range []struct{ lat, lon float64 }{{85, -175}, {5, 5}, {-45, 95}, {-85, 175}, {25, -65}} {
		got := want.RGBAAt(int(at.lon+180), int(90-at.lat)).R
		if float64(got) != value(at.lat, at.lon) {
			t.Errorf("at %v north %v east is %d, wanted %v", at.lat, at.lon, got, value(at.lat, at.lon))
		}
	}
	r := rand.New(rand.NewPCG(1, 1))
	for range 30 {
		f := Field{Lat: slices.Clone(base.Lat)}
		if r.IntN(2) == 0 {
			slices.Reverse(f.Lat)
		}
		start, away := r.IntN(36), r.IntN(2) == 0
		signed, bounds := r.IntN(2) == 0, r.IntN(2) == 0
		for i := range 36 {
			k := start + i
			if away {
				k = start - i
			}
			lon := mod(float64(k)*10+5, 360)
			if signed && lon > 180 {
				lon -= 360
			}
			f.Lon = append(f.Lon, lon)
			if bounds {
				f.LonBounds = append(f.LonBounds, [2]float64{mod(lon-5, 360), mod(lon+5, 360)})
			}
		}
		for _, lat := range f.Lat {
			if bounds {
				f.LatBounds = append(f.LatBounds, [2]float64{lat - 5, lat + 5})
			}
			for _, lon := range f.Lon {
				f.Values = append(f.Values, value(lat, lon))
			}
		}
		if got := painted(t, f, Options{}, 360, 180); !bytes.Equal(got.Pix, want.Pix) {
			t.Fatalf("longitudes from %v (away %v, signed %v, bounds %v), latitudes from %v make another picture", f.Lon[0], away, signed, bounds, f.Lat[0])
		}
	}
}

// A region across Greenwich, with rows of unequal heights.
func TestPaintBounds(t *testing.T) {
	f := Field{
		Lat: []float64{50, 30}, LatBounds: [][2]float64{{60, 40}, {40, 10}},
		Lon: []float64{355, 10}, LonBounds: [][2]float64{{350, 0}, {0, 20}},
		Values: []float64{10, 20, 30, math.NaN()},
	}
	img := painted(t, f, Options{}, 300, 500) // 10 pixels a degree
	for _, p := range []struct{ x, y, want int }{{0, 0, 10}, {99, 199, 10}, {100, 0, 20}, {299, 199, 20}, {0, 200, 30}, {99, 499, 30}} {
		if got := img.RGBAAt(p.x, p.y); int(got.R) != p.want || got.A != 255 {
			t.Errorf("pixel %d, %d is %v, wanted %d", p.x, p.y, got, p.want)
		}
	}
	seen := map[color.RGBA]int{}
	for y := 200; y < 500; y++ {
		for x := 100; x < 300; x++ {
			seen[img.RGBAAt(x, y)]++
		}
	}
	if len(seen) != 2 || seen[noValue] < 5*seen[hatch]/4 || seen[hatch] < 1000 {
		t.Errorf("the cell without a value is %v, wanted grey with lines", seen)
	}
}

// A box cuts: what is outside is not shown and does not stretch the scale.
func TestBox(t *testing.T) {
	f := globe(10, func(lat, lon float64) float64 { return lat })
	c, err := f.cells()
	if err != nil {
		t.Fatal(err)
	}
	v, err := newView(c, Options{Box: &Box{West: 350, East: 20, South: 0, North: 40}})
	if err != nil {
		t.Fatal(err)
	}
	values, missing := c.shown(v)
	if len(values) != 16 || missing != 0 || slices.Max(values) != 35 || slices.Min(values) != 5 {
		t.Errorf("%v are shown, wanted 4 rows of 350, 0, 10 and 20 east from 5 to 35", values)
	}
	if v.box.East != 380 {
		t.Errorf("the box ends at %v, wanted 380", v.box.East)
	}
}

func TestRobinson(t *testing.T) {
	v := view{Box{-180, 180, -90, 90}, true}
	for i, row := range robinsonTable {
		x, y := v.forward(float64(5*i), 180)
		if math.Abs(x-0.5-row[0]/2) > 1e-12 || math.Abs(y-0.5-row[1]/2) > 1e-12 {
			t.Errorf("%d north lies at %v, %v, wanted %v", 5*i, x, y, row)
		}
	}
	last := -1.0
	for lat := -90.0; lat <= 90; lat += 0.25 {
		for _, lon := range []float64{-179, -20, 0, 133} {
			x, y := v.forward(lat, lon)
			back := v.lat(y)
			lon2, ok := v.lon(back, x)
			if !ok || math.Abs(back-lat) > 1e-6 || math.Abs(lon2-lon) > 1e-4 {
				t.Fatalf("%v, %v comes back as %v, %v", lat, lon, back, lon2)
			}
			if lon == 0 && y <= last {
				t.Fatalf("%v north is not above what is south of it", lat)
			} else if lon == 0 {
				last = y
			}
		}
	}
	if _, ok := v.lon(80, 0.01); ok {
		t.Error("there is a longitude beside the map")
	}
}

// What is clipped lies in the box and has the length that it has there.
func TestClip(t *testing.T) {
	r := rand.New(rand.NewPCG(2, 2))
	for range 200 {
		line := make([]coast.Point, 12)
		for i := range line {
			line[i] = coast.Point{Lat: r.Float64()*60 - 30, Lon: r.Float64()*60 - 30}
		}
		b := Box{-15, 12, -10, 20}
		inside := func(p coast.Point, eps float64) bool {
			return p.Lon >= b.West-eps && p.Lon <= b.East+eps && p.Lat >= b.South-eps && p.Lat <= b.North+eps
		}
		length := func(l []coast.Point) float64 {
			sum := 0.0
			for i := 1; i < len(l); i++ {
				sum += math.Hypot(l[i].Lat-l[i-1].Lat, l[i].Lon-l[i-1].Lon)
			}
			return sum
		}
		got := 0.0
		clip(line, 0, b, func(piece []coast.Point) {
			for _, p := range piece {
				if !inside(p, 1e-9) {
					t.Fatalf("%v is outside of the box", p)
				}
			}
			got += length(piece)
		})
		want, parts := 0.0, 2000
		for i := 1; i < len(line); i++ {
			p, q := line[i-1], line[i]
			for k := range parts {
				f := (float64(k) + 0.5) / float64(parts)
				if inside(coast.Point{Lat: p.Lat + f*(q.Lat-p.Lat), Lon: p.Lon + f*(q.Lon-p.Lon)}, 0) {
					want += length([]coast.Point{p, q}) / float64(parts)
				}
			}
		}
		if math.Abs(got-want) > 0.5 {
			t.Fatalf("%v is left of a line, wanted %v", got, want)
		}
	}
}
