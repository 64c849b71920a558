package figure

import (
	"image"
	"math"

	"gonum.org/v1/plot/vg"
	"gonum.org/v1/plot/vg/draw"

	"github.com/kiban-models/kiban/core/figure"
)

// sheet is maps of one view in rows and columns, with colour bars below.
type sheet struct {
	view    view
	panels  []panel
	columns int
	bars    []bar
	missing bool // some cell has no value
}

type panel struct {
	title string
	cells cells
	scale scale
}

// bar is a colour bar below the columns from to past.
type bar struct {
	scale      scale
	label      string
	from, past int
}

// Lengths of a sheet in points.
const (
	latWidth  = vg.Length(20) // names of parallels
	lonHeight = vg.Length(10) // names of meridians
	titleRow  = vg.Length(10)
	columnGap = vg.Length(9)
	rowGap    = vg.Length(5)
	barGap    = vg.Length(7)
	keyRow    = vg.Length(10)
	margins   = vg.Length(8)   // what a figure leaves around its content
	headline  = vg.Length(9)   // a line of title or subtitle
	highest   = vg.Length(340) // of all maps of a sheet together, 120 mm
	footSpace = vg.Length(2)
)

func (s sheet) rows() int { return (len(s.panels) + s.columns - 1) / s.columns }

// titled reports whether panels have titles.
func (s sheet) titled() bool {
	for _, p := range s.panels {
		if p.title != "" {
			return true
		}
	}
	return false
}

// beside and below are the room that all but the maps take.
func (s sheet) beside() vg.Length {
	return latWidth + vg.Length(s.columns-1)*columnGap + 8
}

func (s sheet) below() vg.Length {
	h := vg.Length(s.rows()-1)*rowGap + lonHeight + barGap + barHeight + barTicks + barLabel + footSpace
	if s.titled() {
		h += vg.Length(s.rows()) * titleRow
	}
	if s.missing {
		h += keyRow
	}
	return h
}

// size is a page's width, or less for maps that would be too high.
func (s sheet) size(opt Options) figure.Size {
	const page, narrow = 183, 89
	w := vg.Length(page) * vg.Millimeter
	head := vg.Length(3)
	for _, t := range []string{opt.Title, opt.Subtitle} {
		if t != "" {
			head += headline
		}
	}
	cell := (w - margins - s.beside()) / vg.Length(s.columns)
	aspect := vg.Length(s.view.aspect())
	if limit := highest / vg.Length(s.rows()) * aspect; cell > limit {
		cell = limit
		w = max(cell*vg.Length(s.columns)+s.beside()+margins, narrow*vg.Millimeter)
	}
	h := cell/aspect*vg.Length(s.rows()) + s.below() + head + margins
	mm := func(l vg.Length) float64 { return math.Round(float64(l/vg.Millimeter)*10) / 10 }
	return figure.Size{Width: mm(w), Height: mm(h)}
}

// draw lays the sheet on a canvas, as large as the canvas lets it.
func (s sheet) draw(c draw.Canvas) {
	dpi := 300.0
	if d, ok := c.Canvas.(interface{ DPI() float64 }); ok {
		dpi = d.DPI()
	}
	aspect := vg.Length(s.view.aspect())
	n, rows := vg.Length(s.columns), vg.Length(s.rows())
	w := (c.Max.X - c.Min.X - s.beside()) / n
	w = min(w, (c.Max.Y-c.Min.Y-s.below())/rows*aspect)
	if w < 10 {
		return // no room for a map
	}
	h := w / aspect
	left := func(col int) vg.Length { return c.Min.X + latWidth + vg.Length(col)*(w+columnGap) }
	y := c.Max.Y
	for i, p := range s.panels {
		row, col := i/s.columns, i%s.columns
		if col == 0 && row > 0 {
			y -= h + rowGap
		}
		if col == 0 && s.titled() {
			y -= titleRow
		}
		if p.title != "" {
			sty := figure.Text(titleSize, false)
			c.FillText(sty, vg.Point{X: left(col), Y: y + 2.5}, p.title)
		}
		r := vg.Rectangle{Min: vg.Point{X: left(col), Y: y - h}, Max: vg.Point{X: left(col) + w, Y: y}}
		// Below the last map of a column stand the degrees of all above it.
		s.drawMap(c, r, p, dpi, col == 0, i+s.columns >= len(s.panels))
	}
	y -= h + lonHeight + barGap
	for _, b := range s.bars {
		drawBar(c, b.scale, b.label, left(b.from), left(b.past-1)+w, y, dpi)
	}
	if s.missing {
		y -= barHeight + barTicks + barLabel + footSpace
		s.drawKey(c, vg.Point{X: left(0) + barArrow, Y: y}, dpi)
	}
}

func (s sheet) drawMap(c draw.Canvas, r vg.Rectangle, p panel, dpi float64, lats, lons bool) {
	w, h := (r.Max.X - r.Min.X).Dots(dpi), (r.Max.Y - r.Min.Y).Dots(dpi)
	c.DrawImage(r, paint(s.view, p.cells, p.scale, max(1, int(w+0.5)), max(1, int(h+0.5)), dpi/72))
	drawGraticule(c, r, s.view, lats, lons)
	drawCoasts(c, r, s.view)
	drawFrame(c, r, s.view)
}

// drawKey says what hatched cells are.
func (s sheet) drawKey(c draw.Canvas, at vg.Point, dpi float64) {
	r := vg.Rectangle{Min: vg.Point{X: at.X, Y: at.Y - 6}, Max: vg.Point{X: at.X + 14, Y: at.Y}}
	img := image.NewRGBA(image.Rect(0, 0, int((r.Max.X - r.Min.X).Dots(dpi)), int((r.Max.Y - r.Min.Y).Dots(dpi))))
	for y := range img.Rect.Dy() {
		for x := range img.Rect.Dx() {
			img.SetRGBA(x, y, hatched(x, y, dpi/72))
		}
	}
	c.DrawImage(r, img)
	c.SetLineStyle(frameLine)
	c.Stroke(r.Path())
	sty := figure.Text(tickSize, false)
	sty.YAlign = draw.YCenter
	c.FillText(sty, vg.Point{X: r.Max.X + 3, Y: (r.Min.Y + r.Max.Y) / 2}, "no value")
}
