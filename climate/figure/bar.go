package figure

import (
	"image"
	"image/color"

	"gonum.org/v1/plot"
	"gonum.org/v1/plot/vg"
	"gonum.org/v1/plot/vg/draw"

	"github.com/kiban-models/kiban/core/figure"
)

// Heights of a colour bar, in points, from its top.
const (
	barHeight = vg.Length(6)
	barTicks  = vg.Length(10) // ticks and their numbers
	barLabel  = vg.Length(9)
	barArrow  = vg.Length(7)
)

// drawBar draws a colour bar whose top edge is at y, between two ends. An arrow
// at an end says that values leave the scale there.
func drawBar(c draw.Canvas, s scale, label string, from, to, y vg.Length, dpi float64) {
	r := vg.Rectangle{Min: vg.Point{X: from + barArrow, Y: y - barHeight}, Max: vg.Point{X: to - barArrow, Y: y}}
	// Arrows reach below the bar, so that no seam is left between them.
	if s.below {
		arrow(c, r.Min.X+0.5, from, r, s.first())
	}
	if s.above {
		arrow(c, r.Max.X-0.5, to, r, s.last())
	}
	c.DrawImage(r, s.image(max(2, int((r.Max.X-r.Min.X).Dots(dpi)+0.5))))
	outline := vg.Path{}
	outline.Move(r.Min)
	if s.below {
		outline.Line(vg.Point{X: from, Y: (r.Min.Y + r.Max.Y) / 2})
	}
	outline.Line(vg.Point{X: r.Min.X, Y: r.Max.Y})
	outline.Line(r.Max)
	if s.above {
		outline.Line(vg.Point{X: to, Y: (r.Min.Y + r.Max.Y) / 2})
	}
	outline.Line(vg.Point{X: r.Max.X, Y: r.Min.Y})
	outline.Close()
	c.SetLineStyle(frameLine)
	c.Stroke(outline)

	sty := figure.Text(tickSize, false)
	sty.XAlign, sty.YAlign = draw.XCenter, draw.YTop
	for _, t := range s.ticks() {
		x := r.Min.X + vg.Length(s.place(t.Value))*(r.Max.X-r.Min.X)
		c.StrokeLine2(frameLine, x, r.Min.Y-tickGap, x, r.Min.Y)
		c.FillText(sty, vg.Point{X: x, Y: r.Min.Y - tickGap - 1}, t.Label)
	}
	sty = figure.Text(titleSize, false)
	sty.XAlign, sty.YAlign = draw.XCenter, draw.YTop
	if room := to - from; sty.Width(label) > room {
		sty.Font.Size *= room / sty.Width(label)
	}
	c.FillText(sty, vg.Point{X: (from + to) / 2, Y: r.Min.Y - barTicks}, label)
}

// image is the bar without its arrows, one row of n pixels.
func (s scale) image(n int) image.Image {
	img := image.NewRGBA(image.Rect(0, 0, n, 1))
	for x := range n {
		t := (float64(x) + 0.5) / float64(n)
		if s.levels != nil {
			img.SetRGBA(x, 0, s.class(int(t*float64(len(s.levels)-1))))
			continue
		}
		img.SetRGBA(x, 0, s.colours.At(t))
	}
	return img
}

// arrow fills the triangle between the end of a bar and its tip.
func arrow(c draw.Canvas, base, tip vg.Length, r vg.Rectangle, fill color.RGBA) {
	var p vg.Path
	p.Move(vg.Point{X: base, Y: r.Min.Y})
	p.Line(vg.Point{X: tip, Y: (r.Min.Y + r.Max.Y) / 2})
	p.Line(vg.Point{X: base, Y: r.Max.Y})
	p.Close()
	c.SetColor(fill)
	c.Fill(p)
}

// first and last are the colours of values beyond the ends.
func (s scale) first() color.RGBA {
	if s.levels != nil {
		return s.class(-1)
	}
	return s.colours[0]
}

func (s scale) last() color.RGBA {
	if s.levels != nil {
		return s.class(len(s.levels) - 1)
	}
	return s.colours[255]
}

// ticks of classes are all their borders.
func (s scale) ticks() []plot.Tick {
	if s.levels == nil {
		return figure.Ticks(s.lo, s.hi)
	}
	out := make([]plot.Tick, len(s.levels))
	for i, v := range s.levels {
		out[i] = plot.Tick{Value: v, Label: figure.Number(v)}
	}
	return out
}

// place is where on the bar, from 0 to 1, a value is; classes are equally wide.
func (s scale) place(v float64) float64 {
	if s.levels == nil {
		return (v - s.lo) / (s.hi - s.lo)
	}
	for i, l := range s.levels {
		if v <= l {
			return float64(i) / float64(len(s.levels)-1)
		}
	}
	return 1
}
