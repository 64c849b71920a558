package forecast_test

import (
	"context"
	"math"
	"slices"
	"strings"
	"testing"

	"github.com/kiban-models/kiban/climate/field"
	"github.com/kiban-models/kiban/climate/forecast"
	"github.com/kiban-models/kiban/core/backend"
	"github.com/kiban-models/kiban/core/checkpoint"
	"github.com/kiban-models/kiban/core/graph"
	"github.com/kiban-models/kiban/core/nn"
	"github.com/kiban-models/kiban/core/plan"
	"github.com/kiban-models/kiban/core/tensor"
)

// step is a program of the loss and one gradient.
func step(t *testing.T, b backend.Backend, c forecast.Config, p nn.Policy, samples, variables, patches int) backend.Runner {
	t.Helper()
	g := graph.New()
	in := forecast.Declare(g, c, samples, variables, patches, c.Drops())
	y := forecast.New(nn.NewScope(g, p), c).Forward(in)
	loss := forecast.Loss(y)
	d := graph.Grad(loss, g.Param("net.pos_embed", tensor.F32, c.Patches(), c.Width))
	compiled, err := plan.Compile(g, b.Limits(), plan.Options{}, map[string]*graph.Node{"loss": loss, "gradient": d[0]})
	if err != nil {
		t.Fatal(err)
	}
	r, err := b.Load(compiled)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { r.Close() })
	return r
}

func run(t *testing.T, r backend.Runner, b *forecast.Batch, seed ...int32) float64 {
	t.Helper()
	if err := b.Write(r); err != nil {
		t.Fatal(err)
	}
	if seed != nil {
		if err := r.Write("dropout_seed", tensor.Of(seed, 2)); err != nil {
			t.Fatal(err)
		}
	}
	if err := r.Run(context.Background()); err != nil {
		t.Fatal(err)
	}
	return read(t, r, "loss").At(0)
}

// TestMissing keeps NaN out of forecasts, losses and gradients.
func TestMissing(t *testing.T) {
	c := tall()
	b := openCPU(t)
	defer b.Close()
	put(t, b, placed(c), c, c, nil)
	const area = 12 * 8
	in, err := forecast.NewBatch(c, 1, []int32{0, 2}, c.All())
	if err != nil {
		t.Fatal(err)
	}
	nan, inf := float32(math.NaN()), float32(math.Inf(1))
	x, zero := draw(1, 2*area), draw(1, 2*area)
	for i, v := range []float32{nan, inf, nan} {
		x[17*i], zero[17*i] = v, 0
	}
	if n, err := in.SetField(0, x, 6); n != 3 || err != nil {
		t.Errorf("%d missing, %v", n, err)
	}
	r := step(t, b, c, nn.Policy{}, 1, 2, c.Patches())
	y := draw(2, area)
	if n, err := in.SetTargets([]int32{1}, [][]float32{y}); n != area || err != nil {
		t.Errorf("%d count, %v", n, err)
	}
	whole := run(t, r, in)
	if _, err := in.SetField(0, zero, 6); err != nil {
		t.Fatal(err)
	}
	if got := run(t, r, in); got != whole || math.IsNaN(whole) {
		t.Errorf("the loss is %g with NaN, %g with the mean in its place", whole, got)
	}
	y[5], y[6] = nan, inf
	if n, err := in.SetTargets([]int32{1}, [][]float32{y}); n != area-2 || err != nil {
		t.Errorf("%d count, %v", n, err)
	}
	if got := run(t, r, in); math.IsNaN(got) || got == whole {
		t.Errorf("a masked loss of %g, without the mask %g", got, whole)
	}
	for i := range y {
		y[i] = nan
	}
	n, err := in.SetTargets([]int32{1}, [][]float32{y})
	if n != 0 || err != nil {
		t.Errorf("%d count, %v", n, err)
	}
	if got := run(t, r, in); got != 0 {
		t.Errorf("a loss of %g where nothing counts", got)
	}
	for _, v := range read(t, r, "gradient").Float32() {
		if v != 0 {
			t.Fatalf("a gradient of %g where nothing counts", v)
		}
	}
}

