package figure

import (
	"gonum.org/v1/plot"
	"gonum.org/v1/plot/vg"
	"gonum.org/v1/plot/vg/draw"
)

// end is the name of a curve beside its last point.
type end struct {
	name string
	x, y float64
	line draw.LineStyle
}

// endLeader is the room between the axes and the names, in which a line leads
// from the end of a curve to its name.
const endLeader = vg.Length(10)

// addEnd notes where a series has its last finite value.
func (f *Figure) addEnd(s Series, line draw.LineStyle) {
	for i := len(s.Y) - 1; i >= 0; i-- {
		if isFinite(s.Y[i]) {
			f.ends = append(f.ends, end{s.Name, s.X[i], s.Y[i], line})
			return
		}
	}
}

// drawEnds writes the names right of the axes, moved apart where they would
// touch, each with a line in the look of its curve.
func drawEnds(c draw.Canvas, p *plot.Plot, ends []end, sty draw.TextStyle) {
	if len(ends) == 0 {
		return
	}
	ys := make([]float64, len(ends))
	for i, e := range ends {
		ys[i] = float64(c.Y(p.Y.Norm(e.y)))
	}
	spread(ys, float64(sty.Font.Size)*1.15, float64(c.Min.Y), float64(c.Max.Y))
	sty.YAlign = draw.YCenter
	for i, e := range ends {
		y := vg.Length(ys[i])
		thin := draw.LineStyle{Color: baselineGrey, Width: axisWidth / 2}
		c.StrokeLine2(thin, c.X(p.X.Norm(e.x))+1.5, c.Y(p.Y.Norm(e.y)), c.Max.X+1, y)
		c.StrokeLine2(e.line, c.Max.X+1, y, c.Max.X+endLeader, y)
		c.FillText(sty, vg.Point{X: c.Max.X + endLeader + 2, Y: y}, e.name)
	}
}
