package verify

import (
	"cmp"
	"context"
	"fmt"
	"math"
	"slices"

	"github.com/kiban-models/kiban/climate/baseline"
	"github.com/kiban-models/kiban/climate/field"
	"github.com/kiban-models/kiban/climate/netcdf"
	"github.com/kiban-models/kiban/climate/skill"
	"github.com/kiban-models/kiban/climate/store"
	"github.com/kiban-models/kiban/climate/window"
)

// ModelName is what the forecasts are called in tables.
const ModelName = "kiban"

// Options say how forecasts are scored.
type Options struct {
	Regions  []field.Region // that of the forecasts if none is named
	Skill    skill.Options
	Baseline baseline.Options
	// Coarse is what downscaled fields were made of, on its own grid.
	Coarse *Source
	// Forcings is what projected fields were made of: its runs are those of the
	// store that the truth is a run of.
	Forcings *store.Store
	Progress func(done, total int) // may be nil
}

// Result is what Evaluate found.
type Result struct {
	Table    skill.Table
	Frame    Frame
	Hours    []float64 // of each lead
	Scored   int       // forecasts of a time and a lead
	NoTruth  int       // of times that the truth lacks
	NoStart  int       // whose beginning it lacks, so that nothing can persist
	Training int       // scored ones that begin or end in training years
	// Bias is the mean of forecast less truth, [channel][lead][cell]; NaN where
	// nothing was scored.
	Bias [][][]float32
	// Globe are the means over the grid of each field of Project, [channel], in the
	// order of the times; nil of others.
	Globe []Globe
	// Shown is the last forecast that was scored at most of the leads.
	Shown Case
}

// Globe are means over a grid by time: of what came, what the model made, and what
// pattern scaling does.
type Globe struct {
	Times               []netcdf.Date
	Truth, Made, Scaled []float64
}

// Case is one forecast: from where, what came, what was said, [lead][channel][cell].
// Leads that were not scored are nil.
type Case struct {
	Begins          netcdf.Date
	Valid           []netcdf.Date
	Initial         []float32
	Truth, Forecast [][]float32 // of the mean of members
	scored          int
}

// Evaluate scores forecasts. A forecast counts if the truth has both the time
// that it is of and the time that it begins. The model and the baselines are
// scored on the same cells, those where all of them and the truth have a value.
// That nothing can be scored is an error.
//
// Memory is what baseline.Fit needs for the channels and cells of the forecasts,
// and four fields for each lead.
func Evaluate(ctx context.Context, f Forecasts, truth *Source, o Options) (*Result, error) {
	e, err := newEvaluation(ctx, f.Frame(), truth, o)
	if err != nil {
		return nil, err
	}
	done, total := 0, len(e.frame.Times)*len(e.frame.Leads)
	err = f.Each(ctx, func(at, lead int, members [][]float32) error {
		if err := e.add(ctx, at, lead, members); err != nil {
			return err
		}
		if done++; o.Progress != nil {
			o.Progress(done, total)
		}
		return nil
	})
	if err != nil {
		return nil, err
	}
	r := e.result
	if r.Scored == 0 {
		first, last := truth.Times[0], truth.Times[len(truth.Times)-1]
		if e.frame.Task != "" {
			return nil, fmt.Errorf("%s: has the truth of none of %d fields from %s to %s, or nothing is known of what they were made of; it has %s to %s: give it more times",
				truth.Name, total, e.frame.Times[0], e.frame.Times[len(e.frame.Times)-1], first, last)
		}
		return nil, fmt.Errorf("%s: has the truth of none of %d forecasts, which begin %s to %s with leads to %g %s; it has %s to %s: shorten the leads, or give it more times",
			truth.Name, total, e.frame.Times[0], e.frame.Times[len(e.frame.Times)-1], e.frame.Leads[len(e.frame.Leads)-1], e.frame.LeadUnits, first, last)
	}
	r.Table = e.board.Table()
	inOrder(r.Table)
	for _, c := range e.frame.Channels {
		if !slices.ContainsFunc(r.Table, func(x skill.Row) bool {
			return x.Model == ModelName && x.Variable == c.Name && x.Level == c.Level/100
		}) {
			return nil, fmt.Errorf("%s: variable %s: no cell has a value in both the forecasts and the truth, at none of %d times; is one of them empty?", truth.Name, c, r.Scored)
		}
	}
	for _, c := range e.bias {
		var leads [][]float32
		for _, b := range c {
			leads = append(leads, b.mean())
		}
		r.Bias = append(r.Bias, leads)
	}
	return r, nil
}

