package figure

import (
	"fmt"
	"strings"

	"github.com/kiban-models/kiban/core/figure"
)

// Scenario is one quantity by year, such as the mean temperature of the globe.
// Target is what a model of the climate gives, Forecast what was learned from
// such; either may be nil.
type Scenario struct {
	Name             string // as CMIP6 calls the experiment: historical, ssp245
	Years            []float64
	Target, Forecast []float64
}

// scenarios are the names of CMIP6's main experiments as reports write them,
// and their colours of Okabe and Ito from cool to warm, as the IPCC orders them.
var scenarios = map[string]struct {
	name   string
	colour int
}{
	"historical": {"historical", 6},
	"ssp119":     {"SSP1-1.9", 5},
	"ssp126":     {"SSP1-2.6", 0},
	"ssp245":     {"SSP2-4.5", 2},
	"ssp370":     {"SSP3-7.0", 4},
	"ssp585":     {"SSP5-8.5", 1},
}

// Scenarios draws a line a scenario by year, named where it ends: targets full,
// forecasts dashed in the same colour. label is that of the axis, with the unit
// in parentheses.
func Scenarios(all []Scenario, label string, opt Options) (*figure.Figure, error) {
	var series []figure.Series
	targets, forecasts := false, false
	for _, s := range all {
		if s.Target != nil && len(s.Target) != len(s.Years) || s.Forecast != nil && len(s.Forecast) != len(s.Years) || s.Target == nil && s.Forecast == nil {
			return nil, fmt.Errorf("climate figure: scenario %s has %d years, %d targets and %d forecasts, wanted as many of one at least", s.Name, len(s.Years), len(s.Target), len(s.Forecast))
		}
		name, colour := s.Name, 3
		if known, ok := scenarios[strings.ToLower(strings.NewReplacer("-", "", ".", "").Replace(s.Name))]; ok {
			name, colour = known.name, known.colour
		}
		if s.Target != nil {
			targets = true
			series = append(series, figure.Series{Name: name, X: s.Years, Y: s.Target, Style: &figure.Style{Colour: figure.Colour(colour)}})
		}
		if s.Forecast != nil {
			forecasts = true
			line := figure.Series{Name: name + ", forecast", X: s.Years, Y: s.Forecast, Style: &figure.Style{Colour: figure.Colour(colour), Dash: 1}}
			if s.Target == nil {
				line.Name = name
			} else {
				line.Quiet = true
			}
			series = append(series, line)
		}
	}
	o := figure.Options{Title: opt.Title, Subtitle: opt.Subtitle, XLabel: "Year", YLabel: label, EndLabels: true}
	if targets && forecasts {
		if o.Subtitle != "" {
			o.Subtitle += "; "
		}
		o.Subtitle += "full lines: target, dashed: forecast"
	}
	f, err := figure.Curve(series, o)
	if err != nil {
		return nil, err
	}
	f.Size = figure.Size{Width: 120, Height: 75}
	return f, nil
}
