package figure

import (
	"image"
	"image/color"
	"math"
)

// The ground and the lines of cells without a value.
var (
	noValue = color.RGBA{0xD9, 0xD9, 0xD9, 0xFF}
	hatch   = color.RGBA{0xA6, 0xA6, 0xA6, 0xFF}
)

// paint fills a picture of w by h pixels: each has the colour of the cell that
// holds its place, so that cells have their true bounds in any projection and
// leave no seams. point is the number of pixels of a point. Places without a
// cell stay clear.
func paint(v view, c cells, s scale, w, h int, point float64) *image.RGBA {
	img := image.NewRGBA(image.Rect(0, 0, w, h))
	cols := make([]int, w)
	columns := func(lat float64) {
		for x := range cols {
			cols[x] = -1
			if lon, ok := v.lon(lat, (float64(x)+0.5)/float64(w)); ok {
				cols[x] = c.col(lon)
			}
		}
	}
	if !v.robinson {
		columns(0)
	}
	for y := range h {
		lat := v.lat(1 - (float64(y)+0.5)/float64(h))
		row := c.row(lat)
		if row < 0 {
			continue
		}
		if v.robinson {
			columns(lat)
		}
		// Neighbours are often of one cell: its colour is looked up once.
		last, colour, missing := -1, color.RGBA{}, false
		for x, col := range cols {
			if col < 0 {
				continue
			}
			if col != last {
				val := c.at(row, col)
				last, missing = col, math.IsNaN(val) || math.IsInf(val, 0)
				if !missing {
					colour = s.at(val)
				}
			}
			if missing {
				img.SetRGBA(x, y, hatched(x, y, point))
				continue
			}
			img.SetRGBA(x, y, colour)
		}
	}
	return img
}

// hatched is the colour of a pixel without a value: grey with slanted lines.
func hatched(x, y int, point float64) color.RGBA {
	period := max(3, int(math.Round(3*point)))
	if (x+y)%period < max(1, int(math.Round(0.5*point))) {
		return hatch
	}
	return noValue
}

// shown are the values of the cells whose middle a view shows: those that are
// finite, and how many are not.
func (c cells) shown(v view) (finite []float64, missing int) {
	var cols []int
	for k, i := range c.lon.index {
		mid := v.box.West + mod((c.lon.lo[k]+c.lon.hi[k])/2-v.box.West, 360)
		if mid <= v.box.East {
			cols = append(cols, i)
		}
	}
	for k, row := range c.lat.index {
		if mid := (c.lat.lo[k] + c.lat.hi[k]) / 2; mid < v.box.South || mid > v.box.North {
			continue
		}
		for _, col := range cols {
			if x := c.at(row, col); math.IsNaN(x) || math.IsInf(x, 0) {
				missing++
			} else {
				finite = append(finite, x)
			}
		}
	}
	return finite, missing
}
