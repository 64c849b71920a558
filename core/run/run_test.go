package run_test

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"reflect"
	"strings"
	"testing"

	"github.com/kiban-models/kiban/core/backend"
	"github.com/kiban-models/kiban/core/backend/reference"
	"github.com/kiban-models/kiban/core/checkpoint"
	"github.com/kiban-models/kiban/core/graph"
	"github.com/kiban-models/kiban/core/nn"
	"github.com/kiban-models/kiban/core/run"
	"github.com/kiban-models/kiban/core/tensor"
	"github.com/kiban-models/kiban/core/train"
)

// line is a model of two weights.
func line(s nn.Scope) *graph.Node {
	l := nn.NewLinear(s, "line", 1, 1, nn.LinearOpt{})
	off := graph.Add(l.Forward(s.Graph.Input("x", tensor.F32, 3, 1)), s.Graph.Input("-y", tensor.F32, 3, 1))
	return graph.Dot(graph.Mul(off, off), s.Graph.Input("weights", tensor.F32, 3, 1))
}

// state decides what a step sees.
type state struct {
	Seed int `json:"seed"`
}

// session is a run over a backend of its own.
type session struct {
	b    backend.Backend
	plan *train.Plan
	dir  *run.Directory
}

func begin(path string, warn func(string)) (*session, error) {
	s := &session{b: reference.New[float32]()}
	var err error
	if s.plan, err = train.Compile(s.b.Limits(), line, train.Options{Optimizer: train.Optimizer{LR: 0.1}}); err != nil {
		return nil, err
	}
	specs := func() (all []checkpoint.Spec) {
		for _, d := range s.plan.Declared() {
			all = append(all, checkpoint.Spec{Name: d.Name, DType: d.DType, Shape: d.Shape})
		}
		return all
	}
	s.dir = &run.Directory{
		Path: path, Keep: 2, State: state{7}, Moments: s.plan.Moments(), Warn: warn,
		Model: func(dir string, weights checkpoint.Source) error {
			return checkpoint.Write(filepath.Join(dir, "model.safetensors"), specs(), weights, nil)
		},
	}
	for _, d := range s.plan.Declared() {
		if err := s.b.Put(d.Name, tensor.New(tensor.F32, d.Shape...)); err != nil {
			return nil, err
		}
	}
	return s, nil
}

// goOn runs to a step, from the checkpoint in from if there is one.
func (s *session) goOn(ctx context.Context, from string, steps int, tick func(train.Progress)) (train.Progress, error) {
	var p train.Progress
	if from != "" {
		var err error
		if p, err = run.ReadProgress(from, steps); err != nil {
			return p, err
		}
		f, err := checkpoint.Open(filepath.Join(from, "model.safetensors"))
		if err != nil {
			return p, err
		}
		defer f.Close()
		for _, d := range s.plan.Declared() {
			x, err := f.Tensor(d.Name)
			if err == nil {
				err = s.b.Put(d.Name, x)
			}
			if err != nil {
				return p, err
			}
		}
		if err := s.dir.RestoreMoments(s.b, from); err != nil {
			return p, err
		}
	}
	t, err := s.plan.Load(s.b)
	if err != nil {
		return p, err
	}
	defer t.Close()
	return s.dir.Loop(ctx, s.b, train.Loop{
		Trainer: t, Steps: steps, LogEvery: 2, EvalEvery: 4, SaveEvery: 3,
		Feed: func(step, _ int, r backend.Runner) (int, error) {
			for name, v := range map[string][]float32{"x": {0, 1, float32(step)}, "-y": {1, -1, 1 - 2*float32(step)}, "weights": {.4, .3, .3}} {
				if err := r.Write(name, tensor.Of(v, 3, 1)); err != nil {
					return 0, err
				}
			}
			return 3, nil
		},
		Eval: func(context.Context) (float64, error) {
			w, err := s.b.Get("line.weight")
			if err != nil {
				return 0, err
			}
			return 1 + (w.At(0)-2)*(w.At(0)-2), nil
		},
		Tick: func(p train.Progress, _ train.Result) {
			if tick != nil {
				tick(p)
			}
		},
	}, p, nil)
}