// TestWeights compares the weights of latitudes with their formula.
func TestWeights(t *testing.T) {
	c := tall()
	lat := grid(t, c).Lat
	b := filled(t, c)
	in, err := forecast.NewBatch(c, 1, []int32{0}, []int32{0, 1, 4, 5}) // two outer bands
	if err != nil {
		t.Fatal(err)
	}
	if err := in.WeighRows(lat[1:]); err == nil {
		t.Error("weights of too few rows were taken")
	}
	if err := in.Weigh(lat[1:]); err == nil {
		t.Error("too few latitudes are accepted")
	}
	if err := in.Weigh(lat); err != nil {
		t.Fatal(err)
	}
	if _, err := in.SetField(0, make([]float32, 96), 0); err != nil {
		t.Fatal(err)
	}
	// With the targets a constant off the forecast, the loss is its square: the
	// weights are 1 in the mean.
	r := step(t, b, c, nn.Policy{}, 1, 1, 4)
	s := forecast.NewSession(b, c, nn.Policy{})
	defer s.Close()
	made, _, err := s.Run(context.Background(), forecast.Request{Variables: []int32{0}, Out: []int32{2}, Patches: []int32{0, 1, 4, 5},
		Fields: [][]float32{make([]float32, 96)}, LeadHours: []float64{0}})
	if err != nil {
		t.Fatal(err)
	}
	for i := range made[0] {
		made[0][i] += 0.5
	}
	if _, err := in.SetTargets([]int32{2}, made); err != nil {
		t.Fatal(err)
	}
	if got := run(t, r, in); !(math.Abs(got-0.25) < 1e-6) {
		t.Errorf("a loss of %g, wanted 0.25", got)
	}
	for want, weights := range map[float64][]float64{0.75: {3}, 0.25: nil} {
		in.WeighVariables([]int32{2}, weights)
		if _, err := in.SetTargets([]int32{2}, made); err != nil {
			t.Fatal(err)
		}
		if got := run(t, r, in); !(math.Abs(got-want) < 1e-6) {
			t.Errorf("a loss of %g with weights %v of the variable, wanted %g", got, weights, want)
		}
	}
}

func filled(t *testing.T, c forecast.Config) backend.Backend {
	b := backends["reference"](t)
	t.Cleanup(func() { b.Close() })
	put(t, b, placed(c), c, c, nil)
	return b
}

// TestDropout draws the same for a seed, other numbers for another, and none
// without.
func TestDropout(t *testing.T) {
	c := wide()
	b := openCPU(t)
	defer b.Close()
	put(t, b, placed(c), c, c, nil)
	p := cases()["wide all"]
	in := p.batch(t)
	still := run(t, step(t, b, c, nn.Policy{}, 2, 5, c.Patches()), in)
	for _, which := range []string{"units", "paths"} {
		d := c
		if which == "units" {
			d.Dropout = 0.3
		} else {
			d.DropPath = 0.6
		}
		r := step(t, b, d, nn.Policy{}, 2, 5, c.Patches())
		one, again := run(t, r, in, 1, 2), run(t, r, in, 1, 2)
		var others []float64
		for seed := range int32(8) {
			others = append(others, run(t, r, in, 1, 3+seed))
		}
		if one != again || !slices.ContainsFunc(others, func(x float64) bool { return x != one }) || !slices.ContainsFunc(others, func(x float64) bool { return x != still }) {
			t.Errorf("%s: losses %g and %g of one seed, %g of others, %g without", which, one, again, others, still)
		}
	}
}

// TestBF16 runs a model in 16 bits, whose forecast is close.
func TestBF16(t *testing.T) {
	c := wide()
	var made [2][][]float32
	for i, p := range []nn.Policy{{}, {Params: tensor.BF16, Compute: tensor.BF16}} {
		b := openCPU(t)
		defer b.Close()
		var specs []checkpoint.Spec
		for _, d := range c.Declared(p) {
			specs = append(specs, checkpoint.Spec{Name: d.Name, DType: d.DType, Shape: d.Shape})
		}
		view, _, err := forecast.Weights(placed(c), c, c, nil)
		if err != nil {
			t.Fatal(err)
		}
		if err := checkpoint.Fill(b.Put, specs, view, checkpoint.FillOptions{}); err != nil {
			t.Fatal(err)
		}
		s := forecast.NewSession(b, c, p)
		defer s.Close()
		made[i], _, err = s.Run(context.Background(), forecast.Request{Variables: ids(t, c, "bd"), Out: ids(t, c, "abcde"),
			Fields: [][]float32{draw(1, 2*128)}, LeadHours: []float64{24}})
		if err != nil {
			t.Fatal(err)
		}
	}
	worst := 0.0
	for i, v := range made[0][0] {
		worst = max(worst, math.Abs(float64(v-made[1][0][i])))
	}
	t.Logf("largest difference: %.2g", worst)
	if !(worst < 5e-3) || worst == 0 {
		t.Errorf("forecasts differ by %g", worst)
	}
}

