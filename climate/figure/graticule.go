package figure

import (
	"math"
	"strconv"

	"gonum.org/v1/plot/vg"
	"gonum.org/v1/plot/vg/draw"

	"github.com/kiban-models/kiban/core/figure"
)

const (
	tickSize  = 6 // points
	titleSize = 7
	tickGap   = vg.Length(2)
)

// steps between lines of the graticule, in degrees.
var steps = []float64{0.01, 0.02, 0.05, 0.1, 0.2, 0.5, 1, 2, 5, 10, 15, 20, 30, 60, 90}

// step is the closest that leaves room degrees between lines.
func step(room float64) float64 {
	for _, s := range steps {
		if s >= room {
			return s
		}
	}
	return steps[len(steps)-1]
}

// multiples of a step within lo to hi.
func multiples(step, lo, hi float64) []float64 {
	var out []float64
	for k := math.Ceil(lo/step - 1e-9); k*step <= hi+1e-9; k++ {
		out = append(out, k*step)
	}
	return out
}

// drawGraticule draws parallels and meridians, and their degrees left of the
// map and below it.
func drawGraticule(c draw.Canvas, r vg.Rectangle, v view, left, bottom bool) {
	sty := figure.Text(tickSize, false)
	width, height := float64(r.Max.X-r.Min.X), float64(r.Max.Y-r.Min.Y)
	lons := multiples(step((v.box.East-v.box.West)*34/width), v.box.West, v.box.East)
	lats := multiples(step((v.box.North-v.box.South)*18/height), v.box.South, v.box.North)
	if v.robinson { // labels stand along the short edge at the pole
		lons = multiples(60, v.box.West, v.box.East)
		lats = multiples(30, -60, 60)
	}
	var path vg.Path
	for _, lat := range lats {
		path = appendLine(path, r, v, v.parallel(lat))
	}
	for _, lon := range lons {
		path = appendLine(path, r, v, v.meridian(lon))
	}
	c.SetLineStyle(gratLine)
	c.Stroke(path)
	if left {
		sty.XAlign, sty.YAlign = draw.XRight, draw.YCenter
		for _, lat := range lats {
			p := v.point(r, lat, v.box.West)
			if !v.robinson {
				c.StrokeLine2(frameLine, p.X-tickGap, p.Y, p.X, p.Y)
			}
			c.FillText(sty, vg.Point{X: p.X - tickGap - 1.5, Y: p.Y}, degrees(lat, "N", "S"))
		}
	}
	if bottom {
		sty.XAlign, sty.YAlign = draw.XCenter, draw.YTop
		for _, lon := range lons {
			p := v.point(r, v.box.South, lon)
			if !v.robinson {
				c.StrokeLine2(frameLine, p.X, p.Y-tickGap, p.X, p.Y)
			}
			// At the edges a name moves inwards, out of the way of its neighbour.
			name := meridianName(lon)
			half := sty.Width(name) / 2
			x := max(r.Min.X+half-columnGap/3, min(p.X, r.Max.X-half+columnGap/3))
			c.FillText(sty, vg.Point{X: x, Y: p.Y - tickGap - 1}, name)
		}
	}
}

// meridianName is a longitude from 180°W to 180°E.
func meridianName(lon float64) string {
	lon = mod(lon+180, 360) - 180
	if math.Abs(math.Abs(lon)-180) < 1e-9 {
		return "180°"
	}
	return degrees(lon, "E", "W")
}

// degrees is an angle with the letter of its sign.
func degrees(v float64, positive, negative string) string {
	v = math.Round(v*1e6) / 1e6
	text := strconv.FormatFloat(math.Abs(v), 'f', -1, 64) + "°"
	switch {
	case v > 0:
		return text + positive
	case v < 0:
		return text + negative
	}
	return text
}
