package field

import (
	"fmt"
	"math"
	"strings"
	"testing"
)

func axis(first, step float64, n int) []float64 {
	x := make([]float64, n)
	for i := range x {
		x[i] = first + float64(i)*step
	}
	return x
}

func grid(t *testing.T, lat, lon []float64) *Grid {
	t.Helper()
	g, err := NewGrid(lat, lon, nil, nil)
	if err != nil {
		t.Fatal(err)
	}
	return g
}

// Whatever the origin of the longitudes and the way of the latitudes, the cells
// of a global grid cover the sphere once.
func TestAreasCoverTheSphere(t *testing.T) {
	for _, x := range []struct{ lat, lon []float64 }{
		{axis(-87.1875, 5.625, 32), axis(0, 5.625, 64)},
		{axis(90, -2.5, 73), axis(-180, 2.5, 144)},
		{gaussianLatitudes(64), axis(0, 2.8125, 128)},
	} {
		g := grid(t, x.lat, x.lon)
		sum := 0.0
		for _, a := range g.Areas() {
			sum += a
		}
		if math.Abs(sum-4*math.Pi) > 1e-12 || !g.Global() {
			t.Errorf("%s grid of %d rows: %v steradians, global %v", g.Kind(), g.Rows(), sum, g.Global())
		}
	}
}

func TestKind(t *testing.T) {
	// The rows of T42 as every table of spectral models prints them.
	want := []float64{87.8638, 85.0965, 82.3129}
	for i, x := range gaussianLatitudes(64)[:3] {
		if math.Abs(x-want[i]) > 5e-5 {
			t.Errorf("Gaussian row %d is %v, want %v", i, x, want[i])
		}
	}
	if k := grid(t, gaussianLatitudes(64), axis(0, 1, 9)).Kind(); k != Gaussian {
		t.Errorf("%s, want gaussian", k)
	}
	if k := grid(t, []float64{-80, -10, 40}, axis(0, 1, 9)).Kind(); k != Uneven {
		t.Errorf("%s, want rectilinear", k)
	}
}

func TestNewGridOrders(t *testing.T) {
	g, err := NewGrid([]float64{10, 0}, []float64{170, 180, -170}, [][2]float64{{5, 15}, {-5, 5}}, [][2]float64{{165, 175}, {175, -175}, {-175, -165}})
	if err != nil {
		t.Fatal(err)
	}
	if got := fmt.Sprint(g.Lon, g.LatBounds, g.LonBounds); got != "[170 180 190] [[15 5] [5 -5]] [[165 175] [175 185] [185 195]]" {
		t.Error(got)
	}
	for _, x := range []struct {
		lat, lon []float64
		want     string
	}{
		{[]float64{0, 10, 5}, []float64{0}, "latitude value 2 is 5 after 10; wanted strictly ascending or descending"},
		{[]float64{0, 0}, []float64{0}, "latitude value 1 is 0 after 0"},
		{[]float64{math.NaN()}, []float64{0}, "latitude value 0 is NaN"},
		{[]float64{91}, []float64{0}, "latitude value 0 is 91; wanted within -90 and 90"},
		{[]float64{0}, []float64{20, 10, 0}, "longitude value 1 is 10 after 20"},
		{[]float64{0}, []float64{0, 180, 360}, "longitude value 2 is 360, a circle or more after 0"},
		{nil, []float64{0}, "latitude has no values"},
	} {
		if _, err := NewGrid(x.lat, x.lon, nil, nil); err == nil || !strings.Contains(err.Error(), x.want) {
			t.Errorf("%v %v: %v, want %s", x.lat, x.lon, err, x.want)
		}
	}
}

