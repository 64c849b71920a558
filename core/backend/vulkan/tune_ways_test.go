package vulkan

import (
	"bytes"
	"context"
	"fmt"
	"os"
	"slices"
	"testing"

	vk "github.com/vulkan-go/vulkan"

	"github.com/kiban-models/kiban/core/backend/backendtest"
	"github.com/kiban-models/kiban/core/graph"
	"github.com/kiban-models/kiban/core/plan"
	"github.com/kiban-models/kiban/core/tensor"
)

// TestTuneBits leaves out a way of other bits: columns that stand side by side have
// shares of k.
func TestTuneBits(t *testing.T) {
	b := open(t, Options{})
	tuner := forced(b, "")
	if !b.f.addsInSubgroups() {
		t.Skip("the device has one way for each product of few rows")
	}
	p := product{m: 3, n: 64, k: 700,
		a:   plan.Slot{DType: tensor.F32, Shape: []int{3, 700}},
		b:   plan.Slot{Region: plan.Params, Name: "b", DType: tensor.F32, Shape: []int{700, 64}},
		out: plan.Slot{Offset: 1 << 16, DType: tensor.F32, Shape: []int{3, 64}}}
	c := p.choice("matmul.vec.subgroup")
	for _, cols := range []int{2, 4} {
		c.add(fmt.Sprint(cols), func() []dispatch { return []dispatch{p.vecOf("matmul.vec.subgroup", cols, &b.f)} })
	}
	m, err := b.newScales([]asked{{c, 1}})
	must(t, err)
	defer m.free()
	tuner.took = func(name string, ns float64) float64 { return map[string]float64{"2": 100, "4": 1}[name] }
	found, err := m.measure(c, func() bool { return false })
	if err != nil || found.Way != "2" || found.LeftOut["4"] != "other bits than by the rules" {
		t.Errorf("found %+v, %v", found, err)
	}
}

// everyWay holds each way of each choice of a program to the bits of the rules' way,
// and that one to the reference. It returns how many others there were, by shader.
func everyWay(t *testing.T, b *Backend, tol float64, build func(*model) map[string]*graph.Node) map[string]int {
	t.Helper()
	ways := map[string]int{}
	tuner := forced(b, "")
	all := tuner.wantedOf(t, b, build)
	b.f.tuner = nil
	agree(t, b, tol, build, nil)
	want := run(t, b, build, nil)
	b.f.tuner = tuner
	for _, c := range all { // so that nothing is measured
		tuner.table.put(c.shader, c.key, tuned{Way: c.ways[0].name, Rule: c.ways[0].name})
	}
	for _, c := range all {
		for _, w := range c.ways[1:] {
			tuner.table.put(c.shader, c.key, tuned{Way: w.name, Rule: c.ways[0].name})
			taken := b.f.fastest(c.choice)[0].pipelineKey()
			for name, got := range run(t, b, build, nil) {
				if !bytes.Equal(got.Bytes(), want[name].Bytes()) {
					t.Errorf("%s, %s: %s has other bits than by %s", c.id(), w.name, name, c.ways[0].name)
				}
			}
			if b.pipelines[taken] == 0 || taken == c.ways[0].lower()[0].pipelineKey() {
				t.Errorf("%s, %s: was not taken", c.id(), w.name)
			}
			ways[c.shader]++
		}
		tuner.table.put(c.shader, c.key, tuned{Way: c.ways[0].name, Rule: c.ways[0].name})
	}
	if tuner.measured > 0 {
		t.Errorf("%v", tuner)
	}
	return ways
}

// TestWays holds the ways of products without cooperative matrices to one another.
func TestWays(t *testing.T) {
	layouts := []graph.MatMulOpt{{TransB: true}}
	if os.Getenv("KIBAN_SLOW") == "1" { // large tiles compile slowly
		layouts = append(layouts, graph.MatMulOpt{}, graph.MatMulOpt{TransA: true}, graph.MatMulOpt{TransA: true, TransB: true})
	}
	found := map[string]int{}
	for variant, sizes := range map[string][][3]int{"vec": {{1, 65, 72}, {5, 130, 77}}, "shared": {{70, 130, 33}}} {
		b := open(t, Options{MatMul: variant})
		for i, s := range sizes {
			for j, o := range layouts {
				dt := []tensor.DType{tensor.F32, tensor.BF16}[(i+j)%2]
				for shader, n := range everyWay(t, b, 1e-2, productOf(s, o, dt)) {
					found[shader] += n
				}
			}
		}
		if b.f.addsInSubgroups() && found["matmul.vec.subgroup"] == 0 && variant == "vec" {
			t.Error("a product of few rows has one way")
		}
	}
	t.Logf("other ways: %v", found)
}

// productOf is a product with what may follow it.
func productOf(s [3]int, o graph.MatMulOpt, dt tensor.DType) func(*model) map[string]*graph.Node {
	m, n, k := s[0], s[1], s[2]
	as, bs := []int{m, k}, []int{k, n}
	if o.TransA {
		as = []int{k, m}
	}
	if o.TransB {
		bs = []int{n, k}
	}
	return func(g *model) map[string]*graph.Node {
		o := o
		o.Bias = g.input("bias", tensor.F32, numbers(n, 3), n)
		y := graph.MatMul(g.input("a", dt, numbers(m*k, 1), as...), g.input("b", dt, numbers(k*n, 2), bs...), o)
		return map[string]*graph.Node{"y": graph.Add(graph.Activate(y, graph.GeluErf), g.input("residual", dt, numbers(m*n, 4), m, n))}
	}
}

