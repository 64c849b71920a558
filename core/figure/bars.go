package figure

import (
	"fmt"
	"image/color"
	"math"
	"slices"
	"strings"

	"gonum.org/v1/plot"
	"gonum.org/v1/plot/plotter"
	"gonum.org/v1/plot/vg"
	"gonum.org/v1/plot/vg/draw"
)

func vgPoints(v float64) vg.Length { return vg.Points(v) }

// Group is one value a category; Values has the length of the categories. A
// value that is not finite draws no bar.
type Group struct {
	Name   string
	Values []float64
}

// Bars draws one bar a category.
func Bars(categories []string, values []float64, opt Options) (*Figure, error) {
	return GroupedBars(categories, []Group{{Values: values}}, opt)
}

// GroupedBars draws the groups side by side in each category, from zero.
func GroupedBars(categories []string, groups []Group, opt Options) (*Figure, error) {
	if len(categories) == 0 || len(groups) == 0 {
		return nil, fmt.Errorf("figure: bars: %d categories and %d groups, wanted at least one of each", len(categories), len(groups))
	}
	if opt.LogY || opt.LogX {
		return nil, fmt.Errorf("figure: bars: logarithmic axis asked for, wanted a linear one: a bar starts at zero")
	}
	for _, g := range groups {
		if len(g.Values) != len(categories) {
			return nil, fmt.Errorf("figure: bars: group %q has %d values for %d categories, wanted one each", g.Name, len(g.Values), len(categories))
		}
	}
	if err := checkBaselines("bars", opt); err != nil {
		return nil, err
	}
	f := newFigure(opt)
	n := float64(len(groups))
	width := 0.8 / n
	for i, g := range groups {
		b := boxes{fill: Colour(i), edge: Colour(i)}
		for k, v := range g.Values {
			if !isFinite(v) {
				continue
			}
			left := float64(k) - 0.4 + float64(i)*width
			b.at = append(b.at, rect{left, math.Min(0, v), left + width*0.94, math.Max(0, v)})
		}
		f.plot.Add(b)
		if g.Name != "" {
			f.legend = append(f.legend, legendEntry{name: g.Name, fill: b.fill, line: edgeLine(b.edge)})
		}
	}
	f.plot.X.Min, f.plot.X.Max = -0.5, float64(len(categories))-0.5
	f.plot.X.Tick.Marker = categoryTicks(categories)
	f.plot.X.Tick.Length = 0
	tiltLabels(f.plot, categories)
	opt.YFromZero = true
	f.finish(opt)
	if f.plot.Y.Min < 0 {
		f.plot.Add(zeroLine{})
	}
	f.header = []string{"category", "group", "value"}
	for k, c := range categories {
		c = strings.TrimSpace(strings.ReplaceAll(c, "\n", " "))
		for _, g := range groups {
			f.rows = append(f.rows, []string{c, g.Name, cell(g.Values[k])})
		}
	}
	f.baselineData()
	return f, nil
}

// tiltLabels turns category names that would touch on a single column. One or
// two letters stay upright whatever the number of categories.
func tiltLabels(p *plot.Plot, names []string) {
	sty := p.X.Tick.Label
	room := vg.Length(Single.Width*0.8) * vg.Millimeter / vg.Length(len(names))
	for _, s := range names {
		if len(s) > 2 && !strings.Contains(s, "\n") && sty.Width(s)+2 > room {
			p.X.Tick.Label.Rotation = math.Pi / 4
			p.X.Tick.Label.XAlign, p.X.Tick.Label.YAlign = draw.XRight, draw.YCenter
			return
		}
	}
}

// Sample is a set of observations.
type Sample struct {
	Name   string
	Values []float64
}

// Histogram overlays the samples as densities over common bins, so that sets
// of different size compare: each area is 1. bins 0 chooses by the rule of
// Freedman and Diaconis on the smallest sample, between 10 and 60.
func Histogram(samples []Sample, bins int, opt Options) (*Figure, error) {
	if len(samples) == 0 {
		return nil, fmt.Errorf("figure: histogram: no samples given, wanted at least one")
	}
	if opt.LogX || opt.LogY {
		return nil, fmt.Errorf("figure: histogram: logarithmic axis asked for, wanted a linear one: a density starts at zero")
	}
	if err := checkBaselines("histogram", opt); err != nil {
		return nil, err
	}
	lo, hi := math.Inf(1), math.Inf(-1)
	smallest := []float64(nil)
	for _, s := range samples {
		v, err := sortedFinite("histogram: "+s.Name, s.Values)
		if err != nil {
			return nil, err
		}
		lo, hi = math.Min(lo, v[0]), math.Max(hi, v[len(v)-1])
		if smallest == nil || len(v) < len(smallest) {
			smallest = v
		}
	}
	if lo == hi {
		lo, hi = lo-0.5, hi+0.5
	}
	if bins <= 0 {
		bins = chooseBins(smallest, hi-lo)
	}
	if opt.YLabel == "" {
		opt.YLabel = "Density"
	}
	f := newFigure(opt)
	f.header = []string{"sample", "from", "to", "count", "density"}
	w := (hi - lo) / float64(bins)
	for i, s := range samples {
		counts := make([]int, bins)
		n := 0
		for _, v := range s.Values {
			if isFinite(v) {
				counts[min(bins-1, int((v-lo)/w))]++
				n++
			}
		}
		fill := Colour(i)
		fill.A = 0x50
		b := boxes{fill: translucent(fill)}
		outline := plotter.XYs{{X: lo, Y: 0}}
		for k, c := range counts {
			d := float64(c) / float64(n) / w
			a, z := lo+float64(k)*w, lo+float64(k+1)*w
			b.at = append(b.at, rect{a, 0, z, d})
			outline = append(outline, plotter.XY{X: a, Y: d}, plotter.XY{X: z, Y: d})
			f.rows = append(f.rows, []string{s.Name, cell(a), cell(z), fmt.Sprint(c), cell(d)})
		}
		outline = append(outline, plotter.XY{X: hi, Y: 0})
		f.plot.Add(b, &plotter.Line{XYs: outline, LineStyle: seriesLine(i)})
		if s.Name != "" {
			f.legend = append(f.legend, legendEntry{
				name: fmt.Sprintf("%s (n = %d)", s.Name, n), fill: b.fill, line: seriesLine(i)})
		}
	}
	opt.YFromZero = true
	f.finish(opt)
	return f, nil
}

