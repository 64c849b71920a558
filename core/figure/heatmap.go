package figure

import (
	"fmt"
	"image"
	"image/color"
	"math"

	"gonum.org/v1/plot"
	"gonum.org/v1/plot/vg"
	"gonum.org/v1/plot/vg/draw"
)

// Grid is a matrix of values, the first row drawn at the top. Row and column
// names may be nil: then the axes count from 0. A value that is not finite is
// drawn in light grey.
type Grid struct {
	Values     [][]float64
	Rows, Cols []string
	Unit       string     // text beside the colour bar
	Map        *ColourMap // nil: Cividis
	Min, Max   float64    // both 0: the range of the data
	Text       [][]string // written into the cells, as many as values; may be nil
}

// HeatMap draws a matrix as coloured cells with a colour bar.
func HeatMap(g Grid, opt Options) (*Figure, error) {
	rows := len(g.Values)
	if rows == 0 || len(g.Values[0]) == 0 {
		return nil, fmt.Errorf("figure: heat map: empty matrix, wanted at least one cell")
	}
	if opt.LogX || opt.LogY || len(opt.Baselines) > 0 {
		return nil, fmt.Errorf("figure: heat map: logarithmic axis or baseline asked for, a matrix has neither")
	}
	cols := len(g.Values[0])
	lo, hi := math.Inf(1), math.Inf(-1)
	for i, r := range g.Values {
		if len(r) != cols {
			return nil, fmt.Errorf("figure: heat map: row %d has %d values, wanted %d as in row 0", i, len(r), cols)
		}
		for _, v := range r {
			if isFinite(v) {
				lo, hi = math.Min(lo, v), math.Max(hi, v)
			}
		}
	}
	if g.Rows != nil && len(g.Rows) != rows || g.Cols != nil && len(g.Cols) != cols {
		return nil, fmt.Errorf("figure: heat map: %d row and %d column names, wanted %d and %d", len(g.Rows), len(g.Cols), rows, cols)
	}
	if g.Text != nil {
		if len(g.Text) != rows {
			return nil, fmt.Errorf("figure: heat map: %d rows of text, wanted %d", len(g.Text), rows)
		}
		for i, r := range g.Text {
			if len(r) != cols {
				return nil, fmt.Errorf("figure: heat map: row %d has %d texts, wanted %d", i, len(r), cols)
			}
		}
	}
	if g.Min != 0 || g.Max != 0 {
		lo, hi = g.Min, g.Max
	}
	if math.IsInf(lo, 1) {
		return nil, fmt.Errorf("figure: heat map: no finite value, wanted at least one")
	}
	if !(lo < hi) {
		lo, hi = lo-0.5, lo+0.5
	}
	if g.Map == nil {
		g.Map = Cividis()
	}
	f := newFigure(opt)
	f.plot.Add(cells{img: gridImage(g, lo, hi), cols: cols, rows: rows})
	if g.Text != nil {
		f.plot.Add(cellText{g, lo, hi})
	}
	f.plot.X.Padding, f.plot.Y.Padding = 0, 0
	f.plot.X.Min, f.plot.X.Max = -0.5, float64(cols)-0.5
	f.plot.Y.Min, f.plot.Y.Max = -0.5, float64(rows)-0.5
	f.plot.Y.Scale = plot.InvertedScale{Normalizer: plot.LinearScale{}}
	if g.Cols != nil {
		f.plot.X.Tick.Marker = categoryTicks(g.Cols)
		tiltLabels(f.plot, g.Cols)
	}
	if g.Rows != nil {
		f.plot.Y.Tick.Marker = categoryTicks(g.Rows)
	}
	f.bar = &colourBar{m: g.Map, lo: lo, hi: hi, unit: g.Unit}
	f.header = []string{"row", "column", "value"}
	for i, r := range g.Values {
		for j, v := range r {
			f.rows = append(f.rows, []string{nameOr(g.Rows, i), nameOr(g.Cols, j), cell(v)})
		}
	}
	return f, nil
}

func nameOr(names []string, i int) string {
	if names == nil {
		return fmt.Sprint(i)
	}
	return names[i]
}

// colour is that of a value.
func (g Grid) colour(v, lo, hi float64) color.RGBA {
	if isFinite(v) {
		return g.Map.At((v - lo) / (hi - lo))
	}
	return color.RGBA{0xD9, 0xD9, 0xD9, 0xFF}
}

