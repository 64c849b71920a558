package task_test

import (
	"context"
	"errors"
	"math"
	"path/filepath"
	"strings"
	"testing"

	"github.com/kiban-models/kiban/climate/field"
	"github.com/kiban-models/kiban/climate/netcdf"
	"github.com/kiban-models/kiban/climate/pair"
	"github.com/kiban-models/kiban/climate/regrid"
	"github.com/kiban-models/kiban/climate/skill"
	"github.com/kiban-models/kiban/climate/store"
	"github.com/kiban-models/kiban/climate/task"
	"github.com/kiban-models/kiban/core/graph"
	"github.com/kiban-models/kiban/core/nn"
	"github.com/kiban-models/kiban/core/train"
)

// side says what one of two stores is made of: monthly fields of 8 years, the last
// of which is to test with, the one before to validate with.
type side struct {
	rows       int // and twice as many columns
	northFirst bool
	calendar   netcdf.Calendar
	names      string
	units      string
	height     bool
	missing    bool // a cell in seven of the first channel
	box        *field.Region
	from       int // year
	value      func(channel, month int, lat, lon float64) float64
}

func (d side) write(t testing.TB) *store.Store {
	t.Helper()
	lat, lon := make([]float64, d.rows), make([]float64, 2*d.rows)
	for i := range lat {
		lat[i] = -90 + 180/float64(d.rows)*(float64(i)+0.5)
		if d.northFirst {
			lat[i] *= -1
		}
	}
	for i := range lon {
		lon[i] = 180 / float64(d.rows) * float64(i)
	}
	g, err := field.NewGrid(lat, lon, nil, nil)
	if err != nil {
		t.Fatal(err)
	}
	if d.calendar == "" {
		d.calendar, d.from = netcdf.Standard, max(d.from, 2000)
	}
	if d.units == "" {
		d.units = "K"
	}
	d.from = max(d.from, 2000)
	var channels []field.Channel
	for _, c := range d.names {
		channels = append(channels, field.Channel{Name: string(c), Key: string(c), Units: d.units})
	}
	if d.height {
		channels = append(channels, field.Channel{Name: "height", Key: "height", Units: "km", Constant: true})
	}
	var times []netcdf.Date
	var values []float32
	for month := range 96 {
		times = append(times, netcdf.Date{Year: d.from + month/12, Month: 1 + month%12, Day: 1 + d.rows})
		for c, ch := range channels {
			for i, la := range g.Lat {
				for j, lo := range g.Lon {
					v := height(la, lo)
					if !ch.Constant {
						v = d.value(c, month, la, lo)
					}
					if d.missing && c == 0 && (i*2*d.rows+j)%7 == 0 {
						v = math.NaN()
					}
					values = append(values, float32(v))
				}
			}
		}
	}
	series, err := field.Memory(g, d.calendar, times, channels, values)
	if err != nil {
		t.Fatal(err)
	}
	o := store.Options{Inputs: []store.Input{{Series: series}}, Out: filepath.Join(t.TempDir(), "data"), Region: d.box,
		Split: store.Split{Validation: store.Years{From: d.from + 6, To: d.from + 6}, Test: store.Years{From: d.from + 7, To: d.from + 7}}}
	p, err := store.NewPlan(o)
	if err != nil {
		t.Fatal(err)
	}
	if _, err := p.Write(context.Background()); err != nil {
		t.Fatal(err)
	}
	s, err := store.Open(o.Out, store.OpenOptions{})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { s.Close() })
	return s
}

// height in km is finer than any coarse grid here.
func height(lat, lon float64) float64 {
	return 1.5 + 1.5*math.Cos(6*lat*math.Pi/180)*math.Cos(7*lon*math.Pi/180)
}

// state is the weather of a month, -1 to 1, that no other month knows.
func state(month, k int) float64 {
	return 2*float64(graph.Uniform(graph.Philox(uint32(month), uint32(k), 1, 9, 0))) - 1
}

