package task

import (
	"fmt"
	"slices"
	"strings"

	"github.com/kiban-models/kiban/climate/baseline"
	"github.com/kiban-models/kiban/climate/field"
	"github.com/kiban-models/kiban/climate/netcdf"
	"github.com/kiban-models/kiban/climate/pair"
	"github.com/kiban-models/kiban/climate/store"
)

// DescribeDownscaling makes the About of a model that is to make of the fields of
// one store those of another, of the same time: s.Variables are what it sees of
// the input, and of what the target's grid has at all times; made are what it is
// to make, nil meaning all of the target. Each is normalised by the statistics of
// its own store. Of what both have at all times, such as the orography, it sees
// the target's.
//
// It makes s.Target of them: the fields as published, or Change, Anomaly or Damped,
// for which the input must have the same variables.
func DescribeDownscaling(p *pair.Pairs, s Setup, made []string) (About, error) {
	in, out := p.Input, p.Target
	if s.Target == "" {
		s.Target = Fields
	}
	if s.Target == AnomalyChange {
		return About{}, fmt.Errorf("%s and %s: target %s: nothing persists in downscaling; make the field, change, anomaly or damped", in.Dir(), out.Dir(), s.Target)
	}
	coarse := in.Manifest().Grid
	a := About{
		Format: 1, Task: Downscale, Season: s.Season, Target: s.Target, Grid: out.Manifest().Grid, Coarse: &coarse, Calendar: out.Calendar(),
		Leads: []int{0}, Split: out.Manifest().Split,
	}
	step := p.Records().Step
	a.StepMonths, a.StepMillis = step.Months, step.Millis
	if g := out.Grid(); s.NorthFirst != nil && *s.NorthFirst != g.NorthFirst() {
		g = reversed(g)
		a.Grid.Lat, a.Grid.LatBounds = g.Lat, g.LatBounds
	}
	if s.Region != nil {
		a.SetRegion(*s.Region, s.Mirrored)
	}
	var err error
	if a.Channels, err = seenOf(p, s.Variables); err != nil {
		return a, err
	}
	of := channelsOf(out, func(c Channel) bool { return !c.Static && chosen(made, c) })
	if missing := unknown(made, of); len(of) == 0 || len(missing) > 0 {
		return a, fmt.Errorf("%s: has no variable %s that changes in time; it has %s", out.Dir(), strings.Join(missing, ", "), strings.Join(keys([]*store.Store{out}), " "))
	}
	a.Made = of
	for _, c := range a.Made {
		if i := slices.IndexFunc(a.Channels, func(x Channel) bool { return x.Key == c.Key }); i >= 0 && a.Channels[i].Units != c.Units {
			return a, fmt.Errorf("%s and %s: variable %s is in %s in the one, in %s in the other; prepare them in the same units", in.Dir(), out.Dir(), c.Key, a.Channels[i].Units, c.Units)
		}
	}
	if s.Target != Fields {
		for i, at := range a.interpolated() {
			if at < 0 {
				return a, fmt.Errorf("%s: has no %s, from which the target %s counts; choose other variables of %s to make, or make the field", in.Dir(), a.Made[i].Key, s.Target, out.Dir())
			}
		}
	}
	if s.Target.anomalous() {
		a.Climatology = a.kind()
	}
	return a, a.check()
}

// seenOf are the channels of the input and, the model's own, those that the
// target's grid has at all times.
func seenOf(p *pair.Pairs, wanted []string) ([]Channel, error) {
	own := channelsOf(p.Target, func(c Channel) bool { return c.Static && chosen(wanted, c) })
	for i := range own {
		own[i].Own = true
	}
	all := channelsOf(p.Input, func(c Channel) bool { return chosen(wanted, c) })
	all = slices.DeleteFunc(all, func(c Channel) bool {
		return c.Static && slices.ContainsFunc(own, func(o Channel) bool { return o.Key == c.Key })
	})
	all = append(all, own...)
	if missing := unknown(wanted, all); len(missing) > 0 {
		return nil, fmt.Errorf("%s: has no variable %s; it has %s, and %s has none at all times", p.Input.Dir(), strings.Join(missing, ", "), strings.Join(keys([]*store.Store{p.Input}), " "), p.Target.Dir())
	}
	if !slices.ContainsFunc(all, func(c Channel) bool { return !c.Static }) {
		return nil, fmt.Errorf("%s: none of the chosen variables changes in time; choose one that does", p.Input.Dir())
	}
	return all, nil
}

// channelsOf are some channels of a store, those that change in time first.
func channelsOf(st *store.Store, keep func(Channel) bool) []Channel {
	var all []Channel
	moving := len(st.Manifest().Channels)
	for i, c := range st.Channels() {
		x := Channel{Key: c.Key, Name: c.Name, StandardName: c.StandardName, LongName: c.LongName, Units: c.Units, Level: c.Level,
			CellMethods: c.CellMethods, Mean: c.Mean, Std: c.Std, Static: i >= moving}
		if keep(x) {
			all = append(all, x)
		}
	}
	return all
}

// names are what a channel may be called: by its key, or as in the source.
func (c Channel) names() []string {
	return []string{c.Key, (field.Channel{Name: c.Name, Level: c.Level}).String()}
}

// chosen tells whether a channel is among those wanted; nil means all.
func chosen(wanted []string, c Channel) bool {
	return wanted == nil || slices.ContainsFunc(c.names(), func(n string) bool { return slices.Contains(wanted, n) })
}

