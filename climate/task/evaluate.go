package task

import (
	"context"
	"fmt"
	"math"
	"slices"

	"github.com/kiban-models/kiban/climate/field"
	"github.com/kiban-models/kiban/climate/skill"
	"github.com/kiban-models/kiban/climate/store"
	"github.com/kiban-models/kiban/climate/window"
	"github.com/kiban-models/kiban/core/train"
)

// ModelName is the model's in tables of scores.
const ModelName = "kiban"

// judge scores a model on one part of the data of a store.
type judge struct {
	*examples
	leads      []int // in steps
	iterations int   // of the one lead time
	most       int   // forecasts of a lead time; 0 is all
	part       store.Part
	forecaster *Forecaster
	outside    []bool // cells that the model does not forecast
	region     string
}

// shapes are the windows of each lead time.
func (j *judge) windows() ([]*window.Windows, error) {
	var all []*window.Windows
	for _, l := range j.leads {
		w, err := window.New(j.stretches, string(j.part), window.Direct(l))
		if err != nil {
			return nil, fmt.Errorf("%s: %w", j.name(), err)
		}
		all = append(all, w)
	}
	return all, nil
}

// has tells whether the data have records of the part.
func (j *judge) has() bool {
	return slices.ContainsFunc(j.stretches, func(s window.Stretch) bool { return s.Part == string(j.part) })
}

// chosen are the windows that are scored, spread evenly.
func (j *judge) chosen(w *window.Windows) []int {
	n := w.Len()
	if j.most > 0 {
		n = min(n, j.most)
	}
	out := make([]int, n)
	for i := range out {
		out[i] = i * w.Len() / n
	}
	return out
}

// board is an empty one on the model's grid.
func (j *judge) board() (*skill.Board, error) {
	g, err := j.about.grid()
	if err != nil {
		return nil, err
	}
	return skill.NewBoard(g, []field.Region{{Name: j.region, Boxes: []field.Box{field.World}}}, skill.Options{})
}

// truth reads what was to be forecast; NaN where the model does not.
func (j *judge) truth(record int) ([]float32, error) {
	if err := j.want(record, j.y); err != nil {
		return nil, err
	}
	for i := range j.y {
		if j.outside[i%j.frame.cells] {
			j.y[i] = nan
		}
	}
	return j.y, nil
}

// add scores fields of all channels that are forecast.
func (j *judge) add(b *skill.Board, model string, steps int, fields, truth, climatology []float32) error {
	n := j.frame.cells
	for c, ch := range j.about.Out() {
		at := func(x []float32) []float32 { return x[c*n:][:n] }
		if err := b.Add(model, ch.Field(), j.hours(steps), at(fields), at(truth), at(climatology)); err != nil {
			return err
		}
	}
	return nil
}

// model scores the forecasts of the model.
func (j *judge) model(ctx context.Context) (skill.Table, error) {
	b, err := j.board()
	if err != nil {
		return nil, err
	}
	all, err := j.windows()
	if err != nil {
		return nil, err
	}
	if j.iterations > 1 {
		return j.iterate(ctx, b, all)
	}
	for k, w := range all {
		chosen := j.chosen(w)
		for len(chosen) > 0 {
			some := chosen[:min(len(chosen), j.forecaster.runner.samples)]
			chosen = chosen[len(some):]
			starts, err := j.starts(w, some)
			if err != nil {
				return nil, err
			}
			fields, _, err := j.forecaster.Forecast(ctx, starts, j.leads[k])
			if err != nil {
				return nil, err
			}
			for i, at := range some {
				if err := j.score(b, w.Anchor(at)+j.leads[k], j.leads[k], fields[i]); err != nil {
					return nil, err
				}
			}
		}
	}
	return b.Table(), nil
}

// iterate scores forecasts made of one another: the lead times are multiples of
// the first.
func (j *judge) iterate(ctx context.Context, b *skill.Board, all []*window.Windows) (skill.Table, error) {
	w := all[len(all)-1] // whose starts lack none of the truths
	chosen := j.chosen(w)
	for len(chosen) > 0 {
		some := chosen[:min(len(chosen), j.forecaster.runner.samples)]
		chosen = chosen[len(some):]
		starts, err := j.starts(w, some)
		if err != nil {
			return nil, err
		}
		err = j.forecaster.Iterate(ctx, starts, j.leads[0], j.iterations, func(time int, fields [][]float32) error {
			steps := time * j.leads[0]
			for i, at := range some {
				if err := j.score(b, w.Anchor(at)+steps, steps, fields[i]); err != nil {
					return err
				}
			}
			return nil
		})
		if err != nil {
			return nil, err
		}
	}
	return b.Table(), nil
}

