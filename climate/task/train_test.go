package task_test

import (
	"context"
	"errors"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/kiban-models/kiban/climate/field"
	"github.com/kiban-models/kiban/climate/forecast"
	"github.com/kiban-models/kiban/climate/netcdf"
	"github.com/kiban-models/kiban/climate/skill"
	"github.com/kiban-models/kiban/climate/store"
	"github.com/kiban-models/kiban/climate/task"
	"github.com/kiban-models/kiban/core/checkpoint"
	"github.com/kiban-models/kiban/core/nn"
	rundir "github.com/kiban-models/kiban/core/run"
	"github.com/kiban-models/kiban/core/tensor"
	"github.com/kiban-models/kiban/core/train"
)

// silent makes the last layer of a new model zeros, so that it makes zeros.
type silent struct{ checkpoint.Lister }

func (s silent) Tensor(name string) (*tensor.Tensor, error) {
	x, err := s.Lister.Tensor(name)
	if err == nil && strings.HasPrefix(name, "net.head.2.") {
		x = tensor.New(tensor.F32, x.Shape()...)
	}
	return x, err
}

// begin saves fresh weights and opens them, as a model to go on from.
func begin(t testing.TB, o task.Options, seed uint64) *task.Model {
	t.Helper()
	dir := t.TempDir()
	if err := task.WriteModel(dir, o.Config, forecast.NewFresh(o.Config, seed), o.About, nil); err != nil {
		t.Fatal(err)
	}
	m, err := task.OpenModel(dir, task.OpenOptions{})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { m.Close() })
	return m
}

// scores evaluates a model before any step.
func scores(t testing.TB, o task.Options, part store.Part) skill.Table {
	t.Helper()
	b := openCPU(t)
	tr, err := task.New(context.Background(), b.Limits(), o)
	if err != nil {
		t.Fatal(err)
	}
	if _, err := tr.LoadWeights(b); err != nil {
		t.Fatal(err)
	}
	tables, err := tr.Evaluate(context.Background(), b, part)
	if err != nil || len(tables) != 1 {
		t.Fatal(len(tables), err)
	}
	return tables[0]
}

// TestZeros shows that a model that makes zeros is what each target says:
// persistence, or the climatology, to the last digits of all scores.
func TestZeros(t *testing.T) {
	s := makeStore(t, madeUp{channels: "ab", missing: true})
	for _, region := range []*field.Region{nil, {Name: "box", Boxes: []field.Box{{West: 80, East: 280, South: -60, North: 90}}}} {
		for target, like := range map[task.Target]string{task.Change: "persistence", task.Anomaly: "climatology", task.Damped: "damped_persistence"} {
			o := tiny(t, task.Setup{Target: task.Fields, Region: region}, s)
			m := begin(t, o, 1)
			var err error
			if o.About, err = task.Describe(o.Stores, task.Setup{Target: target, Leads: []int{1, 3}, Region: region}); err != nil {
				t.Fatal(err)
			}
			begun, err := m.Begin(&o.About, 1)
			if err != nil {
				t.Fatal(err)
			}
			o.Source = silent{begun.Source}
			n := 0
			table := scores(t, o, store.Test)
			for _, r := range table {
				if r.Model != task.ModelName || r.Metric == "acc" && target == task.Anomaly {
					continue
				}
				want, ok := table.Find(like, r.Variable, r.Level, r.Region, r.LeadHours, r.Metric)
				if d := float64(r.Value) - want; !ok || d > 1e-4 || d < -1e-4 {
					t.Errorf("%s: %s of %s at %g: %v, of %s %v", target, r.Metric, r.Variable, r.LeadHours, r.Value, like, want)
				}
				n++
			}
			if n < 12 {
				t.Errorf("%s: only %d scores", target, n)
			}
		}
	}
}

