package forecast_test

import (
	"context"
	"encoding/json"
	"fmt"
	"maps"
	"math"
	"os"
	"slices"
	"strings"
	"testing"

	"github.com/kiban-models/kiban/climate/field"
	"github.com/kiban-models/kiban/climate/forecast"
	"github.com/kiban-models/kiban/core/backend"
	"github.com/kiban-models/kiban/core/backend/cpu"
	"github.com/kiban-models/kiban/core/backend/reference"
	"github.com/kiban-models/kiban/core/backend/vulkan"
	"github.com/kiban-models/kiban/core/checkpoint"
	"github.com/kiban-models/kiban/core/graph"
	"github.com/kiban-models/kiban/core/nn"
	"github.com/kiban-models/kiban/core/plan"
	"github.com/kiban-models/kiban/core/tensor"
)

// backends opens each machine that the parity tests run on.
var backends = map[string]func(t testing.TB) backend.Backend{
	"reference": func(testing.TB) backend.Backend { return reference.New[float32]() },
	"cpu":       openCPU,
	"vulkan": func(t testing.TB) backend.Backend {
		b, err := vulkan.Open(vulkan.Options{Index: -1, AllowSoftware: true})
		if err != nil {
			if os.Getenv("KIBAN_REQUIRE_VULKAN") == "1" {
				t.Fatal(err)
			}
			t.Skipf("no Vulkan device: %v", err)
		}
		t.Logf("on %s", b.Name())
		return b
	},
}

func openCPU(t testing.TB) backend.Backend {
	b, err := cpu.New(cpu.Options{})
	if err != nil {
		t.Fatal(err)
	}
	return b
}

// expect is what the published code computes, made by testdata/climax.py.
type expect struct {
	Cases map[string]struct {
		Loss       float64
		ByVariable []float64 `json:"by_variable"`
		Gradients  map[string]struct {
			Norm           float64
			Elements, Sums []float64
		}
		Patches []int32
		Box     []int
	}
	Frozen     []string
	Begin      map[string][][]float64
	Deviations map[string]float64
	Parameters int
	Resized    map[string][]float64
}

func readExpect(t testing.TB) expect {
	data, err := os.ReadFile("testdata/expect.json")
	if err != nil {
		t.Fatal(err)
	}
	var e expect
	if err := json.Unmarshal(data, &e); err != nil {
		t.Fatal(err)
	}
	return e
}

// letters are variables named by one letter each.
func letters(s string) []string { return strings.Split(s, "") }

func ids(t testing.TB, c forecast.Config, variables string) []int32 {
	all, err := c.IDs(letters(variables))
	if err != nil {
		t.Fatal(err)
	}
	return all
}

func config(variables string, rows, columns, patch, width, depth, decoder, heads int, ratio float64) forecast.Config {
	c := forecast.NewConfig(letters(variables), rows, columns, patch, width, depth, heads).WithoutDropout()
	c.DecoderDepth, c.MLPRatio = decoder, ratio
	return c
}

func wide() forecast.Config { return config("abcde", 8, 16, 2, 24, 2, 2, 3, 4) }
func tall() forecast.Config { return config("abc", 12, 8, 4, 16, 1, 1, 2, 2) }
func part() forecast.Config { return config("abcd", 16, 32, 2, 16, 1, 2, 4, 4) }

func projecting() forecast.Config { return wide().Projecting(letters("abcd"), "tas", 3) }

// draw are the numbers that climax.py draws.
func draw(stream uint32, n int) []float32 {
	x := make([]float32, n)
	for i := range x {
		x[i] = (graph.Uniform(graph.Philox(uint32(i), stream, 0, 7, 0)) - 0.5) * 4
	}
	return x
}

// placed are the weights that climax.py gives the published model: uniform
// numbers by place.
func placed(c forecast.Config) checkpoint.Tensors {
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
		t := tensor.New(tensor.F32, s.Shape...)
		for j := range t.Float32() {
			t.Float32()[j] = (graph.Uniform(graph.Philox(uint32(j), uint32(i), 0, 1, 0))-0.5)*scale + centre
		}
		all[s.Name] = t
	}
	return all
}

// wanted are the parameters of a program.
func wanted(c forecast.Config) []checkpoint.Spec {
	var specs []checkpoint.Spec
	for _, d := range c.Declared(nn.Policy{}) {
		specs = append(specs, checkpoint.Spec{Name: d.Name, DType: d.DType, Shape: d.Shape})
	}
	return specs
}

