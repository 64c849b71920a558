package task_test

import (
	"context"
	"errors"
	"math/rand/v2"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/kiban-models/kiban/core/backend"
	"github.com/kiban-models/kiban/core/backend/cpu"
	"github.com/kiban-models/kiban/core/crf"
	"github.com/kiban-models/kiban/core/nn"
	"github.com/kiban-models/kiban/core/run"
	"github.com/kiban-models/kiban/core/train"
	"github.com/kiban-models/kiban/materials/encoder"
	"github.com/kiban-models/kiban/materials/task"
)

const vocab = 40

// rows are texts whose labels follow from their tokens.
func rows(kind task.Kind, n int, seed uint64) []task.Row {
	r := rand.New(rand.NewPCG(seed, 1))
	var all []task.Row
	for range n {
		row := task.Row{IDs: []int32{1}}
		words := 1 + r.IntN(12)
		if kind == task.Pair {
			words += 2
		}
		for range words {
			row.IDs = append(row.IDs, int32(5+r.IntN(vocab-5)))
		}
		row.IDs = append(row.IDs, 2)
		switch kind {
		case task.Words, task.Chain:
			last := int32(0)
			for i := 1; i <= words; i++ {
				row.Places = append(row.Places, int32(i))
				l := row.IDs[i] % 3 // B, I, O
				if l == 1 && last == 2 || l == 1 && i == 1 {
					l = 2
				}
				row.Labels, last = append(row.Labels, l), l
			}
		case task.Text:
			row.Labels = []int32{row.IDs[1] % 2}
		case task.Pair:
			a, b := 1+r.IntN(words), 1+r.IntN(words)
			row.Places = []int32{int32(a), int32(b)}
			row.Labels = []int32{row.IDs[a] % 2 & (row.IDs[b] % 2)}
		}
		all = append(all, row)
	}
	return all
}

var labels = map[task.Kind][]string{
	task.Words: {"B-X", "I-X", "O"}, task.Chain: {"B-X", "I-X", "O"}, task.Text: {"no", "yes"}, task.Pair: {"none", "some"},
}

func open(t *testing.T) backend.Backend {
	t.Helper()
	b, err := cpu.New(cpu.Options{Threads: 2})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { b.Close() })
	return b
}

func best(scores []float32) int {
	at := 0
	for i, s := range scores {
		if s > scores[at] {
			at = i
		}
	}
	return at
}

func options(t *testing.T, kind task.Kind, dir string, b backend.Backend) task.Options {
	c := encoder.NewConfig(vocab, 32, 1, 32, 4)
	c.Dropout, c.AttnDrop = 0.05, 0.05
	valid := rows(kind, 60, 2)
	return task.Options{
		Dir: dir, Config: c, Head: task.Head{Kind: kind, Labels: labels[kind]}, Train: rows(kind, 400, 1),
		Optimizer: train.Optimizer{LR: 5e-3, Schedule: train.Linear}, Epochs: 8, WarmupShare: 0.1, BatchSize: 16, Seed: 3, HeadLR: 1e-2, Freeze: -1,
		Files: func(string) error { return nil },
		Score: func(ctx context.Context, s *task.Session) (train.Evaluation, error) {
			right, all := 0, 0
			err := s.Run(ctx, valid, func(i int, scores [][]float32) error {
				path := make([]int, len(scores))
				for j, x := range scores {
					path[j] = best(x)
				}
				if kind == task.Chain {
					w, err := task.ChainWeights(run.Weights(b))
					if err != nil {
						return err
					}
					path, _ = w.Viterbi(slices.Concat(scores...))
				}
				for j, l := range path {
					if all++; int32(l) == valid[i].Labels[j] {
						right++
					}
				}
				return nil
			})
			share := float64(right) / float64(all)
			return train.Evaluation{Loss: 1 - share, Scores: train.Scores{"accuracy": share}, By: "accuracy"}, err
		},
	}
}

func begin(t *testing.T, b backend.Backend, o task.Options) *task.Training {
	t.Helper()
	x, err := task.New(b.Limits(), o)
	if err != nil {
		t.Fatal(err)
	}
	return x
}

// TestLearns trains each kind of head on labels that a small model can learn.
func TestLearns(t *testing.T) {
	for kind := range labels {
		t.Run(string(kind), func(t *testing.T) {
			dir, b := t.TempDir(), open(t)
			o := options(t, kind, dir, b)
			p, err := begin(t, b, o).Run(context.Background(), b)
			if err != nil {
				t.Fatal(err)
			}
			t.Logf("best accuracy %.3f at step %d of %d", p.BestScore, p.BestAt, p.Step)
			if !(p.BestScore > 0.9) {
				t.Errorf("accuracy %.3f, wanted more than 0.9", p.BestScore)
			}
			data, err := os.ReadFile(filepath.Join(dir, "config.json"))
			if err != nil {
				t.Fatal(err)
			}
			if c, err := encoder.ParseConfig("config.json", data); err != nil || !slices.Equal(c.Labels(), labels[kind]) {
				t.Errorf("labels %q, %v", c.Labels(), err)
			}
			if kind != task.Chain {
				return
			}
			w, err := task.ChainWeights(run.Weights(b))
			if err != nil {
				t.Fatal(err)
			}
			moves, err := crf.NewMoves(labels[kind])
			if err != nil {
				t.Fatal(err)
			}
			for i := range 3 {
				for j := range 3 {
					if v := w.Transitions[i*3+j]; !moves.Follow(i, j) && v != -1e4 {
						t.Errorf("after training the forbidden move %d to %d scores %g", i, j, v)
					}
				}
			}
		})
	}
}

