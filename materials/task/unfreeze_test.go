package task_test

import (
	"context"
	"errors"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/kiban-models/kiban/core/checkpoint"
	"github.com/kiban-models/kiban/core/nn"
	"github.com/kiban-models/kiban/core/run"
	"github.com/kiban-models/kiban/core/train"
	"github.com/kiban-models/kiban/materials/encoder"
	"github.com/kiban-models/kiban/materials/task"
)

// TestUnfreeze trains by ULMFiT's recipe: after two epochs only the head and the
// layer have moved, in the end all has; interrupted in each stage, it ends the
// same.
func TestUnfreeze(t *testing.T) {
	once := func(dir string, stop int, resume string) (train.Progress, error) {
		b := open(t)
		o := options(t, task.Words, dir, b)
		o.Config = encoder.NewConfig(vocab, 32, 2, 32, 4)
		o.Unfreeze, o.LayerDecay, o.Resume = 1, 1/train.LayerFactor, resume
		o.Optimizer.Schedule = train.SlantedTriangular
		ctx, cancel := context.WithCancel(context.Background())
		defer cancel()
		o.Tick = func(p train.Progress, _ train.Result) {
			if p.Step == stop {
				cancel()
			}
		}
		return begin(t, b, o).Run(ctx, b)
	}
	whole, broken := t.TempDir(), t.TempDir()
	p, err := once(whole, -1, "")
	if err != nil || p.BestScore < 0.9 {
		t.Fatalf("best accuracy %g, %v", p.BestScore, err)
	}
	t.Logf("best accuracy %.3f at step %d of %d", p.BestScore, p.BestAt, p.Step)
	// 25 steps an epoch: the head, at 25 the upper layer, at 50 the lower one, at
	// 75 the embeddings.
	for i, stop := range []int{12, 25, 40, 60, 75, 90, -1} {
		resume := run.Newest
		if i == 0 {
			resume = ""
		}
		if _, err := once(broken, stop, resume); stop > 0 != errors.Is(err, train.ErrInterrupted) || stop < 0 && err != nil {
			t.Fatal(err)
		}
		if stop != 40 {
			continue
		}
		dir, err := checkpoint.OpenDir(filepath.Join(broken, "checkpoint-40"))
		if err != nil {
			t.Fatal(err)
		}
		c := encoder.NewConfig(vocab, 32, 2, 32, 4)
		h := task.Head{Kind: task.Words, Labels: labels[task.Words]}
		fresh := nn.Fresh{Seed: 3, Params: c.Declared(nn.Policy{}, h.Declare)}
		for _, d := range fresh.Params {
			a, err := dir.Tensor(d.Name)
			if err != nil {
				t.Fatal(err)
			}
			b, err := fresh.Tensor(d.Name)
			if err != nil {
				t.Fatal(err)
			}
			moved := !slices.Equal(a.Float32(), b.Float32())
			if want := strings.HasPrefix(d.Name, "classifier.") || strings.HasPrefix(d.Name, "bert.encoder.layer.1."); moved != want {
				t.Errorf("after 40 steps %s has moved: %t", d.Name, moved)
			}
		}
		dir.Close()
	}
	for _, name := range []string{"model.safetensors", "checkpoint-200/optimizer.safetensors"} {
		a, err := checkpoint.Open(filepath.Join(whole, name))
		if err != nil {
			t.Fatal(err)
		}
		b, err := checkpoint.Open(filepath.Join(broken, name))
		if err != nil {
			t.Fatal(err)
		}
		for _, n := range a.Names() {
			x, err := a.Tensor(n)
			if err != nil {
				t.Fatal(err)
			}
			y, err := b.Tensor(n)
			if err != nil {
				t.Fatal(err)
			}
			if !slices.Equal(x.Float32(), y.Float32()) {
				t.Errorf("%s: %s is another after interrupts", name, n)
			}
		}
		a.Close()
		b.Close()
	}
}

// TestPatience ends a run whose score does not get better.
func TestPatience(t *testing.T) {
	b := open(t)
	o := options(t, task.Text, t.TempDir(), b)
	o.Patience = 2
	o.Score = func(context.Context, *task.Session) (train.Evaluation, error) {
		return train.Evaluation{Loss: 1, Scores: train.Scores{"accuracy": 0.5}, By: "accuracy"}, nil
	}
	p, err := begin(t, b, o).Run(context.Background(), b)
	if err != nil || p.Step != 75 || p.BestAt != 25 {
		t.Errorf("ended after %d steps, the best at %d, %v; wanted 75 and 25", p.Step, p.BestAt, err)
	}
	o.Patience = -1
	if _, err := task.New(b.Limits(), o); err == nil {
		t.Error("a negative patience")
	}
}