// wide is what a coarse grid can have: waves of a season and of the weather.
func wide(channel, month int, lat, lon float64) float64 {
	la, lo := lat*math.Pi/180, lon*math.Pi/180
	season := 2 * math.Pi * float64(month%12) / 12
	return 280 + 10*float64(channel) + 20*math.Cos(la)*math.Cos(la) + 6*math.Sin(la)*math.Cos(season) + 6*state(month, channel) + 3*state(month, 3)*math.Cos(la)*math.Sin(lo)
}

// fine is that with the height of the place: the lapse rate is 6 K/km, and more in
// warm months by up to 4.
func fine(channel, month int, lat, lon float64) float64 {
	return wide(channel, month, lat, lon) - (6+4*state(month, channel))*height(lat, lon)
}

func pairs(t testing.TB, in, out side) *pair.Pairs {
	t.Helper()
	p, err := pair.Stores(in.write(t), out.write(t))
	if err != nil {
		t.Fatal(err)
	}
	return p
}

// downscaling are options of a run that takes seconds.
func downscaling(t testing.TB, p *pair.Pairs, s task.Setup, made ...string) task.Options {
	t.Helper()
	a, err := task.DescribeDownscaling(p, s, made)
	if err != nil {
		t.Fatal(err)
	}
	c := a.NewConfig(4, 32, 1, 2)
	c.DecoderDepth, c.Dropout, c.DropPath = 1, 0, 0
	return task.Options{
		Dir: t.TempDir(), Config: c, About: a, Pairs: p, BatchSize: 4, Seed: 3,
		Optimizer: train.Optimizer{LR: 3e-3, Steps: 8, Beta2: 0.95, WeightDecay: 1e-5, Schedule: train.Cosine},
	}
}

// TestDownscaleZeros shows that a model that makes zeros is what each target says:
// bilinear interpolation, that with the mean departure of the month, or the
// regression, to the last digits of all scores; with rows in other orders, values that are missing
// on either side, and a region.
func TestDownscaleZeros(t *testing.T) {
	for _, missing := range []bool{false, true} {
		p := pairs(t, side{rows: 4, names: "ab", value: wide, northFirst: missing, missing: missing, calendar: netcdf.Days360},
			side{rows: 8, names: "ba", value: fine, height: true, missing: missing})
		for _, region := range []*field.Region{nil, {Name: "box", Boxes: []field.Box{{West: 80, East: 280, South: -60, North: 90}}}} {
			for target, like := range map[task.Target]string{task.Change: "bilinear", task.Anomaly: "corrected_bilinear", task.Damped: "regression"} {
				north := missing
				o := downscaling(t, p, task.Setup{Target: target, Region: region, NorthFirst: &north}, "a", "b")
				begun, err := begin(t, tiny(t, task.Setup{NorthFirst: &north}, p.Target), 1).Begin(&o.About, 1)
				if err != nil {
					t.Fatal(err)
				}
				o.Source, o.Config = silent{begun.Source}, begun.Config
				n := 0
				table := scores(t, o, store.Test)
				for _, r := range table {
					if r.Model != task.ModelName {
						continue
					}
					want, ok := table.Find(like, r.Variable, r.Level, r.Region, r.LeadHours, r.Metric)
					if d := float64(r.Value) - want; !ok || !(d < 1e-4 && d > -1e-4) {
						t.Errorf("%s: %s of %s: %v, of %s %v", target, r.Metric, r.Variable, r.Value, like, want)
					}
					n++
				}
				if n != 8 {
					t.Errorf("%s: %d scores", target, n)
				}
			}
		}
	}
}

