package figure

import (
	"errors"
	"fmt"
	"image/color"
	"math"

	"gonum.org/v1/plot"
	"gonum.org/v1/plot/vg"
	"gonum.org/v1/plot/vg/draw"
)

// Figure is a finished picture together with the numbers behind it.
type Figure struct {
	Title    string
	Subtitle string // n and split, for instance "validation, n = 812"
	Size     Size   // what it was laid out for; zero: any

	plot      *plot.Plot
	paint     func(draw.Canvas) // draws all below the headlines, in place of plot
	ends      []end
	legend    []legendEntry
	baselines []Baseline
	xMarks    []Baseline
	bar       *colourBar
	header    []string
	rows      [][]string
}

// Options are what every kind of figure has in common. Zero values are fine.
type Options struct {
	Title          string
	Subtitle       string     // n and split
	XLabel, YLabel string     // units in parentheses
	LogX, LogY     bool       // logarithmic axes; values must be positive
	Baselines      []Baseline // reference values, drawn across
	XMarks         []Baseline // reference values of x, drawn upright
	XTicks         []float64  // marks of a linear x axis; nil: round numbers
	YFromZero      bool       // start the y axis at 0 even where data do not
	Points         bool       // a curve marks each of its points
	EndLabels      bool       // a curve is named where it ends, not in a legend
}

// Baseline is a reference value in y units, such as the perplexity of a
// uniform guess: a grey dashed line with its name and value at the right edge.
type Baseline struct {
	Name  string
	Value float64
}

// Series is one line or one set of points. X and Y have the same length; a
// Y that is not finite leaves a gap.
type Series struct {
	Name  string
	X, Y  []float64
	Style *Style // nil: by its place among the series
	Quiet bool   // not named in the picture, as the second line of a pair
}

// Style is the look of a series that must look alike in every figure.
type Style struct {
	Colour color.RGBA
	Dash   int // 0 is a full line, 1 to 4 are dashes
}

type legendEntry struct {
	name string
	line draw.LineStyle
	fill color.Color // nil for a line or a marker
	mark *draw.GlyphStyle
}

func newFigure(opt Options) *Figure {
	f := &Figure{Title: opt.Title, Subtitle: opt.Subtitle, baselines: opt.Baselines, xMarks: opt.XMarks}
	f.plot = New("", opt.XLabel, opt.YLabel)
	return f
}

func checkSeries(kind string, series []Series, opt Options) error {
	if len(series) == 0 {
		return fmt.Errorf("figure: %s: no series given, wanted at least one", kind)
	}
	finite := 0
	for i, s := range series {
		if len(s.X) != len(s.Y) {
			return fmt.Errorf("figure: %s: series %d (%s) has %d x and %d y values, wanted as many of each", kind, i, s.Name, len(s.X), len(s.Y))
		}
		for j := range s.X {
			if !isFinite(s.X[j]) {
				return fmt.Errorf("figure: %s: series %d (%s) has x[%d] = %v, wanted a finite number", kind, i, s.Name, j, s.X[j])
			}
			if !isFinite(s.Y[j]) {
				continue
			}
			finite++
			if opt.LogX && s.X[j] <= 0 || opt.LogY && s.Y[j] <= 0 {
				return fmt.Errorf("figure: %s: series %d (%s) has the point (%v, %v), wanted positive values for a logarithmic axis", kind, i, s.Name, s.X[j], s.Y[j])
			}
		}
	}
	if finite == 0 {
		return fmt.Errorf("figure: %s: no finite value in %d series, wanted at least one point", kind, len(series))
	}
	return checkBaselines(kind, opt)
}

func checkBaselines(kind string, opt Options) error {
	for _, b := range opt.Baselines {
		if !isFinite(b.Value) || opt.LogY && b.Value <= 0 {
			return fmt.Errorf("figure: %s: baseline %s is %v, wanted a finite number (positive on a logarithmic axis)", kind, b.Name, b.Value)
		}
	}
	for _, b := range opt.XMarks {
		if !isFinite(b.Value) || opt.LogX && b.Value <= 0 {
			return fmt.Errorf("figure: %s: mark %s is %v, wanted a finite number (positive on a logarithmic axis)", kind, b.Name, b.Value)
		}
	}
	return nil
}

func isFinite(v float64) bool { return !math.IsNaN(v) && !math.IsInf(v, 0) }