// put gives a backend the weights of a file.
func put(t testing.TB, b backend.Backend, file checkpoint.Lister, stored, want forecast.Config, initial checkpoint.Source) []string {
	t.Helper()
	view, fresh, err := forecast.Weights(file, stored, want, initial)
	if err != nil {
		t.Fatal(err)
	}
	if err := checkpoint.Fill(b.Put, wanted(want), view, checkpoint.FillOptions{}); err != nil {
		t.Fatal(err)
	}
	return fresh
}

// parity is a case of climax.py.
type parity struct {
	config    forecast.Config
	seen, out string
	hours     []float64
	number    uint32
	masked    bool
	mirrored  bool
	region    string // empty for the whole grid
	uneven    bool   // latitudes count alike
}

func cases() map[string]parity {
	stacked := func(c forecast.Config) forecast.Config { c.Stacked = true; return c }
	return map[string]parity{
		"wide all":   {config: wide(), seen: "abcde", out: "abcde", hours: []float64{6, 72}, number: 0},
		"wide three": {config: wide(), seen: "eac", out: "be", hours: []float64{120, 0}, number: 1, masked: true},
		"wide one":   {config: stacked(wide()), seen: "d", out: "da", hours: []float64{24, 24}, number: 2},
		"tall all":   {config: stacked(tall()), seen: "abc", out: "c", hours: []float64{168, 12}, number: 3},
		"tall two":   {config: tall(), seen: "ca", out: "abc", hours: []float64{1, 336}, number: 4, masked: true},
		"tall one":   {config: tall(), seen: "b", out: "b", hours: []float64{48, 720}, number: 5},
		"mirrored":   {config: part(), seen: "cab", out: "da", hours: []float64{6, 72}, number: 10, region: "climax:NorthAmerica", mirrored: true},
		"right":      {config: part(), seen: "cab", out: "da", hours: []float64{6, 72}, number: 10, region: "climax:NorthAmerica"},
		"projection": {config: projecting(), seen: "abcd", out: "", hours: []float64{0, 0, 0, 50, 50, 50}, number: 20, uneven: true},
	}
}

// grid is a regular one that ascends from the south and Greenwich.
func grid(t testing.TB, c forecast.Config) *field.Grid {
	lat, lon := make([]float64, c.Grid[0]), make([]float64, c.Grid[1])
	for i := range lat {
		lat[i] = -90 + 180/float64(len(lat))*(float64(i)+0.5)
	}
	for i := range lon {
		lon[i] = 360 / float64(len(lon)) * (float64(i) + 0.5)
	}
	g, err := field.NewGrid(lat, lon, nil, nil)
	if err != nil {
		t.Fatal(err)
	}
	return g
}

// batch makes the inputs and targets of a case.
func (p parity) batch(t testing.TB) *forecast.Batch {
	t.Helper()
	c, area := p.config, p.config.Grid[0]*p.config.Grid[1]
	b, err := forecast.NewBatch(c, len(p.hours), ids(t, c, p.seen), p.patches(t))
	if err != nil {
		t.Fatal(err)
	}
	n := len(p.seen) * area
	x := draw(100+p.number, len(p.hours)*n)
	for i, h := range p.hours {
		if missing, err := b.SetField(i, x[i*n:][:n], h); err != nil || missing != 0 {
			t.Fatal(missing, err)
		}
	}
	lat := grid(t, c).Lat
	if p.uneven {
		lat = nil
	}
	if err := b.Weigh(lat); err != nil {
		t.Fatal(err)
	}
	outs, results, out := len(p.out), len(p.hours), []int32(nil)
	if c.IsProjector() {
		outs, results = 1, results/c.History
	} else {
		out = ids(t, c, p.out)
	}
	y := draw(200+p.number, results*outs*area)
	if p.masked {
		for i := range y { // the mask of a sample is that of all its variables
			at := uint32(i/(outs*area)*area + i%area)
			if graph.Uniform(graph.Philox(at, 300+p.number, 0, 7, 0)) < 0.25 {
				y[i] = float32(math.NaN())
			}
		}
	}
	var targets [][]float32
	for i := range results {
		targets = append(targets, y[i*outs*area:][:outs*area])
	}
	if _, err := b.SetTargets(out, targets); err != nil {
		t.Fatal(err)
	}
	return b
}

func (p parity) patches(t testing.TB) []int32 {
	if p.region == "" {
		return p.config.All()
	}
	r, err := field.ParseRegion(p.region, "climax")
	if err != nil {
		t.Fatal(err)
	}
	patches, err := p.config.Region(grid(t, p.config), r, p.mirrored)
	if err != nil {
		t.Fatal(err)
	}
	return patches
}

