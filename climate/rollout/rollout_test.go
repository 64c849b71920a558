package rollout

import (
	"context"
	"errors"
	"math"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/kiban-models/kiban/climate/field"
	"github.com/kiban-models/kiban/climate/forecast"
	"github.com/kiban-models/kiban/climate/netcdf"
	"github.com/kiban-models/kiban/climate/regrid"
	"github.com/kiban-models/kiban/climate/store"
	"github.com/kiban-models/kiban/climate/task"
	"github.com/kiban-models/kiban/climate/verify"
	"github.com/kiban-models/kiban/core/backend/cpu"
	"github.com/kiban-models/kiban/core/nn"
)

func must(t testing.TB, err error) {
	t.Helper()
	if err != nil {
		t.Fatal(err)
	}
}

var channels = []field.Channel{
	{Name: "tas", Key: "2m_temperature", StandardName: "air_temperature", Units: "K"},
	{Name: "z", Key: "geopotential_500", StandardName: "geopotential", Units: "m2 s-2", Level: 50000},
}

// months are five years of monthly fields, the first row in the south or in the
// north.
func months(t testing.TB, north bool) *field.Series {
	t.Helper()
	g, err := regrid.ParseTarget("8x16")
	must(t, err)
	if north {
		lat := slices.Clone(g.Lat)
		slices.Reverse(lat)
		g, err = field.NewGrid(lat, g.Lon, nil, nil)
		must(t, err)
	}
	var times []netcdf.Date
	var values []float32
	for m := range 60 {
		times = append(times, netcdf.Date{Year: 1990 + m/12, Month: 1 + m%12, Day: 16})
		for c := range channels {
			for _, lat := range g.Lat {
				for _, lon := range g.Lon {
					x := math.Sin(float64(m)*math.Pi/6+lon/50) * math.Cos(lat/60+float64(c)) * (1 + 0.1*math.Sin(float64(m*m)))
					values = append(values, float32(280+8*x+float64(c)*(50000+800*x)))
				}
			}
		}
	}
	s, err := field.Memory(g, netcdf.NoLeap, times, channels, values)
	must(t, err)
	return s
}

// model is a directory of a small one with random weights.
func model(t testing.TB, seed uint64, region string, change func(*task.About)) *task.Model {
	t.Helper()
	g, err := regrid.ParseTarget("8x16")
	must(t, err)
	a := task.About{Format: 1, Task: task.Forecast, Season: true, Target: task.Fields, Calendar: netcdf.NoLeap, StepMonths: 1, Leads: []int{1, 2, 3, 6},
		Grid:  store.Grid{Kind: g.Kind(), Lat: g.Lat, Lon: g.Lon, LatBounds: g.LatBounds, LonBounds: g.LonBounds},
		Split: store.Split{Train: store.Years{From: 1990, To: 1993}, Test: store.Years{From: 1994, To: 1994}}}
	for i, c := range channels {
		a.Channels = append(a.Channels, task.Channel{Key: c.Key, Name: c.Name, StandardName: c.StandardName, Units: c.Units, Level: c.Level,
			Mean: 280 + 50000*float64(i), Std: 6 + 600*float64(i)})
	}
	a.Channels = append(a.Channels, task.Channel{Key: store.LatitudeKey, Name: store.LatitudeKey, Units: "degrees_north", Std: 50, Static: true})
	if region != "" {
		r, err := field.ParseRegion(region, "climax")
		must(t, err)
		a.SetRegion(r, false)
	}
	if change != nil {
		change(&a)
	}
	c := forecast.NewConfig(a.Variables(), 8, 16, 2, 16, 1, 2)
	dir := t.TempDir()
	must(t, task.WriteModel(dir, c, forecast.NewFresh(c, seed), a, nil))
	m, err := task.OpenModel(dir, task.OpenOptions{})
	must(t, err)
	t.Cleanup(func() { m.Close() })
	return m
}

func member(t testing.TB, m *task.Model, g *field.Grid, dropout bool) Member {
	t.Helper()
	b, err := cpu.New(cpu.Options{Threads: 1})
	must(t, err)
	t.Cleanup(func() { b.Close() })
	must(t, m.Load(b, nn.Policy{}))
	f, err := m.Forecaster(b, g, task.ForecasterOptions{Batch: 4, Dropout: dropout, Seed: 42})
	must(t, err)
	t.Cleanup(func() { f.Close() })
	return Member{m, f}
}