// TestSubsets: a forecast does not depend on the order in which variables are
// given, nor on the company in the batch.
func TestSubsets(t *testing.T) {
	c := wide()
	b := filled(t, c)
	s := forecast.NewSession(b, c, nn.Policy{})
	defer s.Close()
	x := draw(9, 3*128)
	swapped := slices.Concat(x[256:], x[:256])
	one := func(variables string, fields ...[]float32) []float32 {
		made, missing, err := s.Run(context.Background(), forecast.Request{Variables: ids(t, c, variables), Out: ids(t, c, "ea"),
			Fields: fields, LeadHours: slices.Repeat([]float64{36}, len(fields))})
		if err != nil || missing != 0 || len(made) != len(fields) {
			t.Fatal(err, missing, len(made))
		}
		return made[len(made)-1]
	}
	want := one("abd", x)
	for name, got := range map[string][]float32{"another order": one("dab", swapped), "a batch": one("abd", draw(11, 3*128), x)} {
		for i, v := range got {
			if d := math.Abs(float64(v - want[i])); !(d < 1e-6) {
				t.Fatalf("%s: number %d differs by %g", name, i, d)
			}
		}
	}
}

// TestRegion finds boxes in either order of latitudes, and across Greenwich.
func TestRegion(t *testing.T) {
	c := part()
	g := grid(t, c)
	lat := slices.Clone(g.Lat)
	slices.Reverse(lat)
	down, err := field.NewGrid(lat, g.Lon, nil, nil)
	if err != nil {
		t.Fatal(err)
	}
	inside := func(g *field.Grid, box string, mirrored bool, south, north float64) []int32 {
		t.Helper()
		r, err := field.ParseRegion(box, "climax")
		if err != nil {
			t.Fatal(err)
		}
		patches, err := c.Region(g, r, mirrored)
		if err != nil {
			t.Fatal(err)
		}
		for _, p := range patches {
			for k := range 2 {
				if x := g.Lat[int(p)/16*2+k]; x < south || x > north {
					t.Errorf("%s: patch %d is at latitude %g", box, p, x)
				}
			}
		}
		return patches
	}
	for _, g := range []*field.Grid{g, down} {
		if n := len(inside(g, "NorthAmerica", false, 15, 65)); n != 6 {
			t.Errorf("%d patches in North America", n)
		}
		inside(g, "NorthAmerica", true, -65, -15) // the published mistake
		if n := len(inside(g, "Global", false, -90, 90)); n != c.Patches() {
			t.Errorf("%d patches of the world", n)
		}
	}
	across := inside(g, "-23,23,-23,23", false, -23, 23)
	if want := []int32{48, 63, 64, 79}; !slices.Equal(across, want) {
		t.Errorf("patches %d across Greenwich, wanted %d", across, want)
	}
	tiny, _ := field.ParseRegion("0,5,0,5", "")
	if _, err := c.Region(g, tiny, false); err == nil || !strings.Contains(err.Error(), "larger") {
		t.Errorf("a region without a patch: %v", err)
	}
	other := c
	other.Grid = [2]int{32, 64}
	if _, err := other.Region(g, tiny, false); err == nil || !strings.Contains(err.Error(), "regrid") {
		t.Errorf("another grid: %v", err)
	}
}

// TestBatchRefuses tells what does not fit a model.
func TestBatchRefuses(t *testing.T) {
	c := tall()
	for name, f := range map[string]func() error{
		"variable": func() error { _, err := forecast.NewBatch(c, 1, []int32{3}, c.All()); return err },
		"patch":    func() error { _, err := forecast.NewBatch(c, 1, []int32{0}, []int32{6}); return err },
		"none":     func() error { _, err := forecast.NewBatch(c, 1, nil, c.All()); return err },
		"history":  func() error { _, err := forecast.NewBatch(projecting(), 4, []int32{0}, []int32{0}); return err },
		"unknown":  func() error { _, err := c.IDs([]string{"z"}); return err },
		"twice":    func() error { _, err := c.IDs(letters("aa")); return err },
		"cells": func() error {
			b, err := forecast.NewBatch(c, 1, []int32{0}, c.All())
			if err != nil {
				t.Fatal(err)
			}
			_, err = b.SetField(0, make([]float32, 95), 0)
			return err
		},
		"targets": func() error {
			b, err := forecast.NewBatch(c, 1, []int32{0}, c.All())
			if err != nil {
				t.Fatal(err)
			}
			_, err = b.SetTargets([]int32{0}, [][]float32{make([]float32, 97)})
			return err
		},
	} {
		if f() == nil {
			t.Errorf("%s: accepted", name)
		}
	}
}