// finish sets the ranges and scales once all plotters are added.
func (f *Figure) finish(opt Options) {
	p := f.plot
	for _, b := range opt.Baselines {
		p.Y.Min, p.Y.Max = math.Min(p.Y.Min, b.Value), math.Max(p.Y.Max, b.Value)
	}
	for _, b := range opt.XMarks {
		p.X.Min, p.X.Max = math.Min(p.X.Min, b.Value), math.Max(p.X.Max, b.Value)
	}
	if opt.YFromZero {
		p.Y.Min, p.Y.Max = math.Min(p.Y.Min, 0), math.Max(p.Y.Max, 0)
	}
	widen(&p.X, opt.LogX, 0)
	// A line along the frame is hard to see: leave a little room at the top.
	widen(&p.Y, opt.LogY, 0.04)
	if opt.XTicks != nil {
		p.X.Tick.Marker = fixedTicks(opt.XTicks)
	}
	if opt.LogX {
		p.X.Scale, p.X.Tick.Marker = plot.LogScale{}, logTicks{}
	}
	if opt.LogY {
		p.Y.Scale, p.Y.Tick.Marker = plot.LogScale{}, logTicks{}
	}
}

func widen(a *plot.Axis, log bool, share float64) {
	switch {
	case a.Min == a.Max && log:
		a.Min, a.Max = a.Min/2, a.Max*2
	case a.Min == a.Max:
		d := math.Max(math.Abs(a.Min)*0.1, 1e-9)
		a.Min, a.Max = a.Min-d, a.Max+d
	case log:
		r := math.Pow(a.Max/a.Min, share)
		a.Max *= r
		a.Min /= r
	default:
		d := (a.Max - a.Min) * share
		if a.Max != 0 {
			a.Max += d
		}
		if a.Min != 0 {
			a.Min -= d
		}
	}
}

var errNoSize = errors.New("figure: size has no area, wanted positive millimetres such as figure.Single")

// draw lays out, from the top: title, subtitle, legend in rows, then the axes
// with baseline labels or a colour bar at the right. Nothing is drawn over the
// data except the data.
func (f *Figure) draw(c draw.Canvas) {
	c.SetColor(color.White)
	c.Fill(c.Rectangle.Path())
	c = draw.Crop(c, 3, -5, 3, -4)
	if f.Title != "" {
		sty := textStyle(labelPoints)
		sty.Font = sans(labelPoints, true)
		c = headline(c, sty, f.Title)
	}
	if f.Subtitle != "" {
		c = headline(c, textStyle(tickPoints), f.Subtitle)
	}
	if len(f.legend) > 0 {
		c = drawLegend(c, f.legend)
	}
	c = draw.Crop(c, 0, 0, 0, -3)
	if f.paint != nil {
		f.paint(c)
		return
	}

	right := vg.Length(0)
	sty := textStyle(tickPoints)
	for _, b := range f.baselines {
		right = max(right, sty.Width(b.label())+4)
	}
	for _, e := range f.ends {
		right = max(right, sty.Width(e.name)+endLeader+3)
	}
	if f.bar != nil {
		right = f.bar.width()
	}
	area := draw.Crop(c, 0, -right, 0, 0)
	if len(f.xMarks) > 0 {
		area = draw.Crop(area, 0, 0, 0, -sty.Font.Size*1.2)
	}
	data := f.plot.DataCanvas(area)
	f.plot.BackgroundColor = nil
	f.plot.Draw(area)
	drawBaselines(data, f.plot, f.baselines, sty)
	drawEnds(data, f.plot, f.ends, sty)
	drawXMarks(data, f.plot, f.xMarks, sty)
	if f.bar != nil {
		f.bar.draw(data)
	}
}

func headline(c draw.Canvas, sty draw.TextStyle, s string) draw.Canvas {
	sty.YAlign = draw.YTop
	for _, line := range wrapText(sty, s, c.Max.X-c.Min.X) {
		c.FillText(sty, vg.Point{X: c.Min.X, Y: c.Max.Y}, line)
		c = draw.Crop(c, 0, 0, 0, -sty.Font.Size*1.25)
	}
	return c
}

// wrapText breaks s at blanks so that each line fits width.
func wrapText(sty draw.TextStyle, s string, width vg.Length) []string {
	var lines []string
	start, lastBlank := 0, -1
	for i, r := range s {
		if r == ' ' {
			lastBlank = i
		}
		if lastBlank > start && sty.Width(s[start:i+1]) > width {
			lines = append(lines, s[start:lastBlank])
			start, lastBlank = lastBlank+1, -1
		}
	}
	return append(lines, s[start:])
}

