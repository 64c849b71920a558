package encoder_test

import (
	"context"
	"encoding/json"
	"math"
	"os"
	"path/filepath"
	"sort"
	"strings"
	"testing"

	"github.com/kiban-models/kiban/core/backend"
	"github.com/kiban-models/kiban/core/backend/cpu"
	"github.com/kiban-models/kiban/core/backend/reference"
	"github.com/kiban-models/kiban/core/backend/vulkan"
	"github.com/kiban-models/kiban/core/checkpoint"
	"github.com/kiban-models/kiban/core/graph"
	"github.com/kiban-models/kiban/core/nn"
	"github.com/kiban-models/kiban/core/plan"
	"github.com/kiban-models/kiban/core/tensor"
	"github.com/kiban-models/kiban/core/train"
	"github.com/kiban-models/kiban/materials/encoder"
)

// backends opens each machine that the parity tests run on.
var backends = map[string]func(t *testing.T) backend.Backend{
	"reference": func(*testing.T) backend.Backend { return reference.New[float32]() },
	"cpu":       openCPU,
	"cpu without oneDNN": func(t *testing.T) backend.Backend {
		b, err := cpu.New(cpu.Options{NoLibrary: true})
		if err != nil {
			t.Fatal(err)
		}
		return b
	},
	"vulkan": func(t *testing.T) backend.Backend {
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

func openCPU(t *testing.T) backend.Backend {
	b, err := cpu.New(cpu.Options{})
	if err != nil {
		t.Fatal(err)
	}
	return b
}

// expect is what transformers computes, made by testdata/bert.py.
type expect struct {
	Loss      float64
	AdamW     []float64
	Gradients map[string]struct {
		Norm           float64
		Elements, Sums []float64
	}
}

const oddBatch, oddLen, oddVocab = 3, 37, 257

var oddLengths = []int32{37, 21, 2}

func oddConfig() encoder.Config {
	c := encoder.NewConfig(oddVocab, 96, 3, 120, 5).WithoutDropout()
	c.FFN = 200
	return c
}

// draw are the integers that bert.py draws.
func draw(n int, stream, below uint32) []int32 {
	ids := make([]int32, n)
	for i := range ids {
		ids[i] = int32(graph.Philox(uint32(i), stream, 0, 7, 0) % below)
	}
	return ids
}

// placed are the weights that bert.py gives a model: uniform numbers by place.
func placed(declared []nn.Declared) checkpoint.Tensors {
	all := checkpoint.Tensors{}
	for _, d := range declared {
		all[d.Name] = tensor.New(tensor.F32, d.Shape...)
	}
	for i, name := range all.Names() {
		scale, centre := float32(0.1), float32(0)
		if len(all[name].Shape()) > 1 {
			scale = 0.2
		}
		if strings.HasSuffix(name, "LayerNorm.weight") {
			centre = 1
		}
		x := all[name].Float32()
		for j := range x {
			x[j] = (graph.Uniform(graph.Philox(uint32(j), uint32(i), 0, 1, 0))-0.5)*scale + centre
		}
	}
	return all
}

// task is one of the three classes: its head, what it scores, and its labels.
type task struct {
	declare func(m *encoder.Model)
	scores  func(m *encoder.Model, hidden, first *graph.Node) *graph.Node
	losses  func(m *encoder.Model, hidden, first, labels *graph.Node) *graph.Node
	rows    int
	labels  func(step int) []int32
}

func inside(i int) bool { return int32(i%oddLen) < oddLengths[i/oddLen] }

var tasks = map[string]task{
	"masked": {
		func(m *encoder.Model) { m.Masked() },
		func(m *encoder.Model, hidden, _ *graph.Node) *graph.Node { return m.Masked().Logits(hidden) },
		func(m *encoder.Model, hidden, _, labels *graph.Node) *graph.Node {
			return m.Masked().Losses(hidden, labels)
		},
		oddBatch * oddLen,
		func(step int) []int32 {
			y, chosen := draw(oddBatch*oddLen, uint32(30+step), oddVocab), draw(oddBatch*oddLen, uint32(40+step), 3)
			for i := range y {
				if !inside(i) || chosen[i] != 0 {
					y[i] = -1
				}
			}
			return y
		},
	},
	"token": {
		func(m *encoder.Model) { m.Classifier(9) },
		func(m *encoder.Model, hidden, _ *graph.Node) *graph.Node { return m.Classifier(9).Scores(hidden, nil) },
		func(m *encoder.Model, hidden, _, labels *graph.Node) *graph.Node {
			return m.Classifier(9).Losses(hidden, labels, nil)
		},
		oddBatch * oddLen,
		func(step int) []int32 {
			y := draw(oddBatch*oddLen, uint32(20+step), 9)
			for i := range y {
				if !inside(i) {
					y[i] = -1
				}
			}
			return y
		},
	},
	"sequence": {
		func(m *encoder.Model) { m.Pooler(); m.Classifier(4) },
		func(m *encoder.Model, hidden, first *graph.Node) *graph.Node {
			return m.Classifier(4).Scores(m.Pooler()(encoder.Rows(hidden, first)), nil)
		},
		func(m *encoder.Model, hidden, first, labels *graph.Node) *graph.Node {
			return m.Classifier(4).Losses(m.Pooler()(encoder.Rows(hidden, first)), labels, nil)
		},
		oddBatch,
		func(step int) []int32 { return draw(oddBatch, uint32(10+step), 4) },
	},
}

func write(t *testing.T, r backend.Runner, inputs map[string]*tensor.Tensor) {
	t.Helper()
	for name, x := range inputs {
		if err := r.Write(name, x); err != nil {
			t.Fatal(err)
		}
	}
}

func load(t *testing.T, b backend.Backend, g *graph.Graph, out map[string]*graph.Node) backend.Runner {
	t.Helper()
	p, err := plan.Compile(g, b.Limits(), plan.Options{}, out)
	if err != nil {
		t.Fatal(err)
	}
	r, err := b.Load(p)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { r.Close() })
	return r
}

func read(t *testing.T, r backend.Runner, name string) *tensor.Tensor {
	t.Helper()
	x, err := r.Read(name)
	if err != nil {
		t.Fatal(err)
	}
	return x
}

// bodyInputs are the inputs of the odd batch.
func bodyInputs(ids, lengths []int32, batch, length int) map[string]*tensor.Tensor {
	at, first := tensor.New(tensor.I32, batch, length), tensor.New(tensor.I32, batch)
	for i := range at.Int32() {
		at.Int32()[i] = int32(i % length)
	}
	for i := range first.Int32() {
		first.Int32()[i] = int32(i * length)
	}
	return map[string]*tensor.Tensor{
		"tokens": tensor.Of(ids, batch, length), "lengths": tensor.Of(lengths, batch), "positions": at, "first": first,
		"types": tensor.New(tensor.I32, batch, length),
	}
}

func weighted(labels []int32) map[string]*tensor.Tensor {
	n := 0
	for _, l := range labels {
		if l >= 0 {
			n++
		}
	}
	w := tensor.New(tensor.F32, len(labels))
	for i, l := range labels {
		if l >= 0 {
			w.Float32()[i] = 1 / float32(n)
		}
	}
	return map[string]*tensor.Tensor{"labels": tensor.Of(labels, len(labels)), "weights": w}
}

// TestParity compares every backend with transformers' three classes.
func TestParity(t *testing.T) {
	data, err := os.ReadFile("testdata/expect.json")
	if err != nil {
		t.Fatal(err)
	}
	var all map[string]json.RawMessage
	if err := json.Unmarshal(data, &all); err != nil {
		t.Fatal(err)
	}
	f, err := checkpoint.Open("testdata/odd.safetensors")
	if err != nil {
		t.Fatal(err)
	}
	defer f.Close()
	for name, open := range backends {
		t.Run(name, func(t *testing.T) {
			for name, k := range tasks {
				t.Run(name, func(t *testing.T) {
					b := open(t)
					defer b.Close()
					var e expect
					if err := json.Unmarshal(all[name], &e); err != nil {
						t.Fatal(err)
					}
					want, err := f.Tensor(name)
					if err != nil {
						t.Fatal(err)
					}
					k.logits(t, b, want)
					k.gradients(t, b, e)
					k.adamw(t, b, e)
				})
			}
		})
	}
}

func (k task) put(t *testing.T, b backend.Backend) []nn.Declared {
	declared := oddConfig().Declared(nn.Policy{}, k.declare)
	for name, x := range placed(declared) {
		if err := b.Put(name, x); err != nil {
			t.Fatal(err)
		}
	}
	return declared
}

func (k task) logits(t *testing.T, b backend.Backend, want *tensor.Tensor) {
	k.put(t, b)
	g := graph.New()
	m := encoder.New(nn.NewScope(g, nn.Policy{}), oddConfig())
	hidden := m.Hidden(encoder.Declare(g, oddBatch, oddLen, false))
	var first *graph.Node
	if k.rows == oddBatch {
		first = g.Input("first", tensor.I32, oddBatch)
	}
	scores := k.scores(m, hidden, first)
	r := load(t, b, g, map[string]*graph.Node{"scores": scores})
	inputs := bodyInputs(draw(oddBatch*oddLen, 0, oddVocab), oddLengths, oddBatch, oddLen)
	if k.rows != oddBatch {
		delete(inputs, "first")
	}
	write(t, r, inputs)
	if err := r.Run(context.Background()); err != nil {
		t.Fatal(err)
	}
	got := read(t, r, "scores")
	if got.Len() != want.Len() {
		t.Fatalf("%d scores, wanted %d", got.Len(), want.Len())
	}
	worst, classes := 0.0, want.Len()/k.rows
	for i := range want.Len() {
		if k.rows == oddBatch || inside(i/classes) {
			worst = max(worst, math.Abs(got.At(i)-want.At(i)))
		}
	}
	t.Logf("largest difference of logits: %.2g", worst)
	if !(worst < 1e-4) {
		t.Errorf("logits differ by %g, wanted less than 1e-4", worst)
	}
}

func (k task) gradients(t *testing.T, b backend.Backend, e expect) {
	declared := k.put(t, b)
	g := graph.New()
	loss := k.loss(nn.NewScope(g, nn.Policy{}))
	out := map[string]*graph.Node{"loss": loss}
	var params []*graph.Node
	for _, d := range declared {
		params = append(params, g.Param(d.Name, d.DType, d.Shape...))
	}
	for i, d := range graph.Grad(loss, params...) {
		out[params[i].Name()] = d
	}
	r := load(t, b, g, out)
	inputs := bodyInputs(draw(oddBatch*oddLen, 0, oddVocab), oddLengths, oddBatch, oddLen)
	for name, x := range weighted(k.labels(0)) {
		inputs[name] = x
	}
	if k.rows != oddBatch {
		delete(inputs, "first")
	}
	write(t, r, inputs)
	if err := r.Run(context.Background()); err != nil {
		t.Fatal(err)
	}
	if got := read(t, r, "loss").At(0); math.Abs(got-e.Loss) > 1e-4*e.Loss {
		t.Errorf("loss %g, wanted %g", got, e.Loss)
	}
	var names []string
	total := 0.0
	for name, g := range e.Gradients {
		names = append(names, name)
		total += g.Norm * g.Norm
	}
	sort.Strings(names)
	if len(names) != len(params) {
		t.Fatalf("%d gradients, transformers has %d", len(params), len(names))
	}
	worst := 0.0
	for i, name := range names {
		want, got := e.Gradients[name], read(t, r, name)
		norm, sums := 0.0, make([]float64, len(want.Sums))
		for j := range got.Len() {
			v := got.At(j)
			norm += v * v
			for k := range sums {
				sums[k] += v * (1 - 2*float64(graph.Philox(uint32(j), uint32(i), uint32(k), 13, 0)&1))
			}
		}
		// A sum with random signs of an error of norm x has variance x².
		square := 0.0
		for k := range sums {
			square += (sums[k] - want.Sums[k]) * (sums[k] - want.Sums[k])
		}
		// The gradient of the keys' bias is 0 but for rounding: a softmax does
		// not feel it. It is held against all gradients.
		scale := max(want.Norm, 1e-4*math.Sqrt(total))
		relative := max(math.Sqrt(square/float64(len(sums))), math.Abs(math.Sqrt(norm)-want.Norm)) / scale
		for j, w := range want.Elements {
			at := int(graph.Philox(uint32(j), uint32(i), 0, 11, 0)) % got.Len()
			relative = max(relative, math.Abs(got.At(at)-w)/scale)
		}
		worst = max(worst, relative)
		if !(relative < 1e-4) {
			t.Errorf("gradient of %s differs by %g of its norm %g", name, relative, want.Norm)
		}
	}
	t.Logf("largest difference of %d gradients: %.2g", len(names), worst)
}

func (k task) adamw(t *testing.T, b backend.Backend, e expect) {
	k.put(t, b)
	p, err := train.Compile(b.Limits(), k.loss, train.Options{
		Optimizer: train.Optimizer{LR: 1e-3, WeightDecay: 0.1, Beta1: 0.9, Beta2: 0.98, Eps: 1e-6, GradClip: 1},
		LRScale: func(name string) float64 {
			if strings.HasPrefix(name, "bert.") {
				return 1
			}
			return 6
		},
	})
	if err != nil {
		t.Fatal(err)
	}
	for _, m := range p.Moments() {
		if err := b.Put(m.Name, tensor.New(m.DType, m.Shape...)); err != nil {
			t.Fatal(err)
		}
	}
	trainer, err := p.Load(b)
	if err != nil {
		t.Fatal(err)
	}
	defer trainer.Close()
	inputs := bodyInputs(draw(oddBatch*oddLen, 0, oddVocab), oddLengths, oddBatch, oddLen)
	if k.rows != oddBatch {
		delete(inputs, "first")
	}
	worst := 0.0
	for step, want := range e.AdamW {
		r, err := trainer.Step(context.Background(), step, func(_ int, r backend.Runner) error {
			write(t, r, inputs)
			write(t, r, weighted(k.labels(step)))
			return nil
		})
		if err != nil {
			t.Fatal(err)
		}
		worst = max(worst, math.Abs(r.Loss-want))
	}
	t.Logf("largest difference of %d losses: %.2g", len(e.AdamW), worst)
	if !(worst < 1e-4) {
		t.Errorf("losses differ by %g, wanted less than 1e-4", worst)
	}
}

// TestDirectories opens what transformers saved, whole and bare.
func TestDirectories(t *testing.T) {
	data, err := os.ReadFile("testdata/expect.json")
	if err != nil {
		t.Fatal(err)
	}
	var e struct {
		Logits [][]float64 `json:"hf_logits"`
	}
	if err := json.Unmarshal(data, &e); err != nil {
		t.Fatal(err)
	}
	b := openCPU(t)
	defer b.Close()
	for dir, wantFresh := range map[string]int{"testdata/hf": 0, "testdata/hf_bare": 5} {
		raw, err := os.ReadFile(filepath.Join(dir, "config.json"))
		if err != nil {
			t.Fatal(err)
		}
		c, err := encoder.ParseConfig(filepath.Join(dir, "config.json"), raw)
		if err != nil {
			t.Fatal(err)
		}
		weights, err := checkpoint.OpenDir(dir)
		if err != nil {
			t.Fatal(err)
		}
		defer weights.Close()
		declared := c.Declared(nn.Policy{}, func(m *encoder.Model) { m.Masked() })
		view, fresh, err := encoder.Weights(weights, declared, nn.Fresh{Params: declared})
		if err != nil {
			t.Fatal(err)
		}
		if len(fresh) != wantFresh {
			t.Errorf("%s: fresh are %q, wanted %d", dir, fresh, wantFresh)
		}
		var specs []checkpoint.Spec
		for _, d := range declared {
			specs = append(specs, checkpoint.Spec{Name: d.Name, DType: d.DType, Shape: d.Shape})
		}
		if err := checkpoint.Fill(b.Put, specs, view, checkpoint.FillOptions{}); err != nil {
			t.Fatal(err)
		}
		if wantFresh > 0 {
			continue
		}
		g := graph.New()
		m := encoder.New(nn.NewScope(g, nn.Policy{}), c)
		r := load(t, b, g, map[string]*graph.Node{"scores": m.Masked().Logits(m.Hidden(encoder.Declare(g, 1, 20, false)))})
		inputs := bodyInputs(draw(20, 5, 61), []int32{20}, 1, 20)
		delete(inputs, "first")
		write(t, r, inputs)
		if err := r.Run(context.Background()); err != nil {
			t.Fatal(err)
		}
		got, worst := read(t, r, "scores"), 0.0
		for i, row := range e.Logits {
			for j, want := range row {
				worst = max(worst, math.Abs(got.At(i*len(row)+j)-want))
			}
		}
		if !(worst < 1e-5) {
			t.Errorf("%s: logits differ by %g", dir, worst)
		}
	}
}

// TestSave writes the three directories, which bert.py checks, where
// KIBAN_SAVE names a folder.
func TestSave(t *testing.T) {
	dir := os.Getenv("KIBAN_SAVE")
	if dir == "" {
		dir = t.TempDir()
	}
	architectures := map[string]string{"masked": encoder.MaskedLM, "token": encoder.TokenClassification, "sequence": encoder.SequenceClassification}
	for name, k := range tasks {
		c := oddConfig().WithLabels(architectures[name], []string{"a", "b", "c", "d", "e", "f", "g", "h", "i"}[:map[string]int{"token": 9, "sequence": 4}[name]])
		declared := c.Declared(nn.Policy{}, k.declare)
		if err := os.MkdirAll(filepath.Join(dir, name), 0o755); err != nil {
			t.Fatal(err)
		}
		want := placed(declared)
		if err := encoder.Save(filepath.Join(dir, name), c, declared, want); err != nil {
			t.Fatal(err)
		}
		raw, err := os.ReadFile(filepath.Join(dir, name, "config.json"))
		if err != nil {
			t.Fatal(err)
		}
		again, err := encoder.ParseConfig("config.json", raw)
		if err != nil {
			t.Fatal(err)
		}
		if strings.Join(again.Labels(), "") != strings.Join(c.Labels(), "") || again.FFN != c.FFN {
			t.Errorf("%s: read back %+v", name, again)
		}
	}
}

func (k task) loss(s nn.Scope) *graph.Node {
	g := s.Graph
	m := encoder.New(s, oddConfig())
	hidden := m.Hidden(encoder.Declare(g, oddBatch, oddLen, false))
	var first *graph.Node
	if k.rows == oddBatch {
		first = g.Input("first", tensor.I32, oddBatch)
	}
	losses := k.losses(m, hidden, first, g.Input("labels", tensor.I32, k.rows))
	return graph.Dot(losses, g.Input("weights", tensor.F32, k.rows))
}