// program is the forecast, the loss, what belongs to each variable, and the
// gradients of all parameters.
func (p parity) program(t testing.TB, b backend.Backend) (backend.Runner, []string) {
	t.Helper()
	c, g := p.config, graph.New()
	s := nn.NewScope(g, nn.Policy{})
	in := forecast.Declare(g, c, len(p.hours), len(p.seen), len(p.patches(t)), false)
	var y *graph.Node
	if c.IsProjector() {
		y = forecast.NewProjection(s, c).Forward(in)
	} else {
		y = forecast.New(s, c).Forward(in)
	}
	loss := forecast.Loss(y)
	out := map[string]*graph.Node{"forecast": y, "loss": loss, "losses": forecast.Losses(y)}
	var params []*graph.Node
	var names []string
	for _, d := range s.Declared() {
		params = append(params, g.Param(d.Name, d.DType, d.Shape...))
		names = append(names, d.Name)
	}
	for i, d := range graph.Grad(loss, params...) {
		out[names[i]] = d
	}
	compiled, err := plan.Compile(g, b.Limits(), plan.Options{}, out)
	if err != nil {
		t.Fatal(err)
	}
	r, err := b.Load(compiled)
	if err != nil {
		t.Fatal(err)
	}
	return r, names
}

// TestParity compares every backend with the published code: what is forecast,
// the weighted loss, and every gradient.
func TestParity(t *testing.T) {
	e := readExpect(t)
	f, err := checkpoint.Open("testdata/odd.safetensors")
	if err != nil {
		t.Fatal(err)
	}
	defer f.Close()
	for machine, open := range backends {
		t.Run(machine, func(t *testing.T) {
			all := cases()
			models := map[string]backend.Backend{} // cases of one model share its shaders
			for _, name := range slices.Sorted(maps.Keys(all)) {
				p := all[name]
				t.Run(name, func(t *testing.T) {
					model := fmt.Sprint(p.config.Grid, p.config.History)
					b := models[model]
					if b == nil {
						b = open(t)
						models[model] = b
					}
					put(t, b, placed(p.config), p.config, p.config, nil)
					r, names := p.program(t, b)
					defer r.Close()
					in := p.batch(t)
					if err := in.Write(r); err != nil {
						t.Fatal(err)
					}
					if err := r.Run(context.Background()); err != nil {
						t.Fatal(err)
					}
					want, err := f.Tensor(name)
					if err != nil {
						t.Fatal(err)
					}
					p.compareFields(t, e, name, in, read(t, r, "forecast").Float32(), want)
					x := e.Cases[name]
					if got := read(t, r, "loss").At(0); !(math.Abs(got-x.Loss) <= 1e-4*x.Loss) {
						t.Errorf("loss %g, wanted %g", got, x.Loss)
					}
					if !p.config.IsProjector() {
						for i, got := range p.config.ByVariable(read(t, r, "losses").Float32(), ids(t, p.config, p.out)) {
							if wanted := x.ByVariable[i]; !(math.Abs(got*float64(len(p.out))-wanted) <= 1e-4*wanted) {
								t.Errorf("loss of variable %d is %g, wanted %g", i, got*float64(len(p.out)), wanted)
							}
						}
					}
					grads := checkpoint.Tensors{}
					for _, n := range names {
						grads[n] = read(t, r, n)
					}
					compareGradients(t, e, name, p.config, grads)
				})
			}
			for _, b := range models {
				b.Close()
			}
		})
	}
}

func read(t testing.TB, r backend.Runner, name string) *tensor.Tensor {
	t.Helper()
	x, err := r.Read(name)
	if err != nil {
		t.Fatal(err)
	}
	return x
}

