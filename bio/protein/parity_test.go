package protein_test

import (
	"context"
	"encoding/json"
	"math"
	"os"
	"sort"
	"strings"
	"testing"

	"github.com/kiban-models/kiban/bio/protein"
	"github.com/kiban-models/kiban/core/backend"
	"github.com/kiban-models/kiban/core/checkpoint"
	"github.com/kiban-models/kiban/core/decode"
	"github.com/kiban-models/kiban/core/graph"
	"github.com/kiban-models/kiban/core/nn"
	"github.com/kiban-models/kiban/core/plan"
	"github.com/kiban-models/kiban/core/tensor"
	"github.com/kiban-models/kiban/core/train"
	"github.com/kiban-models/kiban/core/transformer"
)

// expect is testdata/expect.json: what transformers computes, made by
// testdata/gpt2.py.
type expect struct {
	Loss      float64 `json:"loss"`
	Gradients map[string]struct {
		Norm           float64
		Elements, Sums []float64
	} `json:"gradients"`
	AdamW  struct{ Losses, Norms []float64 } `json:"adamw"`
	Greedy []struct {
		Prompt, IDs []int32
		Penalty     float64
	} `json:"greedy"`
	Filters []struct {
		Penalty, Temperature float64
		TopK                 int     `json:"top_k"`
		TopP                 float64 `json:"top_p"`
		Kept                 [][]int
		Sum, Max             []float64
	} `json:"filters"`
	HFLogits [][]float64 `json:"hf_logits"`
}