// TestNoGarbage takes steps with dropout, clipping and two learning rates, of
// every length that the rows have: after the first epoch none allocates.
func TestNoGarbage(t *testing.T) {
	for kind := range labels {
		b := open(t)
		training := begin(t, b, options(t, kind, t.TempDir(), b))
		if _, err := training.LoadWeights(b); err != nil {
			t.Fatal(err)
		}
		x, err := training.Stepper(b)
		if err != nil {
			t.Fatal(err)
		}
		step := 0
		next := func() {
			if _, err := x.Step(context.Background(), step); err != nil {
				t.Fatal(err)
			}
			step++
		}
		for range 25 {
			next()
		}
		if n := testing.AllocsPerRun(25, next); n != 0 {
			t.Errorf("%s: a step allocates %g times", kind, n)
		}
		if err := x.Close(); err != nil {
			t.Error(err)
		}
	}
}

// TestResume interrupts a run twice: the weights are those of a run that was
// not.
func TestResume(t *testing.T) {
	for _, kind := range []task.Kind{task.Words, task.Chain} {
		b := open(t)
		o := options(t, kind, t.TempDir(), b)
		o.Epochs, o.Train = 2, o.Train[:100]
		o.Optimizer.Accum = 2
		if _, err := begin(t, b, o).Run(context.Background(), b); err != nil {
			t.Fatal(err)
		}
		broken := o
		broken.Dir = t.TempDir()
		for _, stop := range []int{2, 5, 0} {
			ctx, cancel := context.WithCancel(context.Background())
			broken.Tick = func(p train.Progress, _ train.Result) {
				if p.Step == stop {
					cancel()
				}
			}
			b := open(t)
			broken.Score = options(t, kind, "", b).Score
			_, err := begin(t, b, broken).Run(ctx, b)
			cancel()
			if stop > 0 && !errors.Is(err, train.ErrInterrupted) || stop == 0 && err != nil {
				t.Fatal(err)
			}
			broken.Resume = run.Newest
		}
		for _, name := range []string{"model.safetensors", "config.json"} {
			one, err := os.ReadFile(filepath.Join(o.Dir, name))
			if err != nil {
				t.Fatal(err)
			}
			two, err := os.ReadFile(filepath.Join(broken.Dir, name))
			if err != nil {
				t.Fatal(err)
			}
			if !slices.Equal(one, two) {
				t.Errorf("%s: %s differs after a run that was broken off", kind, name)
			}
		}
		broken.Seed++
		if _, err := task.New(b.Limits(), broken); err == nil {
			t.Error("a run with another seed went on")
		}
	}
}

// TestCompany scores rows alone and together.
func TestCompany(t *testing.T) {
	b := open(t)
	o := options(t, task.Words, t.TempDir(), b)
	declared := o.Config.Declared(nn.Policy{}, o.Head.Declare)
	source := nn.Fresh{Seed: 1, Params: declared}
	for _, d := range declared {
		x, err := source.Tensor(d.Name)
		if err == nil {
			err = b.Put(d.Name, x)
		}
		if err != nil {
			t.Fatal(err)
		}
	}
	s := task.NewSession(b, o.Head, o.Config, nn.Policy{})
	defer s.Close()
	scores := func(rows []task.Row) [][][]float32 {
		all := make([][][]float32, len(rows))
		if err := s.Run(context.Background(), rows, func(i int, x [][]float32) error { all[i] = x; return nil }); err != nil {
			t.Fatal(err)
		}
		return all
	}
	some := rows(task.Words, 150, 9)
	together := scores(some)
	for i := 0; i < len(some); i += 7 {
		alone := scores(some[i : i+1])[0]
		for j := range alone {
			if !slices.Equal(alone[j], together[i][j]) {
				t.Fatalf("row %d, word %d: alone %v, among others %v", i, j, alone[j], together[i][j])
			}
		}
	}
}

// TestFrozen trains the head and the upper layer alone.
func TestFrozen(t *testing.T) {
	b := open(t)
	o := options(t, task.Words, t.TempDir(), b)
	o.Config.Layers, o.Freeze, o.Score = 2, 1, nil
	o.Optimizer.Steps = 2
	x := begin(t, b, o)
	for _, m := range x.Plan.Moments() {
		if name := m.Name; slices.ContainsFunc([]string{"embeddings", "layer.0."}, func(s string) bool { return strings.Contains(name, s) }) {
			t.Errorf("%s trains", name)
		}
	}
}
