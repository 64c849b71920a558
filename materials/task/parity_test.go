package task_test

import (
	"context"
	"encoding/json"
	"math"
	"os"
	"slices"
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
	"github.com/kiban-models/kiban/materials/task"
)

// publishedPairs is what testdata/pairs.py computed with MatSciBERT's class.
type publishedPairs struct {
	Rows          []struct{ IDs, Places, Labels []int32 }
	Logits, After [][]float64
	Loss          float64
	Losses        []float64
}

// TestPairParity opens a model of relations as published, and computes and
// trains with it as PyTorch does.
func TestPairParity(t *testing.T) {
	data, err := os.ReadFile("testdata/pairs.json")
	if err != nil {
		t.Fatal(err)
	}
	var want publishedPairs
	if err := json.Unmarshal(data, &want); err != nil {
		t.Fatal(err)
	}
	var rows []task.Row
	for _, r := range want.Rows {
		rows = append(rows, task.Row{IDs: r.IDs, Places: r.Places, Labels: r.Labels})
	}
	for name, open := range map[string]func() (backend.Backend, error){
		"reference": func() (backend.Backend, error) { return reference.New[float32](), nil },
		"cpu":       func() (backend.Backend, error) { return cpu.New(cpu.Options{Threads: 2}) },
		"vulkan": func() (backend.Backend, error) {
			return vulkan.Open(vulkan.Options{Index: -1, AllowSoftware: true})
		},
	} {
		t.Run(name, func(t *testing.T) {
			b, err := open()
			if err != nil {
				if name == "vulkan" && os.Getenv("KIBAN_REQUIRE_VULKAN") != "1" {
					t.Skipf("no Vulkan device: %v", err)
				}
				t.Fatal(err)
			}
			defer b.Close()
			m, err := task.OpenModel("testdata/pairs")
			if err != nil {
				t.Fatal(err)
			}
			defer m.Close()
			h, err := m.Head(task.Relation)
			if err != nil || h.Kind != task.Pair {
				t.Fatal(h, err)
			}
			if err := m.Load(b, h, nn.Policy{}); err != nil {
				t.Fatal(err)
			}
			if off := pairScores(t, b, h, m.Config, rows, want.Logits); !(off < 1e-5) {
				t.Errorf("logits differ by %g", off)
			} else {
				t.Logf("logits differ by %.2g", off)
			}
			pairGradients(t, b, h, m.Config, rows, want.Loss)
			pairTraining(t, b, h, m, rows, want)
		})
	}
}

// pairScores returns how far the scores of rows are from those wanted.
func pairScores(t *testing.T, b backend.Backend, h task.Head, c encoder.Config, rows []task.Row, want [][]float64) float64 {
	t.Helper()
	s := task.NewSession(b, h, c, nn.Policy{})
	defer s.Close()
	off, n := 0.0, 0
	err := s.Run(context.Background(), rows, func(i int, scores [][]float32) error {
		n++
		for j, v := range scores[0] {
			off = max(off, math.Abs(float64(v)-want[i][j]))
		}
		return nil
	})
	if err != nil || n != len(want) {
		t.Fatal(n, err)
	}
	return off
}

