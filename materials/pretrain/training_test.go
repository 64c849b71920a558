package pretrain_test

import (
	"context"
	"encoding/json"
	"errors"
	"math"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/kiban-models/kiban/core/backend"
	"github.com/kiban-models/kiban/core/backend/cpu"
	"github.com/kiban-models/kiban/core/run"
	"github.com/kiban-models/kiban/core/train"
	"github.com/kiban-models/kiban/materials/encoder"
	"github.com/kiban-models/kiban/materials/pretrain"
	"github.com/kiban-models/kiban/materials/task"
)

func openCPU(t *testing.T) backend.Backend {
	t.Helper()
	b, err := cpu.New(cpu.Options{Threads: 2})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { b.Close() })
	return b
}

// prepared returns a directory of some documents of the grammar.
func prepared(t *testing.T, n int) (string, pretrain.Summary) {
	t.Helper()
	o := options(filepath.Join(t.TempDir(), "data"), n)
	sum, err := pretrain.Prepare(context.Background(), o)
	if err != nil {
		t.Fatal(err)
	}
	return o.Out, sum
}

// matscibert are the published settings of the optimizer.
func matscibert(lr float64, steps int) train.Optimizer {
	return train.Optimizer{LR: lr, Schedule: train.Linear, Steps: steps, WeightDecay: 0.01, Beta2: 0.98, Eps: 1e-6}
}

// TestLearns trains a small model from random weights: what it says of held-out
// documents is worth far more than frequencies, and the directory is a model's.
func TestLearns(t *testing.T) {
	data, sum := prepared(t, 300)
	b := openCPU(t)
	config := encoder.NewConfig(sum.Vocab, 48, 2, 32, 2)
	o := pretrain.Options{
		Data: data, Dir: t.TempDir(), Config: config, Optimizer: matscibert(5e-3, 300), WarmupShare: 0.048, BatchSize: 16, Seed: 42, EvalEvery: 100,
	}
	tr, err := pretrain.New(b.Limits(), o)
	if err != nil {
		t.Fatal(err)
	}
	defer tr.Close()
	if _, err := tr.Run(context.Background(), b); err != nil {
		t.Fatal(err)
	}
	e, ok, err := pretrain.Evaluate(context.Background(), b, pretrain.EvaluateOptions{Data: data, Config: config, BatchSize: 16, Seed: 42})
	if err != nil || !ok {
		t.Fatal(ok, err)
	}
	t.Logf("pseudo-perplexity %.2f, unigram %.2f of %d tokens", e.Perplexity, e.Unigram, e.Masked)
	if e.Perplexity > e.Unigram/4 || e.Masked < 200 {
		t.Errorf("%+v", e)
	}
	m, err := task.OpenModel(o.Dir)
	if err != nil {
		t.Fatal(err)
	}
	defer m.Close()
	if m.WordPiece.VocabSize() != sum.Vocab || m.About.Length != 48 || m.About.Normalize != task.NormalizeRules {
		t.Errorf("the directory: %+v", m.About)
	}
	// On from there, on the same data, the loss begins where it was.
	src, _, err := m.Source(tr.Plan.Declared(), 1)
	if err != nil {
		t.Fatal(err)
	}
	o.Dir, o.Source, o.Optimizer = t.TempDir(), src, matscibert(1e-9, 5)
	var first float64
	o.Log = func(r train.Record) {
		if r.Split == "train" {
			first = r.Loss
		}
	}
	on, err := pretrain.New(b.Limits(), o)
	if err != nil {
		t.Fatal(err)
	}
	defer on.Close()
	if _, err := on.Run(context.Background(), openCPU(t)); err != nil {
		t.Fatal(err)
	}
	if math.Abs(first-e.Loss) > 0.5 {
		t.Errorf("a run from the model begins with loss %g; it ended with %g", first, e.Loss)
	}
}

// files returns what a run left, times and TensorBoard's events left out.
func files(t *testing.T, dir string) map[string]string {
	all := tree(t, dir)
	for name, text := range all {
		switch {
		case strings.HasPrefix(name, run.EventsDir):
			delete(all, name)
		case strings.HasSuffix(name, "manifest.json"): // has checksums of files with times in them
			delete(all, name)
		case name == "metrics.jsonl", strings.HasSuffix(name, "trainer_state.json"):
			lines := strings.SplitAfter(text, "\n")
			if name == "metrics.jsonl" {
				for i, line := range lines {
					lines[i] = without(t, line)
				}
				all[name] = strings.Join(lines, "\n")
			} else {
				all[name] = without(t, text)
			}
		}
	}
	return all
}