// TestResume breaks a run off and goes on: to the same bits. So does one with
// adapters, and one that is interrupted.
func TestResume(t *testing.T) {
	s := makeStore(t, madeUp{channels: "ab"})
	for _, adapters := range []bool{false, true} {
		o := tiny(t, task.Setup{Target: task.Anomaly, Season: true}, s)
		o.Config.Dropout, o.Config.DropPath = 0.1, 0.1
		o.Optimizer.Accum, o.SaveInterval = 2, 1
		if adapters {
			plain := o
			plain.About.Target, plain.About.Climatology = task.Fields, ""
			m := begin(t, plain, 2)
			begun, err := m.Begin(&o.About, 1)
			if err != nil {
				t.Fatal(err)
			}
			o.Source, o.LoRA = begun.Source, &nn.LoRA{Rank: 2, Alpha: 4, Targets: task.DefaultTargets, Dropout: 0.1}
		}
		broken := goesOn(t, o)
		broken.Seed++
		if _, err := task.New(context.Background(), openCPU(t).Limits(), broken); err == nil || !strings.Contains(err.Error(), "seed was 3 and is 4") {
			t.Errorf("another seed: %v", err)
		}
	}
}

// TestForecaster opens what training left and makes the same forecasts in other
// hands: the scores of validation, also on data whose rows run the other way.
func TestForecaster(t *testing.T) {
	s := makeStore(t, madeUp{channels: "ab", height: true})
	down := makeStore(t, madeUp{channels: "ab", height: true, northFirst: true})
	o := tiny(t, task.Setup{Target: task.Damped, Season: true, Leads: []int{1, 3}}, s)
	out := run(t, o)
	m, err := task.OpenModel(o.Dir, task.OpenOptions{})
	if err != nil {
		t.Fatal(err)
	}
	defer m.Close()
	b := openCPU(t)
	if err := m.Load(b, nn.Policy{}); err != nil {
		t.Fatal(err)
	}
	for _, st := range []*store.Store{s, down} {
		f, err := m.Forecaster(b, st.Grid(), task.ForecasterOptions{Batch: 3})
		if err != nil {
			t.Fatal(err)
		}
		board, err := skill.NewBoard(st.Grid(), nil, skill.Options{})
		if err != nil {
			t.Fatal(err)
		}
		sel, err := st.Select([]string{"a", "b", "height"}, []store.Norm{{Std: 1}, {Std: 1}, {Std: 1}})
		if err != nil {
			t.Fatal(err)
		}
		var starts []task.Start
		var truths [][]float32
		for r := range st.Times() {
			if r+3 >= st.Len() || st.Part(r) != store.Validation || st.Part(r+3) != store.Validation {
				continue
			}
			x, y := make([]float32, sel.Size()), make([]float32, sel.Size())
			if err := errors.Join(sel.Read(x, []int{r}), sel.Read(y, []int{r + 3})); err != nil {
				t.Fatal(err)
			}
			starts, truths = append(starts, task.Start{Time: st.Times()[r], Fields: x}), append(truths, y)
		}
		fields, missing, err := f.Forecast(context.Background(), starts, 3)
		if err != nil || missing != 0 {
			t.Fatal(missing, err)
		}
		n := st.Grid().Size()
		for i, y := range truths {
			for c, ch := range m.About.Out() {
				if err := board.Add(task.ModelName, ch.Field(), 3*730.485, fields[i][c*n:][:n], y[c*n:][:n], nil); err != nil {
					t.Fatal(err)
				}
			}
		}
		for _, r := range board.Table() {
			want, ok := out.Validation[0].Find(r.Model, r.Variable, 0, "global", r.LeadHours, r.Metric)
			if d := float64(r.Value) - want; !ok || d > 1e-3 || d < -1e-3 {
				t.Errorf("%s of %s: %v, in training %v", r.Metric, r.Variable, r.Value, want)
			}
		}
		// What is made of one another is what single steps make.
		var last [][]float32
		err = f.Iterate(context.Background(), starts[:2], 1, 3, func(_ int, fields [][]float32) error {
			last = fields
			return nil
		})
		if err != nil {
			t.Fatal(err)
		}
		now := slices.Clone(starts[:2])
		for range 3 {
			made, _, err := f.Forecast(context.Background(), now, 1)
			if err != nil {
				t.Fatal(err)
			}
			for i := range now {
				now[i].Time = field.Step{Months: 1}.After(netcdf.Standard, now[i].Time, 1)
				now[i].Fields = append(slices.Clone(made[i]), now[i].Fields[2*n:]...)
			}
		}
		for i := range now {
			if !slices.Equal(last[i], now[i].Fields[:2*n]) {
				t.Error("iterated forecasts are others than those of single steps")
			}
		}
		f.Close()
	}
	g, err := field.NewGrid([]float64{-45, 45}, []float64{0, 180}, nil, nil)
	if err != nil {
		t.Fatal(err)
	}
	if _, err := m.Forecaster(b, g, task.ForecasterOptions{}); err == nil || !strings.Contains(err.Error(), "--grid 8x16") {
		t.Errorf("another grid: %v", err)
	}
	part, err := field.NewGrid([]float64{10, 20}, []float64{0, 10}, nil, nil)
	if err != nil {
		t.Fatal(err)
	}
	small := *m.About
	small.Grid = store.Grid{Lat: part.Lat, Lon: part.Lon, LatBounds: part.LatBounds, LonBounds: part.LonBounds}
	if _, err := (&task.Model{About: &small, Config: m.Config}).Forecaster(b, g, task.ForecasterOptions{}); err == nil || !strings.Contains(err.Error(), "the --grid and the --region that those of its training had") {
		t.Errorf("another region: %v", err)
	}
}

