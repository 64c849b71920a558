package field

import (
	"fmt"
	"math"
	"slices"
)

// Grid is rectilinear: one latitude a row, one longitude a column, in degrees.
// Longitudes ascend, latitudes go either way, as in the file.
type Grid struct {
	Lat, Lon []float64
	// LatBounds and LonBounds are the edges of rows and columns in the order of
	// the axis: the second of one is the first of the next where they touch.
	LatBounds, LonBounds [][2]float64
}

// tolerance in degrees within which coordinates are the same: float32 degrees
// have a grain of some 3e-5.
const tolerance = 1e-4

// NewGrid checks the axes and orders what may be ordered. Longitudes that fall
// once, as from 180 to -180, are counted on instead. Bounds that are nil are
// put half-way between neighbours, and outer rows end at a pole that is less than
// a step away; those given may be in either order.
func NewGrid(lat, lon []float64, latBounds, lonBounds [][2]float64) (*Grid, error) {
	g := &Grid{Lat: slices.Clone(lat), Lon: slices.Clone(lon), LatBounds: slices.Clone(latBounds), LonBounds: slices.Clone(lonBounds)}
	if err := g.latitudes(); err != nil {
		return nil, err
	}
	if err := g.longitudes(); err != nil {
		return nil, err
	}
	return g, nil
}

func (g *Grid) latitudes() error {
	if len(g.Lat) == 0 {
		return fmt.Errorf("field: latitude has no values; wanted at least one")
	}
	for i, x := range g.Lat {
		if !(math.Abs(x) <= 90+tolerance) {
			return fmt.Errorf("field: latitude value %d is %v; wanted within -90 and 90", i, x)
		}
		if i > 0 && (x == g.Lat[i-1] || (x > g.Lat[i-1]) != (g.Lat[1] > g.Lat[0])) {
			return fmt.Errorf("field: latitude value %d is %v after %v; wanted strictly ascending or descending", i, x, g.Lat[i-1])
		}
	}
	if g.LatBounds == nil {
		g.LatBounds = midpoints(g.Lat)
		toPoles(g.Lat, g.LatBounds)
	}
	if err := checkBounds("latitude", g.Lat, g.LatBounds); err != nil {
		return err
	}
	for i := range g.LatBounds {
		for j, x := range g.LatBounds[i] {
			g.LatBounds[i][j] = min(90, max(-90, x))
		}
	}
	return nil
}

func (g *Grid) longitudes() error {
	if len(g.Lon) == 0 {
		return fmt.Errorf("field: longitude has no values; wanted at least one")
	}
	if g.LonBounds != nil && len(g.LonBounds) != len(g.Lon) {
		return checkBounds("longitude", g.Lon, g.LonBounds)
	}
	turned := 0.0
	for i, x := range g.Lon {
		if !(math.Abs(x) <= 720) {
			return fmt.Errorf("field: longitude value %d is %v; wanted degrees", i, x)
		}
		if i > 0 && x+turned < g.Lon[i-1]-180 {
			turned += 360
		}
		g.Lon[i] = x + turned
		if i > 0 && g.Lon[i] <= g.Lon[i-1] {
			return fmt.Errorf("field: longitude value %d is %v after %v; wanted strictly ascending, which cdo invertlon or ncpdq make of descending ones", i, x, g.Lon[i-1])
		}
		if g.LonBounds == nil {
			continue
		}
		for j, b := range g.LonBounds[i] { // a bound may be a circle away from its centre
			g.LonBounds[i][j] = b + 360*math.Round((g.Lon[i]-b)/360)
		}
	}
	if n := len(g.Lon); g.Lon[n-1]-g.Lon[0] >= 360-tolerance {
		return fmt.Errorf("field: longitude value %d is %v, a circle or more after %v; wanted each meridian once, as cdo sellonlatbox,0,359.9,-90,90 leaves it", n-1, g.Lon[n-1], g.Lon[0])
	}
	if g.LonBounds == nil {
		g.LonBounds = midpoints(g.Lon)
	}
	return checkBounds("longitude", g.Lon, g.LonBounds)
}