// without returns a JSON object without what it says of time.
func without(t *testing.T, text string) string {
	if strings.TrimSpace(text) == "" {
		return ""
	}
	var m map[string]any
	if err := json.Unmarshal([]byte(text), &m); err != nil {
		t.Fatal(err)
	}
	for _, key := range []string{"time", "seconds", "tokens_per_second"} {
		delete(m, key)
	}
	b, err := json.Marshal(m)
	if err != nil {
		t.Fatal(err)
	}
	return string(b)
}

// TestResume interrupts a run with dropout, accumulation and rows of several
// lengths, again and again, and compares all that is left with a run that was
// not interrupted.
func TestResume(t *testing.T) {
	data, sum := prepared(t, 60)
	o := pretrain.Options{
		Data: data, Config: encoder.NewConfig(sum.Vocab, 48, 1, 16, 2), BatchSize: 2, Seed: 7,
		Optimizer: matscibert(1e-3, 14), WarmupShare: 0.1, LogEvery: 3, EvalEvery: 4, SaveEvery: 5, Keep: 2,
	}
	o.Optimizer.Accum = 2
	once := func(o pretrain.Options, stop int) error {
		ctx, cancel := context.WithCancel(context.Background())
		defer cancel()
		o.Tick = func(p train.Progress, _ train.Result) {
			if p.Step == stop {
				cancel()
			}
		}
		b := openCPU(t)
		tr, err := pretrain.New(b.Limits(), o)
		if err != nil {
			return err
		}
		defer tr.Close()
		_, err = tr.Run(ctx, b)
		return err
	}
	whole, broken := o, o
	whole.Dir, broken.Dir = t.TempDir(), t.TempDir()
	if err := once(whole, -1); err != nil {
		t.Fatal(err)
	}
	for _, stop := range []int{1, 4, 7, 8, 13} {
		if err := once(broken, stop); !errors.Is(err, train.ErrInterrupted) {
			t.Fatal(err)
		}
		broken.Resume = run.Newest
	}
	if err := once(broken, -1); err != nil {
		t.Fatal(err)
	}
	got, want := files(t, broken.Dir), files(t, whole.Dir)
	for name := range got {
		if _, ok := want[name]; !ok && strings.HasPrefix(name, "checkpoint-") {
			delete(got, name) // where it was interrupted
		}
	}
	for name := range want {
		if _, ok := got[name]; !ok && strings.HasPrefix(name, "checkpoint-") && !strings.HasPrefix(name, "checkpoint-14/") {
			delete(want, name) // pruned for it
		}
	}
	if want["model.safetensors"] == "" || want["checkpoint-14/optimizer.safetensors"] == "" {
		t.Fatalf("no model among %d files", len(want))
	}
	same(t, "broken off five times", got, want)

	// A checkpoint of other data, or that is damaged, is not gone on from.
	other := broken
	other.Data, _ = prepared(t, 61)
	if err := once(other, -1); err == nil || !strings.Contains(err.Error(), "training data (its hash)") {
		t.Errorf("other data: %v", err)
	}
	other = broken
	other.Seed = 8
	if err := once(other, -1); err == nil || !strings.Contains(err.Error(), "seed was 7 and is 8") {
		t.Errorf("another seed: %v", err)
	}
}

func TestNewRefuses(t *testing.T) {
	data, sum := prepared(t, 40)
	b := openCPU(t)
	for name, c := range map[string]struct {
		data   string
		config encoder.Config
		want   string
	}{
		"vocabulary": {data, encoder.NewConfig(sum.Vocab-1, 48, 1, 16, 2), "vocabulary"},
		"context":    {data, encoder.NewConfig(sum.Vocab, 20, 1, 16, 2), "sees 20"},
		"data":       {t.TempDir(), encoder.NewConfig(sum.Vocab, 48, 1, 16, 2), "no prepared corpus"},
	} {
		_, err := pretrain.New(b.Limits(), pretrain.Options{Data: c.data, Dir: t.TempDir(), Config: c.config, BatchSize: 2, Epochs: 1})
		if err == nil || !strings.Contains(err.Error(), c.want) {
			t.Errorf("%s: got %v, wanted %q", name, err, c.want)
		}
	}
	// A vocabulary that is not the data's.
	text, err := os.ReadFile(filepath.Join(data, pretrain.SummaryFile))
	if err != nil {
		t.Fatal(err)
	}
	bad := strings.Replace(string(text), sum.Vocabulary, strings.Repeat("0", 64), 1)
	if err := os.WriteFile(filepath.Join(data, pretrain.SummaryFile), []byte(bad), 0o666); err != nil {
		t.Fatal(err)
	}
	if _, err := pretrain.New(b.Limits(), pretrain.Options{Data: data, Dir: t.TempDir(), Config: encoder.NewConfig(sum.Vocab, 48, 1, 16, 2), BatchSize: 2, Epochs: 1}); err == nil || !strings.Contains(err.Error(), "SHA-256") {
		t.Errorf("another vocabulary: %v", err)
	}
}