// TestFrozen trains with a frozen body, and with adapters: what is not to move
// does not.
func TestFrozen(t *testing.T) {
	s := makeStore(t, madeUp{channels: "ab"})
	o := tiny(t, task.Setup{}, s)
	m := begin(t, o, 2)
	begun, err := m.Begin(&o.About, 1)
	if err != nil {
		t.Fatal(err)
	}
	o.Source = begun.Source
	for _, kind := range []string{"body", "adapters", "all"} {
		p := o
		p.Dir = t.TempDir()
		switch kind {
		case "body":
			p.Freeze = task.FreezeBody
		case "adapters":
			p.LoRA = &nn.LoRA{Rank: 2, Alpha: 4, Targets: task.DefaultTargets}
		}
		run(t, p)
		dir, err := checkpoint.OpenDir(p.Dir)
		if err != nil {
			t.Fatal(err)
		}
		after, _, err := forecast.Weights(dir, p.Config, p.Config, nil)
		if err != nil {
			t.Fatal(err)
		}
		for _, d := range o.Config.Declared(nn.Policy{}) {
			a, err := begun.Source.Tensor(d.Name)
			if err != nil {
				t.Fatal(err)
			}
			z, err := after.Tensor(d.Name)
			if err != nil {
				t.Fatal(err)
			}
			moved := !slices.Equal(a.Float32(), z.Float32())
			block, norm := strings.HasPrefix(d.Name, "net.blocks."), strings.Contains(d.Name, "norm")
			want := true
			switch kind {
			case "body":
				want = !block || norm
			case "adapters":
				want = strings.HasPrefix(d.Name, "net.token_embeds.") || strings.HasPrefix(d.Name, "net.head.") || d.Name == "net.var_embed" ||
					strings.HasSuffix(d.Name, "attn.qkv.weight") || strings.HasSuffix(d.Name, "attn.proj.weight")
			}
			if moved != want {
				t.Errorf("%s frozen: %s moved: %v", kind, d.Name, moved)
			}
		}
		dir.Close()
	}
}