type evaluation struct {
	frame  Frame
	steps  []int
	truth  *view
	same   []int // of fields that are no forecasts: the truth's record of each time
	board  *skill.Board
	base   rivals
	bias   [][]bias // [channel][lead]
	result *Result

	at         int // of initial
	initial, x []float32
	mask       []float32 // the truth where all have a value
	current    Case
}

func newEvaluation(ctx context.Context, frame Frame, truth *Source, o Options) (*evaluation, error) {
	e := &evaluation{frame: frame, at: -1, result: &Result{Frame: frame}}
	var err error
	if frame.Task != "" {
		if e.same, err = truth.records(frame); err != nil {
			return nil, err
		}
	} else if !sameCalendar(frame.Calendar, truth.Calendar) {
		return nil, fmt.Errorf("%s: is in the %s calendar, the forecasts in %s; wanted one calendar", truth.Name, truth.Calendar, frame.Calendar)
	}
	if e.steps, err = frame.Steps(truth.Step); err != nil {
		return nil, fmt.Errorf("%s: %w", truth.Name, err)
	}
	if e.truth, err = truth.view(frame.Grid, frame.Channels); err != nil {
		return nil, err
	}
	if len(truth.Train) == 0 && frame.Task != Project { // whose rivals are fitted on other scenarios
		return nil, fmt.Errorf("%s: has no training years, on which baselines are fitted; name some that it has", truth.Name)
	}
	if len(o.Regions) == 0 {
		o.Regions = []field.Region{{Name: "global", Boxes: []field.Box{field.World}}}
		if frame.Region != "" {
			o.Regions[0].Name = frame.Region
		} else if !frame.Grid.Global() {
			o.Regions[0].Name = "grid"
		}
	}
	o.Skill.Correlation = frame.Task == Downscale
	o.Skill.Projection = frame.Task == Project
	if e.board, err = skill.NewBoard(frame.Grid, o.Regions, o.Skill); err != nil {
		return nil, err
	}
	read := func(record int, dst []float32) error { return e.truth.read(ctx, record, dst) }
	data := baseline.Data{Calendar: truth.Calendar, Times: truth.Times, Step: truth.Step, Size: e.truth.size(), Read: read}
	switch frame.Task {
	case Downscale:
		e.base, err = newInterpolated(ctx, frame, e.truth, o.Coarse, data, o.Baseline)
	case Project:
		e.base, err = newScaled(ctx, e.truth, o.Forcings, data, frame.Grid.Areas())
	default:
		e.base, err = newPersistent(ctx, e.truth, data, e.steps, o.Baseline)
	}
	if err != nil {
		return nil, fmt.Errorf("%s: %w", truth.Name, err)
	}
	for _, s := range e.steps {
		e.result.Hours = append(e.result.Hours, window.Hours(truth.Calendar, truth.Step, s))
	}
	n := frame.Grid.Size()
	for range frame.Channels {
		e.bias = append(e.bias, make([]bias, len(e.steps)))
		for i := range e.steps {
			e.bias[len(e.bias)-1][i] = bias{make([]float64, n), make([]int32, n)}
		}
	}
	size := e.truth.size()
	e.initial, e.x, e.mask = make([]float32, size), make([]float32, size), make([]float32, size)
	return e, nil
}

// inOrder sorts scores by model, variable and region, each in the order in which
// it came first, and then by lead time.
func inOrder(t skill.Table) {
	first := map[string]int{}
	place := func(kind, name string) int {
		name = kind + name
		if _, ok := first[name]; !ok {
			first[name] = len(first)
		}
		return first[name]
	}
	key := func(r skill.Row) [3]int {
		return [3]int{place("model ", r.Model), place("variable ", fmt.Sprintf("%s@%g", r.Variable, r.Level)), place("region ", r.Region)}
	}
	for _, r := range t {
		key(r)
	}
	slices.SortStableFunc(t, func(a, b skill.Row) int {
		x, y := key(a), key(b)
		return cmp.Or(slices.Compare(x[:], y[:]), cmp.Compare(a.LeadHours, b.LeadHours))
	})
}

// sameCalendar takes standard and proleptic_gregorian for one: times before 1582
// are nobody's.
func sameCalendar(a, b netcdf.Calendar) bool {
	gregorian := func(c netcdf.Calendar) bool { return c == netcdf.Standard || c == netcdf.Proleptic }
	return a == b || gregorian(a) && gregorian(b)
}

