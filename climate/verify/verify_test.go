package verify

import (
	"context"
	"math"
	"math/rand/v2"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/kiban-models/kiban/climate/baseline"
	"github.com/kiban-models/kiban/climate/field"
	"github.com/kiban-models/kiban/climate/netcdf"
	"github.com/kiban-models/kiban/climate/regrid"
	"github.com/kiban-models/kiban/climate/skill"
	"github.com/kiban-models/kiban/climate/store"
	"github.com/kiban-models/kiban/climate/window"
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

// record is eight years of monthly fields with a season, a trend of persistence
// and noise; some values are missing.
func record(t testing.TB, rows int) *field.Series {
	t.Helper()
	g, err := regrid.ParseTarget("8x16")
	must(t, err)
	if rows != 8 {
		c, err := g.Cut(field.Box{West: 0, East: 360, South: -60, North: 60})
		must(t, err)
		g = c.Grid
	}
	rnd := rand.New(rand.NewPCG(5, 6))
	var times []netcdf.Date
	n := g.Size()
	var values []float32
	state := make([]float64, len(channels)*n)
	for m := range 96 {
		times = append(times, netcdf.Date{Year: 1990 + m/12, Month: 1 + m%12, Day: 16})
		for i := range state {
			state[i] = 0.7*state[i] + rnd.NormFloat64()
			x := 280 + 8*math.Sin(float64(m)*math.Pi/6) + state[i]
			if i >= n {
				x = 50000 + 100*x
			}
			if rnd.IntN(50) == 0 {
				x = math.NaN()
			}
			values = append(values, float32(x))
		}
	}
	s, err := field.Memory(g, netcdf.NoLeap, times, channels, values)
	must(t, err)
	return s
}

var training = store.Years{From: 1990, To: 1994}

func prepared(t testing.TB, s *field.Series) *store.Store {
	t.Helper()
	dir := filepath.Join(t.TempDir(), "data")
	p, err := store.NewPlan(store.Options{Inputs: []store.Input{{Series: s}}, Out: dir,
		Split: store.Split{Train: training, Validation: store.Years{From: 1995, To: 1995}, Test: store.Years{From: 1996, To: 1997}}})
	must(t, err)
	_, err = p.Write(t.Context())
	must(t, err)
	out, err := store.Open(dir, store.OpenOptions{})
	must(t, err)
	t.Cleanup(func() { out.Close() })
	return out
}

// guess is a forecast of a member: the fields that it starts from, and noise.
type guess struct {
	frame Frame
	from  *view
}

func (g guess) Frame() Frame { return g.frame }

func (g guess) Each(ctx context.Context, visit func(at, lead int, members [][]float32) error) error {
	members := make([][]float32, g.frame.Members)
	for at, d := range g.frame.Times {
		record, _ := g.from.of.Find(d)
		for lead := range g.frame.Leads {
			for m := range members {
				members[m] = make([]float32, g.from.size())
				if err := g.from.read(ctx, record, members[m]); err != nil {
					return err
				}
				rnd := rand.New(rand.NewPCG(uint64(at), uint64(100*lead+m)))
				for i := range members[m] {
					members[m][i] += float32(rnd.NormFloat64())
				}
			}
			if err := visit(at, lead, members); err != nil {
				return err
			}
		}
	}
	return nil
}

func guesses(t testing.TB, s *Source, from, to, members int, leads ...float64) guess {
	t.Helper()
	g := guess{frame: Frame{Members: members, Train: training}}
	g.frame.Grid, g.frame.Channels, g.frame.Calendar, g.frame.Times = s.Grid, channels, s.Calendar, s.Times[from:to]
	g.frame.Leads, g.frame.LeadUnits = leads, "months"
	var err error
	g.from, err = s.view(s.Grid, channels)
	must(t, err)
	return g
}

func scoresEqual(a, b skill.Table) bool {
	return slices.EqualFunc(a, b, func(x, y skill.Row) bool {
		same := x.Value == y.Value || x.Value != x.Value && y.Value != y.Value
		x.Value, y.Value = 0, 0
		return x == y && same
	})
}

// Files hold what was forecast: scored from there, and against a store or the
// series that it was made of, every number is the same. The baselines are those
// of package baseline, and the leads beyond the record are left out.
func TestEvaluate(t *testing.T) {
	series := record(t, 8)
	fromStore, err := FromStore(prepared(t, series), "")
	must(t, err)
	fromFile, err := FromSeries("series", series, training)
	must(t, err)
	for _, members := range []int{1, 3} {
		g := guesses(t, fromStore, 72, 96, members, 1, 3, 6)
		want, err := Evaluate(t.Context(), g, fromStore, Options{})
		must(t, err)
		if want.Scored != 23+21+18 || want.NoTruth != 1+3+6 || want.NoStart != 0 || want.Training != 0 {
			t.Errorf("%d scored, %d without truth, %d without start, %d in training years", want.Scored, want.NoTruth, want.NoStart, want.Training)
		}
		metrics := 4
		if members > 1 {
			metrics = 7
		}
		if n := len(want.Table); n != 2*3*(3*4+metrics) {
			t.Errorf("%d scores", n)
		}
		if _, ok := want.Table.Find(ModelName, "z", 500, "global", 730.0, "rmse"); !ok {
			t.Error("no score of z at 500 hPa after a month")
		}
		again, err := Evaluate(t.Context(), g, fromFile, Options{})
		must(t, err)
		if !scoresEqual(want.Table, again.Table) {
			t.Error("the store and the series that it was made of give other scores")
		}
		persists(t, want.Table, fromStore, 72)
		if netcdf.LibraryVersion() == "" {
			continue
		}
		var paths []string
		for m := range members {
			path := filepath.Join(t.TempDir(), "forecast.nc")
			w, err := field.Create(path, g.frame.Frame, field.About{Extra: []netcdf.Attribute{netcdf.Text(TrainAttribute, training.String())}})
			must(t, err)
			must(t, g.Each(t.Context(), func(at, lead int, all [][]float32) error { return w.Put(at, lead, all[m]) }))
			must(t, w.Commit())
			paths = append(paths, path)
		}
		f, err := OpenFiles(paths...)
		must(t, err)
		if f.Frame().Train != training || f.Frame().Channels[1].Key != "geopotential_500" {
			t.Errorf("read back: %+v", f.Frame())
		}
		read, err := Evaluate(t.Context(), f, fromStore, Options{})
		must(t, err)
		if !scoresEqual(want.Table, read.Table) {
			t.Errorf("the file gives other scores")
		}
		for i := range want.Bias {
			for k := range want.Bias[i] {
				if !slices.EqualFunc(want.Bias[i][k], read.Bias[i][k], func(a, b float32) bool { return a == b || a != a && b != b }) {
					t.Error("the file gives another mean bias")
				}
			}
		}
		must(t, f.Close())
	}
}

// persists compares the rows of persistence with what package baseline says of
// the records itself.
func persists(t *testing.T, got skill.Table, s *Source, first int) {
	t.Helper()
	ctx := t.Context()
	n := s.Grid.Size()
	board, err := skill.NewBoard(s.Grid, nil, skill.Options{})
	must(t, err)
	read := func(i int, dst []float32) error { return s.Read(ctx, i, []int{0, 1}, dst) }
	b, err := baseline.Fit(ctx, baseline.Data{Calendar: s.Calendar, Times: s.Times, Step: s.Step, Size: 2 * n, Read: read}, s.Train, []int{1, 3, 6}, baseline.Options{})
	must(t, err)
	x, y := make([]float32, 2*n), make([]float32, 2*n)
	for _, lead := range []int{1, 3, 6} {
		for i := first; i+lead < len(s.Times); i++ {
			must(t, read(i, x))
			must(t, read(i+lead, y))
			// A cell counts where the model, made of x, and all baselines have a value.
			clim, err := b.Climatology.At(s.Times[i+lead])
			must(t, err)
			for k := range y {
				if x[k] != x[k] || clim[k] != clim[k] {
					y[k] = float32(math.NaN())
				}
			}
			must(t, b.Each(x, lead, s.Times[i], s.Times[i+lead], func(name string, f []float32) error {
				for c := range channels {
					if err := board.Add(name, channels[c], window.Hours(s.Calendar, s.Step, lead), f[c*n:(c+1)*n], y[c*n:(c+1)*n], clim[c*n:(c+1)*n]); err != nil {
						return err
					}
				}
				return nil
			}))
		}
	}
	want := board.Table()
	for _, r := range want {
		v, ok := got.Find(r.Model, r.Variable, r.Level, r.Region, r.LeadHours, r.Metric)
		if !ok || v != float64(r.Value) && !(math.IsNaN(v) && math.IsNaN(float64(r.Value))) {
			t.Fatalf("%+v, but evaluated %v", r, v)
		}
	}
	if len(want) != 3*3*2*4 {
		t.Fatalf("%d rows of baselines", len(want))
	}
}

// A forecast of a region is scored on its own cells, wherever they lie in the
// truth.
func TestRegion(t *testing.T) {
	s, err := FromSeries("series", record(t, 8), training)
	must(t, err)
	g := guesses(t, s, 80, 90, 1, 1)
	cut, err := s.Grid.Cut(field.Box{West: 300, East: 60, South: 0, North: 90})
	must(t, err)
	g.frame.Grid, g.frame.Region = cut.Grid, "here"
	if g.from, err = s.view(cut.Grid, channels); err != nil {
		t.Fatal(err)
	}
	part, err := Evaluate(t.Context(), g, s, Options{})
	must(t, err)
	whole := guesses(t, s, 80, 90, 1, 1)
	all, err := Evaluate(t.Context(), whole, s, Options{Regions: []field.Region{{Name: "here", Boxes: []field.Box{{West: 300, East: 60, South: 0, North: 90}}}}})
	must(t, err)
	for _, r := range all.Table {
		if r.Model == ModelName {
			continue // its noise is drawn by place in the field
		}
		v, ok := part.Table.Find(r.Model, r.Variable, r.Level, r.Region, r.LeadHours, r.Metric)
		if !ok || math.Abs(v-float64(r.Value)) > 1e-9*(1+math.Abs(v)) {
			t.Errorf("%+v in the whole field, %v in the part", r, v)
		}
	}
}

func TestRefuses(t *testing.T) {
	series := record(t, 8)
	s, err := FromSeries("truth.nc", series, training)
	must(t, err)
	fails := func(want string, f Forecasts, truth *Source) {
		t.Helper()
		if _, err := Evaluate(t.Context(), f, truth, Options{}); err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("%v, want %q", err, want)
		}
	}
	g := guesses(t, s, 90, 96, 1, 7)
	fails("truth.nc: has the truth of none of 6 forecasts, which begin 1997-07-16 00:00:00 to 1997-12-16 00:00:00 with leads to 7 months", g, s)
	g = guesses(t, s, 80, 90, 1, 1)
	g.frame.LeadUnits = "hours"
	fails("a lead time of 1 hours is no multiple of the data's interval, 1 month", g, s)
	g = guesses(t, s, 80, 90, 1, 120)
	fails("longer than any stretch of the training records", g, s)
	g = guesses(t, s, 80, 90, 1, 1)
	g.frame.Calendar = netcdf.Days360
	fails("is in the noleap calendar, the forecasts in 360_day", g, s)
	g = guesses(t, s, 80, 90, 1, 1)
	g.frame.Channels = slices.Clone(channels)
	g.frame.Channels[0].Units = "degC"
	g.frame.Channels[1].Key = "geopotential_850"
	fails(`truth.nc: variable tas: is in "K", the forecast in "degC"`, g, s)
	fails("truth.nc: has no variable geopotential_850; it has 2m_temperature geopotential_500", g, s)
	g = guesses(t, s, 80, 90, 1, 1)
	other, err := regrid.ParseTarget("6x12")
	must(t, err)
	g.frame.Grid = other
	fails("truth.nc: is on another grid than the forecast: latitude -75 of the forecast is not among its 8", g, s)
	bare, err := FromSeries("bare.nc", series, store.Years{})
	must(t, err)
	fails("bare.nc: has no training years", guesses(t, s, 80, 90, 1, 1), bare)
	fails("variable z@500: no cell has a value in both", empty{guesses(t, s, 80, 90, 1, 1)}, s)
	if netcdf.LibraryVersion() == "" {
		return
	}
	path := filepath.Join(t.TempDir(), "series.nc")
	w, err := field.Create(path, field.Frame{Grid: series.Grid, Channels: channels, Calendar: series.Calendar, Times: series.Times[:1]}, field.About{})
	must(t, err)
	must(t, w.Put(0, 0, make([]float32, series.Size())))
	must(t, w.Commit())
	if _, err := OpenFiles(path); err == nil || !strings.Contains(err.Error(), path+": is no file of forecasts: no coordinate along a dimension has the standard_name forecast_period") {
		t.Error(err)
	}
}

// empty has no value of the second channel.
type empty struct{ guess }

func (e empty) Each(ctx context.Context, visit func(at, lead int, members [][]float32) error) error {
	return e.guess.Each(ctx, func(at, lead int, members [][]float32) error {
		for i := len(members[0]) / 2; i < len(members[0]); i++ {
			members[0][i] = float32(math.NaN())
		}
		return visit(at, lead, members)
	})
}