// TestBegin goes on from a model with new variables, on another grid.
func TestBegin(t *testing.T) {
	o := tiny(t, task.Setup{}, makeStore(t, madeUp{channels: "ab"}))
	m := begin(t, o, 2)
	s := makeStore(t, madeUp{channels: "bc", northFirst: true})
	north := false
	a, err := task.Describe([]*store.Store{s}, task.Setup{Leads: []int{1}, Season: true, NorthFirst: &north})
	if err != nil {
		t.Fatal(err)
	}
	if a.Grid.Lat[0] > 0 {
		t.Error("the model's rows are those of the data")
	}
	begun, err := m.Begin(&a, 1)
	if err != nil {
		t.Fatal(err)
	}
	if want := []string{"a", "b", "c", task.SeasonSine, task.SeasonCosine}; !slices.Equal(begun.Config.Variables, want) || !slices.Equal(begun.New, want[2:]) || len(begun.Fresh) == 0 {
		t.Errorf("variables %q, new %q, fresh %q", begun.Config.Variables, begun.New, begun.Fresh)
	}
	p := o
	p.Dir, p.Config, p.About, p.Source, p.Stores = t.TempDir(), begun.Config, a, begun.Source, []*store.Store{s}
	out := run(t, p)
	if _, ok := out.Validation[0].Find(task.ModelName, "c", 0, "global", 730.485, "rmse"); !ok {
		t.Errorf("no score of the new variable: %v", out.Validation)
	}
}

// TestTogether trains on two stores of different variables and calendars.
func TestTogether(t *testing.T) {
	one, two := makeStore(t, madeUp{channels: "ab"}), makeStore(t, madeUp{channels: "bcd", calendar: netcdf.NoLeap, years: 4})
	o := tiny(t, task.Setup{Season: true, Leads: []int{1, 2, 3}}, one, two)
	out := run(t, o)
	if len(out.Validation) != 2 || out.Scores["w_rmse_2191.46h"] == 0 {
		t.Errorf("%d tables, %v", len(out.Validation), out.Scores)
	}
	m, err := task.OpenModel(o.Dir, task.OpenOptions{})
	if err != nil {
		t.Fatal(err)
	}
	defer m.Close()
	// What both have is normalised by all values of both.
	a, b := one.Channels()[1], two.Channels()[0]
	n, k := float64(a.Count), float64(b.Count)
	if want := (n*a.Mean + k*b.Mean) / (n + k); m.About.Channels[1].Key != "b" || m.About.Channels[1].Mean-want > 1e-9 || want-m.About.Channels[1].Mean > 1e-9 {
		t.Errorf("mean %v of %s, wanted %v", m.About.Channels[1].Mean, m.About.Channels[1].Key, want)
	}
}

// TestClimatologies trains on departures from a climatology of each of two
// stores: zeros are each one's damped persistence. What comes of it goes on from
// there on one of them.
func TestClimatologies(t *testing.T) {
	one, two := makeStore(t, madeUp{channels: "ab", missing: true}), makeStore(t, madeUp{channels: "bc", calendar: netcdf.NoLeap, years: 6})
	s := task.Setup{Target: task.Damped, Season: true}
	o := tiny(t, s, one, two)
	first, err := begin(t, tiny(t, task.Setup{Season: true}, one, two), 1).Begin(&o.About, 1)
	if err != nil {
		t.Fatal(err)
	}
	o.Source = silent{first.Source}
	b := openCPU(t)
	tr, err := task.New(t.Context(), b.Limits(), o)
	if err != nil {
		t.Fatal(err)
	}
	if _, err := tr.LoadWeights(b); err != nil {
		t.Fatal(err)
	}
	tables, err := tr.Evaluate(t.Context(), b, store.Validation)
	if err != nil || len(tables) != 2 {
		t.Fatal(len(tables), err)
	}
	for i, table := range tables {
		n := 0
		for _, r := range table {
			if r.Model == task.ModelName && r.Metric == "rmse" {
				want, ok := table.Find("damped_persistence", r.Variable, r.Level, r.Region, r.LeadHours, r.Metric)
				if d := float64(r.Value) - want; !ok || d > 1e-4 || d < -1e-4 {
					t.Errorf("store %d: %s at %g: %v, of damped persistence %v", i, r.Variable, r.LeadHours, r.Value, want)
				}
				n++
			}
		}
		if n != 4 {
			t.Errorf("store %d: %d scores", i, n)
		}
	}
	o.Source = nil
	run(t, o)
	m, err := task.OpenModel(o.Dir, task.OpenOptions{})
	if err != nil {
		t.Fatal(err)
	}
	defer m.Close()
	if err := m.Runs(); err == nil || !strings.Contains(err.Error(), "departures of 2 data sets from a climatology of each") {
		t.Errorf("runs: %v", err)
	}
	fine := tiny(t, s, two)
	begun, err := m.Begin(&fine.About, 1)
	if err != nil {
		t.Fatal(err)
	}
	fine.Config, fine.Source = begun.Config, begun.Source
	run(t, fine)
	f, err := task.OpenModel(fine.Dir, task.OpenOptions{})
	if err != nil {
		t.Fatal(err)
	}
	defer f.Close()
	if err := f.Runs(); err != nil || f.Climatology == nil {
		t.Errorf("fine-tuned: %v", err)
	}
}