// gridImage paints each cell as a block of pixels: viewers smooth an image
// that they enlarge, and vector cells leave seams.
func gridImage(g Grid, lo, hi float64) image.Image {
	rows, cols := len(g.Values), len(g.Values[0])
	k := max(1, 800/max(rows, cols))
	img := image.NewRGBA(image.Rect(0, 0, cols*k, rows*k))
	for i, r := range g.Values {
		for j, v := range r {
			c := g.colour(v, lo, hi)
			for y := i * k; y < (i+1)*k; y++ {
				for x := j * k; x < (j+1)*k; x++ {
					img.SetRGBA(x, y, c)
				}
			}
		}
	}
	return img
}

type cells struct {
	img        image.Image
	cols, rows int
}

func (h cells) Plot(c draw.Canvas, p *plot.Plot) {
	c.DrawImage(c.Rectangle, h.img)
}

func (h cells) DataRange() (xmin, xmax, ymin, ymax float64) {
	return -0.5, float64(h.cols) - 0.5, -0.5, float64(h.rows) - 0.5
}

// cellText writes into cells, in black or white, whichever stands out.
type cellText struct {
	grid   Grid
	lo, hi float64
}

func (t cellText) Plot(c draw.Canvas, p *plot.Plot) {
	tx, ty := p.Transforms(&c)
	sty := textStyle(tickPoints)
	sty.XAlign, sty.YAlign = draw.XCenter, draw.YCenter
	room := (c.Max.X - c.Min.X) / vg.Length(len(t.grid.Values[0])) * 0.95
	widest := vg.Length(0)
	for _, r := range t.grid.Text {
		for _, s := range r {
			widest = max(widest, sty.Width(s))
		}
	}
	if widest > room {
		sty.Font.Size *= room / widest
	}
	for i, r := range t.grid.Text {
		for j, s := range r {
			sty.Color = color.White
			if toLab(t.grid.colour(t.grid.Values[i][j], t.lo, t.hi))[0] > 55 {
				sty.Color = color.Black
			}
			c.FillText(sty, vg.Point{X: tx(float64(j)), Y: ty(float64(i))}, s)
		}
	}
}

type colourBar struct {
	m      *ColourMap
	lo, hi float64
	unit   string
}

func (b *colourBar) width() vg.Length {
	sty := textStyle(tickPoints)
	w := vg.Length(0)
	for _, t := range (ticks{}).Ticks(b.lo, b.hi) {
		w = max(w, sty.Width(t.Label))
	}
	w += 8 + 7 + 5 // gap, bar, tick and blank
	if b.unit != "" {
		w += labelPoints * 1.5
	}
	return w
}

// draw puts the bar right of the data area, as high as it.
func (b *colourBar) draw(data draw.Canvas) {
	bar := vg.Rectangle{
		Min: vg.Point{X: data.Max.X + 8, Y: data.Min.Y},
		Max: vg.Point{X: data.Max.X + 15, Y: data.Max.Y},
	}
	img := image.NewRGBA(image.Rect(0, 0, 1, 256))
	for i := range 256 {
		img.SetRGBA(0, 255-i, b.m[i])
	}
	data.DrawImage(bar, img)
	line := draw.LineStyle{Color: color.Black, Width: axisWidth}
	data.SetLineStyle(line)
	data.Stroke(bar.Path())
	sty := textStyle(tickPoints)
	sty.YAlign = draw.YCenter
	w := vg.Length(0)
	for _, t := range (ticks{}).Ticks(b.lo, b.hi) {
		y := bar.Min.Y + vg.Length((t.Value-b.lo)/(b.hi-b.lo))*(bar.Max.Y-bar.Min.Y)
		data.StrokeLine2(line, bar.Max.X, y, bar.Max.X+2, y)
		data.FillText(sty, vg.Point{X: bar.Max.X + 4, Y: y}, t.Label)
		w = max(w, sty.Width(t.Label))
	}
	if b.unit != "" {
		s := textStyle(labelPoints)
		s.Rotation = math.Pi / 2
		s.XAlign, s.YAlign = draw.XCenter, draw.YTop
		data.FillText(s, vg.Point{X: bar.Max.X + 6 + w, Y: (bar.Min.Y + bar.Max.Y) / 2}, b.unit)
	}
}
