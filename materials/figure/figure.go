// Package figure draws what evaluations of materials models come to: F1 by
// type beside a baseline, what was taken for what, how far confidence can be
// trusted, and how often entities occur. It takes plain values and returns core
// figures, which save themselves as SVG, PNG and CSV.
package figure

import (
	"fmt"
	"math"
	"strconv"

	"github.com/kiban-models/kiban/core/figure"
	"github.com/kiban-models/kiban/core/metric"
)

// Scores are the F1 (0 to 1) of a model or of a baseline: one a label, NaN for
// no bar, and that of all entities together.
type Scores struct {
	Name  string
	F1    []float64
	Micro float64
}

// F1ByType draws the F1 of each label, models and baselines side by side, with
// their F1 of all entities as lines. support is the number of gold entities.
func F1ByType(labels []string, support []int, all ...Scores) (*figure.Figure, error) {
	if len(support) != len(labels) {
		return nil, fmt.Errorf("materials figure: F1 by type: %d labels, support of %d", len(labels), len(support))
	}
	names, n := make([]string, len(labels)), 0
	for i, l := range labels {
		names[i] = fmt.Sprintf("%s\n%s", l, thousands(support[i]))
		n += support[i]
	}
	o := figure.Options{
		Title: "F1 by type", Subtitle: fmt.Sprintf("n = %s entities; below the labels, the number of each", thousands(n)),
		YLabel: "F1 (strict)",
	}
	groups := make([]figure.Group, len(all))
	for i, s := range all {
		groups[i] = figure.Group{Name: s.Name, Values: s.F1}
		if !math.IsNaN(s.Micro) {
			name := "micro"
			if len(all) > 1 {
				name = s.Name
			}
			o.Baselines = append(o.Baselines, figure.Baseline{Name: name, Value: s.Micro})
		}
	}
	return figure.GroupedBars(names, groups, o)
}

// MaxClasses is how many classes a confusion matrix shows before its numbers
// cannot be read.
const MaxClasses = 30

// Confusion draws which label, a row, was taken for which, a column: the colour
// is the share of the row, the number the count. what names what is counted,
// such as "entities".
func Confusion(labels []string, counts [][]int, what string) (*figure.Figure, error) {
	if len(labels) > MaxClasses {
		return nil, fmt.Errorf("materials figure: confusion: %d classes, of which a picture shows %d at most", len(labels), MaxClasses)
	}
	g := figure.Grid{Rows: labels, Cols: labels, Unit: "Share of the row", Map: figure.Cividis(), Max: 1}
	n, right := 0, 0
	for i, row := range counts {
		sum := 0
		for _, c := range row {
			sum += c
		}
		shares, text := make([]float64, len(row)), make([]string, len(row))
		for j, c := range row {
			shares[j] = float64(c) / float64(sum) // NaN, and grey, of an empty row
			text[j] = strconv.Itoa(c)
		}
		g.Values, g.Text = append(g.Values, shares), append(g.Text, text)
		n += sum
		if i < len(row) {
			right += row[i]
		}
	}
	return figure.HeatMap(g, figure.Options{
		Title:    "What was taken for what",
		Subtitle: fmt.Sprintf("n = %s %s, %s on the diagonal", thousands(n), what, thousands(right)),
		XLabel:   "Found", YLabel: "Gold",
	})
}

// Calibration draws how often the model was right over how sure it was, bin by
// bin: a model that knows what it knows is on the diagonal.
func Calibration(c *metric.Calibration, what string) (*figure.Figure, error) {
	bins := c.Bins()
	if len(bins) == 0 {
		return nil, fmt.Errorf("materials figure: calibration: no %s with a score", what)
	}
	model := figure.Series{Name: "model"}
	for _, b := range bins {
		model.X, model.Y = append(model.X, b.Confidence), append(model.Y, b.Accuracy)
	}
	return figure.Curve([]figure.Series{model, {Name: "perfect", X: []float64{0, 1}, Y: []float64{0, 1}}}, figure.Options{
		Title: "Confidence and accuracy",
		Subtitle: fmt.Sprintf("n = %s %s; expected calibration error %s, Brier score %s",
			thousands(c.N()), what, figure.Number(c.Error()), figure.Number(c.Brier())),
		XLabel: "Confidence (mean of the bin)", YLabel: "Accuracy (share that is right)", YFromZero: true,
	})
}

// Counts draws how many entities of each label there are.
func Counts(labels []string, counts []int, documents int) (*figure.Figure, error) {
	if len(labels) != len(counts) {
		return nil, fmt.Errorf("materials figure: counts: %d labels, %d counts", len(labels), len(counts))
	}
	values, n := make([]float64, len(counts)), 0
	for i, c := range counts {
		values[i] = float64(c)
		n += c
	}
	return figure.Bars(labels, values, figure.Options{
		Title: "Entities by type", Subtitle: fmt.Sprintf("n = %s entities in %s documents", thousands(n), thousands(documents)),
		YLabel: "Entities",
	})
}

func thousands(n int) string {
	s := strconv.Itoa(n)
	for i := len(s) - 3; i > 0; i -= 3 {
		s = s[:i] + "," + s[i:]
	}
	return s
}