func source(t testing.TB, s *field.Series) *verify.Source {
	t.Helper()
	out, err := verify.FromSeries("winds.nc", s, store.Years{From: 1990, To: 1993})
	must(t, err)
	return out
}

// all are the forecasts of a rollout: [time][lead][member].
func all(t testing.TB, r *Rollout) [][][][]float32 {
	t.Helper()
	var out [][][][]float32
	must(t, r.Each(t.Context(), func(at, lead int, members [][]float32) error {
		if lead == 0 {
			out = append(out, nil)
		}
		var kept [][]float32
		for _, m := range members {
			kept = append(kept, slices.Clone(m))
		}
		out[at] = append(out[at], kept)
		return nil
	}))
	return out
}

func far(a, b []float32) float64 {
	most := 0.0
	for i := range a {
		d := math.Abs(float64(a[i])-float64(b[i])) / (1 + math.Abs(float64(b[i])))
		if math.IsNaN(d) && !(a[i] != a[i] && b[i] != b[i]) {
			return math.Inf(1)
		}
		most = max(most, d)
	}
	return most
}

// A rollout is what the Forecaster makes, record by record, whatever the batch;
// data that begin in the north give the same cells in their own order; iterated
// forecasts are forecasts of forecasts.
func TestRollout(t *testing.T) {
	south := source(t, months(t, false))
	m := model(t, 1, "", nil)
	one := member(t, m, south.Grid, false)
	o := Options{Records: []int{48, 49, 52, 53, 59}, Leads: []int{1, 2, 6}}
	r, err := New([]Member{one}, south, o)
	must(t, err)
	f := r.Frame()
	if f.Members != 1 || f.LeadUnits != "months" || f.Leads[2] != 6 || f.Valid[14].String() != "1995-06-16 00:00:00" || f.Channels[1].Name != "z" {
		t.Errorf("%+v", f)
	}
	got := all(t, r)
	alone, err := New([]Member{one}, south, Options{Records: o.Records, Leads: o.Leads, Batch: 1})
	must(t, err)
	single := all(t, alone)
	north := source(t, months(t, true))
	turned, err := New([]Member{member(t, m, north.Grid, false)}, north, o)
	must(t, err)
	other := all(t, turned)
	for at := range got {
		for lead := range o.Leads {
			if d := far(got[at][lead][0], single[at][lead][0]); d > 0 {
				t.Errorf("time %d, lead %d: %g between a batch of four and of one", at, lead, d)
			}
			for c := range 2 {
				for row := range 8 {
					x := got[at][lead][0][(c*8+row)*16:][:16]
					y := other[at][lead][0][(c*8+7-row)*16:][:16]
					if d := far(x, y); d > 0 {
						t.Fatalf("time %d, lead %d, channel %d, row %d: %g between south and north first", at, lead, c, row, d)
					}
				}
			}
		}
		if far(got[at][0][0], got[at][2][0]) < 1e-6 {
			t.Error("the lead time does not matter")
		}
	}
	o.Iterative = true
	iterated, err := New([]Member{one}, south, o)
	must(t, err)
	chained := all(t, iterated)
	if far(chained[0][0][0], got[0][0][0]) > 0 || far(chained[0][1][0], got[0][1][0]) == 0 {
		t.Error("iterated forecasts begin as direct ones and go on otherwise")
	}
	x := make([]float32, 3*128)
	copy(x, got[0][0][0])
	for i := range 128 {
		x[256+i] = float32(south.Grid.Lat[i/16])
	}
	next, _, err := one.Forecaster.Forecast(t.Context(), []task.Start{{Time: netcdf.Date{Year: 1994, Month: 2, Day: 16}, Fields: x}}, 1)
	must(t, err)
	if d := far(chained[0][1][0], next[0]); d > 0 {
		t.Errorf("%g between the second of an iterated forecast and a forecast from the first", d)
	}
}