// untimed is a run's history without times.
func untimed(t *testing.T, path string) []train.Record {
	t.Helper()
	all, err := train.ReadHistory(filepath.Join(path, "metrics.jsonl"))
	if err != nil {
		t.Fatal(err)
	}
	for i := range all {
		all[i].Time, all[i].TokensPerSec = 0, 0
	}
	return all
}

func read(t *testing.T, parts ...string) string {
	t.Helper()
	b, err := os.ReadFile(filepath.Join(parts...))
	if err != nil {
		t.Fatal(err)
	}
	return string(b)
}

// TestDirectory interrupts a run and goes on from the newest checkpoint that is
// whole, in the same directory: what is there in the end is what a run that was
// not interrupted leaves.
func TestDirectory(t *testing.T) {
	whole, broken := t.TempDir(), t.TempDir()
	s, err := begin(whole, nil)
	if err != nil {
		t.Fatal(err)
	}
	if _, err := s.goOn(context.Background(), "", 11, nil); err != nil {
		t.Fatal(err)
	}
	var warnings []string
	for round, stop := range []int{5, 8, -1} {
		s, err := begin(broken, func(w string) { warnings = append(warnings, w) })
		if err != nil {
			t.Fatal(err)
		}
		var was state
		from, err := s.dir.Find(run.Newest, &was)
		if err != nil {
			t.Fatal(err)
		}
		if round == 0 != (from == "") || round > 0 && was != s.dir.State {
			t.Fatalf("round %d: found %q of %+v", round, from, was)
		}
		ctx, cancel := context.WithCancel(context.Background())
		_, err = s.goOn(ctx, from, 11, func(p train.Progress) {
			if p.Step == stop {
				cancel()
			}
		})
		cancel()
		if stop > 0 != errors.Is(err, train.ErrInterrupted) || stop < 0 && err != nil {
			t.Fatal(err)
		}
		if round == 1 { // the newest is damaged: the one before it is gone on from
			path := filepath.Join(broken, "checkpoint-8", "optimizer.safetensors")
			if err := os.WriteFile(path, []byte("damaged"), 0o666); err != nil {
				t.Fatal(err)
			}
		}
	}
	if len(warnings) != 2 || !strings.Contains(warnings[0], "no checkpoint yet") || !strings.Contains(warnings[1], "checkpoint-8") {
		t.Errorf("warnings %q", warnings)
	}
	for _, name := range []string{"model.safetensors", "optimizer.safetensors", "data_state.json"} {
		if read(t, whole, "checkpoint-11", name) != read(t, broken, "checkpoint-11", name) {
			t.Errorf("%s is another", name)
		}
	}
	if a, b := untimed(t, whole), untimed(t, broken); !reflect.DeepEqual(a, b) {
		t.Errorf("history\n%+v, wanted\n%+v", b, a)
	}
	// The last two and the best are kept.
	left, err := filepath.Glob(filepath.Join(whole, "checkpoint-*"))
	if err != nil || len(left) < 2 || len(left) > 3 {
		t.Errorf("%q are left, %v", left, err)
	}
}

// TestGoOn goes on with the same state alone, and says what is another.
func TestGoOn(t *testing.T) {
	path := t.TempDir()
	s, err := begin(path, func(string) {})
	if err != nil {
		t.Fatal(err)
	}
	fields := func(s state) []run.Field {
		return []run.Field{{Name: "steps", Value: 4}, {Name: "seed", Value: s.Seed}}
	}
	if from, err := run.GoOn(s.dir, run.Newest, state{7}, fields); err != nil || from != "" {
		t.Errorf("of an empty directory: %q, %v", from, err)
	}
	if _, err := s.goOn(context.Background(), "", 4, nil); err != nil {
		t.Fatal(err)
	}
	dir := filepath.Join(path, "checkpoint-4")
	for _, resume := range []string{run.Newest, dir} {
		if from, err := run.GoOn(s.dir, resume, state{7}, fields); err != nil || from != dir {
			t.Errorf("%s: %q, %v", resume, from, err)
		}
		want := dir + ": cannot go on from it with other data or batches: seed was 7 and is 8; give the options"
		if from, err := run.GoOn(s.dir, resume, state{8}, fields); err == nil || from != "" || !strings.HasPrefix(err.Error(), want) {
			t.Errorf("%s: %q, %v, wanted %q", resume, from, err, want)
		}
	}
	if from, err := run.GoOn(s.dir, "", state{8}, fields); err != nil || from != "" {
		t.Errorf("a new run: %q, %v", from, err)
	}
	// What is restored is what was saved, and weights that do not fit end it.
	want, err := s.b.Get("line.weight")
	if err != nil {
		t.Fatal(err)
	}
	if err := s.b.Put("line.weight", tensor.New(tensor.F32, 1, 1)); err != nil {
		t.Fatal(err)
	}
	p, err := s.dir.Restore(s.b, dir, 4, func(from string) error {
		if from != dir {
			t.Errorf("weights of %s, wanted those of %s", from, dir)
		}
		return s.b.Put("line.weight", want)
	})
	if err != nil || p.Step != 4 {
		t.Errorf("restored step %d, %v", p.Step, err)
	}
	odd := errors.New("odd")
	if _, err := s.dir.Restore(s.b, dir, 4, func(string) error { return odd }); !errors.Is(err, odd) {
		t.Errorf("weights that do not load: %v", err)
	}
}