func (e *evaluation) add(ctx context.Context, at, lead int, members [][]float32) error {
	s, r := e.truth.of, e.result
	from, ok := s.Find(e.frame.Times[at])
	day, err := e.frame.valid(s.Step, at, lead)
	if err != nil {
		return err
	}
	var to int
	if e.same != nil {
		from, to = e.same[at], e.same[at]
		if ok = to >= 0; !ok {
			r.NoTruth++
			return nil
		}
	} else if !ok {
		r.NoStart++
		return nil
	} else if to, ok = s.Find(day); !ok {
		r.NoTruth++
		return nil
	}
	if e.at != at {
		if ok, err := e.base.start(ctx, from, to, e.initial); err != nil {
			return err
		} else if !ok {
			r.NoStart++
			return nil
		}
		e.at, e.current = at, Case{Begins: s.Times[from], Valid: make([]netcdf.Date, len(e.steps)), Truth: make([][]float32, len(e.steps)), Forecast: make([][]float32, len(e.steps))}
	}
	if err := e.truth.read(ctx, to, e.x); err != nil {
		return err
	}
	said := members[0]
	if len(members) > 1 {
		said = Mean(members)
	}
	climatology, err := e.base.climatology(to)
	if err != nil {
		return err
	}
	nan, cells := float32(math.NaN()), e.frame.Grid.Size()
	for i, x := range said {
		e.mask[i] = e.x[i]
		if x != x || e.initial[i] != e.initial[i] && !e.base.lacks(i/cells) || climatology[i] != climatology[i] {
			e.mask[i] = nan
		}
	}
	n, hours := e.frame.Grid.Size(), r.Hours[lead]
	part := func(x []float32, c int) []float32 { return x[c*n : (c+1)*n] }
	for c, channel := range e.frame.Channels {
		if len(members) == 1 {
			err = e.board.Add(ModelName, channel, hours, part(said, c), part(e.mask, c), part(climatology, c))
		} else {
			of := make([][]float32, len(members))
			for i, m := range members {
				of[i] = part(m, c)
			}
			err = e.board.AddEnsemble(ModelName, channel, hours, of, part(e.mask, c), part(climatology, c))
		}
		if err != nil {
			return err
		}
		e.bias[c][lead].add(part(said, c), part(e.mask, c))
	}
	err = e.base.each(e.initial, e.steps[lead], from, to, func(name string, f []float32) error {
		for c, channel := range e.frame.Channels {
			if err := e.board.Add(name, channel, hours, part(f, c), part(e.mask, c), part(climatology, c)); err != nil {
				return err
			}
		}
		return nil
	})
	if err != nil {
		return err
	}
	if e.frame.Task == Project {
		e.globe(s.Times[to], said)
	}
	if s.Part != nil && (s.Part(from) == store.Train || s.Part(to) == store.Train) {
		r.Training++
	}
	r.Scored++
	e.current.Valid[lead], e.current.Truth[lead], e.current.Forecast[lead] = day, clone(e.x), clone(said)
	e.current.scored++
	e.keep()
	return nil
}

// globe takes the means of a projection of a time, over the cells that are scored.
func (e *evaluation) globe(when netcdf.Date, said []float32) {
	n, areas := e.frame.Grid.Size(), e.frame.Grid.Areas()
	if e.result.Globe == nil {
		e.result.Globe = make([]Globe, len(e.frame.Channels))
	}
	for c := range e.result.Globe {
		var sum [3]float64
		weight := 0.0
		for i := c * n; i < (c+1)*n; i++ {
			if e.mask[i] == e.mask[i] {
				w := areas[i-c*n]
				weight += w
				for k, x := range []float32{e.mask[i], said[i], e.initial[i]} {
					sum[k] += w * float64(x)
				}
			}
		}
		g := &e.result.Globe[c]
		g.Times = append(g.Times, when)
		g.Truth, g.Made, g.Scaled = append(g.Truth, sum[0]/weight), append(g.Made, sum[1]/weight), append(g.Scaled, sum[2]/weight)
	}
}

// keep shows the case at hand if no other has more leads.
func (e *evaluation) keep() {
	if e.current.scored > 0 && e.current.scored >= e.result.Shown.scored {
		e.current.Initial = clone(e.initial)
		e.result.Shown = e.current
	}
}

func clone(x []float32) []float32 { return append([]float32(nil), x...) }

// Mean of the members of an ensemble.
func Mean(members [][]float32) []float32 {
	out := make([]float32, len(members[0]))
	for i := range out {
		sum := 0.0
		for _, m := range members {
			sum += float64(m[i])
		}
		out[i] = float32(sum / float64(len(members)))
	}
	return out
}

// bias is the sum of differences in each cell, and their number.
type bias struct {
	sum []float64
	n   []int32
}

func (b bias) add(forecast, truth []float32) {
	for i := range b.sum {
		if d := float64(forecast[i]) - float64(truth[i]); !math.IsNaN(d) {
			b.sum[i] += d
			b.n[i]++
		}
	}
}

func (b bias) mean() []float32 {
	out := make([]float32, len(b.sum))
	for i := range out {
		out[i] = float32(b.sum[i] / float64(b.n[i])) // NaN of none
	}
	return out
}
