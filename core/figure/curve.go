package figure

import (
	"fmt"
	"image/color"
	"math"
	"strconv"

	"gonum.org/v1/plot"
	"gonum.org/v1/plot/plotter"
	"gonum.org/v1/plot/vg/draw"
)

// maxPoints keeps a line light enough for a report; the CSV keeps every value.
const maxPoints = 2000

// Curve draws each series as a line over x, in the given order.
func Curve(series []Series, opt Options) (*Figure, error) {
	if err := checkSeries("curve", series, opt); err != nil {
		return nil, err
	}
	f := newFigure(opt)
	for i, s := range series {
		line := s.line(i)
		for _, run := range runs(s) {
			pts := thin(run, maxPoints)
			if len(pts) > 1 {
				f.plot.Add(&plotter.Line{XYs: pts, LineStyle: line})
			}
			if len(pts) == 1 || opt.Points {
				f.plot.Add(&plotter.Scatter{XYs: pts, GlyphStyle: dot(line.Color, 1.2)})
			}
		}
		switch {
		case s.Name == "" || s.Quiet:
		case opt.EndLabels:
			f.addEnd(s, line)
		default:
			f.legend = append(f.legend, legendEntry{name: s.Name, line: line})
		}
	}
	f.finish(opt)
	f.seriesData(series)
	return f, nil
}

// Scatter draws each series as points.
func Scatter(series []Series, opt Options) (*Figure, error) {
	if err := checkSeries("scatter", series, opt); err != nil {
		return nil, err
	}
	f := newFigure(opt)
	for i, s := range series {
		g := dot(Colour(i), 1.5)
		g.Shape = shapes(i)
		var pts plotter.XYs
		for _, run := range runs(s) {
			pts = append(pts, run...)
		}
		f.plot.Add(&plotter.Scatter{XYs: thin(pts, maxPoints), GlyphStyle: g})
		if s.Name != "" {
			f.legend = append(f.legend, legendEntry{name: s.Name, mark: &g})
		}
	}
	f.finish(opt)
	widenLinear(&f.plot.X, opt.LogX)
	f.seriesData(series)
	return f, nil
}

// Ranking draws values, sorted from lowest to highest, against their rank
// from 1.
func Ranking(values []float64, opt Options) (*Figure, error) {
	sorted, err := sortedFinite("ranking", values)
	if err != nil {
		return nil, err
	}
	x := make([]float64, len(sorted))
	for i := range x {
		x[i] = float64(i + 1)
	}
	if opt.XLabel == "" {
		opt.XLabel = "Rank"
	}
	return Scatter([]Series{{X: x, Y: sorted}}, opt)
}

func widenLinear(a *plot.Axis, log bool) {
	if !log {
		d := (a.Max - a.Min) * 0.02
		a.Min, a.Max = a.Min-d, a.Max+d
	}
}

func dot(c color.Color, radius float64) draw.GlyphStyle {
	return draw.GlyphStyle{Color: c, Radius: vgPoints(radius), Shape: draw.CircleGlyph{}}
}

func shapes(i int) draw.GlyphDrawer {
	switch i % 4 {
	case 1:
		return draw.TriangleGlyph{}
	case 2:
		return draw.BoxGlyph{}
	case 3:
		return draw.CrossGlyph{}
	}
	return draw.CircleGlyph{}
}

// runs cuts a series at values that are not finite.
func runs(s Series) []plotter.XYs {
	var out []plotter.XYs
	var cur plotter.XYs
	for i := range s.X {
		if !isFinite(s.Y[i]) {
			if len(cur) > 0 {
				out, cur = append(out, cur), nil
			}
			continue
		}
		cur = append(cur, plotter.XY{X: s.X[i], Y: s.Y[i]})
	}
	if len(cur) > 0 {
		out = append(out, cur)
	}
	return out
}

// thin keeps at most limit points: the lowest and the highest of each bucket,
// in their order, with the first and last point, so that spikes stay visible.
func thin(pts plotter.XYs, limit int) plotter.XYs {
	n := len(pts)
	if n <= limit {
		return pts
	}
	out := make(plotter.XYs, 0, limit)
	out = append(out, pts[0])
	buckets := (limit - 2) / 2
	inner := n - 2
	for b := range buckets {
		lo, hi := 1+b*inner/buckets, 1+(b+1)*inner/buckets
		a, z := lo, lo
		for i := lo; i < hi; i++ {
			if pts[i].Y < pts[a].Y {
				a = i
			}
			if pts[i].Y > pts[z].Y {
				z = i
			}
		}
		if a > z {
			a, z = z, a
		}
		out = append(out, pts[a])
		if z != a {
			out = append(out, pts[z])
		}
	}
	return append(out, pts[n-1])
}

func (f *Figure) seriesData(series []Series) {
	f.header = []string{"series", "x", "y"}
	for i, s := range series {
		name := s.Name
		if name == "" && len(series) > 1 {
			name = fmt.Sprint(i + 1)
		}
		for j := range s.X {
			f.rows = append(f.rows, []string{name, cell(s.X[j]), cell(s.Y[j])})
		}
	}
	f.baselineData()
}

func (f *Figure) baselineData() {
	for _, b := range f.baselines {
		row := make([]string, len(f.header))
		row[0], row[len(row)-1] = "baseline "+b.Name, cell(b.Value)
		f.rows = append(f.rows, row)
	}
}

// cell is a number for CSV: shortest exact form, empty where there is none.
func cell(v float64) string {
	if math.IsNaN(v) {
		return ""
	}
	return strconv.FormatFloat(v, 'g', -1, 64)
}