// midpoints are edges half-way between neighbours, the outer ones as far out.
func midpoints(x []float64) [][2]float64 {
	n := len(x)
	out := make([][2]float64, n)
	if n == 1 {
		out[0] = [2]float64{x[0], x[0]} // nothing says how wide
		return out
	}
	for i := range x {
		before, after := i-1, i
		if i == 0 {
			before = 0
		}
		if i == n-1 {
			after = n - 2
		}
		out[i] = [2]float64{x[i] - (x[before+1]-x[before])/2, x[i] + (x[after+1]-x[after])/2}
	}
	return out
}

// toPoles lets an outer row reach the pole where a step more would pass it, as
// in Gaussian grids.
func toPoles(x []float64, b [][2]float64) {
	n := len(x)
	if n < 2 {
		return
	}
	if first := 2*x[0] - x[1]; math.Abs(first) > 90+tolerance {
		b[0][0] = math.Copysign(90, first)
	}
	if last := 2*x[n-1] - x[n-2]; math.Abs(last) > 90+tolerance {
		b[n-1][1] = math.Copysign(90, last)
	}
}

// checkBounds puts the edges of each cell in the order of the axis and finds
// out that they hold their centre.
func checkBounds(axis string, x []float64, b [][2]float64) error {
	if len(b) != len(x) {
		return fmt.Errorf("field: %s has %d values and bounds of %d; wanted as many", axis, len(x), len(b))
	}
	down := len(x) > 1 && x[1] < x[0]
	for i := range b {
		if (b[i][0] > b[i][1]) != down {
			b[i][0], b[i][1] = b[i][1], b[i][0]
		}
		low, high := min(b[i][0], b[i][1]), max(b[i][0], b[i][1])
		if !(low <= x[i]+tolerance && high >= x[i]-tolerance) || high-low > 360+tolerance {
			return fmt.Errorf("field: %s value %d is %v, but its bounds are %v and %v; wanted around it", axis, i, x[i], b[i][0], b[i][1])
		}
	}
	return nil
}

// Size is the number of cells.
func (g *Grid) Size() int { return len(g.Lat) * len(g.Lon) }

// Rows and Columns are the numbers of latitudes and longitudes.
func (g *Grid) Rows() int { return len(g.Lat) }

// Columns is the number of longitudes.
func (g *Grid) Columns() int { return len(g.Lon) }

// NorthFirst tells whether the first row is the northernmost.
func (g *Grid) NorthFirst() bool { return len(g.Lat) > 1 && g.Lat[0] > g.Lat[len(g.Lat)-1] }

// Reversed is the grid with its rows the other way round.
func (g *Grid) Reversed() *Grid {
	n := len(g.Lat)
	r := &Grid{Lat: make([]float64, n), Lon: g.Lon, LatBounds: make([][2]float64, n), LonBounds: g.LonBounds}
	for i := range n {
		r.Lat[i] = g.Lat[n-1-i]
		r.LatBounds[i] = [2]float64{g.LatBounds[n-1-i][1], g.LatBounds[n-1-i][0]}
	}
	return r
}

// Periodic tells whether the columns close the circle.
func (g *Grid) Periodic() bool {
	n := len(g.Lon)
	return n > 1 && math.Abs(g.LonBounds[n-1][1]-g.LonBounds[0][0]-360) < 0.01*(g.Lon[1]-g.Lon[0])
}

// Global tells whether the cells cover the sphere.
func (g *Grid) Global() bool {
	n := len(g.Lat)
	south, north := min(g.LatBounds[0][0], g.LatBounds[n-1][1]), max(g.LatBounds[0][0], g.LatBounds[n-1][1])
	// The bounds of files may end a little before the poles.
	reach := 0.6 * (north - south) / float64(n)
	return g.Periodic() && south < -90+reach && north > 90-reach
}

// Areas are the areas of the cells on the unit sphere, in steradians, row-major:
// width in radians times the difference of sines of the edges.
func (g *Grid) Areas() []float64 {
	out := make([]float64, 0, g.Size())
	for _, b := range g.LatBounds {
		height := math.Abs(math.Sin(b[1]*math.Pi/180) - math.Sin(b[0]*math.Pi/180))
		for _, l := range g.LonBounds {
			out = append(out, height*(l[1]-l[0])*math.Pi/180)
		}
	}
	return out
}