// TestDownscaleLearns gives a small model a relation that no correction of months
// has: the lapse rate follows the weather. In a year that it has not seen, each
// target comes to a quarter of the error of bilinear interpolation at most, and to
// half of that with the mean departure of the month; that which starts from the
// regression, to less than it.
func TestDownscaleLearns(t *testing.T) {
	p := pairs(t, side{rows: 4, names: "a", value: wide}, side{rows: 8, names: "a", value: fine, height: true, northFirst: true})
	for _, target := range []task.Target{task.Fields, task.Change, task.Anomaly, task.Damped} {
		o := downscaling(t, p, task.Setup{Target: target})
		o.Optimizer.Steps = 400
		out := run(t, o)
		t.Logf("%s: %v", target, out.Scores)
		b := openCPU(t)
		m, err := task.OpenModel(o.Dir, task.OpenOptions{})
		if err != nil {
			t.Fatal(err)
		}
		defer m.Close()
		if err := m.Load(b, nn.Policy{}); err != nil {
			t.Fatal(err)
		}
		tr, err := task.New(context.Background(), b.Limits(), o)
		if err != nil {
			t.Fatal(err)
		}
		tables, err := tr.Evaluate(context.Background(), b, store.Test)
		if err != nil {
			t.Fatal(err)
		}
		of := func(model string) float64 {
			x, _ := tables[0].Find(model, "a", 0, "global", 0, "rmse")
			return x
		}
		t.Logf("test year: model %.3f K, bilinear %.3f, corrected %.3f, regression %.3f, climatology %.3f", of(task.ModelName), of("bilinear"), of("corrected_bilinear"), of("regression"), of("climatology"))
		if !(of(task.ModelName) < 0.25*of("bilinear")) {
			t.Errorf("%s: RMSE %.3f, of bilinear interpolation %.3f", target, of(task.ModelName), of("bilinear"))
		}
		if target == task.Damped && !(of(task.ModelName) < 0.9*of("regression")) {
			t.Errorf("RMSE %.3f, of the regression %.3f", of(task.ModelName), of("regression"))
		}
		if !(of(task.ModelName) < 0.5*of("corrected_bilinear")) {
			t.Errorf("%s: RMSE %.3f, of the corrected %.3f", target, of(task.ModelName), of("corrected_bilinear"))
		}
	}
}

// TestDownscaleResume breaks a run off and goes on: to the same bits.
func TestDownscaleResume(t *testing.T) {
	p := pairs(t, side{rows: 4, names: "ab", value: wide}, side{rows: 8, names: "ab", value: fine, height: true})
	o := downscaling(t, p, task.Setup{Target: task.Anomaly, Season: true})
	o.Config.Dropout, o.Config.DropPath = 0.1, 0.1
	o.SaveInterval = 1
	broken := goesOn(t, o)
	broken.Pairs = pairs(t, side{rows: 4, names: "ab", value: wide}, side{rows: 8, names: "ab", value: wide, height: true})
	if _, err := task.New(context.Background(), openCPU(t).Limits(), broken); err == nil || !strings.Contains(err.Error(), "data") {
		t.Errorf("another target: %v", err)
	}
}

// TestDownscaler opens what training left and makes the same fields in other
// hands, of the input alone: the scores of validation.
func TestDownscaler(t *testing.T) {
	p := pairs(t, side{rows: 4, names: "ab", value: wide, northFirst: true}, side{rows: 8, names: "b", value: fine, height: true})
	o := downscaling(t, p, task.Setup{Target: task.Damped, Season: true})
	out := run(t, o)
	m, err := task.OpenModel(o.Dir, task.OpenOptions{})
	if err != nil {
		t.Fatal(err)
	}
	defer m.Close()
	a := m.About
	if a.Task != task.Downscale || len(a.Channels) != 3 || len(a.Out()) != 1 || len(a.Coarse.Lat) != 4 || len(m.Static) != 8*16 {
		t.Fatalf("%+v", a)
	}
	b := openCPU(t)
	if err := m.Load(b, nn.Policy{}); err != nil {
		t.Fatal(err)
	}
	g := p.Target.Grid()
	f, err := m.Forecaster(b, g, task.ForecasterOptions{Batch: 3})
	if err != nil {
		t.Fatal(err)
	}
	defer f.Close()
	w, err := regrid.New(p.Input.Grid(), g, regrid.Bilinear)
	if err != nil {
		t.Fatal(err)
	}
	board, err := skill.NewBoard(g, nil, skill.Options{})
	if err != nil {
		t.Fatal(err)
	}
	var starts []task.Start
	var truths [][]float32
	for i, x := range p.All {
		if p.Part(i) != store.Validation {
			continue
		}
		fields, raw, y := make([]float32, 3*g.Size()), make([]float32, p.Input.Grid().Size()), make([]float32, g.Size())
		for c := range 2 {
			if err := errors.Join(p.Input.Field(raw, x.Input, c), w.Apply(fields[c*g.Size():][:g.Size()], raw, 0)); err != nil {
				t.Fatal(err)
			}
		}
		copy(fields[2*g.Size():], m.Static)
		if err := p.Target.Field(y, x.Target, 0); err != nil {
			t.Fatal(err)
		}
		starts, truths = append(starts, task.Start{Time: p.Input.Times()[x.Input], Fields: fields}), append(truths, y)
	}
	made, missing, err := f.Forecast(context.Background(), starts, 0)
	if err != nil || missing != 0 || len(made) != 12 {
		t.Fatal(len(made), missing, err)
	}
	for i, y := range truths {
		if err := board.Add(task.ModelName, a.Out()[0].Field(), 0, made[i], y, nil); err != nil {
			t.Fatal(err)
		}
	}
	for _, r := range board.Table() {
		want, ok := out.Validation[0].Find(r.Model, r.Variable, 0, "global", 0, r.Metric)
		if d := float64(r.Value) - want; !ok || d > 1e-3 || d < -1e-3 {
			t.Errorf("%s of %s: %v, in training %v", r.Metric, r.Variable, r.Value, want)
		}
	}
}

