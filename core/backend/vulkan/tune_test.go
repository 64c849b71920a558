package vulkan

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	vk "github.com/vulkan-go/vulkan"

	"github.com/kiban-models/kiban/core/backend/backendtest"
	"github.com/kiban-models/kiban/core/backend/vulkan/internal/vkshim"
	"github.com/kiban-models/kiban/core/graph"
	"github.com/kiban-models/kiban/core/plan"
	"github.com/kiban-models/kiban/core/tensor"
)

// forced has a device, whatever it is, tuned from now on.
func forced(b *Backend, dir string) *tuner {
	b.f.kind = vk.PhysicalDeviceTypeDiscreteGpu
	b.f.tuner = newTuner(dir, &b.f, time.Hour)
	return b.f.tuner
}

// fewRows are products of few rows: of a table, of which a subgroup may have some
// columns, and of one that lies the other way, which has one way alone.
func fewRows(m *model) map[string]*graph.Node {
	x, w, v := m.input("x", tensor.F32, numbers(3*72, 1), 3, 72), m.input("w", tensor.F32, numbers(65*72, 2), 65, 72), m.input("v", tensor.F32, numbers(72*40, 3), 72, 40)
	return map[string]*graph.Node{"y": graph.MatMul(x, w, graph.MatMulOpt{TransB: true}), "z": graph.MatMul(x, v, graph.MatMulOpt{})}
}

// TestTune measures once, keeps what it found, and takes it the next time, in this
// process and another; results keep their bits.
func TestTune(t *testing.T) {
	for name, staging := range map[string]bool{"direct": false, "staging, without timestamps": true} {
		t.Run(name, func(t *testing.T) { tuneOnce(t, staging) })
	}
}

func tuneOnce(t *testing.T, staging bool) {
	b := open(t, Options{MatMul: "vec", Validate: layerThere(t), ForceStaging: staging})
	if staging {
		b.f.TimestampBits = 0
	}
	want := run(t, b, fewRows, nil)
	dir := filepath.Join(t.TempDir(), "a", "b")
	tuner := forced(b, dir)
	if !b.f.addsInSubgroups() {
		t.Skip("the device has one way for each product of few rows")
	}
	tuner.took = func(name string, ns float64) float64 {
		return map[string]float64{"1 columns": 100, "2 columns": 99, "4 columns": 50, "8 columns": 80}[name]
	}
	same := func(what string) {
		t.Helper()
		for name, got := range run(t, b, fewRows, nil) {
			if !bytes.Equal(got.Bytes(), want[name].Bytes()) {
				t.Errorf("%s: %s has other bits", what, name)
			}
		}
	}
	same("measured")
	if tuner.measured != 1 || tuner.table.len() != 1 || len(tuner.notes) > 0 || tuner.table.err != nil {
		t.Fatalf("%v", tuner)
	}
	if all := tuner.wantedOf(t, b, fewRows); len(all) != 0 {
		t.Errorf("%v is still wanted", all)
	}
	if s := tuner.String(); !strings.Contains(s, "take 0.500 of the rules' time") {
		t.Errorf("%s", s)
	}
	same("known")
	if tuner.measured != 1 {
		t.Errorf("measured %d times, wanted once", tuner.measured)
	}
	tuner = forced(b, dir)
	same("read")
	if tuner.measured != 0 || tuner.table.len() != 1 {
		t.Errorf("%v; wanted what the file has", tuner)
	}
	e, _ := tuner.table.get("matmul.vec.subgroup", "3x65x72, f32 f32 f32, b turned")
	if e.Way != "4 columns" || e.Rule != "1 columns" || len(e.Nanoseconds) != 4 || len(e.LeftOut) != 0 {
		t.Errorf("kept is %+v", e)
	}
}

// wantedOf returns the choices of a program that have not been made.
func (t *tuner) wantedOf(test testing.TB, b *Backend, build func(*model) map[string]*graph.Node) []asked {
	m := &model{graph.New(), map[string]*tensor.Tensor{}}
	p := compile(test, b, m.Graph, build(m))
	return t.wanted(p, &b.f)
}

