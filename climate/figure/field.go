package figure

import (
	"fmt"
	"math"
)

// Field is one quantity on a regular grid of latitudes and longitudes.
type Field struct {
	Name     string // the long_name, such as "Near-Surface Air Temperature"
	Units    string
	Standard string // the CF standard_name, by which colours are chosen; may be empty

	Lat, Lon []float64 // centres of cells, degrees, in any direction and from any origin
	// Bounds of cells in degrees. nil: halfway between the centres.
	LatBounds, LonBounds [][2]float64
	Values               []float64 // len(Lat) rows of len(Lon) values; NaN: no value
}

// label is what stands beside a colour bar.
func (f Field) label() string {
	if f.Units == "" || f.Units == "1" {
		return f.Name
	}
	return fmt.Sprintf("%s [%s]", f.Name, f.Units)
}

// cells are the cells of a field, found by place.
type cells struct {
	Field
	lat, lon axis
}

func (f Field) cells() (cells, error) {
	name := f.Name
	if name == "" {
		name = "field"
	}
	if len(f.Values) != len(f.Lat)*len(f.Lon) || len(f.Values) == 0 {
		return cells{}, fmt.Errorf("climate figure: %s: %d values on %d latitudes and %d longitudes, wanted one a cell, and some", name, len(f.Values), len(f.Lat), len(f.Lon))
	}
	lat, err := newAxis(f.Lat, f.LatBounds)
	if err != nil {
		return cells{}, fmt.Errorf("climate figure: %s: latitude: %w", name, err)
	}
	for i := range lat.lo {
		if lat.lo[i] > 90 || lat.hi[i] < -90 {
			return cells{}, fmt.Errorf("climate figure: %s: latitude: a cell from %v to %v, wanted one within -90 to 90", name, lat.lo[i], lat.hi[i])
		}
		lat.lo[i], lat.hi[i] = max(lat.lo[i], -90), min(lat.hi[i], 90)
	}
	centres, bounds := unwrap(f.Lon, f.LonBounds)
	lon, err := newAxis(centres, bounds)
	if err != nil {
		return cells{}, fmt.Errorf("climate figure: %s: longitude: %w", name, err)
	}
	if span := centres[len(centres)-1] - centres[0]; math.Abs(span) > 360+1e-6 {
		return cells{}, fmt.Errorf("climate figure: %s: longitude: centres from %v over %v degrees, wanted the globe once at most", name, f.Lon[0], math.Abs(span))
	}
	// Coordinates in float32 close the circle but for a rounding.
	if n := len(lon.lo); n > 1 && math.Abs(lon.hi[n-1]-lon.lo[0]-360) < 0.01*(lon.hi[0]-lon.lo[0]) {
		lon.hi[n-1] = lon.lo[0] + 360
	}
	return cells{f, lat, lon}, nil
}

// at is the value of a cell by its place in the arrays.
func (c cells) at(row, col int) float64 { return c.Values[row*len(c.Lon)+col] }

// row and col are the places of the cells that hold a latitude and a
// longitude, -1 where there is none.
func (c cells) row(lat float64) int { return c.lat.find(lat) }

func (c cells) col(lon float64) int {
	west := c.lon.lo[0]
	return c.lon.find(west + mod(lon-west, 360))
}

// extent is the box that the cells cover.
func (c cells) extent() Box {
	b := Box{West: c.lon.lo[0], South: c.lat.lo[0]}
	b.East, b.North = c.lon.hi[len(c.lon.hi)-1], c.lat.hi[len(c.lat.hi)-1]
	b.East = math.Min(b.East, b.West+360)
	return b
}

// mod is v modulo m, in [0, m).
func mod(v, m float64) float64 {
	r := math.Mod(v, m)
	if r < 0 {
		r += m
	}
	return r
}
