package figure

import (
	"image/color"

	xfont "golang.org/x/image/font"
	"gonum.org/v1/plot"
	"gonum.org/v1/plot/font"
	"gonum.org/v1/plot/text"
	"gonum.org/v1/plot/vg"
	"gonum.org/v1/plot/vg/draw"
)

// Size is the width and height of a figure in millimetres.
type Size struct{ Width, Height float64 }

// The two column widths of journals.
var (
	Single = Size{89, 62}
	Double = Size{183, 110}
)

func (s Size) lengths() (w, h vg.Length) {
	return vg.Length(s.Width) * vg.Millimeter, vg.Length(s.Height) * vg.Millimeter
}

const (
	labelPoints = 7
	tickPoints  = 6
	lineWidth   = vg.Length(0.75)
	axisWidth   = vg.Length(0.5)
)

// sans is the house font at a size in points. It is set on each element:
// gonum's package-wide default font stays as other users of it expect.
func sans(points float64, bold bool) font.Font {
	f := font.Font{Typeface: "Liberation", Variant: "Sans", Size: font.Length(points)}
	if bold {
		f.Weight = xfont.WeightBold
	}
	return f
}

func textStyle(points float64) text.Style {
	return text.Style{
		Color:   color.Black,
		Font:    sans(points, false),
		XAlign:  draw.XLeft,
		YAlign:  draw.YBottom,
		Handler: plot.DefaultTextHandler,
	}
}

// Text is the house style of writing: 7 points for labels, 6 for ticks.
func Text(points float64, bold bool) text.Style {
	sty := textStyle(points)
	sty.Font = sans(points, bold)
	return sty
}

// New returns an empty plot in the house style with the given title and axis
// labels (unit in parentheses). Figures made by this package set the title
// themselves, above the legend; pass "" to leave a text out.
func New(title, x, y string) *plot.Plot {
	p := plot.New()
	p.Title.Text = title
	p.Title.TextStyle.Font = sans(labelPoints, true)
	p.Title.Padding = vg.Points(3)
	p.X.Label.Text, p.Y.Label.Text = x, y
	for _, a := range []*plot.Axis{&p.X, &p.Y} {
		a.Label.TextStyle.Font = sans(labelPoints, false)
		a.Label.Padding = vg.Points(2)
		a.Tick.Label.Font = sans(tickPoints, false)
		a.LineStyle.Width = axisWidth
		a.Tick.LineStyle.Width = axisWidth
		a.Tick.Length = vg.Points(3)
		a.Tick.Marker = ticks{}
		a.Padding = vg.Points(2)
	}
	p.Legend.TextStyle.Font = sans(tickPoints, false)
	p.Legend.ThumbnailWidth = vg.Points(14)
	return p
}

// dashes tell lines apart where colour does not.
func dashes(i int) []vg.Length {
	switch i % 5 {
	case 1:
		return []vg.Length{4, 1.5}
	case 2:
		return []vg.Length{1, 1.2}
	case 3:
		return []vg.Length{5, 1.5, 1, 1.5}
	case 4:
		return []vg.Length{2, 1}
	}
	return nil
}

func seriesLine(i int) draw.LineStyle {
	return draw.LineStyle{Color: Colour(i), Width: lineWidth, Dashes: dashes(i)}
}

// line is the look of a series, by its style or by its place i.
func (s Series) line(i int) draw.LineStyle {
	if s.Style == nil {
		return seriesLine(i)
	}
	return draw.LineStyle{Color: s.Style.Colour, Width: lineWidth, Dashes: dashes(s.Style.Dash)}
}

func baselineLine() draw.LineStyle {
	return draw.LineStyle{Color: baselineGrey, Width: lineWidth, Dashes: []vg.Length{3, 2}}
}