// A region's forecasts are on the rows and columns that hold it, also across
// Greenwich, with the values that the whole grid has there.
func TestRegion(t *testing.T) {
	s := source(t, months(t, false))
	for _, region := range []string{"90,200,-70,10", "300,60,-50,60"} {
		m := model(t, 2, region, nil)
		one := member(t, m, s.Grid, false)
		r, err := New([]Member{one}, s, Options{Records: []int{50}, Leads: []int{1}})
		must(t, err)
		got := all(t, r)[0][0][0]
		g := r.Frame().Grid
		x := make([]float32, 3*128)
		must(t, s.Read(t.Context(), 50, []int{0, 1}, x[:256]))
		for i := range 128 {
			x[256+i] = float32(s.Grid.Lat[i/16])
		}
		whole, _, err := one.Forecaster.Forecast(t.Context(), []task.Start{{Time: s.Times[50], Fields: x}}, 1)
		must(t, err)
		finite := 0
		for _, v := range whole[0] {
			if v == v {
				finite++
			}
		}
		n := 0
		for c := range 2 {
			for i, lat := range g.Lat {
				for j, lon := range g.Lon {
					row, column := -1, -1
					for k, y := range s.Grid.Lat {
						if math.Abs(y-lat) < 1e-9 {
							row = k
						}
					}
					for k, y := range s.Grid.Lon {
						if math.Abs(math.Mod(y-lon+720, 360)) < 1e-9 {
							column = k
						}
					}
					v, want := got[(c*len(g.Lat)+i)*len(g.Lon)+j], whole[0][(c*8+row)*16+column]
					if v != want && (v == v || want == want) {
						t.Fatalf("%s: %v at %g, %g, want %v", region, v, lat, lon, want)
					}
					if v == v {
						n++
					}
				}
			}
		}
		if n != finite || n == 0 || g.Size() >= 128 {
			t.Errorf("%s: %d values of %d on %d cells", region, n, finite, g.Size())
		}
	}
}

// Members differ, by model and by dropout, are the same each time, and the files
// hold them and their mean; the scores of the files are those of the models.
func TestEnsemble(t *testing.T) {
	s := source(t, months(t, false))
	a, b := model(t, 3, "", nil), model(t, 4, "", nil)
	o := Options{Records: []int{48, 49, 50, 51, 52, 53}, Leads: []int{1, 3}, Dropout: 2}
	r, err := New([]Member{member(t, a, s.Grid, true), member(t, b, s.Grid, true)}, s, o)
	must(t, err)
	first := all(t, r)
	for at := range first {
		for i, x := range first[at][0] {
			for k, y := range first[at][0] {
				if i != k && far(x, y) == 0 {
					t.Errorf("members %d and %d are the same", i, k)
				}
			}
		}
	}
	for at, x := range all(t, r) {
		for lead := range x {
			for i := range x[lead] {
				if far(x[lead][i], first[at][lead][i]) > 0 {
					t.Errorf("time %d, lead %d, member %d is another the second time", at, lead, i)
				}
			}
		}
	}
	want, err := verify.Evaluate(t.Context(), r, s, verify.Options{})
	must(t, err)
	if netcdf.LibraryVersion() == "" {
		t.Skip("without the NetCDF library there are no files")
	}
	path := filepath.Join(t.TempDir(), "forecast.nc")
	must(t, Write(t.Context(), r, path, field.About{Command: "kiban climate forecast"}, false, nil))
	f, err := verify.OpenFiles(Paths(path, 4)[1:]...)
	must(t, err)
	defer f.Close()
	got, err := verify.Evaluate(t.Context(), f, s, verify.Options{})
	must(t, err)
	if len(got.Table) != len(want.Table) {
		t.Fatalf("%d scores, want %d", len(got.Table), len(want.Table))
	}
	for i, x := range got.Table {
		if y := want.Table[i]; x != y && !(x.Value != x.Value && y.Value != y.Value) {
			t.Errorf("%+v of the file, %+v of the models", x, y)
		}
	}
	if f.Frame().Train.String() != "1990/1993" {
		t.Errorf("the file says that the model was trained on %s", f.Frame().Train)
	}
	alone, err := verify.OpenFiles(path)
	must(t, err)
	defer alone.Close()
	must(t, alone.Each(t.Context(), func(at, lead int, members [][]float32) error {
		if d := far(members[0], verify.Mean(first[at][lead])); d > 0 {
			t.Errorf("time %d, lead %d: the mean in the file is off by %g", at, lead, d)
		}
		return nil
	}))
	if len(Paths("a/b.nc", 1)) != 1 || Paths("a/b.nc", 3)[2] != "a/b_m02.nc" {
		t.Error(Paths("a/b.nc", 3))
	}
}

