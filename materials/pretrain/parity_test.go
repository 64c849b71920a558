package pretrain

import (
	"context"
	"encoding/json"
	"flag"
	"fmt"
	"iter"
	"math"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/kiban-models/kiban/core/backend"
	"github.com/kiban-models/kiban/core/backend/cpu"
	"github.com/kiban-models/kiban/core/backend/reference"
	"github.com/kiban-models/kiban/core/checkpoint"
	"github.com/kiban-models/kiban/core/dataset"
	"github.com/kiban-models/kiban/core/run"
	"github.com/kiban-models/kiban/core/tensor"
	"github.com/kiban-models/kiban/core/train"
	"github.com/kiban-models/kiban/materials/corpus"
	"github.com/kiban-models/kiban/materials/encoder"
)

var update = flag.Bool("update", false, "write the inputs of testdata/steps.py")

const stepsDir = "testdata/steps"

// seen takes what a feeder writes.
type seen map[string][]int32

func (s seen) Write(name string, x *tensor.Tensor) error {
	if x.DType() == tensor.I32 {
		s[name] = append([]int32(nil), x.Int32()...)
	}
	return nil
}
func (seen) Start(context.Context) error         { return nil }
func (seen) Run(context.Context) error           { return nil }
func (seen) Repeat(context.Context, int) error   { return nil }
func (seen) Read(string) (*tensor.Tensor, error) { return nil, nil }
func (seen) ReadTo(string, *tensor.Tensor) error { return nil }
func (seen) Close() error                        { return nil }

// microBatch is one as transformers takes it.
type microBatch struct {
	IDs    [][]int32 `json:"input_ids"`
	Mask   [][]int32 `json:"attention_mask"`
	Labels [][]int32 `json:"labels"` // -100: not masked
}

func (s seen) microBatch(rows int) microBatch {
	var b microBatch
	length := len(s["tokens"]) / rows
	guesses := len(s["places"]) / rows
	for i := range rows {
		ids := s["tokens"][i*length:][:length]
		attend, labels := make([]int32, length), make([]int32, length)
		for j := range length {
			labels[j] = -100
			if j < int(s["lengths"][i]) {
				attend[j] = 1
			}
		}
		for k := range guesses {
			if at := s["places"][i*guesses+k]; at >= 0 {
				labels[int(at)-i*length] = s["labels"][i*guesses+k]
			}
		}
		b.IDs, b.Mask, b.Labels = append(b.IDs, ids), append(b.Mask, attend), append(b.Labels, labels)
	}
	return b
}

// stepsOptions are those of testdata/steps.py: MatSciBERT's optimizer.
func stepsOptions(t *testing.T) Options {
	data := filepath.Join(t.TempDir(), "data")
	_, err := Prepare(context.Background(), PrepareOptions{
		Documents: func() iter.Seq2[corpus.Document, error] {
			return func(yield func(corpus.Document, error) bool) {
				for i := range 30 {
					text := strings.Repeat(fmt.Sprintf("Film %d of ZnO was deposited by sputtering at %d °C. ", i, 100+i*i), 1+i%4)
					if !yield(corpus.Document{Text: text}, nil) {
						return
					}
				}
			}
		},
		Out: data, VocabSize: 90, Length: 40, Split: dataset.SplitRule{Validation: 0.1}, Threads: 1,
	})
	if err != nil {
		t.Fatal(err)
	}
	sum, err := ReadSummary(data)
	if err != nil {
		t.Fatal(err)
	}
	return Options{
		Data: data, Dir: t.TempDir(), Config: encoder.NewConfig(sum.Vocab, 40, 2, 16, 2).WithoutDropout(), BatchSize: 3, Seed: 5,
		Optimizer: train.Optimizer{LR: 1e-3, Schedule: train.Linear, Warmup: 2, Steps: 8, WeightDecay: 0.01, Beta2: 0.98, Eps: 1e-6, Accum: 2},
	}
}

