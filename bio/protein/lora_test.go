package protein_test

import (
	"context"
	"encoding/json"
	"math"
	"os"
	"strings"
	"testing"

	"github.com/kiban-models/kiban/bio/protein"
	"github.com/kiban-models/kiban/core/backend"
	"github.com/kiban-models/kiban/core/checkpoint"
	"github.com/kiban-models/kiban/core/lora"
	"github.com/kiban-models/kiban/core/nn"
	"github.com/kiban-models/kiban/core/tensor"
	"github.com/kiban-models/kiban/core/train"
)

// loraExpect is testdata/lora.json: what peft computes, made by lora.py.
type loraExpect struct {
	Logits        [][]float64
	Losses, Norms []float64
}

// hfModel opens testdata/hf, which transformers wrote.
func hfModel(t *testing.T) (*checkpoint.Dir, protein.Config) {
	t.Helper()
	dir, err := checkpoint.OpenDir("testdata/hf")
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { dir.Close() })
	c, err := protein.ParseConfig("testdata/hf/config.json", dir.Config())
	if err != nil {
		t.Fatal(err)
	}
	return dir, c
}

func openAdapter(t *testing.T, dir string) *lora.Adapter {
	t.Helper()
	a, err := protein.OpenAdapter(dir)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { a.Close() })
	return a
}

// TestLoRAParity compares adapters with peft's: the merged weights, the logits
// with adapters beside the weights and in them, and twenty steps of training.
func TestLoRAParity(t *testing.T) {
	data, err := os.ReadFile("testdata/lora.json")
	if err != nil {
		t.Fatal(err)
	}
	var e loraExpect
	if err := json.Unmarshal(data, &e); err != nil {
		t.Fatal(err)
	}
	dir, c := hfModel(t)
	a := openAdapter(t, "testdata/peft")
	if a.Rank != 4 || a.Alpha != 6 || a.Base != "hf" || len(a.Layers()) != 6 {
		t.Fatalf("adapter_config.json read as %+v, with %d layers", a.Config, len(a.Layers()))
	}
	mergedLike(t, dir, a, "initial.", 1e-7)
	for name, open := range backends {
		t.Run(name, func(t *testing.T) {
			b := open(t)
			defer b.Close()
			if err := protein.LoadAdapted(dir, a, c, nn.Policy{}, b.Put); err != nil {
				t.Fatal(err)
			}
			likeRows(t, "merged", logits(t, b, c, drawTokens(20, 5, 61), 1, 20), e.Logits)
			loraTraining(t, open(t), dir, c, a, e)
		})
	}
}

func likeRows(t *testing.T, what string, got *tensor.Tensor, want [][]float64) {
	t.Helper()
	worst := 0.0
	for i, row := range want {
		for j, w := range row {
			worst = max(worst, math.Abs(got.At(i*len(row)+j)-w))
		}
	}
	t.Logf("%s: largest difference of logits %.2g", what, worst)
	if !(worst < 1e-5) {
		t.Errorf("%s: logits differ by %g from peft's, wanted less than 1e-5", what, worst)
	}
}

// mergedLike compares the merged weights with those of lora.safetensors.
func mergedLike(t *testing.T, dir *checkpoint.Dir, a *lora.Adapter, prefix string, tolerance float64) {
	t.Helper()
	src, err := protein.Weights(dir)
	if err != nil {
		t.Fatal(err)
	}
	merged, err := lora.Merge(src, a)
	if err != nil {
		t.Fatal(err)
	}
	f, err := checkpoint.Open("testdata/lora.safetensors")
	if err != nil {
		t.Fatal(err)
	}
	defer f.Close()
	worst, compared := 0.0, 0
	for _, stored := range f.Names() {
		name, ok := strings.CutPrefix(stored, prefix)
		if !ok {
			continue
		}
		compared++
		want, err := f.Tensor(stored)
		if err != nil {
			t.Fatal(err)
		}
		got, err := merged.Tensor(name)
		if err != nil {
			t.Fatal(err)
		}
		for i := range want.Len() {
			worst = max(worst, math.Abs(got.At(i)-want.At(i)))
		}
	}
	t.Logf("%s largest difference of a merged weight: %.2g", prefix, worst)
	if compared != 6 || !(worst < tolerance) {
		t.Errorf("%s the merged weights of %d layers differ by %g from peft's, wanted 6 and less than %g", prefix, compared, worst, tolerance)
	}
}

// loraTraining trains peft's adapter beside the weights, and writes it.
func loraTraining(t *testing.T, b backend.Backend, dir *checkpoint.Dir, c protein.Config, a *lora.Adapter, e loraExpect) {
	defer b.Close()
	if err := protein.Load(dir, c, nn.Policy{}, b.Put); err != nil {
		t.Fatal(err)
	}
	adapted := c
	adapted.LoRA = &a.LoRA
	for _, name := range a.Weights.Names() {
		x, err := a.Weights.Tensor(name)
		if err == nil {
			err = b.Put(name, x)
		}
		if err != nil {
			t.Fatal(err)
		}
	}
	likeRows(t, "beside", logits(t, b, adapted, drawTokens(20, 5, 61), 1, 20), e.Logits)

	const batch, length = 2, 29
	p, err := train.Compile(b.Limits(), adapted.Loss(batch, length), train.Options{
		Optimizer: train.Optimizer{LR: 1e-2, Schedule: train.Linear, Warmup: 4, Steps: 20, WeightDecay: 0.1, Beta1: 0.9, Beta2: 0.95, GradClip: 1},
		Trainable: func(name string) bool { _, ok := nn.AdaptedLayer(name); return ok },
	})
	if err != nil {
		t.Fatal(err)
	}
	tr, err := p.Load(b)
	if err != nil {
		t.Fatal(err)
	}
	defer tr.Close()
	in := protein.NewBatch(batch, length)
	worst := 0.0
	for step, want := range e.Losses {
		r, err := tr.Step(context.Background(), step, func(_ int, r backend.Runner) error {
			shifted(in, drawTokens(batch*length, uint32(step), 61))
			return in.Write(r, 1/float32(in.Count()))
		})
		if err != nil {
			t.Fatal(err)
		}
		worst = max(worst, math.Abs(r.Loss-want))
		if !(math.Abs(r.Loss-want) < 1e-4) || !(math.Abs(r.GradNorm-e.Norms[step]) < 1e-3*e.Norms[step]) {
			t.Errorf("step %d: loss %.6f and norm %.5f, peft has %.6f and %.5f", step, r.Loss, r.GradNorm, want, e.Norms[step])
		}
	}
	t.Logf("largest difference of a loss: %.2g", worst)

	path := t.TempDir()
	if err := lora.Write(path, a.Config, p.Declared(), getter{b}); err != nil {
		t.Fatal(err)
	}
	mergedLike(t, dir, openAdapter(t, path), "trained.", 1e-4)
}

// getter reads a backend's parameters.
type getter struct{ b backend.Backend }

func (g getter) Tensor(name string) (*tensor.Tensor, error) { return g.b.Get(name) }
