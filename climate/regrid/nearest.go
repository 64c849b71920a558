package regrid

import "math"

// nearest needs no search over columns: along a parallel the distance grows with
// the difference of longitudes, so one column is the nearest in every row.
// Targets outside the cells of the source are not reached.
func (w *Weights) nearest() {
	const rad, tie = math.Pi / 180, 1e-12
	source := w.Source
	low, high := span(source)
	south, north := closed(source)
	if south {
		low = -90
	}
	if north {
		high = 90
	}
	first, last := source.LonBounds[0][0], source.LonBounds[len(source.Lon)-1][1]
	column, apart := make([]int, len(w.Target.Lon)), make([]float64, len(w.Target.Lon))
	for k, x := range w.Target.Lon {
		best := math.Inf(1)
		for i, s := range source.Lon {
			if d := math.Abs(math.Remainder(x-s, 360)); d < best-1e-9 {
				best, column[k] = d, i
			}
		}
		half := math.Sin(best / 2 * rad)
		apart[k] = half * half
		if !source.Periodic() && east(x, first) > last-first+grain {
			column[k] = -1
		}
	}
	cos := make([]float64, len(source.Lat))
	for i, y := range source.Lat {
		cos[i] = math.Cos(y * rad)
	}
	for _, y := range w.Target.Lat {
		inside := y >= low-grain && y <= high+grain
		here := math.Cos(y * rad)
		for k, c := range column {
			if inside && c >= 0 {
				row, best := 0, math.Inf(1)
				for i, s := range source.Lat {
					half := math.Sin((y - s) / 2 * rad)
					// The haversine of the distance.
					if d := half*half + here*cos[i]*apart[k]; d < best-tie {
						row, best = i, d
					}
				}
				w.add(row*len(source.Lon)+c, 1)
			}
			_ = w.next() // one weight a target: as few as targets
		}
	}
}