// compareFields holds forecasts against those of the published code, which of a
// region are its box alone.
func (p parity) compareFields(t *testing.T, e expect, name string, b *forecast.Batch, made []float32, want *tensor.Tensor) {
	c := p.config
	var out []int32
	if !c.IsProjector() {
		out = ids(t, c, p.out)
	}
	top, bottom, left, right := 0, c.Grid[0]-1, 0, c.Grid[1]-1
	if x := e.Cases[name]; p.region != "" {
		top, bottom, left, right = x.Box[0], x.Box[1], x.Box[2], x.Box[3]
		if !slices.Equal(p.patches(t), x.Patches) {
			t.Fatalf("patches %d, wanted %d", p.patches(t), x.Patches)
		}
	}
	worst, at, scale := 0.0, 0, 0.0
	for _, v := range want.Float32() {
		scale = max(scale, math.Abs(float64(v)))
	}
	for i := range want.Shape()[0] {
		got := b.Field(i, made, out)
		for j := range want.Shape()[1] {
			for y := range c.Grid[0] {
				for x := range c.Grid[1] {
					v := float64(got[(j*c.Grid[0]+y)*c.Grid[1]+x])
					if y < top || y > bottom || x < left || x > right {
						if !math.IsNaN(v) {
							t.Fatalf("a forecast of %g at row %d, column %d, outside the region", v, y, x)
						}
						continue
					}
					d := math.Abs(v-want.At(at)) / scale
					if worst = max(worst, d); !(d < 1e-4) {
						t.Fatalf("forecast %d of variable %d at row %d, column %d is %g, wanted %g", i, j, y, x, v, want.At(at))
					}
					at++
				}
			}
		}
	}
	if at != want.Len() {
		t.Fatalf("%d numbers compared, wanted %d", at, want.Len())
	}
	t.Logf("largest difference of %d forecasts: %.2g of the largest, %.2g", at, worst, scale)
}

// compareGradients holds the gradients, shown as the published parameters,
// against those of the published code.
func compareGradients(t *testing.T, e expect, name string, c forecast.Config, grads checkpoint.Tensors) {
	view, specs := forecast.Stored(c, grads)
	all := e.Cases[name].Gradients
	if len(specs) != len(all) {
		t.Fatalf("%d gradients, the published model has %d", len(specs), len(all))
	}
	slices.SortFunc(specs, func(a, b checkpoint.Spec) int { return strings.Compare(a.Name, b.Name) })
	total := 0.0
	for _, g := range all {
		total += g.Norm * g.Norm
	}
	worst := 0.0
	for i, s := range specs {
		want := all[s.Name]
		got, err := view.Tensor(s.Name)
		if err != nil {
			t.Fatal(err)
		}
		norm, sums := 0.0, make([]float64, len(want.Sums))
		for j := range got.Len() {
			v := got.At(j)
			norm += v * v
			for k := range sums {
				sums[k] += v * (1 - 2*float64(graph.Philox(uint32(j), uint32(i), uint32(k), 13, 0)&1))
			}
		}
		square := 0.0
		for k := range sums { // the error of such a sum has the norm of the error for its deviation
			square += (sums[k] - want.Sums[k]) * (sums[k] - want.Sums[k])
		}
		// What is 0 but for rounding is held against all gradients.
		scale := max(want.Norm, 1e-4*math.Sqrt(total))
		relative := max(math.Sqrt(square/float64(len(sums))), math.Abs(math.Sqrt(norm)-want.Norm)) / scale
		for j, w := range want.Elements {
			at := int(graph.Philox(uint32(j), uint32(i), 0, 11, 0)) % got.Len()
			relative = max(relative, math.Abs(got.At(at)-w)/scale)
		}
		worst = max(worst, relative)
		if !(relative < 1e-4) {
			t.Errorf("gradient of %s differs by %g of its norm %g", s.Name, relative, want.Norm)
		}
	}
	t.Logf("largest difference of %d gradients: %.2g", len(specs), worst)
}

// TestResized compares embeddings of places on other grids with torch's.
func TestResized(t *testing.T) {
	e := readExpect(t)
	stored := config("a", 4, 8, 1, 4, 1, 1, 1, 1)
	x := draw(130, 4*8*3)
	file := placed(stored)
	places := file["net.pos_embed"].Float32()
	for i := range places { // the fixture's has three numbers a place
		if places[i] = 0; i%4 < 3 {
			places[i] = x[i/4*3+i%4]
		}
	}
	if len(e.Resized) != 3 {
		t.Fatalf("%d grids in the fixture", len(e.Resized))
	}
	for size, want := range e.Resized {
		to := stored
		if _, err := fmt.Sscanf(size, "%dx%d", &to.Grid[0], &to.Grid[1]); err != nil {
			t.Fatal(err)
		}
		view, fresh, err := forecast.Weights(file, stored, to, nil)
		if err != nil || len(fresh) > 0 {
			t.Fatal(fresh, err)
		}
		got, err := view.Tensor("net.pos_embed")
		if err != nil {
			t.Fatal(err)
		}
		for i, w := range want {
			if v := got.At(i/3*4 + i%3); !(math.Abs(v-w) < 2e-6) {
				t.Fatalf("%s: number %d is %g, wanted %g", size, i, v, w)
			}
		}
	}
}
