package task_test

import (
	"context"
	"encoding/json"
	"math"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/kiban-models/kiban/climate/example"
	"github.com/kiban-models/kiban/climate/field"
	"github.com/kiban-models/kiban/climate/forecast"
	"github.com/kiban-models/kiban/climate/netcdf"
	"github.com/kiban-models/kiban/climate/pair"
	"github.com/kiban-models/kiban/climate/skill"
	"github.com/kiban-models/kiban/climate/store"
	"github.com/kiban-models/kiban/climate/task"
	"github.com/kiban-models/kiban/core/checkpoint"
	"github.com/kiban-models/kiban/core/graph"
	"github.com/kiban-models/kiban/core/nn"
	"github.com/kiban-models/kiban/core/tensor"
	"github.com/kiban-models/kiban/core/train"
)

// bench are the files of made-up scenarios, of 8x16 cells.
func bench(t testing.TB) string {
	t.Helper()
	if netcdf.LibraryVersion() == "" {
		t.Skip("this build has no NetCDF library")
	}
	dir := t.TempDir()
	if err := example.Write(dir, example.Options{}); err != nil {
		t.Fatal(err)
	}
	return dir
}

// scenarioStore prepares some scenarios, historical first, which ssp ones go on
// from; those held out are given with what they are for.
type scenarioStore struct {
	dir, kind string // inputs or outputs
	vars      []string
	names     []string
	held      map[string]store.Part
	time      string
	flipped   bool
}

func (s scenarioStore) prepare(t testing.TB) *store.Store {
	t.Helper()
	o := store.Options{Out: filepath.Join(t.TempDir(), s.kind)}
	for _, name := range s.names {
		read := field.Options{Variables: s.vars, Pick: map[string]int{"member": field.PickMean}, Units: map[string]string{"tas": "K", "pr": "kg m-2 s-1"}}
		if s.time != "" {
			var err error
			if read.Time, err = field.ParseTimeRange(s.time); err != nil {
				t.Fatal(err)
			}
		}
		if name == "historical" && strings.HasPrefix(s.time, "2015") {
			t.Fatal("no historical year is left")
		}
		if name == "historical" {
			read.Time = field.TimeRange{}
		}
		series, err := field.Open([]string{filepath.Join(s.dir, s.kind+"_"+name+".nc")}, read)
		if err != nil {
			t.Fatal(err)
		}
		t.Cleanup(func() { series.Close() })
		if s.flipped {
			series = upsideDown(t, series)
		}
		in := store.Input{Member: name, Series: series, Part: s.held[name]}
		if strings.HasPrefix(name, "ssp") && slices.Contains(s.names, "historical") {
			in.After = "historical"
		}
		o.Inputs = append(o.Inputs, in)
	}
	p, err := store.NewPlan(o)
	if err != nil {
		t.Fatal(err)
	}
	if _, err := p.Write(context.Background()); err != nil {
		t.Fatal(err)
	}
	st, err := store.Open(o.Out, store.OpenOptions{})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { st.Close() })
	return st
}

// upsideDown is a series with the north first.
func upsideDown(t testing.TB, s *field.Series) *field.Series {
	t.Helper()
	lat, n := slices.Clone(s.Grid.Lat), s.Grid.Columns()
	slices.Reverse(lat)
	g, err := field.NewGrid(lat, s.Grid.Lon, nil, nil)
	if err != nil {
		t.Fatal(err)
	}
	var values []float32
	x := make([]float32, s.Size())
	for at := range s.Times {
		if err := s.Read(context.Background(), at, x); err != nil {
			t.Fatal(err)
		}
		for c := range s.Channels {
			for r := range lat {
				values = append(values, x[(c*len(lat)+len(lat)-1-r)*n:][:n]...)
			}
		}
	}
	m, err := field.Memory(g, s.Calendar, s.Times, s.Channels, values)
	if err != nil {
		t.Fatal(err)
	}
	return m
}

var forcings = []string{"CO2", "SO2", "CH4", "BC"}

