package regrid

import (
	"fmt"
	"math"
)

// overlap is a part of the source's axis in one of the target's cells.
type overlap struct {
	from int
	size float64
}

// conservative: a cell between two parallels and two meridians has the area
// width x difference of sines, so the overlap of two is a product.
func (w *Weights) conservative() error {
	rows, height, err := w.rowOverlaps()
	if err != nil {
		return err
	}
	cols, width, err := w.columnOverlaps()
	if err != nil {
		return err
	}
	n := len(w.Source.Lon)
	for j := range rows {
		for i := range cols {
			area := height[j] * width[i]
			for _, r := range rows[j] {
				for _, c := range cols[i] {
					w.add(r.from*n+c.from, r.size*c.size/area)
				}
			}
			if err := w.next(); err != nil {
				return err
			}
			if total := w.total[len(w.total)-1]; total > 1+1e-6 {
				return fmt.Errorf("regrid: source cells cover %g times the target's at latitude %g, longitude %g: their bounds overlap; correct the bounds, or use %s",
					total, w.Target.Lat[j], w.Target.Lon[i], Bilinear)
			}
		}
	}
	return nil
}

// rowOverlaps are in sines of latitude.
func (w *Weights) rowOverlaps() (out [][]overlap, height []float64, err error) {
	source, err := sines("source", w.Source)
	if err != nil {
		return nil, nil, err
	}
	target, err := sines("target", w.Target)
	if err != nil {
		return nil, nil, err
	}
	out = make([][]overlap, len(target))
	for j, t := range target {
		height = append(height, t[1]-t[0])
		for i, s := range source {
			if size := min(s[1], t[1]) - max(s[0], t[0]); size > 0 {
				out[j] = append(out[j], overlap{i, size})
			}
		}
	}
	return out, height, nil
}

// columnOverlaps are in degrees, a circle further on either side as well.
func (w *Weights) columnOverlaps() (out [][]overlap, width []float64, err error) {
	for i, b := range w.Source.LonBounds {
		if !(b[1] > b[0]) {
			return nil, nil, fmt.Errorf("regrid: source longitude %g has bounds %g and %g: no width; give bounds, or use %s", w.Source.Lon[i], b[0], b[1], Nearest)
		}
	}
	out = make([][]overlap, len(w.Target.LonBounds))
	for j, t := range w.Target.LonBounds {
		if !(t[1] > t[0]) {
			return nil, nil, fmt.Errorf("regrid: target longitude %g has bounds %g and %g: no width; give bounds, or use %s", w.Target.Lon[j], t[0], t[1], Nearest)
		}
		width = append(width, t[1]-t[0])
		for i, s := range w.Source.LonBounds {
			turn := 360 * math.Floor((t[0]-s[0])/360) // the last time round that begins before the target
			size := 0.0
			for k := -1.0; k <= 2; k++ {
				size += max(0, min(s[1]+turn+360*k, t[1])-max(s[0]+turn+360*k, t[0]))
			}
			if size > 0 {
				out[j] = append(out[j], overlap{i, size})
			}
		}
	}
	return out, width, nil
}