func (j *judge) score(b *skill.Board, target, steps int, fields []float32) error {
	truth, err := j.truth(target)
	if err != nil {
		return err
	}
	c, err := j.rivals.climatology(j.time(target))
	if err != nil {
		return err
	}
	return j.add(b, ModelName, steps, fields, truth, c)
}

// starts reads where forecasts begin.
func (j *judge) starts(w *window.Windows, chosen []int) ([]Start, error) {
	var out []Start
	for _, i := range chosen {
		x := make([]float32, len(j.x))
		if err := j.see(w.Anchor(i), x); err != nil {
			return nil, err
		}
		out = append(out, Start{j.time(w.Anchor(i)), x})
	}
	return out, nil
}

// without scores the baselines on the same forecasts.
func (j *judge) without() (skill.Table, error) {
	b, err := j.board()
	if err != nil {
		return nil, err
	}
	all, err := j.windows()
	if err != nil {
		return nil, err
	}
	for k, w := range all {
		if j.iterations > 1 {
			w = all[len(all)-1]
		}
		for _, i := range j.chosen(w) {
			from, to := w.Anchor(i), w.Anchor(i)+j.leads[k]
			truth, err := j.truth(to)
			if err != nil {
				return nil, err
			}
			c, err := j.rivals.climatology(j.time(to))
			if err != nil {
				return nil, err
			}
			err = j.rivals.each(from, to, j.leads[k], func(name string, fields []float32) error {
				return j.add(b, name, j.leads[k], fields, truth, c)
			})
			if err != nil {
				return nil, err
			}
		}
	}
	return b.Table(), nil
}

// withModel scores the weights as they are, withoutModel the baselines.
func withModel(ctx context.Context, judges []*judge) ([]skill.Table, error) {
	var all []skill.Table
	for _, j := range judges {
		t, err := j.model(ctx)
		if err != nil {
			return nil, err
		}
		all = append(all, t)
	}
	return all, nil
}

func withoutModel(judges []*judge) ([]skill.Table, error) {
	var all []skill.Table
	for _, j := range judges {
		t, err := j.without()
		if err != nil {
			return nil, err
		}
		all = append(all, t)
	}
	return all, nil
}

// normalised returns the root of the mean of the squared RMSEs of a model, each
// over the channel's deviation: over all channels at one lead time, or with 0 at
// all of them. It is NaN of none.
func normalised(t skill.Table, channels []Channel, model string, hours float64) float64 {
	sum, n := 0.0, 0
	for _, r := range t {
		if r.Model != model || r.Metric != "rmse" || hours != 0 && r.LeadHours != hours {
			continue
		}
		at := slices.IndexFunc(channels, func(c Channel) bool { return c.Name == r.Variable && c.Level/100 == r.Level })
		if e := float64(r.Value) / channels[at].scale(); e == e {
			sum += e * e
			n++
		}
	}
	return math.Sqrt(sum / float64(n))
}

// evaluation is what a history keeps of tables, one a store: the loss is the
// mean squared error of normalised fields, over stores, channels and lead times.
func evaluation(judges []*judge, models, baselines []skill.Table) train.Evaluation {
	e := train.Evaluation{Scores: train.Scores{}}
	mean := func(tables []skill.Table, model string, lead int) float64 {
		sum, n := 0.0, 0
		for i, t := range tables {
			hours := 0.0
			if lead > 0 {
				hours = judges[i].hours(lead)
			}
			if x := normalised(t, judges[i].about.Out(), model, hours); x == x {
				sum += x * x
				n++
			}
		}
		return math.Sqrt(sum / float64(n))
	}
	put := func(name string, x float64) {
		if x == x {
			e.Scores[name] = x
		}
	}
	w := mean(models, ModelName, 0)
	e.Loss = w * w
	put("w_rmse", w)
	for _, l := range judges[0].leads {
		if l == 0 { // there are no others
			break
		}
		put(fmt.Sprintf("w_rmse_%gh", math.Round(judges[0].hours(l)*100)/100), mean(models, ModelName, l))
	}
	for _, name := range judges[0].about.Baselines() {
		put("w_rmse_"+name, mean(baselines, name, 0))
	}
	return e
}