func TestReadProgress(t *testing.T) {
	path := t.TempDir()
	s, err := begin(path, nil)
	if err != nil {
		t.Fatal(err)
	}
	p, err := s.goOn(context.Background(), "", 4, nil)
	if err != nil {
		t.Fatal(err)
	}
	dir := filepath.Join(path, "checkpoint-4")
	got, err := run.ReadProgress(dir, 4)
	if err != nil || !reflect.DeepEqual(got, p) || s.dir.Best(got) != dir {
		t.Errorf("read %+v, wanted %+v, %v; the best is in %q", got, p, err, s.dir.Best(got))
	}
	file := filepath.Join(dir, "trainer_state.json")
	for _, c := range []struct {
		change func(*train.Progress)
		steps  int
		want   string
	}{
		{func(p *train.Progress) { p.Step = 3 }, 4, "of step 3, but the checkpoint of step 4"},
		{func(p *train.Progress) {}, 3, "step 4 of a run of 3 steps"},
		{func(p *train.Progress) { p.BestAt = 9 }, 4, "cannot be those of a run"},
		{func(p *train.Progress) { p.Worse = -1 }, 4, "cannot be those of a run"},
		{func(p *train.Progress) { p.Skipped = []int{0, 5} }, 4, "cannot be those of a run"},
		{func(p *train.Progress) { p.Scaling.Skipped = 7 }, 4, "cannot be those of a run"},
	} {
		bad := p
		c.change(&bad)
		text, err := json.Marshal(bad)
		if err == nil {
			err = os.WriteFile(file, text, 0o666)
		}
		if err != nil {
			t.Fatal(err)
		}
		if _, err := run.ReadProgress(dir, c.steps); err == nil || !strings.Contains(err.Error(), c.want) || !strings.Contains(err.Error(), "--resume DIR") {
			t.Errorf("%+v: got %v, wanted %q", bad, err, c.want)
		}
	}
	// A checkpoint that is named must be whole.
	if _, err := s.dir.Find(dir, &state{}); err == nil || !strings.Contains(err.Error(), "trainer_state.json") {
		t.Errorf("a damaged checkpoint: %v", err)
	}
}

// A run is left after two steps and goes on from its checkpoint.
func Example() {
	path, err := os.MkdirTemp("", "run")
	if err != nil {
		fmt.Println(err)
		return
	}
	defer os.RemoveAll(path)
	ctx, cancel := context.WithCancel(context.Background())
	defer cancel()
	s, err := begin(path, nil) // the backend, a plan, and the run.Directory
	if err != nil {
		fmt.Println(err)
		return
	}
	p, err := s.goOn(ctx, "", 6, func(p train.Progress) {
		if p.Step == 2 {
			cancel()
		}
	})
	fmt.Println(p.Step, err)
	if s, err = begin(path, nil); err != nil {
		fmt.Println(err)
		return
	}
	from, err := s.dir.Find(run.Newest, &state{})
	if err != nil {
		fmt.Println(err)
		return
	}
	fmt.Println(filepath.Base(from))
	p, err = s.goOn(context.Background(), from, 6, nil)
	fmt.Println(p.Step, err)
	// Output:
	// 2 interrupted
	// checkpoint-2
	// 6 <nil>
}