// TestTuneFile makes nothing of a file that is damaged, foreign or old but a new
// one, and needs none.
func TestTuneFile(t *testing.T) {
	b := open(t, Options{})
	dir := t.TempDir()
	c := choice{shader: "matmul.shared", key: "a \"key\" & more", ways: []way{{name: "x"}, {name: "y"}}}
	e := tuned{"y", "x", map[string]int64{"x": 5, "y": 3}, map[string]string{"z": "does not <compile>\n"}}
	var table tuneTable
	table.open(dir, &b.f)
	table.put(c.shader, c.key, e)
	table.save()
	good, err := os.ReadFile(table.path)
	must(t, errors.Join(err, table.err))
	edit := func(old, new string) []byte {
		if !bytes.Contains(good, []byte(old)) {
			t.Fatalf("the file has no %q:\n%s", old, good)
		}
		return bytes.Replace(good, []byte(old), []byte(new), 1)
	}
	sum := spirvSum(c.shader)
	for name, f := range map[string]struct {
		text  []byte
		known int  // choices that are taken from it
		said  bool // that it was not taken
	}{
		"good": {good, 1, false}, "empty": {nil, 0, true}, "cut": {good[:len(good)/2], 0, true}, "text": {[]byte("hello"), 0, true},
		"more": {append(slices.Clone(good), '1'), 0, true}, "version": {edit(`"version": 1`, `"version": 2`), 0, true},
		"device": {edit(`"device": "`, `"device": "other `), 0, true}, "driver": {edit(`"driver": "`, `"driver": "other `), 0, true},
		"shader": {edit(sum, strings.Repeat("0", len(sum))), 0, false}, "no shader": {edit(c.shader, "matmul.no"), 0, false},
		"unknown": {edit(`"rule"`, `"rules"`), 0, true}, "twice": {edit(`"rule"`, `"way"`), 0, true}, "negative": {edit(": 5", ": -5"), 0, true},
		"large": {append(slices.Clone(good), bytes.Repeat([]byte(" "), tunedMost)...), 0, true},
	} {
		must(t, os.WriteFile(table.path, f.text, 0o666))
		var now tuneTable
		now.open(dir, &b.f)
		if now.len() != f.known || (now.err != nil) != f.said {
			t.Errorf("%s: %d choices, %v", name, now.len(), now.err)
		}
		now.put(c.shader, "another", e)
		now.save()
		var then tuneTable
		then.open(dir, &b.f)
		if _, ok := then.get(c.shader, "another"); !ok || then.len() != 1+f.known || then.err != nil || now.err != nil {
			t.Errorf("%s: then %d choices, %v, %v", name, then.len(), then.err, now.err)
		}
	}
	// Of two processes that know nothing of one another neither loses anything.
	var one, two tuneTable
	must(t, os.Remove(table.path))
	one.open(dir, &b.f)
	two.open(dir, &b.f)
	one.put(c.shader, "one", e)
	two.put(c.shader, "two", e)
	one.save()
	two.save()
	one.open(dir, &b.f)
	if one.len() != 2 || one.err != nil {
		t.Errorf("%d choices of two processes, %v", one.len(), one.err)
	}
	if got, ok := one.find(c); ok {
		t.Errorf("found %v of another key", got)
	}
	for _, e := range []tuned{{Way: "no such", Rule: "x"}, {Way: "x", Rule: "y"}} {
		one.put(c.shader, c.key, e)
		if got, ok := one.find(c); ok {
			t.Errorf("found %v, of other ways or other rules", got)
		}
	}
	one.put(c.shader, c.key, e)
	if _, ok := one.find(c); !ok {
		t.Error("found nothing")
	}
	left, err := os.ReadDir(dir)
	must(t, err)
	if len(left) != 1 {
		t.Errorf("%d files, wanted one", len(left))
	}
	// A folder that cannot be made.
	one.open(filepath.Join(table.path, "sub"), &b.f)
	if one.save(); one.err == nil {
		t.Error("a file was taken for a folder")
	}
	if one.open("", &b.f); one.len() != 0 {
		t.Error("something is known without a file")
	}
	if one.save(); one.err != nil {
		t.Error(one.err)
	}
	if !json.Valid(good) {
		t.Errorf("the file is no JSON:\n%s", good)
	}
}

// twoProducts are two products in f32, the second of more work.
func twoProducts(m *model) map[string]*graph.Node {
	x, w, v := m.input("x", tensor.F32, numbers(20*24, 1), 20, 24), m.input("w", tensor.F32, numbers(24*12, 2), 24, 12), m.input("v", tensor.F32, numbers(12*80, 3), 12, 80)
	y := graph.MatMul(x, w, graph.MatMulOpt{})
	return map[string]*graph.Node{"y": y, "z": graph.MatMul(y, v, graph.MatMulOpt{})}
}

