package regrid

import (
	"math"
	"slices"

	"github.com/kiban-models/kiban/climate/field"
)

// grain in degrees: coordinates kept as float32 are that far from what they mean.
const grain = 1e-4

// south gives latitudes, and the rows that they are of, from south to north.
func south(g *field.Grid) (lat []float64, row []int) {
	lat = slices.Clone(g.Lat)
	row = make([]int, len(lat))
	for i := range row {
		row[i] = i
	}
	if g.NorthFirst() {
		slices.Reverse(lat)
		slices.Reverse(row)
	}
	return lat, row
}

// span is the southern and the northern edge of a grid, as its bounds have them.
func span(g *field.Grid) (low, high float64) {
	n := len(g.Lat)
	return min(g.LatBounds[0][0], g.LatBounds[n-1][1]), max(g.LatBounds[0][0], g.LatBounds[n-1][1])
}

// closed tells whether a grid goes round the south and the north pole: its
// columns close the circle and its last cells end at the pole, or nearly so, as
// do the midpoints of Gaussian rows and of such that a model has rounded.
func closed(g *field.Grid) (south, north bool) {
	low, high := span(g)
	reach := 0.6 * (high - low) / float64(len(g.Lat))
	return g.Periodic() && low < -90+reach, g.Periodic() && high > 90-reach
}

// east is how far lon is east of from, in [0, 360); a grain west of it is 0.
func east(lon, from float64) float64 {
	d := math.Mod(lon-from, 360)
	if d < 0 {
		d += 360
	}
	if d > 360-grain {
		return 0
	}
	return d
}

// between finds the neighbours of an x in ascending values: x is the fraction t
// of the way from the first to the second. Values a grain outside are on the edge.
func between(values []float64, x float64) (i int, t float64, ok bool) {
	n := len(values)
	if x < values[0]-grain || x > values[n-1]+grain {
		return 0, 0, false
	}
	if n == 1 {
		return 0, 0, true
	}
	i, _ = slices.BinarySearch(values, x)
	i = min(max(i-1, 0), n-2)
	return i, min(1, max(0, (x-values[i])/(values[i+1]-values[i]))), true
}

// column is where a longitude lies among the columns of a grid: t of the way
// from column a to column b, which are width degrees apart.
type column struct {
	a, b     int
	t, width float64
	ok       bool
}

func columns(source *field.Grid, lon []float64) []column {
	n := len(source.Lon)
	at := make([]float64, n, n+1)
	for i, x := range source.Lon {
		at[i] = x - source.Lon[0]
	}
	if source.Periodic() {
		at = append(at, 360)
	}
	out := make([]column, len(lon))
	for k, x := range lon {
		i, t, ok := between(at, east(x, source.Lon[0]))
		out[k] = column{a: i, b: (i + 1) % n, t: t, ok: ok}
		if len(at) > 1 {
			out[k].width = at[i+1] - at[i]
		}
	}
	return out
}