// A cut has just the cells whose centres the box contains, west to east, in
// files that begin anywhere.
func TestCut(t *testing.T) {
	for _, x := range []struct {
		first     float64
		box       Box
		from, to  float64
		columns   int
		wantsRuns int
	}{
		{0, Box{350, 20, -10, 10}, -10, 20, 7, 2},
		{-180, Box{350, 20, -10, 10}, -10, 20, 7, 1},
		{-180, Box{170, 190, -10, 10}, 170, 190, 5, 2},
		{0, Box{-140, -60, -10, 10}, 220, 300, 17, 1},
		{0, Box{0, 360, -10, 10}, 0, 355, 72, 1},
		{20, Box{-180, 180, -10, 10}, 20, 375, 72, 1},
	} {
		g := grid(t, axis(85, -5, 35), axis(x.first, 5, 72))
		c, err := g.Cut(x.box)
		if err != nil {
			t.Error(err)
			continue
		}
		lon := c.Grid.Lon
		if lon[0] != x.from || lon[len(lon)-1] != x.to || len(lon) != x.columns || len(c.Columns) != x.wantsRuns || c.Grid.Lat[0] != 10 || c.Rows != 5 {
			t.Errorf("%s from %g: %v %v, rows %d", x.box, x.first, lon, c.Columns, c.Rows)
		}
		whole := make([]float32, g.Size())
		for i := range whole {
			whole[i] = float32(i)
		}
		part := make([]float32, c.Grid.Size())
		c.Pick(part, whole, g.Columns())
		for i, v := range part {
			lat, lon := g.Lat[int(v)/72], g.Lon[int(v)%72]
			if lat != c.Grid.Lat[i/len(c.Grid.Lon)] || math.Mod(lon-c.Grid.Lon[i%len(c.Grid.Lon)], 360) != 0 {
				t.Fatalf("%s from %g: cell %d is of %g, %g", x.box, x.first, i, lat, lon)
			}
		}
	}
	if _, err := grid(t, axis(10, 1, 5), axis(0, 1, 5)).Cut(Box{100, 110, 0, 90}); err == nil || !strings.Contains(err.Error(), "latitudes 10 to 14 and longitudes 0 to 4") {
		t.Error(err)
	}
}

func TestParseRegion(t *testing.T) {
	for _, x := range []struct{ in, set, want string }{
		{"220,300,15,65", "", "220,300,15,65"},
		{" 350, 20 ,-5, 5", "", "350,20,-5,5"},
		{"lat=15:65,lon=220:300", "", "220,300,15,65"},
		{"lat=-20:20", "", "0,360,-20,20"},
		{"climax:NorthAmerica", "", "climax:NorthAmerica"},
		{"wb2:north-america", "climax", "wb2:north-america"},
		{"north-america", "climax", "climax:NorthAmerica"},
		{"NORTH_AMERICA", "wb2", "wb2:north-america"},
		{"tropics", "climax", "wb2:tropics"},
	} {
		r, err := ParseRegion(x.in, x.set)
		if err != nil || r.Name != x.want {
			t.Errorf("%q: %v (%v), want %s", x.in, r, err, x.want)
		}
	}
	for in, want := range map[string]string{
		"north-america":          "may be climax:NorthAmerica (220,300,15,65) or wb2:north-america (240,285,25,60)",
		"atlantis":               "is unknown",
		"1,2,3":                  "cannot be read",
		"0,10,50,40":             "is north of",
		"0,10,-100,0":            "wanted latitudes",
		"NaN,10,0,1":             "wanted longitudes",
		"lat=1,lon=2":            "cannot be read",
		"lat=1:2,level=500:1000": `"level" is unknown`,
	} {
		if r, err := ParseRegion(in, ""); err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("%q: %v (%v), want %s", in, r, err, want)
		}
	}
}

func ExampleGrid_Cut() {
	g, err := NewGrid([]float64{30, 40, 50}, []float64{0, 90, 180, 270}, nil, nil)
	if err != nil {
		fmt.Println(err)
		return
	}
	c, err := g.Cut(Box{West: -90, East: 90, South: 35, North: 60})
	fmt.Println(c.Grid.Lat, c.Grid.Lon, err)
	// Output: [40 50] [-90 0 90] <nil>
}
