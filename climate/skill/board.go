package skill

import (
	"fmt"
	"math"

	"github.com/kiban-models/kiban/climate/field"
)

// Options say how scores are made.
type Options struct {
	// Published does as ClimaX's metrics.py: weights are cos(lat), RMSE is the
	// mean of the times' own, not the root of their mean square, and ACC is the
	// mean over batches, of anomalies less their unweighted mean over the batch,
	// so that it depends on Batch. Without it ACC is one correlation over the
	// whole period.
	Published bool
	Batch     int // times; 128 when it is 0, as in ClimaX's configurations
	// Correlation adds pearson, of all values over the period and the region,
	// weighted as the others; as published without weights.
	Correlation bool
	// Projection adds the scores of ClimateBench: nrmse_spatial, nrmse_global and
	// nrmse, which is the first and five times the second. The times of a lead are
	// then the years of one run.
	Projection bool
}

// Board collects scores.
type Board struct {
	grid    *field.Grid
	areas   []area
	options Options
	entries map[key]*entry
	order   []key
}

type key struct {
	model   string
	channel field.Channel
	lead    float64
}

type entry struct {
	sums []sums     // of each region
	many []ensemble // of each region; nil when there is one forecast only
	runs []projection
	like []likeness
}

// NewBoard scores fields on a grid in some regions, the whole world if none is
// named.
func NewBoard(g *field.Grid, regions []field.Region, o Options) (*Board, error) {
	if o.Batch < 0 {
		return nil, fmt.Errorf("skill: batches of %d times; wanted at least 1", o.Batch)
	}
	if o.Batch == 0 {
		o.Batch = 128
	}
	if len(regions) == 0 {
		regions = []field.Region{{Name: "global", Boxes: []field.Box{field.World}}}
	}
	b := &Board{grid: g, options: o, entries: map[key]*entry{}}
	for _, r := range regions {
		a, err := areaOf(g, r, o.Published)
		if err != nil {
			return nil, err
		}
		b.areas = append(b.areas, a)
	}
	return b, nil
}

// Add takes in a model's forecast of one time: fields of Grid.Size values in the
// channel's units. climatology is the training years' for that time; nil leaves
// out ACC.
func (b *Board) Add(model string, c field.Channel, leadHours float64, forecast, truth, climatology []float32) error {
	return b.add(model, c, leadHours, [][]float32{forecast}, truth, climatology, false)
}

// AddEnsemble takes in the members of an ensemble. RMSE, MAE, bias and ACC are
// those of their mean.
func (b *Board) AddEnsemble(model string, c field.Channel, leadHours float64, members [][]float32, truth, climatology []float32) error {
	return b.add(model, c, leadHours, members, truth, climatology, true)
}

func (b *Board) add(model string, c field.Channel, lead float64, members [][]float32, truth, climatology []float32, many bool) error {
	n := b.grid.Size()
	if len(members) == 0 || len(truth) != n || climatology != nil && len(climatology) != n {
		return fmt.Errorf("skill: %s of %s: %d members, %d true values and %d of the climatology; wanted fields of %d", c, model, len(members), len(truth), len(climatology), n)
	}
	for i, m := range members {
		if len(m) != n {
			return fmt.Errorf("skill: %s of %s: member %d has %d values; wanted %d", c, model, i, len(m), n)
		}
	}
	if math.IsNaN(lead) {
		return fmt.Errorf("skill: %s of %s: a lead time of NaN hours", c, model)
	}
	k := key{model, c, lead}
	e := b.entries[k]
	if e == nil {
		e = &entry{sums: make([]sums, len(b.areas)), runs: make([]projection, len(b.areas)), like: make([]likeness, len(b.areas))}
		if many {
			e.many = make([]ensemble, len(b.areas))
		}
		b.entries[k] = e
		b.order = append(b.order, k)
	}
	if many != (e.many != nil) {
		return fmt.Errorf("skill: %s of %s at %g hours: single forecasts and ensembles are mixed", c, model, lead)
	}
	forecast := members[0]
	if many {
		forecast = mean(members)
	}
	for i, a := range b.areas {
		e.sums[i].add(a, forecast, truth, climatology, b.options.Batch)
		if many {
			e.many[i].add(a, members, truth)
		}
		if b.options.Correlation {
			e.like[i].add(a, forecast, truth, b.options.Published)
		}
		if b.options.Projection {
			e.runs[i].add(a, forecast, truth)
		}
	}
	return nil
}

func mean(members [][]float32) []float32 {
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

// Table gives the scores, models and channels in the order in which they came.
func (b *Board) Table() Table {
	var t Table
	for _, k := range b.order {
		e := b.entries[k]
		for i, a := range b.areas {
			row := Row{Model: k.model, Variable: k.channel.Name, Level: k.channel.Level / 100, Region: a.name, LeadHours: k.lead}
			put := func(metric string, value float64, units string, n int) {
				if n > 0 {
					row.Metric, row.Value, row.Units, row.N = metric, Number(value), units, n
					t = append(t, row)
				}
			}
			s := e.sums[i] // a copy: the last batch may go on
			n, units := float64(s.times), k.channel.Units
			rmse := math.Sqrt(s.squared / n)
			if b.options.Published {
				rmse = s.root / n
			}
			put("rmse", rmse, units, s.times)
			put("mae", s.absolute/n, units, s.times)
			put("bias", s.bias/n, units, s.times)
			acc := s.products.correlation()
			if b.options.Published {
				s.endBatch()
				acc = s.batches / float64(s.anomalies)
			}
			put("acc", acc, "1", s.anomalies)
			put("pearson", e.like[i].correlation(), "1", e.like[i].times)
			if p := &e.runs[i]; p.times > 0 {
				spatial, global, total := p.scores(a)
				put("nrmse_spatial", spatial, "1", p.times)
				put("nrmse_global", global, "1", p.times)
				put("nrmse", total, "1", p.times)
			}
			if e.many != nil {
				m := e.many[i]
				put("crps", m.crps/float64(m.times), units, m.times)
				put("crps_fair", m.fair/float64(m.fairTimes), units, m.fairTimes)
				put("spread", math.Sqrt(m.variance/float64(m.fairTimes)), units, m.fairTimes)
			}
		}
	}
	return t
}