// unknown are those wanted that no channel is called.
func unknown(wanted []string, all []Channel) []string {
	return slices.DeleteFunc(slices.Clone(wanted), func(w string) bool {
		return slices.ContainsFunc(all, func(c Channel) bool { return slices.Contains(c.names(), w) })
	})
}

// own are the channels that are the model's own.
func (a *About) own() []Channel {
	return slices.DeleteFunc(slices.Clone(a.Channels), func(c Channel) bool { return !c.Own })
}

// interpolated gives for each channel that a downscaler makes that of the same
// variable which it sees, -1 for none; nil for a forecaster. Nothing that a projector
// makes is seen.
func (a *About) interpolated() []int {
	if a.Task != Downscale && a.Task != Project {
		return nil
	}
	of := make([]int, len(a.Made))
	for i, m := range a.Made {
		of[i] = slices.IndexFunc(a.Channels, func(c Channel) bool { return c.Key == m.Key && !c.Static })
	}
	return of
}

// checkDownscale refuses what is no downscaler.
func (a *About) checkDownscale() error {
	owned := slices.IndexFunc(a.Channels, func(c Channel) bool { return c.Own })
	switch {
	case len(a.Made) == 0 || slices.ContainsFunc(a.Made, func(c Channel) bool { return c.Static || c.Own }):
		return fmt.Errorf("a downscaler of %d channels; wanted some that change in time", len(a.Made))
	case slices.ContainsFunc(a.Made, func(m Channel) bool {
		return slices.ContainsFunc(a.Channels, func(c Channel) bool { return c.Key == m.Key && (c.Static || c.Units != m.Units) })
	}):
		return fmt.Errorf("what is made is seen as what is the same at all times, or in other units")
	case owned >= 0 && slices.ContainsFunc(a.Channels[owned:], func(c Channel) bool { return !c.Own || !c.Static }):
		return fmt.Errorf("channels that are the model's own are not last, or change in time")
	case a.Target == AnomalyChange:
		return fmt.Errorf("target %s of a downscaler; wanted field, change, anomaly or damped", a.Target)
	case a.Target != Fields && slices.Contains(a.interpolated(), -1):
		return fmt.Errorf("target %s of variables that are not seen", a.Target)
	case !slices.Equal(a.Leads, []int{0}) || a.Iterations > 1:
		return fmt.Errorf("lead times of %v steps; wanted 0 of a downscaler", a.Leads)
	case a.Coarse == nil:
		return fmt.Errorf("a downscaler without the grid of its input")
	}
	if _, err := a.Coarse.Field(); err != nil {
		return fmt.Errorf("the grid of the input: %w", err)
	}
	return nil
}

// origin fills dst with what the numbers of a channel that is made count from, in
// its units. Values of the input that are missing count as the mean, as which the
// model sees them. departure is the correction of Anomaly, else nil.
func (f *frame) origin(dst []float64, made int, seen, departure []float32) {
	of := f.of[made]
	if f.target == Fields {
		for i := range dst {
			dst[i] = f.made[made].Mean
		}
		return
	}
	ch := f.channels[of]
	for i, s := range seen[of*f.cells:][:f.cells] {
		dst[i] = ch.Mean
		if s == s {
			dst[i] += float64(s) * ch.scale()
		}
		if departure != nil {
			dst[i] += float64(departure[made*f.cells+i])
		}
	}
}

// regressed is what the regression makes of what is seen, NaN where that is missing.
func (f *frame) regressed(seen []float32, when netcdf.Date) ([]float32, error) {
	x := make([]float32, len(f.made)*f.cells)
	for c, of := range f.of {
		ch := f.channels[of]
		for i, s := range seen[of*f.cells:][:f.cells] {
			x[c*f.cells+i] = float32(float64(s)*ch.scale() + ch.Mean)
		}
	}
	out := make([]float32, len(x))
	return out, f.regress.Make(out, x, when)
}

// departs fills dst with the numbers of the fields y, counted from what is seen.
func (f *frame) departs(dst, y, seen []float32, when netcdf.Date) error {
	return f.shift(seen, when, func(c, i int, origin, scale float64) { dst[i] = float32((float64(y[i]) - origin) / scale) })
}

// arrives turns numbers that were made into fields, in place.
func (f *frame) arrives(made, seen []float32, when netcdf.Date) error {
	return f.shift(seen, when, func(c, i int, origin, scale float64) { made[i] = float32(float64(made[i])*scale + origin) })
}

// shift visits all cells of what is made, with where they count from.
func (f *frame) shift(seen []float32, when netcdf.Date, visit func(channel, at int, origin, scale float64)) error {
	var departure, regressed []float32
	var err error
	if f.target == Damped {
		regressed, err = f.regressed(seen, when)
	} else {
		departure, err = f.zero(when)
	}
	if err != nil {
		return err
	}
	origin := make([]float64, f.cells)
	for c, ch := range f.made {
		if regressed != nil {
			for i, v := range regressed[c*f.cells:][:f.cells] {
				if origin[i] = float64(v); v != v {
					origin[i] = ch.Mean
				}
			}
		} else {
			f.origin(origin, c, seen, departure)
		}
		for i, o := range origin {
			visit(c, c*f.cells+i, o, ch.scale())
		}
	}
	return nil
}

// corrected are the baselines of downscaling.
type corrected struct {
	*baseline.Corrected
	of *examples
	x  []float32
}

func (c *corrected) climatology(when netcdf.Date) ([]float32, error) { return c.Climatology.At(when) }

func (c *corrected) each(from, _, _ int, visit func(name string, fields []float32) error) error {
	if err := c.of.interpolated(from, c.x); err != nil {
		return err
	}
	return c.Each(c.x, c.of.time(from), visit)
}