// Steps draws counts in equal steps from lo to hi, where the bins themselves
// have a meaning and a density would hide how many there are.
func Steps(lo, hi float64, counts []float64, opt Options) (*Figure, error) {
	if len(counts) == 0 || !(lo < hi) || !isFinite(hi-lo) {
		return nil, fmt.Errorf("figure: steps: %d counts from %v to %v, wanted at least one over a range", len(counts), lo, hi)
	}
	if opt.LogX || opt.LogY {
		return nil, fmt.Errorf("figure: steps: logarithmic axis asked for, wanted a linear one: a count starts at zero")
	}
	if err := checkBaselines("steps", opt); err != nil {
		return nil, err
	}
	f := newFigure(opt)
	f.header = []string{"from", "to", "count"}
	w := (hi - lo) / float64(len(counts))
	b := boxes{fill: Colour(0), edge: color.White}
	for k, n := range counts {
		if !isFinite(n) {
			return nil, fmt.Errorf("figure: steps: count %d is %v, wanted a finite number", k, n)
		}
		a, z := lo+float64(k)*w, lo+float64(k+1)*w
		b.at = append(b.at, rect{a, 0, z, n})
		f.rows = append(f.rows, []string{cell(a), cell(z), cell(n)})
	}
	f.plot.Add(b)
	opt.YFromZero = true
	f.finish(opt)
	return f, nil
}

func chooseBins(sorted []float64, span float64) int {
	n := float64(len(sorted))
	iqr := sorted[int(0.75*(n-1))] - sorted[int(0.25*(n-1))]
	if iqr <= 0 {
		return 20
	}
	return int(math.Max(10, math.Min(60, math.Ceil(span/(2*iqr/math.Cbrt(n))))))
}

func sortedFinite(what string, values []float64) ([]float64, error) {
	v := slices.DeleteFunc(slices.Clone(values), func(x float64) bool { return !isFinite(x) })
	if len(v) == 0 {
		return nil, fmt.Errorf("figure: %s: no finite value among %d, wanted at least one", what, len(values))
	}
	slices.Sort(v)
	return v, nil
}

type rect struct{ x0, y0, x1, y1 float64 }

// boxes draws rectangles in data coordinates; the edge is optional.
type boxes struct {
	fill, edge color.Color
	at         []rect
}

func edgeLine(c color.Color) draw.LineStyle { return draw.LineStyle{Color: c, Width: 0.25} }

func (b boxes) Plot(c draw.Canvas, p *plot.Plot) {
	tx, ty := p.Transforms(&c)
	for _, r := range b.at {
		if r.y0 == r.y1 {
			continue
		}
		box := vg.Rectangle{Min: vg.Point{X: tx(r.x0), Y: ty(r.y0)}, Max: vg.Point{X: tx(r.x1), Y: ty(r.y1)}}
		c.SetColor(b.fill)
		c.Fill(box.Path())
		if b.edge != nil {
			c.SetLineStyle(edgeLine(b.edge))
			c.Stroke(box.Path())
		}
	}
}

func (b boxes) DataRange() (xmin, xmax, ymin, ymax float64) {
	xmin, xmax, ymin, ymax = math.Inf(1), math.Inf(-1), math.Inf(1), math.Inf(-1)
	for _, r := range b.at {
		xmin, xmax = math.Min(xmin, r.x0), math.Max(xmax, r.x1)
		ymin, ymax = math.Min(ymin, r.y0), math.Max(ymax, r.y1)
	}
	return
}

type zeroLine struct{}

func (zeroLine) Plot(c draw.Canvas, p *plot.Plot) {
	_, ty := p.Transforms(&c)
	c.StrokeLine2(draw.LineStyle{Color: color.Black, Width: axisWidth}, c.Min.X, ty(0), c.Max.X, ty(0))
}

// translucent reads the alpha of c as set afterwards, not multiplied in.
func translucent(c color.RGBA) color.Color { return color.NRGBA(c) }