// CosWeights are cos(lat) of the rows divided by their mean, the weights of
// ClimaX and WeatherBench.
func (g *Grid) CosWeights() []float64 {
	out := make([]float64, len(g.Lat))
	sum := 0.0
	for i, x := range g.Lat {
		out[i] = max(0, math.Cos(x*math.Pi/180))
		sum += out[i]
	}
	for i := range out {
		out[i] *= float64(len(out)) / sum
	}
	return out
}

// Kind is how the points of a grid are spaced.
type Kind string

const (
	Regular  Kind = "regular"     // even steps both ways
	Gaussian Kind = "gaussian"    // rows at the roots of a Legendre polynomial
	Uneven   Kind = "rectilinear" // neither
)

// Kind finds out how the grid is spaced.
func (g *Grid) Kind() Kind {
	if _, ok := step(g.Lon); !ok {
		return Uneven
	}
	if _, ok := step(g.Lat); ok {
		return Regular
	}
	if len(g.Lat) > mostGaussian || !g.nearGaussian() {
		return Uneven
	}
	roots := gaussianLatitudes(len(g.Lat))
	for i, x := range g.Lat {
		r := roots[i]
		if !g.NorthFirst() {
			r = -r
		}
		if math.Abs(x-r) > 0.01 { // some models round them to two digits
			return Uneven
		}
	}
	return Gaussian
}

// Spacing is the mean step of rows and columns in degrees, 0 where there is
// one only; latitude is negative when the first row is the northernmost.
func (g *Grid) Spacing() (lat, lon float64) {
	lat, _ = step(g.Lat)
	lon, _ = step(g.Lon)
	return lat, lon
}

// step is the mean step, and whether all are like it.
func step(x []float64) (float64, bool) {
	if len(x) < 2 {
		return 0, true
	}
	d := (x[len(x)-1] - x[0]) / float64(len(x)-1)
	for i := range x {
		if math.Abs(x[i]-x[0]-float64(i)*d) > 1e-3*math.Abs(d)+tolerance {
			return d, false
		}
	}
	return d, true
}

// nearGaussian tells in little time whether the rows may be at the roots of a
// Legendre polynomial: it compares with the first guess of those.
func (g *Grid) nearGaussian() bool {
	for i, x := range g.Lat {
		guess := math.Asin(firstGuess(i, len(g.Lat))) * 180 / math.Pi
		if !g.NorthFirst() {
			guess = -guess
		}
		if math.Abs(x-guess) > 1 {
			return false
		}
	}
	return true
}

func firstGuess(i, n int) float64 {
	return math.Cos(math.Pi * (float64(i) + 0.75) / (float64(n) + 0.5))
}

// mostGaussian is more rows than any model has; their roots cost as many steps
// squared.
const mostGaussian = 1 << 13

// gaussianLatitudes are asin of the n roots of the Legendre polynomial P_n in
// degrees, from north to south: Newton's method from the usual first guess
// (Abramowitz and Stegun 22.16.6).
func gaussianLatitudes(n int) []float64 {
	out := make([]float64, n)
	for i := range out {
		x := firstGuess(i, n)
		for range 20 {
			p, before := 1.0, 0.0
			for k := 1; k <= n; k++ {
				p, before = (float64(2*k-1)*x*p-float64(k-1)*before)/float64(k), p
			}
			change := p * (x*x - 1) / (float64(n) * (x*p - before))
			x -= change
			if math.Abs(change) < 1e-15 {
				break
			}
		}
		out[i] = math.Asin(x) * 180 / math.Pi
	}
	return out
}

// Same is nil when two grids have the same points, and else says where they
// differ first.
func (g *Grid) Same(h *Grid) error {
	for _, a := range []struct {
		name string
		x, y []float64
		turn float64
	}{{"latitude", g.Lat, h.Lat, 0}, {"longitude", g.Lon, h.Lon, 360}} {
		if len(a.x) != len(a.y) {
			return fmt.Errorf("%d and %d values of %s", len(a.x), len(a.y), a.name)
		}
		for i := range a.x {
			d := a.x[i] - a.y[i]
			if a.turn != 0 && i == 0 {
				d -= a.turn * math.Round(d/a.turn)
			}
			if math.Abs(d) > 10*tolerance {
				return fmt.Errorf("%s value %d is %v in one and %v in the other", a.name, i, a.x[i], a.y[i])
			}
		}
	}
	return nil
}