// An interrupted Write leaves nothing, and the old file as it was.
func TestInterrupted(t *testing.T) {
	if netcdf.LibraryVersion() == "" {
		t.Skip("without the NetCDF library there are no files")
	}
	s := source(t, months(t, false))
	r, err := New([]Member{member(t, model(t, 1, "", nil), s.Grid, false)}, s, Options{Records: []int{48, 49, 50}, Leads: []int{1}, Batch: 1})
	must(t, err)
	dir := t.TempDir()
	path := filepath.Join(dir, "forecast.nc")
	must(t, os.WriteFile(path, []byte("old"), 0o600))
	ctx, cancel := context.WithCancel(t.Context())
	err = Write(ctx, r, path, field.About{}, false, func(done, total int) {
		if done == 2 {
			cancel()
		}
	})
	entries, _ := os.ReadDir(dir)
	if old, _ := os.ReadFile(path); !errors.Is(err, context.Canceled) || string(old) != "old" || len(entries) != 1 {
		t.Errorf("%v, %q, %d files", err, old, len(entries))
	}
}

func TestRefuses(t *testing.T) {
	series := months(t, false)
	s := source(t, series)
	m := model(t, 1, "", nil)
	one := member(t, m, s.Grid, false)
	o := Options{Records: []int{48}, Leads: []int{1}}
	fails := func(want string, members []Member, s *verify.Source, o Options) {
		t.Helper()
		r, err := New(members, s, o)
		if err == nil {
			err = r.Each(t.Context(), func(int, int, [][]float32) error { return nil })
		}
		if err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("%v, want %q", err, want)
		}
	}
	values := make([]float32, series.Size()*3)
	remade := func(c []field.Channel, times []netcdf.Date) *verify.Source {
		x, err := field.Memory(series.Grid, netcdf.NoLeap, times, c, values[:len(times)*len(c)*series.Grid.Size()])
		must(t, err)
		out, err := verify.FromSeries("odd.nc", x, store.Years{})
		must(t, err)
		return out
	}
	fails("odd.nc: has no variable geopotential_500; it has 2m_temperature; "+m.Path+" sees geopotential_500", []Member{one}, remade(channels[:1], series.Times[:3]), Options{Records: []int{1}, Leads: []int{1}})
	celsius := slices.Clone(channels)
	celsius[0].Units = "degC"
	fails(`odd.nc: variable tas: is in "degC"; `+m.Path+` was trained on "K"`, []Member{one}, remade(celsius, series.Times[:3]), Options{Records: []int{1}, Leads: []int{1}})
	fails("odd.nc: its times are 1 year apart", []Member{one}, remade(channels, []netcdf.Date{series.Times[0], series.Times[12], series.Times[24]}), Options{Records: []int{1}, Leads: []int{1}})
	for i := range series.Grid.Size() {
		values[series.Size()+i] = float32(math.NaN())
	}
	fails("odd.nc: variable tas: has no value at all at 1990-02-16 00:00:00 (record 1)", []Member{one}, remade(channels, series.Times[:3]), Options{Records: []int{0, 1}, Leads: []int{1}})
	o.Out = []string{"precipitation"}
	fails("does not forecast precipitation; it forecasts [2m_temperature geopotential_500]", []Member{one}, s, o)
	o.Out = nil
	other := model(t, 1, "", func(a *task.About) { a.Channels[0], a.Channels[1] = a.Channels[1], a.Channels[0] })
	fails("models of an ensemble forecast the same", []Member{one, member(t, other, s.Grid, false)}, s, o)
	twos := model(t, 1, "", func(a *task.About) { a.Leads = []int{2} })
	fails("forecasts 2 steps of 1 month at a time; a lead time of 3 steps is no multiple", []Member{member(t, twos, s.Grid, false)}, s, Options{Records: []int{48}, Leads: []int{2, 3}, Iterative: true})
}

// What lies outside a region is the widest gap of the circle.
func TestSpan(t *testing.T) {
	for _, x := range []struct {
		in          string
		first, last int
	}{{"xxxx", 0, 3}, {"..xx..", 2, 3}, {"x....x", 5, 0}, {"xx..x...", 0, 4}, {".x", 1, 1}, {"x.x.......x", 10, 2}} {
		in := make([]bool, len(x.in))
		for i := range in {
			in[i] = x.in[i] == 'x'
		}
		if f, l := span(in); f != x.first || l != x.last {
			t.Errorf("%s: %d to %d, want %d to %d", x.in, f, l, x.first, x.last)
		}
	}
}
