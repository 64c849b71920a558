package figure

import (
	"fmt"
	"math"
	"path/filepath"
	"slices"
	"strconv"
	"strings"

	"github.com/kiban-models/kiban/core/checkpoint"
	"github.com/kiban-models/kiban/core/figure"
)

// Shown is a figure of a report. Name is that of its files; Finding says in a
// sentence what the figure shows.
type Shown struct {
	Name, Caption, Finding string
	Figure                 *figure.Figure
}

// WriteReport saves figures as dir/figures/NAME.svg, .png and .csv, and writes
// dir/report.html, one page with all of them and a table of each metric in
// scores. Where rep has no Result, it is the Finding of the first metric. It
// returns the names of the files. It fails on a page over 5 MB, which holds
// about ten sheets of maps.
func WriteReport(dir string, rep figure.Report, scores []Score, shown []Shown) ([]string, error) {
	rep.Tables = slices.Clone(rep.Tables)
	rep.Figures = slices.Clone(rep.Figures)
	for i, m := range metrics(scores) {
		if i == 0 && rep.Result == "" {
			rep.Result = Finding(scores, m)
		}
		rep.Tables = append(rep.Tables, SkillTable(scores, m))
	}
	var written []string
	for _, s := range shown {
		names, err := Save(s.Figure, filepath.Join(dir, "figures", s.Name))
		written = append(written, names...)
		if err != nil {
			return written, fmt.Errorf("climate figure: %s: %w", s.Name, err)
		}
		svg, err := s.Figure.SVG(Size(s.Figure))
		if err != nil {
			return written, fmt.Errorf("climate figure: %s: %w", s.Name, err)
		}
		rep.Figures = append(rep.Figures, figure.Fig{SVG: svg, Caption: s.Caption, Finding: s.Finding})
	}
	path := filepath.Join(dir, "report.html")
	if err := checkpoint.WriteFile(path, rep.Write); err != nil {
		return written, err
	}
	return append(written, path), nil
}

func metrics(scores []Score) []string {
	var out []string
	for _, s := range scores {
		if !slices.Contains(out, s.Metric) {
			out = append(out, s.Metric)
		}
	}
	return out
}

// SkillTable has the scores of one metric: a row for each variable, level,
// region and lead time, a column for each model, baselines first. A model
// without a score there has a dash.
func SkillTable(scores []Score, metric string) figure.Table {
	var of []Score
	for _, s := range scores {
		if s.Metric == metric {
			of = append(of, s)
		}
	}
	t := figure.Table{Caption: caption(metric), Numbers: true, Header: []string{"variable", "lead (h)", "unit"}}
	names := baselinesFirst(models(of))
	for _, m := range names {
		t.Header = append(t.Header, modelName(m))
	}
	t.Header = append(t.Header, "n")
	seen := map[string]int{}
	for _, s := range of {
		lead := strconv.FormatFloat(s.LeadHours, 'f', -1, 64)
		key := s.what() + "\x00" + lead
		at, ok := seen[key]
		if !ok {
			at = len(t.Rows)
			seen[key] = at
			row := []string{s.what(), lead, s.Units}
			for range names {
				row = append(row, "–")
			}
			t.Rows = append(t.Rows, append(row, strconv.Itoa(s.N)))
		}
		t.Rows[at][3+slices.Index(names, s.Model)] = number(s.Value)
	}
	return t
}

func caption(metric string) string {
	switch metric {
	case "acc":
		return "ACC, the anomaly correlation: higher is better"
	case "bias":
		return "Bias, the mean of forecast less truth: nearer to 0 is better"
	case "rmse", "mae", "crps", "crps_fair":
		return metricName(metric) + ", weighted by area: lower is better"
	}
	return metricName(metric)
}

// number is a score for people; one that is not defined is a dash.
func number(v float64) string {
	if math.IsNaN(v) || math.IsInf(v, 0) {
		return "–"
	}
	return figure.Number(v)
}

func baselinesFirst(names []string) []string {
	var first, then []string
	for _, m := range names {
		if baselineStyle(m) != nil {
			first = append(first, m)
		} else {
			then = append(then, m)
		}
	}
	return append(first, then...)
}

// Finding says what the scores of one metric are, of the first variable at its
// shortest and its longest lead time, baselines first: "RMSE of tas at 24
// hours: persistence 1.9, kiban 1.2 K (n = 40 forecasts); at …". It is empty
// without such scores.
func Finding(scores []Score, metric string) string {
	var of []Score
	for _, s := range scores {
		if s.Metric == metric && (len(of) == 0 || s.what() == of[0].what()) {
			of = append(of, s)
		}
	}
	if len(of) == 0 {
		return ""
	}
	hours := make([]float64, len(of))
	for i, s := range of {
		hours[i] = s.LeadHours
	}
	unit, scaled := leadUnit(hours)
	var parts []string
	for _, lead := range slices.Compact([]float64{slices.Min(scaled), slices.Max(scaled)}) {
		var here []string
		var last Score
		for _, m := range baselinesFirst(models(of)) {
			for i, s := range of {
				if s.Model == m && scaled[i] == lead {
					here, last = append(here, modelName(m)+" "+number(s.Value)), s
				}
			}
		}
		u := ""
		if last.Units != "" && last.Units != "1" {
			u = " " + last.Units
		}
		name := unit
		if lead == 1 {
			name = strings.TrimSuffix(unit, "s")
		}
		parts = append(parts, fmt.Sprintf("at %s %s: %s%s (n = %d forecasts)", figure.Number(lead), name, strings.Join(here, ", "), u, last.N))
	}
	return metricName(metric) + " of " + of[0].what() + " " + strings.Join(parts, "; ") + "."
}
