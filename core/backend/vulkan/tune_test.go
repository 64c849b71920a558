package vulkan

import (
	"bytes"
	"encoding/json"
	"errors"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	vk "github.com/vulkan-go/vulkan"

	"github.com/kiban-models/kiban/core/backend/vulkan/internal/vkshim"
	"github.com/kiban-models/kiban/core/graph"
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

// FuzzTuned reads files of anybody.
func FuzzTuned(f *testing.F) {
	f.Add([]byte(`{"version": 1, "device": "a", "driver": "b", "shaders": {"add": {"spirv": "00", "choices": {"k": {"way": "x", "rule": "x", "ns": {"x": 1}, "left_out": {}}}}}}`))
	f.Fuzz(func(t *testing.T, text []byte) {
		if _, err := parseTuned(text); err != nil && err.Error() == "" {
			t.Error("an error that says nothing")
		}
	})
}