// benchPairs are all scenarios, ssp245 to test with and ssp370 to validate with.
func benchPairs(t testing.TB, dir, out string, flipped bool) *pair.Pairs {
	t.Helper()
	names := []string{"historical", "hist-GHG", "hist-aer", "ssp126", "ssp245", "ssp370", "ssp585"}
	held := map[string]store.Part{"ssp245": store.Test, "ssp370": store.Validation}
	p, err := pair.Stores(scenarioStore{dir: dir, kind: "inputs", vars: forcings, names: names, held: held}.prepare(t),
		scenarioStore{dir: dir, kind: "outputs", vars: []string{out}, names: names, held: held, flipped: flipped}.prepare(t))
	if err != nil {
		t.Fatal(err)
	}
	return p
}

func projecting(t testing.TB, p *pair.Pairs, history int) task.Options {
	t.Helper()
	a, err := task.DescribeProjection(p, task.Projection{History: history})
	if err != nil {
		t.Fatal(err)
	}
	c := a.NewProjector(4, 32, 1, 2).WithoutDropout()
	return task.Options{
		Dir: t.TempDir(), Config: c, About: a, Pairs: p, BatchSize: 8, Seed: 5,
		Optimizer: train.Optimizer{LR: 2e-3, Steps: 8, Beta2: 0.99, WeightDecay: 1e-5, Schedule: train.Cosine, Warmup: 2},
	}
}

// TestProjectionLearns projects a scenario that it has not seen, and comes closer
// than the climatology of the others by far, and than pattern scaling: the toy's
// aerosols act where they are, which no global mean says. The grid has rows at the
// poles, which the loss must not leave out.
func TestProjectionLearns(t *testing.T) {
	o := projecting(t, benchPairs(t, bench(t), "tas", false), 5)
	o.Optimizer.Steps = 300
	run(t, o)
	b := openCPU(t)
	m, err := task.OpenModel(o.Dir, task.OpenOptions{})
	if err != nil {
		t.Fatal(err)
	}
	defer m.Close()
	begun, err := m.Begin(&o.About, 1)
	if err != nil {
		t.Fatal(err)
	}
	o.Source = begun.Source
	if len(begun.Fresh)+len(begun.New) > 0 {
		t.Errorf("a projector that goes on draws %v, %v", begun.Fresh, begun.New)
	}
	tr, err := task.New(context.Background(), b.Limits(), o)
	if err != nil {
		t.Fatal(err)
	}
	if _, err := tr.LoadWeights(b); err != nil {
		t.Fatal(err)
	}
	tables, err := tr.Evaluate(context.Background(), b, store.Test)
	if err != nil {
		t.Fatal(err)
	}
	of := func(model string) float64 {
		v, ok := tables[0].Find(model, "tas", 0, "global", 0, "rmse")
		if !ok {
			t.Fatalf("no RMSE of %s in %v", model, tables[0])
		}
		return v
	}
	t.Logf("ssp245, RMSE in K: model %.3f, pattern scaling %.3f, climatology %.3f", of(task.ModelName), of("pattern_scaling"), of("climatology"))
	if !(of(task.ModelName) < 0.3*of("climatology") && of(task.ModelName) < 0.8*of("pattern_scaling")) {
		t.Errorf("RMSE %.3f, of pattern scaling %.3f, of the climatology %.3f", of(task.ModelName), of("pattern_scaling"), of("climatology"))
	}
}

// TestProjectionResume breaks a run off and goes on: to the same bits. So does
// one with adapters, which go on from a forecaster.
func TestProjectionResume(t *testing.T) {
	p := benchPairs(t, bench(t), "pr", false)
	for _, adapters := range []bool{false, true} {
		o := projecting(t, p, 3)
		o.Config.Dropout, o.Config.DropPath = 0.1, 0.1
		o.SaveInterval = 1
		if adapters {
			c := forecast.NewConfig([]string{"x", "y"}, 16, 32, 4, 32, 1, 2)
			c.DecoderDepth = 1
			begun := begunOf(t, c, o)
			o.Config, o.Source, o.LoRA = begun.Config, begun.Source, &nn.LoRA{Rank: 2, Alpha: 4, Targets: task.DefaultTargets, Dropout: 0.1}
			if !begun.Resized || len(begun.New) != 4 || !o.Config.IsProjector() {
				t.Errorf("%+v", begun)
			}
		}
		broken := goesOn(t, o)
		broken.About.Even = true
		if _, err := task.New(context.Background(), openCPU(t).Limits(), broken); err == nil || !strings.Contains(err.Error(), "cells that count alike false") {
			t.Errorf("other weights of cells: %v", err)
		}
	}
}

