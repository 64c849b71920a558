package skill

import (
	"fmt"

	"github.com/kiban-models/kiban/climate/field"
)

// area is the cells of a region, and what they weigh: sums up to 1.
type area struct {
	name   string
	cells  []int
	weight []float64
}

// areaOf weighs the cells whose centres lie in a region by their areas, or, as
// published, by cos(lat). The two are the same but for rows at a pole, which
// cos(lat) leaves out, and for rows of different heights.
func areaOf(g *field.Grid, r field.Region, published bool) (area, error) {
	a := area{name: r.Name}
	areas, cos, sum := g.Areas(), g.CosWeights(), 0.0
	for i, lat := range g.Lat {
		for j, lon := range g.Lon {
			k := i*len(g.Lon) + j
			w := areas[k]
			if published {
				w = cos[i]
			}
			if w > 0 && r.Contains(lat, lon) {
				a.cells, a.weight, sum = append(a.cells, k), append(a.weight, w), sum+w
			}
		}
	}
	if len(a.cells) == 0 {
		return a, fmt.Errorf("skill: no cell has its centre in region %s; the grid has latitudes %g to %g and longitudes %g to %g",
			r.Name, g.Lat[0], g.Lat[len(g.Lat)-1], g.Lon[0], g.Lon[len(g.Lon)-1])
	}
	for i := range a.weight {
		a.weight[i] /= sum
	}
	return a, nil
}