// TestBadModel refuses a directory whose parts do not belong together.
func TestBadModel(t *testing.T) {
	o := tiny(t, task.Setup{Target: task.Anomaly}, makeStore(t, madeUp{channels: "a"}))
	o.Optimizer.Steps = 1
	run(t, o)
	about := filepath.Join(o.Dir, task.AboutFile)
	good, err := os.ReadFile(about)
	if err != nil {
		t.Fatal(err)
	}
	for from, to := range map[string]string{
		`"key": "a"`: `"key": "q"`, `"format": 1`: `"format": 2`, `"target": "anomaly"`: `"target": "field"`,
		`"step_months": 1`: `"step_months": 0`, `"lead_steps": [`: `"lead_steps": [-1,`, `"std": `: `"std": -`, `"calendar": "standard"`: `"calendar": "lunar"`,
	} {
		bad := strings.Replace(string(good), from, to, 1)
		if bad == string(good) {
			t.Fatalf("no %s in %s", from, good)
		}
		if err := os.WriteFile(about, []byte(bad), 0o666); err != nil {
			t.Fatal(err)
		}
		if m, err := task.OpenModel(o.Dir, task.OpenOptions{}); err == nil || !strings.Contains(err.Error(), task.AboutFile) {
			t.Errorf("%s: %v, %v", to, m, err)
		}
	}
	if err := os.WriteFile(about, good, 0o666); err != nil {
		t.Fatal(err)
	}
	if err := os.Remove(filepath.Join(o.Dir, task.ClimatologyFile)); err != nil {
		t.Fatal(err)
	}
	if _, err := task.OpenModel(o.Dir, task.OpenOptions{}); err == nil {
		t.Error("a model of anomalies opens without its climatology")
	}
	if err := os.Remove(about); err != nil {
		t.Fatal(err)
	}
	m, err := task.OpenModel(o.Dir, task.OpenOptions{})
	if err != nil {
		t.Fatal(err)
	}
	defer m.Close()
	if _, err := m.Forecaster(openCPU(t), o.Stores[0].Grid(), task.ForecasterOptions{}); err == nil || !strings.Contains(err.Error(), "climate finetune") {
		t.Errorf("a model that nobody describes runs: %v", err)
	}
}