// begunOf saves a forecaster with fresh weights and begins a projector with it.
func begunOf(t testing.TB, c forecast.Config, o task.Options) task.Begun {
	t.Helper()
	dir := t.TempDir()
	if err := forecast.Save(dir, c, forecast.NewFresh(c, 9)); err != nil {
		t.Fatal(err)
	}
	m, err := task.OpenModel(dir, task.OpenOptions{})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { m.Close() })
	begun, err := m.Begin(&o.About, 1)
	if err != nil {
		t.Fatal(err)
	}
	return begun
}

// TestFrozenProjection trains all but the blocks, whose norms train.
func TestFrozenProjection(t *testing.T) {
	o := projecting(t, benchPairs(t, bench(t), "tas", false), 3)
	begun := begunOf(t, forecast.NewConfig([]string{"x"}, 8, 16, 4, 32, 1, 2), o)
	o.Config, o.Source, o.Freeze = begun.Config.WithoutDropout(), begun.Source, task.FreezeBody
	run(t, o)
	m, err := task.OpenModel(o.Dir, task.OpenOptions{})
	if err != nil {
		t.Fatal(err)
	}
	defer m.Close()
	after, err := m.Begin(&o.About, 1)
	if err != nil {
		t.Fatal(err)
	}
	moved, kept := 0, 0
	for _, d := range o.Config.Declared(nn.Policy{}) {
		x, err := begun.Source.Tensor(d.Name)
		if err != nil {
			t.Fatal(err)
		}
		y, err := after.Source.Tensor(d.Name)
		if err != nil {
			t.Fatal(err)
		}
		frozen := strings.HasPrefix(d.Name, "net.blocks.") && !strings.Contains(d.Name, "norm")
		if same := slices.Equal(x.Float32(), y.Float32()); same != frozen && d.Name != "net.lead_time_embed.weight" { // of which lead times of 0 teach nothing
			t.Errorf("%s is the same: %v", d.Name, same)
		}
		if frozen {
			kept++
		} else {
			moved++
		}
	}
	if moved < 15 || kept != 8 {
		t.Errorf("%d moved, %d kept", moved, kept)
	}
}

// TestProjector opens what training left, and makes of the forcings alone what it
// was scored by, whatever the order of their rows.
func TestProjector(t *testing.T) {
	p := benchPairs(t, bench(t), "tas", true)
	o := projecting(t, p, 4)
	b := openCPU(t)
	tr, err := task.New(context.Background(), b.Limits(), o)
	if err != nil {
		t.Fatal(err)
	}
	if _, err := tr.Run(context.Background(), b); err != nil {
		t.Fatal(err)
	}
	tables, err := tr.Evaluate(context.Background(), b, store.Test)
	if err != nil {
		t.Fatal(err)
	}
	m, err := task.OpenModel(o.Dir, task.OpenOptions{})
	if err != nil {
		t.Fatal(err)
	}
	defer m.Close()
	if a := m.About; a.Task != task.Project || a.History != 4 || len(a.Out()) != 1 || a.Out()[0].Key != "2m_temperature" || m.Config.Out != "2m_temperature" || a.Grid.Lat[0] != 90 {
		t.Fatalf("%+v", a)
	}
	other := openCPU(t)
	if err := m.Load(other, nn.Policy{}); err != nil {
		t.Fatal(err)
	}
	in := p.Input // whose rows begin in the south
	f, err := m.Forecaster(other, in.Grid(), task.ForecasterOptions{Batch: 3})
	if err != nil {
		t.Fatal(err)
	}
	defer f.Close()
	s, err := task.NewScenario(m.About, in, "ssp245")
	if err != nil {
		t.Fatal(err)
	}
	if len(s.Times) != 86 || s.Times[0].Year != 2015 || s.Histories[0] == nil { // of which historical has the years before
		t.Fatalf("%d times from %v", len(s.Times), s.Times[0])
	}
	board, err := skill.NewBoard(in.Grid(), nil, skill.Options{})
	if err != nil {
		t.Fatal(err)
	}
	var starts []task.Start
	for i := range s.Times {
		x, err := s.Start(i)
		if err != nil {
			t.Fatal(err)
		}
		starts = append(starts, x)
	}
	made, missing, err := f.Forecast(context.Background(), starts, 0)
	if err != nil || missing != 0 {
		t.Fatal(missing, err)
	}
	runs := p.Target.Manifest().Time.Runs
	at := slices.IndexFunc(runs, func(r store.Run) bool { return r.Member == "ssp245" })
	y, back := make([]float32, in.Grid().Size()), make([]float32, in.Grid().Size())
	for i := range made {
		if err := p.Target.Field(y, runs[at].From+i, 0); err != nil {
			t.Fatal(err)
		}
		for r := range 8 {
			copy(back[r*16:][:16], y[(7-r)*16:])
		}
		if err := board.Add(task.ModelName, m.About.Out()[0].Field(), 0, made[i], back, nil); err != nil {
			t.Fatal(err)
		}
	}
	for _, metric := range []string{"rmse", "mae", "bias"} {
		got, _ := board.Table().Find(task.ModelName, "tas", 0, "global", 0, metric)
		want, ok := tables[0].Find(task.ModelName, "tas", 0, "global", 0, metric)
		if !ok || !(math.Abs(got-want) < 1e-4) {
			t.Errorf("%s is %g in other hands, %g of training", metric, got, want)
		}
	}
	if _, err := task.NewScenario(m.About, in, "ssp119"); err == nil || !strings.Contains(err.Error(), `no scenario "ssp119"; it has historical`) {
		t.Error(err)
	}
}