// TestMatMulCoopWays does so with products on cooperative matrices, whole and in
// parts, whose lengths are multiples of nothing or of every depth.
func TestMatMulCoopWays(t *testing.T) {
	b := openCoop(t, Options{MatMul: "coop"})
	b.f.cores = 100
	sizes := [][3]int{{33, 70, 128}, {40, 33, 1024}, {33, 30, 700}}
	if os.Getenv("KIBAN_SLOW") == "1" {
		b.f.cores = 4 // for tiles of 64 and 128
		sizes = append(sizes, [3]int{130, 129, 128}, [3]int{260, 260, 64})
	}
	found := map[string]int{}
	for _, dt := range coopTypes(b) {
		for i, s := range sizes {
			for shader, n := range everyWay(t, b, 2e-2, productOf(s, graph.MatMulOpt{TransA: i == 2, TransB: i != 1}, dt)) {
				found[shader] += n
			}
		}
		if found["matmul.coop."+dt.String()] < 2*len(sizes) {
			t.Errorf("other ways: %v", found)
		}
	}
	t.Logf("other ways: %v", found)
}

// TestAttentionCoopWays does so with attention.
func TestAttentionCoopWays(t *testing.T) {
	b := openCoop(t, Options{Attention: "coop"})
	b.f.attentionTile = attentionTile{2, 1, 16}
	for _, dt := range coopTypes(b) {
		for _, places := range []int{0, 9} {
			s := attentionShape{batch: 2, queries: 70, keys: 70, heads: 2, kv: 1, width: 16, causal: true, start: []int32{9, 0}, valid: []int32{70, 50}, dropout: 0.2, places: places}
			found := everyWay(t, b, 1.0/64, s.build(dt))
			for _, shader := range []string{"attention", "attention_grad_q", "attention_grad_kv"} {
				more, one := found[shader+".coop."+dt.String()] > 0, shader == "attention_grad_q" && places > 0 // the bias's gradient is summed by tiles
				if more == one {
					t.Errorf("%s, %d places: has other ways: %t", shader, places, more)
				}
			}
			t.Logf("other ways: %v", found)
		}
	}
}

// TestMatMulCoopTune measures on cooperative matrices.
func TestMatMulCoopTune(t *testing.T) { tuneCoop(t, Options{}) }

// TestMatMulCoopTuneValidated does so under the validation layer, as
// TestMatMulCoopValidated.
func TestMatMulCoopTuneValidated(t *testing.T) {
	looksIntoShaders(t)
	tuneCoop(t, Options{Validate: true})
}

func tuneCoop(t *testing.T, o Options) {
	t.Helper()
	o.MatMul, o.Attention = "coop", "coop"
	b := openCoop(t, o)
	b.f.cores = 100
	b.f.attentionTile = attentionTile{2, 1, 8}
	for _, dt := range coopTypes(b) {
		tuner := forced(b, "")
		product := productOf([3]int{33, 30, 700}, graph.MatMulOpt{TransB: true}, dt)
		attention := attentionShape{batch: 1, queries: 20, keys: 20, heads: 2, kv: 1, width: 8, start: []int32{0}}.build(dt)
		run(t, b, product, nil)
		run(t, b, attention, nil)
		if tuner.measured != 4 || len(tuner.notes) > 0 {
			t.Errorf("%v; wanted 4 choices", tuner)
		}
		for shader, s := range tuner.table.Shaders {
			for key, e := range s.Choices {
				t.Logf("%s: %s: %+v", shader, key, e)
				if len(e.Nanoseconds) < 3 {
					t.Errorf("%s, %s has %d ways, wanted 3 at the least", shader, key, len(e.Nanoseconds))
				}
			}
		}
	}
}

// TestTuneTraining trains a model with and without tuning, whose chunks and sums of
// gradients have choices, to the same bits.
func TestTuneTraining(t *testing.T) {
	if os.Getenv("KIBAN_SLOW") == "" {
		t.Skip("takes half a minute; set KIBAN_SLOW=1")
	}
	b := open(t, Options{})
	b.f.kind = vk.PhysicalDeviceTypeDiscreteGpu
	d := backendtest.SmallDecoder(tensor.F32)
	twice := func() *Runner {
		r := training(t, b, d, plan.Options{})
		must(t, r.Run(context.Background()))
		must(t, r.Run(context.Background()))
		return r
	}
	clean := func() {
		for name, v := range b.named {
			must(t, b.Put(name, tensor.New(v.dtype, v.shape...)))
		}
	}
	want := twice()
	clean()
	tuner := forced(b, "")
	took := 0.0
	tuner.took = func(string, float64) float64 { took++; return 1e9 / took } // what is measured later is faster
	got := twice()
	sameOutputs(t, got, want)
	if tuner.measured < 3 || len(tuner.notes) > 0 {
		t.Errorf("%v", tuner)
	}
	t.Log(tuner)
}

// TestKernelsTuned holds ways that are mostly not those of the rules to the reference, in
// every case of every kernel.
func TestKernelsTuned(t *testing.T) {
	if os.Getenv("KIBAN_SLOW") == "" {
		t.Skip("takes minutes; set KIBAN_SLOW=1")
	}
	b := open(t, Options{})
	tuner := forced(b, "")
	b.f.attentionTile = attentionTile{2, 1, 8} // lavapipe compiles larger ones for minutes
	var ways []string
	tuner.took = func(name string, _ float64) float64 { // those that are met later are faster
		if !slices.Contains(ways, name) {
			ways = append(ways, name)
		}
		return 1e6 / float64(1+slices.Index(ways, name))
	}
	backendtest.Compare(t, b)
	if tuner.measured == 0 || len(tuner.notes) > 0 {
		t.Error(tuner)
	}
	t.Log(tuner)
}
