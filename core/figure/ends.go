package figure

import (
	"gonum.org/v1/plot"
	"gonum.org/v1/plot/plotter"
	"gonum.org/v1/plot/vg"
	"gonum.org/v1/plot/vg/draw"
)

// end is the name of a curve beside its last point.
type end struct {
	name string
	pts  plotter.XYs // its finite points
	line draw.LineStyle
}

// endLeader is the room between the axes and the names, in which a line leads
// from the end of a curve to its name.
const endLeader = vg.Length(10)

// addEnd notes a series that is named where it ends.
func (f *Figure) addEnd(s Series, line draw.LineStyle) {
	e := end{name: s.Name, line: line}
	for _, run := range runs(s) {
		e.pts = append(e.pts, run...)
	}
	if len(e.pts) > 0 {
		f.ends = append(f.ends, e)
	}
}

// drawEnds writes the names right of the axes, moved apart where they would
// touch, each with a line in the look of its curve. A curve that ends well
// before the others has its name above its beginning.
func drawEnds(c draw.Canvas, p *plot.Plot, ends []end, sty draw.TextStyle) {
	at := func(q plotter.XY) vg.Point { return vg.Point{X: c.X(p.X.Norm(q.X)), Y: c.Y(p.Y.Norm(q.Y))} }
	var beside []end
	var ys []float64
	for _, e := range ends {
		last := at(e.pts[len(e.pts)-1])
		if last.X < c.Max.X-(c.Max.X-c.Min.X)*0.15 {
			q := at(e.pts[0])
			for _, xy := range e.pts {
				if p := at(xy); p.X < q.X+4+sty.Width(e.name) {
					q.Y = max(q.Y, p.Y)
				}
			}
			sty.YAlign = draw.YBottom
			c.FillText(sty, vg.Point{X: q.X + 2, Y: q.Y + 3}, e.name)
			continue
		}
		beside, ys = append(beside, e), append(ys, float64(last.Y))
	}
	if len(beside) == 0 {
		return
	}
	spread(ys, float64(sty.Font.Size)*1.15, float64(c.Min.Y), float64(c.Max.Y))
	sty.YAlign = draw.YCenter
	thin := draw.LineStyle{Color: baselineGrey, Width: axisWidth / 2}
	for i, e := range beside {
		y, q := vg.Length(ys[i]), at(e.pts[len(e.pts)-1])
		c.StrokeLine2(thin, q.X+1.5, q.Y, c.Max.X+1, y)
		c.StrokeLine2(e.line, c.Max.X+1, y, c.Max.X+endLeader, y)
		c.FillText(sty, vg.Point{X: c.Max.X + endLeader + 2, Y: y}, e.name)
	}
}
