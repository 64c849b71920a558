package field

import "fmt"

// Cut is a part of a grid: contiguous rows, and columns in one run or, across
// the seam of the file, in two.
type Cut struct {
	Grid    *Grid // of the part, longitudes ascending
	Row     int   // the first
	Rows    int
	Columns [][2]int // start and count of each run, west to east
}

// Cut finds the cells whose centres lie in a box. A box that crosses the seam
// of the file's longitudes has numbers that go on: -10 to 20 in a file of 0 to
// 360, 170 to 190 in one of -180 to 180.
func (g *Grid) Cut(b Box) (Cut, error) {
	var c Cut
	for i, lat := range g.Lat {
		if lat >= b.South-tolerance && lat <= b.North+tolerance {
			if c.Rows == 0 {
				c.Row = i
			}
			c.Rows++
		}
	}
	in := make([]bool, len(g.Lon))
	n := 0
	for i, lon := range g.Lon {
		if in[i] = b.hasLon(lon); in[i] {
			n++
		}
	}
	if c.Rows == 0 || n == 0 {
		return c, fmt.Errorf("field: no cell has its centre in %s (lon1,lon2,lat1,lat2); the grid has latitudes %g to %g and longitudes %g to %g",
			b, g.Lat[0], g.Lat[len(g.Lat)-1], g.Lon[0], g.Lon[len(g.Lon)-1])
	}
	for i := 0; i < len(in); i++ {
		if !in[i] {
			continue
		}
		start := i
		for i < len(in) && in[i] {
			i++
		}
		c.Columns = append(c.Columns, [2]int{start, i - start})
	}
	if len(c.Columns) == 2 { // it wraps around: the east of the file is the west of the box
		c.Columns[0], c.Columns[1] = c.Columns[1], c.Columns[0]
	}
	part := &Grid{Lat: g.Lat[c.Row : c.Row+c.Rows], LatBounds: g.LatBounds[c.Row : c.Row+c.Rows]}
	for i, run := range c.Columns {
		turn := 0.0
		if len(c.Columns) == 2 && i == 0 && g.Lon[0] >= -tolerance {
			turn = -360
		} else if len(c.Columns) == 2 && i == 1 && g.Lon[0] < -tolerance {
			turn = 360
		}
		for j := run[0]; j < run[0]+run[1]; j++ {
			part.Lon = append(part.Lon, g.Lon[j]+turn)
			part.LonBounds = append(part.LonBounds, [2]float64{g.LonBounds[j][0] + turn, g.LonBounds[j][1] + turn})
		}
	}
	c.Grid = part
	return c, nil
}

// within is a part of the part.
func (c Cut) within(rows, columns [2]int) Cut {
	g := c.Grid
	part := Cut{Row: c.Row + rows[0], Rows: rows[1] - rows[0], Grid: &Grid{
		Lat: g.Lat[rows[0]:rows[1]], LatBounds: g.LatBounds[rows[0]:rows[1]], Lon: g.Lon[columns[0]:columns[1]], LonBounds: g.LonBounds[columns[0]:columns[1]]}}
	at := 0
	for _, run := range c.Columns {
		from, to := max(columns[0], at), min(columns[1], at+run[1])
		if from < to {
			part.Columns = append(part.Columns, [2]int{run[0] + from - at, to - from})
		}
		at += run[1]
	}
	return part
}

// Pick copies the part out of a field of the whole grid.
func (c Cut) Pick(dst, whole []float32, columns int) {
	i := 0
	for r := c.Row; r < c.Row+c.Rows; r++ {
		for _, run := range c.Columns {
			i += copy(dst[i:i+run[1]], whole[r*columns+run[0]:])
		}
	}
}