func readExpect(t *testing.T) expect {
	t.Helper()
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

func drawTokens(n int, stream uint32, vocab uint32) []int32 {
	ids := make([]int32, n)
	for i := range ids {
		ids[i] = int32(graph.Philox(uint32(i), stream, 0, 7, 0) % vocab)
	}
	return ids
}

// placed are the weights that gpt2.py gives a model: uniform numbers by place.
func placed(c protein.Config) checkpoint.Tensors {
	all := checkpoint.Tensors{}
	var names []string
	for _, d := range c.Declared(nn.Policy{}) {
		all[d.Name] = tensor.New(tensor.F32, d.Shape...)
		names = append(names, d.Name)
	}
	sort.Strings(names)
	for i, name := range names {
		scale, centre := float32(0.1), float32(0)
		if len(all[name].Shape()) > 1 {
			scale = 0.2
		}
		if len(all[name].Shape()) == 1 && strings.HasSuffix(name, ".weight") { // of a norm
			centre = 1
		}
		x := all[name].Float32()
		for j := range x {
			x[j] = (graph.Uniform(graph.Philox(uint32(j), uint32(i), 0, 1, 0))-0.5)*scale + centre
		}
	}
	return all
}

const oddBatch, oddLen, oddVocab = 2, 77, 257

func oddConfig() protein.Config { return protein.NewConfig(oddVocab, 96, 5, 120, 6, 0) }

func putAll(t *testing.T, b backend.Backend, all checkpoint.Tensors) {
	t.Helper()
	for _, name := range all.Names() {
		if err := b.Put(name, all[name]); err != nil {
			t.Fatal(err)
		}
	}
}

// shifted fills a batch the way transformers shifts labels.
func shifted(b *protein.Batch, ids []int32) {
	copy(b.Tokens, ids)
	for i := range b.Labels {
		if b.Labels[i] = -1; i%b.Len < b.Len-1 {
			b.Labels[i] = ids[i+1]
		}
	}
}

// TestParity compares every backend with transformers' GPT2LMHeadModel.
func TestParity(t *testing.T) {
	e := readExpect(t)
	for name, open := range backends {
		t.Run(name, func(t *testing.T) {
			b := open(t)
			defer b.Close()
			t.Run("logits", func(t *testing.T) { parityLogits(t, b) })
			t.Run("gradients", func(t *testing.T) { parityGradients(t, b, e) })
			t.Run("greedy", func(t *testing.T) { parityGreedy(t, b, e) })
			t.Run("filters", func(t *testing.T) { parityFilters(t, b, e) })
			t.Run("adamw", func(t *testing.T) { parityAdamW(t, b, e) }) // last: it changes the weights
		})
	}
}

func run(t *testing.T, r backend.Runner) {
	t.Helper()
	if err := r.Run(context.Background()); err != nil {
		t.Fatal(err)
	}
}

func read(t *testing.T, r backend.Runner, name string) *tensor.Tensor {
	t.Helper()
	x, err := r.Read(name)
	if err != nil {
		t.Fatal(err)
	}
	return x
}

func parityLogits(t *testing.T, b backend.Backend) {
	c := oddConfig()
	putAll(t, b, placed(c))
	got := logits(t, b, c, drawTokens(oddBatch*oddLen, 0, oddVocab), oddBatch, oddLen)
	f, err := checkpoint.Open("testdata/odd.safetensors")
	if err != nil {
		t.Fatal(err)
	}
	defer f.Close()
	want, err := f.Tensor("logits")
	if err != nil {
		t.Fatal(err)
	}
	worst := 0.0
	for i := range want.Len() {
		worst = max(worst, math.Abs(got.At(i)-want.At(i)))
	}
	t.Logf("largest difference of logits: %.2g", worst)
	if !(worst < 1e-4) {
		t.Errorf("logits differ by %g, wanted less than 1e-4", worst)
	}
}

func logits(t *testing.T, b backend.Backend, c protein.Config, ids []int32, batch, length int) *tensor.Tensor {
	t.Helper()
	return logitsAs(t, b, c, nn.Policy{}, ids, batch, length)
}

func logitsAs(t *testing.T, b backend.Backend, c protein.Config, policy nn.Policy, ids []int32, batch, length int) *tensor.Tensor {
	t.Helper()
	g := graph.New()
	m := protein.NewCausal(nn.NewScope(g, policy), c)
	h := m.Hidden(g.Input("tokens", tensor.I32, batch, length), g.Input("positions", tensor.I32, batch, length), transformer.Pass{Batch: batch, Len: length})
	p, err := plan.Compile(g, b.Limits(), plan.Options{}, map[string]*graph.Node{"logits": m.Logits(h)})
	if err != nil {
		t.Fatal(err)
	}
	r, err := b.Load(p)
	if err != nil {
		t.Fatal(err)
	}
	defer r.Close()
	at := tensor.New(tensor.I32, batch, length)
	for i := range at.Int32() {
		at.Int32()[i] = int32(i % length)
	}
	for name, x := range map[string]*tensor.Tensor{"tokens": tensor.Of(ids, batch, length), "positions": at} {
		if err := r.Write(name, x); err != nil {
			t.Fatal(err)
		}
	}
	run(t, r)
	return read(t, r, "logits")
}

func parityGradients(t *testing.T, b backend.Backend, e expect) {
	c := oddConfig()
	g := graph.New()
	s := nn.NewScope(g, nn.Policy{})
	loss := c.Loss(oddBatch, oddLen)(s)
	out := map[string]*graph.Node{"loss": loss}
	var params []*graph.Node
	for _, d := range s.Declared() {
		params = append(params, g.Param(d.Name, d.DType, d.Shape...))
	}
	for i, d := range graph.Grad(loss, params...) {
		out[params[i].Name()] = d
	}
	p, err := plan.Compile(g, b.Limits(), plan.Options{}, out)
	if err != nil {
		t.Fatal(err)
	}
	r, err := b.Load(p)
	if err != nil {
		t.Fatal(err)
	}
	defer r.Close()
	batch := protein.NewBatch(oddBatch, oddLen)
	shifted(batch, drawTokens(oddBatch*oddLen, 0, oddVocab))
	if err := batch.Write(r, 1/float32(batch.Count())); err != nil {
		t.Fatal(err)
	}
	run(t, r)
	if got := read(t, r, "loss").At(0); math.Abs(got-e.Loss) > 1e-4*e.Loss {
		t.Errorf("loss %g, wanted %g", got, e.Loss)
	}
	names := make([]string, 0, len(e.Gradients))
	for name := range e.Gradients {
		names = append(names, name)
	}
	sort.Strings(names)
	if len(names) != len(params) {
		t.Fatalf("%d gradients, transformers has %d", len(params), len(names))
	}
	worst := 0.0
	for i, name := range names {
		want, got := e.Gradients[name], read(t, r, name)
		n := got.Len()
		norm := 0.0
		sums := make([]float64, len(want.Sums))
		for j := range n {
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
		relative := max(math.Sqrt(square/float64(len(sums))), math.Abs(math.Sqrt(norm)-want.Norm)) / want.Norm
		for k, w := range want.Elements {
			v := got.At(int(graph.Philox(uint32(k), uint32(i), 0, 11, 0)) % n)
			relative = max(relative, math.Abs(v-w)/want.Norm)
		}
		worst = max(worst, relative)
		if !(relative < 1e-4) {
			t.Errorf("gradient of %s is off by %.2g of its norm %.3g", name, relative, want.Norm)
		}
	}
	t.Logf("largest relative error of a gradient: %.2g", worst)
}

func parityAdamW(t *testing.T, b backend.Backend, e expect) {
	c := oddConfig()
	putAll(t, b, placed(c))
	opt := train.Options{Optimizer: train.Optimizer{
		LR: 1e-3, Schedule: train.Linear, Warmup: 4, Steps: 20, WeightDecay: 0.1, Beta1: 0.9, Beta2: 0.95, GradClip: 1,
	}}
	p, err := train.Compile(b.Limits(), c.Loss(oddBatch, oddLen), opt)
	if err != nil {
		t.Fatal(err)
	}
	tr, err := p.Load(b)
	if err != nil {
		t.Fatal(err)
	}
	defer tr.Close()
	batch := protein.NewBatch(oddBatch, oddLen)
	worst := 0.0
	for step, want := range e.AdamW.Losses {
		r, err := tr.Step(context.Background(), step, func(_ int, r backend.Runner) error {
			shifted(batch, drawTokens(oddBatch*oddLen, uint32(step), oddVocab))
			return batch.Write(r, 1/float32(batch.Count()))
		})
		if err != nil {
			t.Fatal(err)
		}
		worst = max(worst, math.Abs(r.Loss-want))
		if !(math.Abs(r.Loss-want) < 1e-4) || !(math.Abs(r.GradNorm-e.AdamW.Norms[step]) < 1e-3*e.AdamW.Norms[step]) {
			t.Errorf("step %d: loss %.6f and norm %.5f, torch has %.6f and %.5f", step, r.Loss, r.GradNorm, want, e.AdamW.Norms[step])
		}
	}
	t.Logf("largest difference of a loss: %.2g", worst)
}

func parityGreedy(t *testing.T, b backend.Backend, e expect) {
	c := oddConfig()
	p, err := decode.Compile(b.Limits(), func(s nn.Scope) decode.Model { return protein.NewCausal(s, c) }, nn.Policy{},
		decode.Shape{Batch: 4, Len: 60, Prompt: 17, Vocab: oddVocab, EOS: 0})
	if err != nil {
		t.Fatal(err)
	}
	d, err := p.Load(b)
	if err != nil {
		t.Fatal(err)
	}
	defer d.Close()
	byPenalty := map[float64][]int{}
	for i, w := range e.Greedy {
		byPenalty[w.Penalty] = append(byPenalty[w.Penalty], i)
	}
	for penalty, which := range byPenalty {
		var reqs []decode.Request
		for _, i := range which {
			reqs = append(reqs, decode.Request{Prompt: e.Greedy[i].Prompt})
		}
		got, err := d.Generate(context.Background(), reqs, decode.Sampling{Greedy: true, RepetitionPenalty: penalty})
		if err != nil {
			t.Fatal(err)
		}
		for k, i := range which {
			if !equal(got[k], e.Greedy[i].IDs) {
				t.Errorf("prompt of %d, penalty %g: got\n%v, generate() gives\n%v", len(e.Greedy[i].Prompt), penalty, got[k], e.Greedy[i].IDs)
			}
		}
	}
}

func equal(a, b []int32) bool {
	if len(a) != len(b) {
		return false
	}
	for i := range a {
		if a[i] != b[i] {
			return false
		}
	}
	return true
}

func parityFilters(t *testing.T, b backend.Backend, e expect) {
	const rows, vocab, length = 3, 1000, 40
	g := graph.New()
	knobs := g.Input("knobs", tensor.F32, graph.KnobsLen)
	x := graph.Penalty(g.Input("logits", tensor.F32, rows, vocab), g.Input("tokens", tensor.I32, rows, length), g.Input("pos", tensor.I32, rows), knobs)
	p, err := plan.Compile(g, b.Limits(), plan.Options{}, map[string]*graph.Node{"out": graph.Filter(x, knobs)})
	if err != nil {
		t.Fatal(err)
	}
	r, err := b.Load(p)
	if err != nil {
		t.Fatal(err)
	}
	defer r.Close()
	in := tensor.New(tensor.F32, rows, vocab)
	for i := range in.Float32() {
		in.Float32()[i] = (graph.Uniform(graph.Philox(uint32(i), 50, 0, 3, 0)) - 0.5) * 12
	}
	for _, w := range e.Filters {
		for name, x := range map[string]*tensor.Tensor{
			"logits": in, "tokens": tensor.Of(drawTokens(rows*length, 60, vocab), rows, length),
			"pos":   tensor.Of([]int32{length - 1, length - 1, length - 1}, rows),
			"knobs": tensor.Of([]float32{float32(w.Penalty), float32(w.Temperature), float32(w.TopK), float32(w.TopP), 0, 0, 0, 0}, graph.KnobsLen),
		} {
			if err := r.Write(name, x); err != nil {
				t.Fatal(err)
			}
		}
		run(t, r)
		out := read(t, r, "out")
		for row := range rows {
			var kept []int32
			sum, largest := 0.0, math.Inf(-1)
			for j := range vocab {
				if v := out.At(row*vocab + j); !math.IsInf(v, -1) {
					kept = append(kept, int32(j))
					sum += v
					largest = max(largest, v)
				}
			}
			var want []int32
			for _, j := range w.Kept[row] {
				want = append(want, int32(j))
			}
			if !equal(kept, want) {
				t.Errorf("penalty %g, temperature %g, top-k %d, top-p %g: row %d keeps %d, transformers %d", w.Penalty, w.Temperature, w.TopK, w.TopP, row, len(kept), len(want))
			} else if math.Abs(sum-w.Sum[row]) > 1e-3 || math.Abs(largest-w.Max[row]) > 1e-5 {
				t.Errorf("penalty %g, temperature %g: row %d sums to %g with maximum %g, transformers %g and %g", w.Penalty, w.Temperature, row, sum, largest, w.Sum[row], w.Max[row])
			}
		}
	}
}

// TestOpensTransformersDirectory loads a directory that save_pretrained wrote.
func TestOpensTransformersDirectory(t *testing.T) {
	e := readExpect(t)
	dir, err := checkpoint.OpenDir("testdata/hf")
	if err != nil {
		t.Fatal(err)
	}
	defer dir.Close()
	c, err := protein.ParseConfig("testdata/hf/config.json", dir.Config())
	if err != nil {
		t.Fatal(err)
	}
	b := backends["reference"](t)
	defer b.Close()
	if err := protein.Load(dir, c, nn.Policy{}, b.Put); err != nil {
		t.Fatal(err)
	}
	got := logits(t, b, c, drawTokens(20, 5, 61), 1, 20)
	for i, row := range e.HFLogits {
		for j, w := range row {
			if v := got.At(i*61 + j); math.Abs(v-w) > 1e-5 {
				t.Fatalf("logit %d of token %d is %g, transformers has %g", j, i, v, w)
			}
		}
	}
}
