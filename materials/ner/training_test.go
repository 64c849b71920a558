package ner_test

import (
	"context"
	"encoding/json"
	"math"
	"os"
	"slices"
	"strings"
	"testing"

	"github.com/kiban-models/kiban/core/backend"
	"github.com/kiban-models/kiban/core/backend/cpu"
	"github.com/kiban-models/kiban/core/backend/reference"
	"github.com/kiban-models/kiban/core/backend/vulkan"
	"github.com/kiban-models/kiban/core/checkpoint"
	"github.com/kiban-models/kiban/core/graph"
	"github.com/kiban-models/kiban/core/nn"
	"github.com/kiban-models/kiban/core/run"
	"github.com/kiban-models/kiban/core/tensor"
	"github.com/kiban-models/kiban/core/train"
	"github.com/kiban-models/kiban/materials/encoder"
	"github.com/kiban-models/kiban/materials/task"
)

// course is what testdata/training.py computed.
type course struct {
	Losses, Scores, Transitions []float64
	CRF                         map[string][]float32
}

// placed are the weights that training.py gives BERT, uniform numbers by place,
// and those of the chain, as given.
func placed(declared []nn.Declared, chain map[string][]float32) checkpoint.Tensors {
	all, drawn := checkpoint.Tensors{}, []string{}
	for _, d := range declared {
		all[d.Name] = tensor.New(tensor.F32, d.Shape...)
		if name, ok := strings.CutPrefix(d.Name, "crf."); ok {
			copy(all[d.Name].Float32(), chain[name])
		} else {
			drawn = append(drawn, d.Name)
		}
	}
	slices.Sort(drawn)
	for i, name := range drawn {
		scale, centre := float32(0.1), float32(0)
		if len(all[name].Shape()) > 1 {
			scale = 0.2
		}
		if strings.HasSuffix(name, "LayerNorm.weight") {
			centre = 1
		}
		for j := range all[name].Float32() {
			all[name].Float32()[j] = (graph.Uniform(graph.Philox(uint32(j), uint32(i), 0, 1, 0))-0.5)*scale + centre
		}
	}
	return all
}

// TestTrainingParity takes the steps that PyTorch takes: AdamW with decay of
// matrices, warm-up, clipping, a rate of the head's own, losses averaged over
// words, or for a chain over sentences.
func TestTrainingParity(t *testing.T) {
	data, err := os.ReadFile("testdata/training.json")
	if err != nil {
		t.Fatal(err)
	}
	var want struct {
		Rows        []struct{ IDs, Places, Labels []int32 }
		Linear, CRF course
	}
	if err := json.Unmarshal(data, &want); err != nil {
		t.Fatal(err)
	}
	var rows []task.Row
	for _, r := range want.Rows {
		rows = append(rows, task.Row{IDs: r.IDs, Places: r.Places, Labels: r.Labels})
	}
	labels := []string{"B-A", "B-B", "I-A", "I-B", "O"}
	for kind, want := range map[task.Kind]course{task.Words: want.Linear, task.Chain: want.CRF} {
		for name, open := range map[string]func() (backend.Backend, error){
			"reference": func() (backend.Backend, error) { return reference.New[float32](), nil },
			"cpu":       func() (backend.Backend, error) { return cpu.New(cpu.Options{Threads: 2}) },
			"vulkan": func() (backend.Backend, error) {
				return vulkan.Open(vulkan.Options{Index: -1, AllowSoftware: true})
			},
		} {
			t.Run(string(kind)+" "+name, func(t *testing.T) {
				b, err := open()
				if err != nil {
					if name == "vulkan" && os.Getenv("KIBAN_REQUIRE_VULKAN") != "1" {
						t.Skipf("no Vulkan device: %v", err)
					}
					t.Fatal(err)
				}
				defer b.Close()
				parity(t, b, kind, labels, rows, want)
			})
		}
	}
}

func parity(t *testing.T, b backend.Backend, kind task.Kind, labels []string, rows []task.Row, want course) {
	h := task.Head{Kind: kind, Labels: labels}
	c := encoder.NewConfig(97, 32, 2, 48, 4).WithoutDropout()
	var losses []float64
	x, err := task.New(b.Limits(), task.Options{
		Dir: t.TempDir(), Config: c, Head: h, Source: placed(c.Declared(nn.Policy{}, h.Declare), want.CRF), Train: rows,
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
	if len(losses) != len(want.Losses) || worst > 1e-4 {
		t.Errorf("losses %v, PyTorch's %v", losses, want.Losses)
	}
	s := task.NewSession(b, h, c, nn.Policy{})
	defer s.Close()
	off := 0.0
	err = s.Run(context.Background(), rows[:1], func(_ int, scores [][]float32) error {
		for i, v := range slices.Concat(scores...) {
			off = max(off, math.Abs(float64(v)-want.Scores[i]))
		}
		return nil
	})
	if err != nil || off > 1e-3 {
		t.Errorf("scores after training differ by %g, %v", off, err)
	}
	t.Logf("%d steps: losses differ by %.2g at most, scores after them by %.2g", len(losses), worst, off)
	if kind == task.Chain {
		w, err := task.ChainWeights(run.Weights(b))
		if err != nil {
			t.Fatal(err)
		}
		for i, v := range w.Transitions {
			if math.Abs(float64(v)-want.Transitions[i]) > 1e-3 {
				t.Errorf("transition %d is %g, PyTorch's %g", i, v, want.Transitions[i])
			}
		}
	}
}