// TestTuneLimits measures the most work first, no longer than it may, and goes on
// the next time; without memory to spare it leaves all to the rules.
func TestTuneLimits(t *testing.T) {
	b := open(t, Options{MatMul: "shared"})
	tuner := forced(b, "")
	if w := tuner.wantedOf(t, b, twoProducts); len(w) != 2 || !strings.HasPrefix(w[0].key, "20x80x12,") {
		t.Fatalf("wanted are %v", w)
	}
	var now time.Time
	tuner.now = func() time.Time { now = now.Add(time.Second); return now }
	// One choice looks at the clock before itself, before each of 4 ways, and before
	// each of 12 runs; another is begun and given up.
	tuner.limit = 20 * time.Second
	for i := range 3 {
		run(t, b, twoProducts, nil)
		if _, first := tuner.table.get("matmul.shared", "20x80x12, f32 f32 f32"); !first || tuner.measured != min(i+1, 2) || len(tuner.notes) > 0 {
			t.Errorf("load %d: %v", i, tuner)
		}
	}
	tuner = forced(b, "")
	b.memoryLimit = b.allocated + 6<<20
	run(t, b, twoProducts, nil)
	if tuner.measured != 0 || len(tuner.notes) != 1 || !strings.Contains(tuner.String(), "too little memory") {
		t.Errorf("%v; wanted nothing for want of memory", tuner)
	}
}

// TestTuneFailures leaves out a way that does not compile and says so, survives a
// submission that fails, and reports a lost device as ever.
func TestTuneFailures(t *testing.T) {
	var bad atomic.Bool
	faults := planted{}
	fault := func(doing string) int32 {
		if doing == "create pipeline" && bad.Swap(false) {
			return -1000012000 // VK_ERROR_INVALID_SHADER_NV
		}
		return faults.fault(doing)
	}
	build := func(m *model) map[string]*graph.Node {
		all := twoProducts(m)
		delete(all, "z")
		return all
	}
	b := open(t, Options{MatMul: "shared", Fault: fault})
	run(t, b, build, nil) // has the shader of the rules
	tuner := forced(b, "")
	bad.Store(true)
	run(t, b, build, nil)
	e, ok := tuner.table.get("matmul.shared", "20x12x24, f32 f32 f32")
	if !ok || len(e.Nanoseconds) != 3 || len(e.LeftOut) != 1 || bad.Load() {
		t.Errorf("kept is %+v", e)
	}
	if s := tuner.String(); !strings.Contains(s, " tile was left out: ") || !strings.Contains(s, "create pipeline: ") {
		t.Errorf("%s", s)
	}
	m := &model{graph.New(), map[string]*tensor.Tensor{}}
	p := compile(t, b, m.Graph, twoProducts(m))
	for call, result := range map[string]vkshim.Result{"submit": vkshim.OutOfDeviceMemory, "allocate descriptor sets": vkshim.OutOfDeviceMemory} {
		tuner := forced(b, "")
		before := b.allocated
		faults[call] = result
		must(t, b.tune(p))
		delete(faults, call)
		if b.allocated != before || tuner.measured != 0 || len(tuner.notes) == 0 {
			t.Errorf("%s: %d bytes allocated after %d: %v", call, b.allocated, before, tuner)
		}
	}
	forced(b, "")
	faults["wait"] = vkshim.DeviceLost
	if _, err := b.Load(p); err == nil || !strings.Contains(err.Error(), "device lost") || !errors.Is(err, vkshim.DeviceLost) {
		t.Errorf("a lost device gave %v", err)
	}
	delete(faults, "wait")
}

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

// FuzzTuned reads files of anybody.
func FuzzTuned(f *testing.F) {
	f.Add([]byte(`{"version": 1, "device": "a", "driver": "b", "shaders": {"add": {"spirv": "00", "choices": {"k": {"way": "x", "rule": "x", "ns": {"x": 1}, "left_out": {}}}}}}`))
	f.Fuzz(func(t *testing.T, text []byte) {
		if _, err := parseTuned(text); err != nil && err.Error() == "" {
			t.Error("an error that says nothing")
		}
	})
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
