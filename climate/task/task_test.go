package task_test

import (
	"context"
	"math"
	"path/filepath"
	"testing"

	"github.com/kiban-models/kiban/climate/field"
	"github.com/kiban-models/kiban/climate/netcdf"
	"github.com/kiban-models/kiban/climate/store"
	"github.com/kiban-models/kiban/climate/task"
	"github.com/kiban-models/kiban/core/backend"
	"github.com/kiban-models/kiban/core/backend/cpu"
	"github.com/kiban-models/kiban/core/checkpoint"
	"github.com/kiban-models/kiban/core/graph"
	"github.com/kiban-models/kiban/core/train"
)

func openCPU(t testing.TB) backend.Backend {
	b, err := cpu.New(cpu.Options{Threads: 1})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { b.Close() })
	return b
}

// world is a grid of 8 rows and 16 columns.
func world(t testing.TB, northFirst bool) *field.Grid {
	lat, lon := make([]float64, 8), make([]float64, 16)
	for i := range lat {
		lat[i] = -78.75 + 22.5*float64(i)
		if northFirst {
			lat[i] *= -1
		}
	}
	for i := range lon {
		lon[i] = 22.5 * float64(i)
	}
	g, err := field.NewGrid(lat, lon, nil, nil)
	if err != nil {
		t.Fatal(err)
	}
	return g
}

// madeUp says what a store of monthly fields is made of.
type madeUp struct {
	channels   string // a letter each
	years      int
	northFirst bool
	missing    bool // one cell in seven of the first channel
	height     bool // a channel that does not change
	calendar   netcdf.Calendar
}

// value is a wave that moves with the season, and weather that moves eastward
// and fades.
func value(channel, month int, lat, lon float64) float32 {
	season := 2 * math.Pi * float64(month%12) / 12
	x := 8*math.Cos(lat*math.Pi/180)*math.Cos(season+float64(channel)) + 3*math.Sin(lon*math.Pi/180+float64(channel))
	noise := graph.Uniform(graph.Philox(uint32(month), uint32(channel), 0, 5, 0)) - 0.5
	return float32(280 + 10*float64(channel) + x + 4*float64(noise)*math.Cos(2*lon*math.Pi/180))
}

// makeStore writes a store whose last year is to test with, the one before to
// validate with, and opens it.
func makeStore(t testing.TB, m madeUp) *store.Store {
	t.Helper()
	if m.years == 0 {
		m.years = 5
	}
	if m.calendar == "" {
		m.calendar = netcdf.Standard
	}
	g := world(t, m.northFirst)
	var channels []field.Channel
	for _, c := range m.channels {
		channels = append(channels, field.Channel{Name: string(c), Key: string(c), Units: "K"})
	}
	if m.height {
		channels = append(channels, field.Channel{Name: "height", Key: "height", Units: "m", Constant: true})
	}
	var times []netcdf.Date
	var values []float32
	for month := range 12 * m.years {
		times = append(times, netcdf.Date{Year: 2000 + month/12, Month: 1 + month%12, Day: 15})
		for c, ch := range channels {
			for i, lat := range g.Lat {
				for j, lon := range g.Lon {
					v := value(int(ch.Key[0]-'a'), month, lat, lon)
					if ch.Constant {
						v = float32(100 * i)
					}
					if m.missing && c == 0 && (i*16+j)%7 == 0 {
						v = float32(math.NaN())
					}
					values = append(values, v)
				}
			}
		}
	}
	series, err := field.Memory(g, m.calendar, times, channels, values)
	if err != nil {
		t.Fatal(err)
	}
	dir := filepath.Join(t.TempDir(), "data")
	last := 1999 + m.years
	plan, err := store.NewPlan(store.Options{Inputs: []store.Input{{Series: series}}, Out: dir,
		Split: store.Split{Validation: store.Years{From: last - 1, To: last - 1}, Test: store.Years{From: last, To: last}}})
	if err != nil {
		t.Fatal(err)
	}
	if _, err := plan.Write(context.Background()); err != nil {
		t.Fatal(err)
	}
	s, err := store.Open(dir, store.OpenOptions{})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { s.Close() })
	return s
}

// tiny are options of a run that takes seconds.
func tiny(t testing.TB, s task.Setup, stores ...*store.Store) task.Options {
	t.Helper()
	if s.Leads == nil {
		s.Leads = []int{1, 3}
	}
	a, err := task.Describe(stores, s)
	if err != nil {
		t.Fatal(err)
	}
	c := a.NewConfig(4, 16, 1, 2)
	c.DecoderDepth, c.Dropout, c.DropPath = 1, 0, 0
	return task.Options{
		Dir: t.TempDir(), Config: c, About: a, Stores: stores, BatchSize: 4, Seed: 3,
		Optimizer: train.Optimizer{LR: 3e-3, Steps: 8, Beta2: 0.95, WeightDecay: 1e-5, Schedule: train.Cosine},
	}
}

func run(t testing.TB, o task.Options) task.Outcome {
	t.Helper()
	b := openCPU(t)
	tr, err := task.New(context.Background(), b.Limits(), o)
	if err != nil {
		t.Fatal(err)
	}
	out, err := tr.Run(context.Background(), b)
	if err != nil {
		t.Fatal(err)
	}
	return out
}

func hash(t testing.TB, dir string) string {
	t.Helper()
	d, err := checkpoint.OpenDir(dir)
	if err != nil {
		t.Fatal(err)
	}
	defer d.Close()
	h, err := checkpoint.Hash(d)
	if err != nil {
		t.Fatal(err)
	}
	return h
}

// TestLearns trains on fields that a season moves: every target comes to beat
// persistence where the time of year is known.
func TestLearns(t *testing.T) {
	s := makeStore(t, madeUp{channels: "ab", height: true})
	for _, target := range task.Targets {
		o := tiny(t, task.Setup{Target: target, Season: true}, s)
		o.Optimizer.Steps = 160
		out := run(t, o)
		t.Logf("%s: %v", target, out.Scores)
		if w, p := out.Scores["w_rmse"], out.Scores["w_rmse_persistence"]; !(w < 0.8*p) {
			t.Errorf("%s: normalised RMSE %.4f, of persistence %.4f", target, w, p)
		}
		if target == task.Anomaly {
			if w, c := out.Scores["w_rmse"], out.Scores["w_rmse_climatology"]; !(w < 1.05*c) {
				t.Errorf("%s: normalised RMSE %.4f, of the climatology %.4f", target, w, c)
			}
		}
		if len(out.Validation) != 1 || len(out.Validation[0]) == 0 {
			t.Errorf("%s: %d tables", target, len(out.Validation))
		}
		m, err := task.OpenModel(o.Dir, task.OpenOptions{})
		if err != nil {
			t.Fatal(err)
		}
		m.Close()
	}
}