// pairGradients compares the gradient of each parameter, whose file names them
// as the class does.
func pairGradients(t *testing.T, b backend.Backend, h task.Head, c encoder.Config, rows []task.Row, wantLoss float64) {
	t.Helper()
	f, err := checkpoint.Open("testdata/pairs_gradients.safetensors")
	if err != nil {
		t.Fatal(err)
	}
	defer f.Close()
	declared := c.Declared(nn.Policy{}, h.Declare)
	want, missing, err := encoder.Weights(f, declared, nil)
	if err != nil || len(missing) > 0 || len(want.Names()) != len(declared) {
		t.Fatalf("gradients of %d tensors for %d parameters, without %q: %v", len(want.Names()), len(declared), missing, err)
	}
	const length = 24
	g := graph.New()
	loss := h.Loss(c, len(rows), length)(nn.NewScope(g, nn.Policy{}))
	var params []*graph.Node
	for _, d := range declared {
		params = append(params, g.Param(d.Name, d.DType, d.Shape...))
	}
	out := map[string]*graph.Node{"loss": loss}
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
	for name, x := range pairInputs(rows, length, len(h.Labels)) {
		if err := r.Write(name, x); err != nil {
			t.Fatal(err)
		}
	}
	if err := r.Run(context.Background()); err != nil {
		t.Fatal(err)
	}
	if x, err := r.Read("loss"); err != nil || !(math.Abs(x.At(0)-wantLoss) < 1e-5) {
		t.Errorf("loss %v, wanted %g: %v", x, wantLoss, err)
	}
	total, worst := 0.0, 0.0
	norm := func(x *tensor.Tensor) (sum float64) {
		for i := range x.Len() {
			sum += x.At(i) * x.At(i)
		}
		return sum
	}
	for _, d := range declared {
		if x, err := want.Tensor(d.Name); err != nil {
			t.Fatal(err)
		} else {
			total += norm(x)
		}
	}
	for _, d := range declared {
		x, _ := want.Tensor(d.Name)
		got, err := r.Read(d.Name)
		if err != nil || !slices.Equal(got.Shape(), x.Shape()) {
			t.Fatalf("%s: gradient %v, wanted %v: %v", d.Name, got, x, err)
		}
		// That of the keys' bias is 0 but for rounding: a softmax does not
		// feel it. It is held against all gradients.
		scale := max(math.Sqrt(norm(x)), 1e-4*math.Sqrt(total))
		for i := range x.Len() {
			worst = max(worst, math.Abs(got.At(i)-x.At(i))/scale)
		}
	}
	if !(worst < 1e-4) {
		t.Errorf("gradients differ by %g of their norms", worst)
	}
	t.Logf("gradients of %d parameters differ by %.2g of their norms", len(declared), worst)
}

// pairInputs are a batch of all rows.
func pairInputs(rows []task.Row, length, classes int) map[string]*tensor.Tensor {
	n := len(rows)
	ints := func(shape ...int) *tensor.Tensor { return tensor.New(tensor.I32, shape...) }
	in := map[string]*tensor.Tensor{
		"tokens": ints(n, length), "positions": ints(n, length), "types": ints(n, length), "lengths": ints(n),
		"places": ints(n), "tails": ints(n), "labels": ints(n), "weights": tensor.New(tensor.F32, n), "unit": tensor.New(tensor.F32, classes, classes),
	}
	for i, r := range rows {
		copy(in["tokens"].Int32()[i*length:], r.IDs)
		for j := range length {
			in["positions"].Int32()[i*length+j] = int32(j)
		}
		in["lengths"].Int32()[i] = int32(len(r.IDs))
		in["places"].Int32()[i], in["tails"].Int32()[i] = int32(i*length)+r.Places[0], int32(i*length)+r.Places[1]
		in["labels"].Int32()[i], in["weights"].Float32()[i] = r.Labels[0], 1/float32(n)
	}
	for i := range classes {
		in["unit"].Float32()[i*(classes+1)] = 1
	}
	return in
}

// pairTraining takes PyTorch's steps: AdamW with decay of matrices, warm-up,
// clipping, and a rate of the head's own.
func pairTraining(t *testing.T, b backend.Backend, h task.Head, m *task.Model, rows []task.Row, want publishedPairs) {
	t.Helper()
	src, drawn, err := m.Source(m.Config.Declared(nn.Policy{}, h.Declare), 1)
	if err != nil || len(drawn) > 0 {
		t.Fatalf("drew %q: %v", drawn, err)
	}
	var losses []float64
	x, err := task.New(b.Limits(), task.Options{
		Dir: t.TempDir(), Config: m.Config, Head: h, Source: src, Train: rows,
		Optimizer: train.Optimizer{LR: 2e-3, Schedule: train.Linear, Steps: len(want.Losses), Warmup: 3, WeightDecay: 0.05, GradClip: 1},
		BatchSize: len(rows), HeadLR: 5e-3, Freeze: -1, Seed: 1, Files: func(string) error { return nil },
		Tick: func(_ train.Progress, r train.Result) { losses = append(losses, r.Loss) },
	})
	if err != nil {
		t.Fatal(err)
	}
	if _, err := x.Run(context.Background(), b); err != nil {
		t.Fatal(err)
	}
	worst := 0.0
	for i, l := range losses {
		worst = max(worst, math.Abs(l-want.Losses[i]))
	}
	if len(losses) != len(want.Losses) || !(worst < 1e-4) {
		t.Errorf("losses %v, PyTorch's %v", losses, want.Losses)
	}
	off := pairScores(t, b, h, m.Config, rows, want.After)
	if !(off < 1e-3) {
		t.Errorf("logits after training differ by %g", off)
	}
	t.Logf("%d steps: losses differ by %.2g at most, logits after them by %.2g", len(losses), worst, off)
}
