package forecast

import (
	"fmt"

	"github.com/kiban-models/kiban/climate/field"
)

// Region returns the patches all of whose cells have their centres in a region
// of the grid. A model then sees and forecasts only these.
//
// mirrored takes the latitudes of the rows in reverse, as get_region_info of the
// published code does while its fields are not: so its NorthAmerica, 15 to 65
// degrees north, is 65 to 15 south. Weights that were fine-tuned by it need it.
func (c Config) Region(g *field.Grid, r field.Region, mirrored bool) ([]int32, error) {
	if len(g.Lat) != c.Grid[0] || len(g.Lon) != c.Grid[1] {
		return nil, fmt.Errorf("forecast: a grid of %dx%d for a model of %dx%d; regrid", len(g.Lat), len(g.Lon), c.Grid[0], c.Grid[1])
	}
	var patches []int32
	for p := range c.Patches() {
		row, column := p/c.patchColumns()*c.Patch, p%c.patchColumns()*c.Patch
		inside := true
		for k := range c.cells() {
			y := row + k/c.Patch
			if mirrored {
				y = len(g.Lat) - 1 - y
			}
			inside = inside && r.Contains(g.Lat[y], g.Lon[column+k%c.Patch])
		}
		if inside {
			patches = append(patches, int32(p))
		}
	}
	if len(patches) == 0 {
		return nil, fmt.Errorf("forecast: region %s holds no whole patch of %dx%d cells; choose a larger one", r.Name, c.Patch, c.Patch)
	}
	return patches, nil
}