func (b Baseline) label() string { return b.Name + " " + digits(b.Value, 4) }

// drawBaselines draws the lines across the data area and their labels beside
// it, moved apart where they would touch.
func drawBaselines(c draw.Canvas, p *plot.Plot, bs []Baseline, sty draw.TextStyle) {
	if len(bs) == 0 {
		return
	}
	ys := make([]float64, len(bs))
	for i, b := range bs {
		y := c.Y(p.Y.Norm(b.Value))
		c.StrokeLine2(baselineLine(), c.Min.X, y, c.Max.X, y)
		ys[i] = float64(y)
	}
	spread(ys, float64(sty.Font.Size)*1.1, float64(c.Min.Y), float64(c.Max.Y))
	sty.YAlign = draw.YCenter
	for i, b := range bs {
		c.FillText(sty, vg.Point{X: c.Max.X + 3, Y: vg.Length(ys[i])}, b.label())
	}
}

// drawXMarks draws upright lines through the data area and their names above it,
// moved apart where they would touch.
func drawXMarks(c draw.Canvas, p *plot.Plot, marks []Baseline, sty draw.TextStyle) {
	if len(marks) == 0 {
		return
	}
	xs, widest := make([]float64, len(marks)), vg.Length(0)
	for i, b := range marks {
		x := c.X(p.X.Norm(b.Value))
		c.StrokeLine2(baselineLine(), x, c.Min.Y, x, c.Max.Y)
		xs[i] = float64(x)
		widest = max(widest, sty.Width(b.Name))
	}
	spread(xs, float64(widest)+4, float64(c.Min.X), float64(c.Max.X-widest/2))
	sty.XAlign, sty.YAlign = draw.XCenter, draw.YBottom
	for i, b := range marks {
		c.FillText(sty, vg.Point{X: vg.Length(xs[i]), Y: c.Max.Y + 1}, b.Name)
	}
}

// spread moves positions apart to at least gap, keeping their order and, where
// there is room, the range lo to hi.
func spread(ys []float64, gap, lo, hi float64) {
	order := make([]int, len(ys))
	for i := range order {
		order[i] = i
	}
	for i := 1; i < len(order); i++ {
		for j := i; j > 0 && ys[order[j]] < ys[order[j-1]]; j-- {
			order[j], order[j-1] = order[j-1], order[j]
		}
	}
	for range 50 {
		for i := 1; i < len(order); i++ {
			a, b := order[i-1], order[i]
			if d := gap - (ys[b] - ys[a]); d > 0 {
				ys[a] -= d / 2
				ys[b] += d / 2
			}
		}
		if n := len(order); ys[order[n-1]] > hi {
			ys[order[n-1]] = hi
		}
		if ys[order[0]] < lo {
			ys[order[0]] = lo
		}
	}
}

func drawLegend(c draw.Canvas, entries []legendEntry) draw.Canvas {
	sty := textStyle(tickPoints)
	sty.YAlign = draw.YCenter
	const thumb, gap, after = vg.Length(14), vg.Length(3), vg.Length(8)
	rowHeight := sty.Font.Size * 1.4
	x, y := c.Min.X, c.Max.Y-rowHeight/2
	for _, e := range entries {
		w := thumb + gap + sty.Width(e.name)
		if x > c.Min.X && x+w > c.Max.X {
			x, y = c.Min.X, y-rowHeight
		}
		switch {
		case e.mark != nil:
			c.DrawGlyphNoClip(*e.mark, vg.Point{X: x + thumb/2, Y: y})
		case e.fill != nil:
			r := vg.Rectangle{Min: vg.Point{X: x + 3, Y: y - 2.2}, Max: vg.Point{X: x + thumb, Y: y + 2.2}}
			c.SetColor(e.fill)
			c.Fill(r.Path())
			c.SetLineStyle(e.line)
			c.Stroke(r.Path())
		default:
			c.StrokeLine2(e.line, x, y, x+thumb, y)
		}
		c.FillText(sty, vg.Point{X: x + thumb + gap, Y: y}, e.name)
		x += w + after
	}
	return draw.Crop(c, 0, 0, 0, -(c.Max.Y - y + rowHeight/2))
}
