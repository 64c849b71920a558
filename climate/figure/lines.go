package figure

import (
	"image/color"
	"math"

	"gonum.org/v1/plot/vg"
	"gonum.org/v1/plot/vg/draw"

	"github.com/kiban-models/kiban/climate/figure/coast"
)

// Coastlines are dark on a light seam, so that they stand out from any colour.
var (
	coastLine = draw.LineStyle{Color: color.RGBA{0x1A, 0x1A, 0x1A, 0xFF}, Width: 0.45}
	coastSeam = draw.LineStyle{Color: color.NRGBA{0xFF, 0xFF, 0xFF, 0x8C}, Width: 1.1}
	gratLine  = draw.LineStyle{Color: color.NRGBA{0x40, 0x40, 0x40, 0x66}, Width: 0.25}
	frameLine = draw.LineStyle{Color: color.Black, Width: 0.5}
)

// drawCoasts draws the coastlines within a view on a rectangle.
func drawCoasts(c draw.Canvas, r vg.Rectangle, v view) {
	var path vg.Path
	for _, line := range coast.Lines() {
		west, east := line[0].Lon, line[0].Lon
		for _, p := range line {
			west, east = math.Min(west, p.Lon), math.Max(east, p.Lon)
		}
		first := math.Ceil((v.box.West - east) / 360)
		for k := first; west+360*k <= v.box.East; k++ {
			clip(line, 360*k, v.box, func(piece []coast.Point) { path = appendLine(path, r, v, piece) })
		}
	}
	// On small maps of much of the globe, islands would run together.
	perDegree := float64(r.Max.X-r.Min.X) / (v.box.East - v.box.West)
	thinner := vg.Length(max(0.6, min(1, perDegree)))
	for _, sty := range []draw.LineStyle{coastSeam, coastLine} {
		sty.Width *= thinner
		c.SetLineStyle(sty)
		c.Stroke(path)
	}
}

// clip gives the pieces of a line, shifted east, that are within a box.
func clip(line []coast.Point, east float64, b Box, emit func([]coast.Point)) {
	var cur []coast.Point
	flush := func() {
		if len(cur) > 1 {
			emit(cur)
		}
		cur = nil
	}
	for i := 1; i < len(line); i++ {
		p, q := line[i-1], line[i]
		p.Lon, q.Lon = p.Lon+east, q.Lon+east
		t0, t1, ok := within(p, q, b)
		if !ok {
			flush()
			continue
		}
		at := func(t float64) coast.Point {
			return coast.Point{Lat: p.Lat + t*(q.Lat-p.Lat), Lon: p.Lon + t*(q.Lon-p.Lon)}
		}
		if t0 > 0 || len(cur) == 0 {
			flush()
			cur = append(cur, at(t0))
		}
		cur = append(cur, at(t1))
		if t1 < 1 {
			flush()
		}
	}
	flush()
}

// within is the part of the way from p to q that is in a box (Liang and Barsky
// 1984).
func within(p, q coast.Point, b Box) (t0, t1 float64, ok bool) {
	t0, t1 = 0, 1
	dx, dy := q.Lon-p.Lon, q.Lat-p.Lat
	for _, side := range [4][2]float64{{-dx, p.Lon - b.West}, {dx, b.East - p.Lon}, {-dy, p.Lat - b.South}, {dy, b.North - p.Lat}} {
		d, room := side[0], side[1]
		switch {
		case d == 0 && room < 0:
			return 0, 0, false
		case d < 0:
			t0 = math.Max(t0, room/d)
		case d > 0:
			t1 = math.Min(t1, room/d)
		}
	}
	return t0, t1, t0 < t1
}

// appendLine adds a line of places to a path, without points closer than a
// third of a point to the one before: they are 0.1 mm on paper.
func appendLine(path vg.Path, r vg.Rectangle, v view, line []coast.Point) vg.Path {
	var last vg.Point
	for i, p := range line {
		q := v.point(r, p.Lat, p.Lon)
		switch {
		case i == 0:
			path.Move(q)
		case i+1 < len(line) && math.Hypot(float64(q.X-last.X), float64(q.Y-last.Y)) < 0.35:
			continue
		default:
			path.Line(q)
		}
		last = q
	}
	return path
}

// point is where a place lies in a rectangle.
func (v view) point(r vg.Rectangle, lat, lon float64) vg.Point {
	x, y := v.forward(lat, lon)
	return vg.Point{X: r.Min.X + vg.Length(x)*(r.Max.X-r.Min.X), Y: r.Min.Y + vg.Length(y)*(r.Max.Y-r.Min.Y)}
}

// parallel and meridian are the lines of a latitude and of a longitude.
func (v view) parallel(lat float64) []coast.Point {
	return []coast.Point{{Lat: lat, Lon: v.box.West}, {Lat: lat, Lon: v.box.East}} // straight in both projections
}

func (v view) meridian(lon float64) []coast.Point {
	if !v.robinson {
		return []coast.Point{{Lat: v.box.South, Lon: lon}, {Lat: v.box.North, Lon: lon}}
	}
	var out []coast.Point
	for lat := -90.0; lat <= 90; lat += 2.5 {
		out = append(out, coast.Point{Lat: lat, Lon: lon})
	}
	return out
}

// drawFrame draws the edge of the map.
func drawFrame(c draw.Canvas, r vg.Rectangle, v view) {
	east := v.meridian(v.box.East)
	outline := append([]coast.Point{}, v.meridian(v.box.West)...)
	for i := len(east) - 1; i >= 0; i-- {
		outline = append(outline, east[i])
	}
	path := appendLine(nil, r, v, outline)
	path.Close()
	c.SetLineStyle(frameLine)
	c.Stroke(path)
}
