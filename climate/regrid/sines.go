package regrid

import (
	"fmt"
	"math"

	"github.com/kiban-models/kiban/climate/field"
)

// sines are those of the edges of rows, southern first.
func sines(which string, g *field.Grid) ([][2]float64, error) {
	out := make([][2]float64, len(g.LatBounds))
	for i, b := range g.LatBounds {
		low, high := min(b[0], b[1]), max(b[0], b[1])
		if !(high > low) {
			return nil, fmt.Errorf("regrid: %s latitude %g has bounds %g and %g: no height; give bounds, or use %s", which, g.Lat[i], low, high, Nearest)
		}
		out[i] = [2]float64{math.Sin(low * math.Pi / 180), math.Sin(high * math.Pi / 180)}
	}
	return out, nil
}
