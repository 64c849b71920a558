package forecast

import "math"

// resize maps a table of rows*columns places of width numbers to another grid,
// by cubic convolution (Keys 1981) with a = -0.75 and edges repeated, between
// the centres of cells: torch's interpolate(mode="bicubic", align_corners=False).
func resize(x []float32, rows, columns, toRows, toColumns, width int) []float32 {
	down, across := taps(rows, toRows), taps(columns, toColumns)
	out := make([]float32, toRows*toColumns*width)
	sum := make([]float64, width)
	for i := range toRows {
		for j := range toColumns {
			clear(sum)
			for _, r := range down[i] {
				for _, c := range across[j] {
					from := x[(r.at*columns+c.at)*width:][:width]
					for k, v := range from {
						sum[k] += r.weight * c.weight * float64(v)
					}
				}
			}
			for k, v := range sum {
				out[(i*toColumns+j)*width+k] = float32(v)
			}
		}
	}
	return out
}

// tap is a place that counts, and how much.
type tap struct {
	at     int
	weight float64
}

// taps returns the four places of n that each of m is made of.
func taps(n, m int) [][4]tap {
	const a = -0.75
	near := func(x float64) float64 { return ((a+2)*x-(a+3))*x*x + 1 }
	far := func(x float64) float64 { return ((a*x-5*a)*x+8*a)*x - 4*a }
	all := make([][4]tap, m)
	for i := range all {
		place := (float64(i)+0.5)*float64(n)/float64(m) - 0.5
		first := math.Floor(place)
		t := place - first
		for k, w := range [4]float64{far(t + 1), near(t), near(1 - t), far(2 - t)} {
			all[i][k] = tap{min(max(int(first)+k-1, 0), n-1), w}
		}
	}
	return all
}
