package figure

import (
	"fmt"
	"math"
	"slices"
	"strings"

	"github.com/kiban-models/kiban/core/figure"
)

// Score is how well a model forecasts one variable: a row of skill.csv.
type Score struct {
	Model     string
	Variable  string
	Level     float64 // hPa; 0 for none
	Region    string
	LeadHours float64
	Metric    string // rmse, mae, bias, acc, crps, crps_fair, spread
	Value     float64
	Units     string
	N         int
}

// what names the thing that a score is of.
func (s Score) what() string {
	t := s.Variable
	if s.Level != 0 {
		t += " at " + figure.Number(s.Level) + " hPa"
	}
	if s.Region != "" {
		t += ", " + s.Region
	}
	return t
}

// metricName is a metric as papers write it.
func metricName(m string) string {
	switch m {
	case "rmse", "acc", "mae", "crps":
		return strings.ToUpper(m)
	case "crps_fair":
		return "Fair CRPS"
	}
	return strings.ReplaceAll(strings.ToUpper(m[:min(1, len(m))])+m[min(1, len(m)):], "_", " ")
}

// ByLead draws a metric over lead times, a line a model. The baselines
// persistence, damped persistence and climatology look alike in every figure, and
// as those of downscaling do.
// The scores of this metric must be of one variable, level and region.
func ByLead(scores []Score, metric string) (*figure.Figure, error) {
	var of []Score
	for _, s := range scores {
		if s.Metric != metric {
			continue
		}
		if len(of) > 0 && s.what() != of[0].what() {
			return nil, fmt.Errorf("climate figure: %s by lead time: scores of %s and of %s, wanted one figure each", metric, of[0].what(), s.what())
		}
		of = append(of, s)
	}
	if len(of) == 0 {
		return nil, fmt.Errorf("climate figure: %s by lead time: no score of this metric among %d", metric, len(scores))
	}
	hours := make([]float64, len(of))
	for i, s := range of {
		hours[i] = s.LeadHours
	}
	unit, scaled := leadUnit(hours)
	var series []figure.Series
	others := 0
	for _, m := range models(of) {
		line := figure.Series{Name: modelName(m), Style: baselineStyle(m)}
		if line.Style == nil {
			line.Style = modelStyle(others)
			others++
		}
		type point struct{ x, y float64 }
		var points []point
		for i, s := range of {
			if s.Model == m {
				points = append(points, point{scaled[i], s.Value})
			}
		}
		slices.SortStableFunc(points, func(a, b point) int { return int(math.Copysign(1, a.x-b.x)) })
		for i, p := range points {
			if i > 0 && p.x == points[i-1].x {
				return nil, fmt.Errorf("climate figure: %s by lead time: two scores of %s at a lead of %v %s, wanted one", metric, m, p.x, unit)
			}
			line.X, line.Y = append(line.X, p.x), append(line.Y, p.y)
		}
		series = append(series, line)
	}
	label := metricName(metric)
	if u := of[0].Units; u != "" && u != "1" {
		label += " (" + u + ")"
	}
	ticks := slices.Clone(scaled)
	slices.Sort(ticks)
	if ticks = slices.Compact(ticks); len(ticks) > 10 || tooClose(ticks) {
		ticks = nil
	}
	f, err := figure.Curve(series, figure.Options{
		Title: metricName(metric) + " by lead time", Subtitle: of[0].what() + "; " + counted(of),
		XLabel: "Lead time (" + unit + ")", YLabel: label,
		Points: true, EndLabels: true, XTicks: ticks, YFromZero: metric != "bias",
	})
	if err != nil {
		return nil, err
	}
	f.Size = figure.Size{Width: 120, Height: 75}
	return f, nil
}

// tooClose reports whether names of ascending ticks would touch.
func tooClose(ticks []float64) bool {
	for i := 1; i < len(ticks); i++ {
		if ticks[i]-ticks[i-1] < (ticks[len(ticks)-1]-ticks[0])/20 {
			return true
		}
	}
	return false
}

// counted tells how many forecasts scores are of.
func counted(scores []Score) string {
	lo, hi := scores[0].N, scores[0].N
	for _, s := range scores {
		lo, hi = min(lo, s.N), max(hi, s.N)
	}
	if lo < hi {
		return fmt.Sprintf("n = %d to %d forecasts", lo, hi)
	}
	return fmt.Sprintf("n = %d forecasts", lo)
}

// models are the names of models in the order of their first score.
func models(scores []Score) []string {
	var out []string
	for _, s := range scores {
		if !slices.Contains(out, s.Model) {
			out = append(out, s.Model)
		}
	}
	return out
}

// leadUnit is the unit in which lead times are read most easily, and the lead
// times in it.
func leadUnit(hours []float64) (string, []float64) {
	unit, by := "hours", 1.0
	low, high, days := slices.Min(hours), slices.Max(hours), true
	for _, h := range hours {
		days = days && math.Mod(h, 24) == 0
	}
	switch {
	case low >= 28*24:
		unit, by = "months", 365.2425*24/12
	case days && high > 96 || high > 240:
		unit, by = "days", 24
	}
	out := make([]float64, len(hours))
	for i, h := range hours {
		out[i] = h / by
		// Months have 28 to 31 days: a whole number of them is meant.
		if r := math.Round(out[i]); unit == "months" && math.Abs(out[i]-r) < 0.1*max(1, r/12) {
			out[i] = r
		}
	}
	return unit, out
}

func modelName(m string) string { return strings.ReplaceAll(m, "_", " ") }

// baselineStyle is the look of a model that every other is measured by, or nil.
func baselineStyle(m string) *figure.Style {
	switch strings.ReplaceAll(modelName(m), "-", " ") {
	case "persistence", "bilinear":
		return &figure.Style{Colour: figure.Colour(1), Dash: 1}
	case "damped persistence", "corrected bilinear":
		return &figure.Style{Colour: figure.Colour(2), Dash: 2}
	case "climatology":
		return &figure.Style{Colour: figure.Colour(3), Dash: 3}
	}
	return nil
}

// modelStyle is that of the i-th other model.
func modelStyle(i int) *figure.Style {
	others := []int{0, 6, 4, 5}
	return &figure.Style{Colour: figure.Colour(others[i%len(others)]), Dash: []int{0, 4}[i/len(others)%2]}
}