// TestFirstLoss compares the loss of the first step with that of the published
// code, which read the same files: histories, normalisation, model and loss.
func TestFirstLoss(t *testing.T) {
	var want struct {
		Mean, Std, Losses, CO2 []float64
		Tas                    float64
	}
	data, err := os.ReadFile("testdata/projection.json")
	if err != nil {
		t.Fatal(err)
	}
	if err := json.Unmarshal(data, &want); err != nil {
		t.Fatal(err)
	}
	dir := bench(t)
	in := scenarioStore{dir: dir, kind: "inputs", vars: forcings, names: []string{"historical", "ssp126"}, time: "1950/2038"}.prepare(t)
	out := scenarioStore{dir: dir, kind: "outputs", vars: []string{"tas"}, names: []string{"ssp126"}, time: "2015/2038"}.prepare(t)
	p, err := pair.Stores(in, out)
	if err != nil {
		t.Fatal(err)
	}
	a, err := task.DescribeProjection(p, task.Projection{History: 10, AsPublished: true})
	if err != nil {
		t.Fatal(err)
	}
	for i, c := range a.Channels {
		if math.Abs(c.Mean-want.Mean[i]) > 1e-6*want.Mean[i] || math.Abs(c.Std-want.Std[i]) > 1e-6*want.Std[i] {
			t.Errorf("%s has mean %g and deviation %g, wanted %g and %g", c.Key, c.Mean, c.Std, want.Mean[i], want.Std[i])
		}
	}
	c := a.NewProjector(2, 24, 2, 3).WithoutDropout()
	mean := 0.0
	for _, l := range want.Losses {
		mean += l / float64(len(want.Losses))
	}
	o := task.Options{Dir: t.TempDir(), Config: c, About: a, Pairs: p, Source: byPlace(c), BatchSize: len(want.Losses), Seed: 1,
		Optimizer: train.Optimizer{LR: 1e-4, Steps: 1, Beta2: 0.99, Schedule: train.Constant}}
	b := openCPU(t)
	tr, err := task.New(context.Background(), b.Limits(), o)
	if err != nil {
		t.Fatal(err)
	}
	if n := tr.Examples(); n != len(want.Losses) {
		t.Fatalf("%d examples, wanted %d", n, len(want.Losses))
	}
	if _, err := tr.LoadWeights(b); err != nil {
		t.Fatal(err)
	}
	s, err := tr.Stepper(b)
	if err != nil {
		t.Fatal(err)
	}
	defer s.Close()
	r, err := s.Step(context.Background(), 0)
	if err != nil {
		t.Fatal(err)
	}
	t.Logf("loss %.7f, of the published code %.7f: off by %.1g", r.Loss, mean, math.Abs(r.Loss-mean)/mean)
	if !(math.Abs(r.Loss-mean) < 1e-5*mean) {
		t.Errorf("loss %g, wanted %g", r.Loss, mean)
	}
}