func TestDownscaleRefusals(t *testing.T) {
	in := side{rows: 4, names: "ab", value: wide}
	out := side{rows: 8, names: "bc", value: fine, height: true}
	describe := func(in, out side, s task.Setup, made ...string) error {
		_, err := task.DescribeDownscaling(pairs(t, in, out), s, made)
		return err
	}
	celsius := in
	celsius.units = "degC"
	for want, err := range map[string]error{
		"has no c, from which the target change counts":       describe(in, out, task.Setup{Target: task.Change}),
		"target anomaly-change: nothing persists":             describe(in, out, task.Setup{Target: task.AnomalyChange}, "b"),
		"has no variable pr that changes in time; it has b c": describe(in, out, task.Setup{}, "b", "pr"),
		"has no variable height that changes in time":         describe(in, out, task.Setup{}, "height"),
		"has no variable sst; it has a b":                     describe(in, out, task.Setup{Variables: []string{"a", "sst"}}),
		"none of the chosen variables changes in time":        describe(in, out, task.Setup{Variables: []string{"height"}}),
		"variable b is in degC in the one, in K in the other": describe(celsius, out, task.Setup{}),
	} {
		if err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("%v, wanted %q", err, want)
		}
	}
	// The grids must overlap; where the input ends, the model sees the mean.
	here := &field.Region{Name: "here", Boxes: []field.Box{{West: 10, East: 200, South: -90, North: 90}}}
	there := &field.Region{Name: "there", Boxes: []field.Box{{West: 230, East: 300, South: -90, North: 90}}}
	in.box, out.box = here, there
	b := openCPU(t)
	o := downscaling(t, pairs(t, in, out), task.Setup{})
	if _, err := task.New(context.Background(), b.Limits(), o); err == nil || !strings.Contains(err.Error(), "their grids do not overlap") {
		t.Error(err)
	}
	out.box = &field.Region{Name: "west", Boxes: []field.Box{{West: 40, East: 210, South: -90, North: 90}}}
	o = downscaling(t, pairs(t, in, out), task.Setup{Target: task.Change}, "b")
	tr, err := task.New(context.Background(), b.Limits(), o)
	if err != nil {
		t.Fatal(err)
	}
	reached, cells := tr.Reached()
	t.Log(reached, "of", cells, "cells are reached")
	if cells != 8*8 || reached >= cells || reached == 0 {
		t.Error(reached, cells)
	}
	if x := run(t, o).Scores["w_rmse"]; !(x > 0) {
		t.Error(x)
	}
	o.Stores = append(o.Stores, o.Pairs.Input)
	if _, err := task.New(context.Background(), b.Limits(), o); err == nil {
		t.Error("stores beside pairs were taken")
	}
}