// TestPublished goes on from a checkpoint as the published code saves it, on
// data of which it knows one variable and not the other, and in the box as
// published.
func TestPublished(t *testing.T) {
	c := forecast.NewConfig(forecast.PublishedVariables(), 8, 16, 2, 16, 1, 2)
	path := filepath.Join(t.TempDir(), "5.625deg.ckpt")
	all := checkpoint.Tensors{}
	view, specs := forecast.Stored(c, forecast.NewFresh(c, 4))
	for i, s := range specs {
		x, err := view.Tensor(s.Name)
		if err != nil {
			t.Fatal(err)
		}
		specs[i].Name = "state_dict." + strings.ReplaceAll(s.Name, "var_", "channel_")
		all[specs[i].Name] = x
	}
	if err := checkpoint.WriteTorch(path, specs, all); err != nil {
		t.Fatal(err)
	}
	m, err := task.OpenModel(path, task.OpenOptions{Heads: 2})
	if err != nil {
		t.Fatal(err)
	}
	defer m.Close()
	if m.About != nil || m.Runs() == nil {
		t.Error("a checkpoint says what its numbers are")
	}
	if _, err := task.OpenModel(path, task.OpenOptions{Heads: 3}); err == nil {
		t.Error("16 numbers in 3 heads")
	}
	s := makeStore(t, madeUp{channels: "ab", northFirst: true})
	north := false
	region := field.Region{Name: "box", Boxes: []field.Box{{West: 40, East: 280, South: 0, North: 90}}}
	var patches []int
	for _, mirrored := range []bool{false, true} {
		a, err := task.Describe([]*store.Store{s}, task.Setup{Leads: []int{1}, NorthFirst: &north, Region: &region, Mirrored: mirrored})
		if err != nil {
			t.Fatal(err)
		}
		begun, err := m.Begin(&a, 1)
		if err != nil {
			t.Fatal(err)
		}
		if n := len(begun.Config.Variables); n != 50 || !slices.Equal(begun.New, []string{"a", "b"}) || begun.Resized {
			t.Errorf("%d variables, new %q, resized %v", n, begun.New, begun.Resized)
		}
		o := tiny(t, task.Setup{}, s)
		o.Config, o.About, o.Source, o.Freeze, o.Optimizer.Steps = begun.Config, a, begun.Source, task.FreezeBody, 2
		b := openCPU(t)
		tr, err := task.New(context.Background(), b.Limits(), o)
		if err != nil {
			t.Fatal(err)
		}
		patches = append(patches, tr.Patches())
		if _, err := tr.Run(context.Background(), b); err != nil {
			t.Fatal(err)
		}
		trained, err := task.OpenModel(o.Dir, task.OpenOptions{})
		if err != nil {
			t.Fatal(err)
		}
		if trained.About.Mirrored != mirrored || trained.About.Grid.Lat[0] > 0 {
			t.Errorf("mirrored %v, first latitude %v", trained.About.Mirrored, trained.About.Grid.Lat[0])
		}
		trained.Close()
	}
	if !slices.Equal(patches, []int{10, 10}) {
		t.Errorf("%v patches in the box and its mirror image, wanted 10", patches)
	}
}

// goesOn trains once without a break and once with one after three steps, and
// wants the same bits after the eighth. It returns the options of the latter.
func goesOn(t *testing.T, o task.Options) task.Options {
	t.Helper()
	run(t, o)
	broken := o
	broken.Dir = t.TempDir()
	ctx, cancel := context.WithCancel(context.Background())
	broken.Tick = func(p train.Progress, _ train.Result) {
		if p.Step == 3 {
			cancel()
		}
	}
	b := openCPU(t)
	tr, err := task.New(context.Background(), b.Limits(), broken)
	if err != nil {
		t.Fatal(err)
	}
	if out, err := tr.Run(ctx, b); !errors.Is(err, train.ErrInterrupted) || out.Step != 3 {
		t.Fatalf("step %d: %v", out.Step, err)
	}
	broken.Tick, broken.Resume = nil, rundir.Newest
	out := run(t, broken)
	if a, b := hash(t, o.Dir), hash(t, broken.Dir); a != b || out.Step != 8 {
		t.Errorf("after step %d the weights are others: %s and %s", out.Step, a, b)
	}
	return broken
}
