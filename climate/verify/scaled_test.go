package verify

import (
	"context"
	"math"
	"path/filepath"
	"strings"
	"testing"

	"github.com/kiban-models/kiban/climate/field"
	"github.com/kiban-models/kiban/climate/netcdf"
	"github.com/kiban-models/kiban/climate/regrid"
	"github.com/kiban-models/kiban/climate/store"
)

// scenarios are runs of yearly fields: historical to 2014, others from 2015 on,
// ssp2 to test with.
func scenarios(t testing.TB, name string, value func(run string, year int, cell int) float64) *store.Store {
	t.Helper()
	g, err := regrid.ParseTarget("8x16")
	must(t, err)
	o := store.Options{Out: filepath.Join(t.TempDir(), name)}
	for _, run := range []string{"historical", "ssp1", "ssp2", "ssp5"} {
		from, to, after, part := 2015, 2060, "historical", store.Part("")
		switch run {
		case "historical":
			from, to, after = 1980, 2014, ""
		case "ssp2":
			part = store.Test
		}
		var times []netcdf.Date
		var values []float32
		for y := from; y <= to; y++ {
			times = append(times, netcdf.Date{Year: y, Month: 7, Day: 1})
			for i := range g.Size() {
				values = append(values, float32(value(run, y, i)))
			}
		}
		s, err := field.Memory(g, netcdf.Standard, times, []field.Channel{{Name: name, Key: name, Units: "K"}}, values)
		must(t, err)
		o.Inputs = append(o.Inputs, store.Input{Member: run, Series: s, After: after, Part: part})
	}
	p, err := store.NewPlan(o)
	must(t, err)
	_, err = p.Write(t.Context())
	must(t, err)
	out, err := store.Open(o.Out, store.OpenOptions{})
	must(t, err)
	t.Cleanup(func() { out.Close() })
	return out
}

// emitted grows, in each scenario at its own rate.
func emitted(run string, year int) float64 {
	rate := map[string]float64{"historical": 10, "ssp1": 5, "ssp2": 12, "ssp5": 30}[run]
	return 10*float64(min(year, 2014)-1980) + rate*float64(max(0, year-2014))
}

// pattern is what a cell warms by a unit.
func pattern(cell int) float64 { return 1e-3 * (1 + float64(cell/16)/4) }

// told are projections that are off by what is said.
type told struct {
	frame Frame
	truth *Source
	off   float64
}

func (p told) Frame() Frame { return p.frame }

func (p told) Each(ctx context.Context, visit func(at, lead int, members [][]float32) error) error {
	x := make([]float32, p.frame.Grid.Size())
	for at, d := range p.frame.Times {
		record, _ := p.truth.Find(d)
		if err := p.truth.Read(ctx, record, []int{0}, x); err != nil {
			return err
		}
		for i := range x {
			x[i] += float32(p.off)
		}
		if err := visit(at, 0, [][]float32{x}); err != nil {
			return err
		}
	}
	return nil
}

// Of a climate that is linear in its forcing, pattern scaling knows the scenario
// that is held out; the climatology is that of the others, and the scores of
// ClimateBench are those of its formulas.
func TestProjection(t *testing.T) {
	forcings := scenarios(t, "CO2", func(run string, year, _ int) float64 { return emitted(run, year) })
	outputs := scenarios(t, "tas", func(run string, year, cell int) float64 { return 0.3 + pattern(cell)*emitted(run, year) })
	truth, err := FromStore(outputs, "ssp2")
	must(t, err)
	f := Frame{Frame: field.Frame{Grid: truth.Grid, Calendar: truth.Calendar, Times: truth.Times, Leads: []float64{0}, LeadUnits: "hours"}, Members: 1, Task: Project, Scenario: "ssp2"}
	f.Channels = truth.Channels
	years, err := field.ParseTimeRange("2040/2060")
	must(t, err)
	some, err := Between(told{f, truth, 0.25}, years)
	must(t, err)
	r, err := Evaluate(context.Background(), some, truth, Options{Forcings: forcings})
	must(t, err)
	if r.Scored != 21 || r.Training != 0 || len(r.Globe) != 1 || len(r.Globe[0].Times) != 21 || r.Globe[0].Times[0].Year != 2040 {
		t.Fatalf("%d scored, %d in training years, %+v", r.Scored, r.Training, r.Globe)
	}
	of := func(model, metric string) float64 {
		v, ok := r.Table.Find(model, "tas", 0, "global", 0, metric)
		if !ok {
			t.Fatalf("no %s of %s", metric, model)
		}
		return v
	}
	if e := of(ModelName, "rmse"); math.Abs(e-0.25) > 1e-6 {
		t.Errorf("the model is off by %g, wanted 0.25", e)
	}
	if e := of("pattern_scaling", "rmse"); !(e < 1e-4) {
		t.Errorf("pattern scaling is off by %g of what is linear", e)
	}
	if e := of("climatology", "rmse"); !(e > 0.2) {
		t.Errorf("the climatology is off by %g", e)
	}
	// What is off alike everywhere has both parts: 0.25 over the mean, once and five times.
	mean := 0.0
	for _, x := range r.Globe[0].Truth {
		mean += x / 21
	}
	if got := of(ModelName, "nrmse"); math.Abs(got-6*0.25/mean) > 1e-5 {
		t.Errorf("nrmse %g, wanted %g", got, 6*0.25/mean)
	}
	for i, x := range r.Globe[0].Truth {
		if d := r.Globe[0].Made[i] - x; math.Abs(d-0.25) > 1e-6 || math.Abs(r.Globe[0].Scaled[i]-x) > 1e-4 {
			t.Errorf("year %d: the globe has %g, made %g, scaled %g", i, x, r.Globe[0].Made[i], r.Globe[0].Scaled[i])
		}
	}

	if _, err := Evaluate(context.Background(), some, truth, Options{}); err == nil || !strings.Contains(err.Error(), "name the forcings") {
		t.Error(err)
	}
	late, err := field.ParseTimeRange("2070/2080")
	must(t, err)
	if _, err := Between(told{f, truth, 0}, late); err == nil || !strings.Contains(err.Error(), "no time lies in 2070/2080") {
		t.Error(err)
	}
	series, err := FromSeries("files", mustMemory(t, truth), store.Years{From: 2015, To: 2020})
	must(t, err)
	if _, err := Evaluate(context.Background(), told{f, truth, 0}, series, Options{Forcings: forcings}); err == nil || !strings.Contains(err.Error(), "name the directory of kiban climate prepare") {
		t.Error(err)
	}
}

func mustMemory(t *testing.T, s *Source) *field.Series {
	t.Helper()
	var values []float32
	x := make([]float32, s.Grid.Size())
	for i := range s.Times {
		must(t, s.Read(context.Background(), i, []int{0}, x))
		values = append(values, x...)
	}
	m, err := field.Memory(s.Grid, s.Calendar, s.Times, s.Channels, values)
	must(t, err)
	return m
}
