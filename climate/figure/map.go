package figure

import (
	"fmt"
	"math"
	"slices"
	"strconv"

	"github.com/kiban-models/kiban/core/figure"
)

// Panel is a field under a title of its own.
type Panel struct {
	Title string
	Field Field
}

// Map draws one field. It fails on a field whose grid and values do not fit
// together, and on a box that shows none of it.
func Map(f Field, opt Options) (*figure.Figure, error) {
	return Panels([]Panel{{Field: f}}, 1, opt)
}

// Panels draws several fields of one quantity in rows of so many columns, on
// one scale.
func Panels(panels []Panel, columns int, opt Options) (*figure.Figure, error) {
	if len(panels) == 0 || columns < 1 {
		return nil, fmt.Errorf("climate figure: %d panels in %d columns, wanted one of each at least", len(panels), columns)
	}
	s, values, err := newSheet(panels, min(columns, len(panels)), opt)
	if err != nil {
		return nil, err
	}
	shared := newScale(slices.Concat(values...), panels[0].Field.maps(), opt)
	for i := range s.panels {
		s.panels[i].scale = shared
	}
	s.bars = []bar{{shared, panels[0].Field.label(), 0, s.columns}}
	return s.figure(opt), nil
}

// Triptych draws a target, a forecast of it on the same scale, and the forecast
// less the target on a scale symmetric about zero.
func Triptych(target, forecast Field, opt Options) (*figure.Figure, error) {
	return compared([]Panel{{"Target", target}, {"Forecast", forecast}}, 3, "Difference", "forecast − target", opt)
}

// Forecast draws the field from which a forecast starts, the truth and the
// forecast on one scale, and the bias, which is the forecast less the truth, on
// a scale of its own that is symmetric about zero.
func Forecast(initial, truth, forecast Field, opt Options) (*figure.Figure, error) {
	return compared([]Panel{{"Initial", initial}, {"Truth", truth}, {"Forecast", forecast}}, 2, "Bias", "bias: forecast − truth", opt)
}

// Downscaled draws what was interpolated from a coarse grid, if it has values, the
// truth and what was made on one scale, and the last less the truth on a scale of
// its own that is symmetric about zero.
func Downscaled(interpolated, truth, made Field, opt Options) (*figure.Figure, error) {
	panels, columns := []Panel{{"Truth", truth}, {"Downscaled", made}}, 3
	if interpolated.Values != nil {
		panels, columns = append([]Panel{{"Bilinear", interpolated}}, panels...), 2
	}
	return compared(panels, columns, "Bias", "bias: downscaled − truth", opt)
}

// Projected draws what pattern scaling makes, if it has values, the truth and what
// was projected, and the last less the truth, as Downscaled does.
func Projected(scaled, truth, made Field, opt Options) (*figure.Figure, error) {
	panels, columns := []Panel{{"Truth", truth}, {"Projected", made}}, 3
	if scaled.Values != nil {
		panels, columns = append([]Panel{{"Pattern scaling", scaled}}, panels...), 2
	}
	return compared(panels, columns, "Bias", "bias: projected − truth", opt)
}

// compared adds to panels on one scale a last one with the difference of the
// last two.
func compared(panels []Panel, columns int, title, label string, opt Options) (*figure.Figure, error) {
	n := len(panels)
	first, second := panels[n-2].Field, panels[n-1].Field
	d, err := difference(second, first)
	if err != nil {
		return nil, err
	}
	d.Name = label
	panels = append(panels, Panel{title, d})
	s, values, err := newSheet(panels, columns, opt)
	if err != nil {
		return nil, err
	}
	maps := first.maps()
	shared := newScale(slices.Concat(values[:n]...), maps, opt)
	bias := Options{Robust: opt.Robust, Anomaly: true}
	if opt.Bias > 0 {
		bias.Limits = [2]float64{-opt.Bias, opt.Bias}
	}
	own := newScale(values[n], maps, bias)
	for i := range s.panels {
		s.panels[i].scale = shared
	}
	s.panels[n].scale = own
	s.bars = []bar{{shared, first.label(), 0, columns - 1}, {own, d.label(), columns - 1, columns}}
	return s.figure(opt), nil
}

// difference is a less b, cell by cell of the same grid.
func difference(a, b Field) (Field, error) {
	if a.Units != b.Units {
		return a, fmt.Errorf("climate figure: %s in %q less %s in %q, wanted the same units", a.Name, a.Units, b.Name, b.Units)
	}
	if !sameAxis(a.Lat, b.Lat) || !sameAxis(a.Lon, b.Lon) || len(a.Values) != len(b.Values) {
		return a, fmt.Errorf("climate figure: a difference of %d x %d and %d x %d cells, wanted fields on one grid; regrid one of them", len(a.Lat), len(a.Lon), len(b.Lat), len(b.Lon))
	}
	d := a
	d.Values = make([]float64, len(a.Values))
	for i := range d.Values {
		d.Values[i] = a.Values[i] - b.Values[i]
	}
	return d, nil
}

func sameAxis(a, b []float64) bool {
	return slices.EqualFunc(a, b, func(x, y float64) bool { return math.Abs(x-y) < 1e-4 })
}

// newSheet lays fields out in the view of the first, and has the values that
// each shows.
func newSheet(panels []Panel, columns int, opt Options) (sheet, [][]float64, error) {
	s := sheet{columns: columns}
	if err := opt.check(); err != nil {
		return s, nil, err
	}
	values := make([][]float64, len(panels))
	total := 0
	for i, p := range panels {
		c, err := p.Field.cells()
		if err != nil {
			return s, nil, err
		}
		if i == 0 {
			if s.view, err = newView(c, opt); err != nil {
				return s, nil, err
			}
		}
		finite, missing := c.shown(s.view)
		if len(finite)+missing == 0 {
			return s, nil, fmt.Errorf("climate figure: %s has no cell in %s; it covers %s", p.Field.Name, s.view.box, c.extent())
		}
		total += len(finite)
		values[i] = finite
		s.missing = s.missing || missing > 0
		s.panels = append(s.panels, panel{title: p.Title, cells: c})
	}
	if total == 0 {
		return s, nil, fmt.Errorf("climate figure: %s has no value in %s, wanted a number at least", panels[0].Field.Name, s.view.box)
	}
	return s, values, nil
}

// maxTable is how many cells a table beside a figure holds; the numbers of
// larger fields are left to the files they come from.
const maxTable = 100_000

func (s sheet) figure(opt Options) *figure.Figure {
	cells := 0
	for _, p := range s.panels {
		cells += len(p.cells.Values)
	}
	var header []string
	var rows [][]string
	if cells <= maxTable {
		header = []string{"panel", "lat", "lon", "value"}
		for _, p := range s.panels {
			rows = append(rows, p.table()...)
		}
	}
	o := figure.Options{Title: opt.Title, Subtitle: opt.Subtitle}
	return figure.Drawn(o, s.size(opt), s.draw, header, rows)
}

// table lists the centres of cells in the order of the arrays, with what they
// hold.
func (p panel) table() [][]string {
	number := func(v float64) string { return strconv.FormatFloat(v, 'g', -1, 64) }
	rows := make([][]string, 0, len(p.cells.Values))
	for i, lat := range p.cells.Lat {
		for j, lon := range p.cells.Lon {
			text := ""
			if v := p.cells.at(i, j); !math.IsNaN(v) {
				text = number(v)
			}
			rows = append(rows, []string{p.title, number(lat), number(lon), text})
		}
	}
	return rows
}
