package field

import (
	"slices"

	"github.com/kiban-models/kiban/climate/netcdf"
)

// NameGrids adds to a description the grids that data of the file's root lie on,
// for inspect. Coordinates that make no Grid have no name.
func NameGrids(f *netcdf.File, d *netcdf.Description) error {
	seen := map[[2]string]bool{}
	for _, v := range variablesOf(netcdf.Group{Dimensions: d.Dimensions, Variables: d.Variables}, nil, nil) {
		var pair [2]string
		for _, dim := range v.v.Dimensions {
			_, c, ok := v.along(dim)
			switch {
			case ok && c.Axis.Kind == netcdf.Latitude:
				pair[0] = c.Name
			case ok && c.Axis.Kind == netcdf.Longitude:
				pair[1] = c.Name
			}
		}
		if slices.Contains(pair[:], "") || seen[pair] {
			continue
		}
		seen[pair] = true
		lat, err := f.ReadFloat64(pair[0], nil, nil)
		if err != nil {
			return err
		}
		lon, err := f.ReadFloat64(pair[1], nil, nil)
		if err != nil {
			return err
		}
		g, err := NewGrid(lat, lon, nil, nil)
		if err != nil {
			continue
		}
		d.Grids = append(d.Grids, netcdf.GridName{Kind: string(g.Kind()), Latitude: pair[0], Longitude: pair[1], Rows: g.Rows(), Columns: g.Columns(), Global: g.Global(), NorthFirst: g.NorthFirst()})
	}
	return nil
}