// byPlace are weights that projection.py draws, as programs declare them.
func byPlace(c forecast.Config) checkpoint.Lister {
	_, specs := forecast.Stored(c, nil)
	slices.SortFunc(specs, func(a, b checkpoint.Spec) int { return strings.Compare(a.Name, b.Name) })
	all := checkpoint.Tensors{}
	for i, s := range specs {
		scale, centre := float32(0.1), float32(0)
		if len(s.Shape) > 1 {
			scale = 0.2
		}
		if strings.Contains(s.Name, "norm") && strings.HasSuffix(s.Name, "weight") {
			centre = 1
		}
		x := tensor.New(tensor.F32, s.Shape...)
		for j := range x.Float32() {
			x.Float32()[j] = (graph.Uniform(graph.Philox(uint32(j), uint32(i), 0, 1, 0))-0.5)*scale + centre
		}
		all[s.Name] = x
	}
	view, _, err := forecast.Weights(all, c, c, nil)
	if err != nil {
		panic(err)
	}
	return view
}

// What cannot be projected is said before anything is trained.
func TestProjectionRefusals(t *testing.T) {
	dir := bench(t)
	in := scenarioStore{dir: dir, kind: "inputs", vars: forcings, names: []string{"historical", "ssp126"}}.prepare(t)
	out := scenarioStore{dir: dir, kind: "outputs", vars: []string{"tas", "pr"}, names: []string{"historical", "ssp126"}}.prepare(t)
	more := scenarioStore{dir: dir, kind: "outputs", vars: []string{"tas"}, names: []string{"historical", "ssp126", "ssp370"}}.prepare(t)
	p, err := pair.Stores(in, out)
	if err != nil {
		t.Fatal(err)
	}
	for want, s := range map[string]task.Projection{
		"has 2m_temperature precipitation_flux, and a projector makes one of them":      {History: 5},
		"has no variable pr90 that changes in time; it has 2m_temperature precipitatio": {History: 5, Out: "pr90"},
		"has no forcing N2O; it has CO2 SO2 CH4 BC":                                     {History: 5, Out: "tas", Variables: []string{"CO2", "N2O"}},
		"a history of 0 records": {Out: "tas"},
	} {
		if _, err := task.DescribeProjection(p, s); err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("%v, wanted %s", err, want)
		}
	}
	try := func(p *pair.Pairs, history int) error {
		a, err := task.DescribeProjection(p, task.Projection{History: history, Out: "tas"})
		if err != nil {
			return err
		}
		b := openCPU(t)
		o := task.Options{Dir: t.TempDir(), Config: a.NewProjector(4, 16, 1, 2), About: a, Pairs: p, BatchSize: 4, Optimizer: train.Optimizer{LR: 1e-3, Steps: 2, Schedule: train.Constant}}
		_, err = task.New(context.Background(), b.Limits(), o)
		return err
	}
	if err := try(p, 200); err == nil || !strings.Contains(err.Error(), "a history of 200 records, each 1 year after the one before, is longer than any") || !strings.Contains(err.Error(), "at most 151") {
		t.Error(err)
	}
	if p, err = pair.Stores(in, more); err != nil {
		t.Fatal(err)
	}
	if err := try(p, 5); err == nil || !strings.Contains(err.Error(), `the second has "ssp370", of which the first has nothing: it has historical ssp126`) {
		t.Error(err)
	}
	// A forecaster does not come of a projector, nor another projector.
	o := projecting(t, benchPairs(t, dir, "tas", false), 3)
	begun := task.WriteModel(o.Dir, o.Config, forecast.NewFresh(o.Config, 1), o.About, nil)
	if begun != nil {
		t.Fatal(begun)
	}
	m, err := task.OpenModel(o.Dir, task.OpenOptions{})
	if err != nil {
		t.Fatal(err)
	}
	defer m.Close()
	other := o.About
	other.History = 4
	if _, err := m.Begin(&other, 1); err == nil || !strings.Contains(err.Error(), "makes 2m_temperature of 3 records, and is to make 2m_temperature of 4") {
		t.Error(err)
	}
	s := makeStore(t, madeUp{channels: "ab"})
	a, err := task.Describe([]*store.Store{s}, task.Setup{Leads: []int{1}})
	if err != nil {
		t.Fatal(err)
	}
	if _, err := m.Begin(&a, 1); err == nil || !strings.Contains(err.Error(), "the model is a projector, of forcings; it cannot learn to forecast") {
		t.Error(err)
	}
}