// TestStepsTransformers trains eight steps from the same weights on the same
// masked rows as transformers' BertForMaskedLM with torch's AdamW, and compares
// losses, norms of gradients and weights.
func TestStepsTransformers(t *testing.T) {
	o := stepsOptions(t)
	var want struct {
		Losses, Norms, Rates []float64
	}
	for name, open := range map[string]func() backend.Backend{
		"reference": func() backend.Backend { return reference.New[float32]() },
		"cpu": func() backend.Backend {
			b, err := cpu.New(cpu.Options{Threads: 1})
			if err != nil {
				t.Fatal(err)
			}
			return b
		},
	} {
		t.Run(name, func(t *testing.T) {
			b := open()
			defer b.Close()
			o := o
			o.Dir = t.TempDir()
			tr, err := New(b.Limits(), o)
			if err != nil {
				t.Fatal(err)
			}
			defer tr.Close()
			var batches []microBatch
			feed := tr.feeder()
			for n := range 16 {
				s := seen{}
				if _, err := feed(n/2, n%2, s); err != nil {
					t.Fatal(err)
				}
				batches = append(batches, s.microBatch(3))
			}
			if *update {
				writeSteps(t, tr, b, batches)
				return
			}
			var made []microBatch
			if err := run.ReadJSON(filepath.Join(stepsDir, "batches.json"), &made); err != nil {
				t.Fatal(err)
			}
			if err := run.ReadJSON(filepath.Join(stepsDir, "torch.json"), &want); err != nil {
				t.Fatal(err)
			}
			if fmt.Sprint(made) != fmt.Sprint(batches) {
				t.Fatal("the masked rows are others than those of testdata; run with -update and steps.py")
			}
			first, err := checkpoint.OpenDir(stepsDir)
			if err != nil {
				t.Fatal(err)
			}
			defer first.Close()
			tr.opt.Source = first
			if err := tr.LoadWeights(b); err != nil {
				t.Fatal(err)
			}
			trainer, err := tr.Plan.Load(b)
			if err != nil {
				t.Fatal(err)
			}
			defer trainer.Close()
			largest := 0.0
			for step := range 8 {
				r, err := trainer.Step(context.Background(), step, func(micro int, r backend.Runner) error {
					_, err := feed(step, micro, r)
					return err
				})
				if err != nil {
					t.Fatal(err)
				}
				for _, d := range []float64{r.Loss - want.Losses[step], r.GradNorm - want.Norms[step], r.LR - want.Rates[step]} {
					if largest = max(largest, math.Abs(d)); math.Abs(d) > 2e-5 {
						t.Errorf("step %d: %+v, transformers has loss %g, norm %g, rate %g", step, r, want.Losses[step], want.Norms[step], want.Rates[step])
					}
				}
			}
			last, err := checkpoint.Open(filepath.Join(stepsDir, "last.safetensors"))
			if err != nil {
				t.Fatal(err)
			}
			defer last.Close()
			moved, far := 0.0, 0.0
			for _, d := range tr.Plan.Declared() {
				w, err := last.Tensor(d.Name)
				if err != nil {
					t.Fatal(err)
				}
				got, err := b.Get(d.Name)
				if err != nil {
					t.Fatal(err)
				}
				was, err := first.Tensor(d.Name)
				if err != nil {
					t.Fatal(err)
				}
				// A key's bias has no gradient but rounding, whose sign Adam takes
				// a step by.
				if strings.HasSuffix(d.Name, "key.bias") {
					continue
				}
				for i := range got.Float32() {
					moved = max(moved, math.Abs(was.At(i)-w.At(i)))
					if d := math.Abs(got.At(i) - w.At(i)); d > far {
						far = d
					}
				}
			}
			if far > 2e-5 {
				t.Errorf("weights differ by up to %g", far)
			}
			t.Logf("largest difference %.2g, of weights %.2g, which moved by up to %.2g", largest, far, moved)
		})
	}
}

// writeSteps writes the inputs of steps.py.
func writeSteps(t *testing.T, tr *Training, b backend.Backend, batches []microBatch) {
	if err := os.MkdirAll(stepsDir, 0o777); err != nil {
		t.Fatal(err)
	}
	if err := tr.LoadWeights(b); err != nil {
		t.Fatal(err)
	}
	if err := encoder.Save(stepsDir, tr.opt.Config, tr.Plan.Declared(), run.Weights(b)); err != nil {
		t.Fatal(err)
	}
	text, err := json.Marshal(batches)
	if err == nil {
		err = os.WriteFile(filepath.Join(stepsDir, "batches.json"), text, 0o666)
	}
	if err != nil {
		t.Fatal(err)
	}
}
