package train_test

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"math"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/kiban-models/kiban/core/backend"
	"github.com/kiban-models/kiban/core/backend/reference"
	"github.com/kiban-models/kiban/core/tensor"
	"github.com/kiban-models/kiban/core/train"
)

// watched is a loop over the small network that notes what it did.
type watched struct {
	train.Loop
	s       session
	events  []string // such as "train 3", "eval 4", "save 5"
	records []train.Record
	saved   []checkpoint
}

// checkpoint is what a caller keeps of a run: progress as JSON, and tensors.
type checkpoint struct {
	progress string
	tensors  map[string][]float32
}

func watch(t *testing.T, steps int) *watched {
	w := &watched{s: begin(t, reference.New[float32](), network(4), train.Options{Optimizer: train.Optimizer{LR: 0.05, Steps: steps, Schedule: train.Cosine}})}
	w.Loop = train.Loop{
		Trainer: w.s.trainer, Steps: steps, StepsPerEpoch: 5, Feed: feeder(4, 1),
		Eval: func(ctx context.Context) (float64, error) {
			// A function of the weights, as a loss is.
			sum := 0.0
			for _, v := range w.s.get("up.weight") {
				sum += math.Abs(float64(v))
			}
			return sum, ctx.Err()
		},
		Save: func(p train.Progress) error {
			text, err := json.Marshal(p)
			w.events = append(w.events, fmt.Sprint("save ", p.Step))
			w.saved = append(w.saved, checkpoint{string(text), w.s.snapshot()})
			return err
		},
		Log: func(r train.Record) error {
			w.events = append(w.events, fmt.Sprint(r.Split, " ", r.Step))
			w.records = append(w.records, r)
			return nil
		},
	}
	return w
}

// restore returns the progress of a checkpoint and puts its tensors.
func (w *watched) restore(t *testing.T, c checkpoint) train.Progress {
	t.Helper()
	var p train.Progress
	if err := json.Unmarshal([]byte(c.progress), &p); err != nil {
		t.Fatal(err)
	}
	for name, x := range c.tensors {
		old, err := w.s.b.Get(name)
		if err != nil {
			t.Fatal(err)
		}
		if err := w.s.b.Put(name, tensor.Of(x, old.Shape()...)); err != nil {
			t.Fatal(err)
		}
	}
	return p
}

// timeless returns records without what the clock decides.
func timeless(records []train.Record) []train.Record {
	records = slices.Clone(records)
	for i := range records {
		records[i].Time, records[i].TokensPerSec = 0, 0
	}
	return records
}

func (w *watched) expect(t *testing.T, events string) {
	t.Helper()
	if got := strings.Join(w.events, ", "); got != events {
		t.Errorf("got %s\nwanted %s", got, events)
	}
}

func TestLoopEvents(t *testing.T) {
	for _, c := range []struct {
		steps, log, eval, save int
		want                   string
	}{
		{10, 3, 4, 5, "train 3, eval 4, save 5, train 6, eval 8, train 9, train 10, eval 10, save 10"},
		{4, 2, 2, 2, "train 2, eval 2, save 2, train 4, eval 4, save 4"},
		{12, 0, 0, 0, "train 10, train 12, eval 12, save 12"},
		{2, 5, 0, 1, "save 1, train 2, eval 2, save 2"},
		{0, 1, 1, 1, "eval 0"},
	} {
		w := watch(t, c.steps)
		w.LogEvery, w.EvalEvery, w.SaveEvery = c.log, c.eval, c.save
		p, err := w.Run(context.Background(), train.Progress{})
		if err != nil || p.Step != c.steps || p.Tokens != int64(4*c.steps) {
			t.Errorf("%+v: ended at %+v, %v", c, p, err)
		}
		w.expect(t, c.want)
	}
}

func TestLoopWithoutEval(t *testing.T) {
	w := watch(t, 4)
	w.Eval, w.EvalEvery, w.LogEvery = nil, 2, 4
	if _, err := w.Run(context.Background(), train.Progress{}); err != nil {
		t.Fatal(err)
	}
	w.expect(t, "train 4, save 4")
}

func TestLoopRecords(t *testing.T) {
	w := watch(t, 5)
	w.LogEvery = 2
	var losses []float64
	w.Tick = func(p train.Progress, r train.Result) { losses = append(losses, r.Loss) }
	p, err := w.Run(context.Background(), train.Progress{})
	if err != nil {
		t.Fatal(err)
	}
	means := []float64{(losses[0] + losses[1]) / 2, (losses[2] + losses[3]) / 2, losses[4]}
	for i, r := range w.records[:3] {
		step := min(2*i+2, 5)
		o := train.Optimizer{LR: 0.05, Steps: 5, Schedule: train.Cosine}
		if math.Abs(r.Loss-means[i]) > 1e-12 || math.Abs(r.Perplexity-math.Exp(means[i])) > 1e-9 || r.Epoch != float64(step)/5 ||
			r.Tokens != int64(4*step) || r.LR != o.Rate(step-1) || r.GradNorm <= 0 || r.TokensPerSec <= 0 || r.Time <= 0 {
			t.Errorf("record %+v, wanted step %d with the mean loss %g", r, step, means[i])
		}
	}
	if r := w.records[3]; r.Split != "eval" || r.Loss != p.Best || p.BestAt != 5 || p.EvalAt != 5 {
		t.Errorf("the last evaluation %+v, progress %+v", r, p)
	}
}

func TestLoopBest(t *testing.T) {
	for _, c := range []struct {
		losses []float64
		best   float64
		at     int
	}{
		{[]float64{3, 1, 2, 1}, 1, 2},
		{[]float64{4, 3, 2, 1}, 1, 4},
		{[]float64{3, 0, 2, 1}, 0, 2}, // none is better than a loss of 0
	} {
		w := watch(t, 4)
		w.EvalEvery = 1
		i := 0
		w.Eval = func(context.Context) (float64, error) { i++; return c.losses[i-1], nil }
		p, err := w.Run(context.Background(), train.Progress{})
		if err != nil || p.Best != c.best || p.BestAt != c.at {
			t.Errorf("losses %v: best %g at %d, %v", c.losses, p.Best, p.BestAt, err)
		}
	}
}

// TestLoopRate makes training slow and evaluation and saving slower: they must
// not count in the rate of tokens, in neither direction.
func TestLoopRate(t *testing.T) {
	const pause = 5 * time.Millisecond
	w := watch(t, 4)
	w.LogEvery, w.EvalEvery, w.SaveEvery = 4, 2, 3
	feed, eval := w.Feed, w.Eval
	w.Feed = func(step, micro int, r backend.Runner) (int, error) {
		time.Sleep(pause)
		return feed(step, micro, r)
	}
	w.Eval = func(ctx context.Context) (float64, error) { time.Sleep(60 * pause); return eval(ctx) }
	if _, err := w.Run(context.Background(), train.Progress{}); err != nil {
		t.Fatal(err)
	}
	most := 4 / pause.Seconds()
	if r := w.records[1]; r.Split != "train" || r.TokensPerSec > most || r.TokensPerSec < most/12 {
		t.Errorf("%+v: wanted %g tokens a second at most, and not a twelfth", r, most)
	}
}

func TestLoopMaxTime(t *testing.T) {
	w := watch(t, 1000)
	w.LogEvery, w.MaxTime = 1000, 100*time.Millisecond
	feed := w.Feed
	w.Feed = func(step, micro int, r backend.Runner) (int, error) {
		time.Sleep(20 * time.Millisecond)
		return feed(step, micro, r)
	}
	p, err := w.Run(context.Background(), train.Progress{})
	if err != nil || p.Step == 0 || p.Step > 5 || p.LossSteps != p.Step {
		t.Fatalf("ended at %+v, %v", p, err)
	}
	w.expect(t, fmt.Sprintf("eval %d, save %d", p.Step, p.Step))
	w.events, w.MaxTime, w.Steps = nil, 0, p.Step+1
	q, err := w.Run(context.Background(), w.restore(t, w.saved[0]))
	if err != nil || q.Step != p.Step+1 || q.Seconds < p.Seconds {
		t.Errorf("going on ended at %+v, %v", q, err)
	}
}

func TestLoopSaveInterval(t *testing.T) {
	w := watch(t, 3)
	w.LogEvery, w.SaveInterval = 3, time.Nanosecond
	if _, err := w.Run(context.Background(), train.Progress{}); err != nil {
		t.Fatal(err)
	}
	w.expect(t, "save 1, save 2, train 3, eval 3, save 3")
}

// TestLoopInterrupted ends the context during each step of a run, goes on, and
// expects the records and weights of an unbroken run.
func TestLoopInterrupted(t *testing.T) {
	const steps = 7
	settings := func(w *watched) { w.LogEvery, w.EvalEvery, w.SaveEvery = 3, 2, 4 }
	unbroken := watch(t, steps)
	settings(unbroken)
	if _, err := unbroken.Run(context.Background(), train.Progress{}); err != nil {
		t.Fatal(err)
	}
	for where, after := range map[string][]int{"step": {0, 1, 2, 3, 4, 5, 6}, "evaluation": {2, 4, 6, 7}} {
		for _, at := range after {
			w := watch(t, steps)
			settings(w)
			ctx, cancel := context.WithCancel(context.Background())
			feed, eval := w.Feed, w.Eval
			done := 0
			w.Feed = func(step, micro int, r backend.Runner) (int, error) {
				if done = step + 1; where == "step" && step == at {
					cancel()
				}
				return feed(step, micro, r)
			}
			w.Eval = func(ctx context.Context) (float64, error) {
				if where == "evaluation" && done >= at {
					cancel()
				}
				return eval(ctx)
			}
			p, err := w.Run(ctx, train.Progress{})
			if !errors.Is(err, train.ErrInterrupted) {
				t.Fatalf("interrupted in %s %d: %v", where, at, err)
			}
			saves := 0
			for _, e := range w.events {
				if e == fmt.Sprint("save ", p.Step) {
					saves++
				}
			}
			if saves != 1 || w.events[len(w.events)-1] != fmt.Sprint("save ", p.Step) {
				t.Errorf("interrupted in %s %d: %v, wanted one save of step %d, at the end", where, at, w.events, p.Step)
			}

			// Another process, with other weights until they are restored.
			next := watch(t, steps)
			settings(next)
			next.s.steps(2, feeder(4, 1))
			if _, err := next.Run(context.Background(), next.restore(t, w.saved[len(w.saved)-1])); err != nil {
				t.Fatal(err)
			}
			got, want := timeless(append(w.records, next.records...)), timeless(unbroken.records)
			if fmt.Sprint(got) != fmt.Sprint(want) {
				t.Errorf("interrupted in %s %d: records\n%+v, wanted\n%+v", where, at, got, want)
			}
			if fmt.Sprint(next.s.snapshot()) != fmt.Sprint(unbroken.s.snapshot()) {
				t.Errorf("interrupted in %s %d: other weights than those of an unbroken run", where, at)
			}
			last, end := next.saved[len(next.saved)-1], unbroken.saved[len(unbroken.saved)-1]
			if a, b := next.restore(t, last), next.restore(t, end); a.Best != b.Best || a.BestAt != b.BestAt || a.EvalAt != b.EvalAt {
				t.Errorf("interrupted in %s %d: the last checkpoint has %+v, wanted %+v", where, at, a, b)
			}
		}
	}
}

func TestLoopInterruptedBefore(t *testing.T) {
	w := watch(t, 3)
	ctx, cancel := context.WithCancel(context.Background())
	cancel()
	if p, err := w.Run(ctx, train.Progress{}); !errors.Is(err, train.ErrInterrupted) || p.Step != 0 {
		t.Errorf("ended at %+v, %v", p, err)
	}
	w.expect(t, "")
}

// TestLoopCrash breaks a run off without a word and goes on from its last
// checkpoint, with the history in a file.
func TestLoopCrash(t *testing.T) {
	const steps = 8
	run := func(path string, w *watched, p train.Progress) error {
		h, err := train.OpenHistory(path, p.Step)
		if err != nil {
			t.Fatal(err)
		}
		defer h.Close()
		w.LogEvery, w.EvalEvery, w.SaveEvery, w.Log = 2, 2, 3, h.Add
		_, err = w.Run(context.Background(), p)
		return err
	}
	read := func(path string) string {
		all, err := train.ReadHistory(path)
		if err != nil {
			t.Fatal(err)
		}
		return fmt.Sprint(timeless(all))
	}
	dir := t.TempDir()
	unbroken := watch(t, steps)
	if err := run(filepath.Join(dir, "unbroken"), unbroken, train.Progress{}); err != nil {
		t.Fatal(err)
	}
	broken, crash := watch(t, steps), errors.New("crash")
	feed := broken.Feed
	broken.Feed = func(step, micro int, r backend.Runner) (int, error) {
		if step == 5 {
			return 0, crash
		}
		return feed(step, micro, r)
	}
	path := filepath.Join(dir, "broken")
	if err := run(path, broken, train.Progress{}); !errors.Is(err, crash) || len(broken.saved) != 1 {
		t.Fatalf("got %v and %d checkpoints", err, len(broken.saved))
	}
	next := watch(t, steps)
	if err := run(path, next, next.restore(t, broken.saved[0])); err != nil {
		t.Fatal(err)
	}
	if got, want := read(path), read(filepath.Join(dir, "unbroken")); got != want {
		t.Errorf("records\n%s, wanted\n%s", got, want)
	}
	if fmt.Sprint(next.s.snapshot()) != fmt.Sprint(unbroken.s.snapshot()) {
		t.Error("other weights than those of an unbroken run")
	}
}

func TestLoopErrors(t *testing.T) {
	full := errors.New("a full disk")
	for what, change := range map[string]func(w *watched){
		"save": func(w *watched) { w.Save = func(train.Progress) error { return full } },
		"log":  func(w *watched) { w.Log = func(train.Record) error { return full } },
		"eval": func(w *watched) { w.Eval = func(context.Context) (float64, error) { return 0, full } },
		"feed": func(w *watched) { w.Feed = func(int, int, backend.Runner) (int, error) { return 0, full } },
	} {
		w := watch(t, 2)
		change(w)
		if _, err := w.Run(context.Background(), train.Progress{}); !errors.Is(err, full) || len(w.saved) != 0 {
			t.Errorf("%s: got %v and %d checkpoints, wanted its error and none", what, err, len(w.saved))
		}
	}
}

func TestLoopNotFinite(t *testing.T) {
	w := watch(t, 4)
	feed := w.Feed
	w.Feed = func(step, micro int, r backend.Runner) (int, error) {
		if n, err := feed(step, micro, r); step != 3 || err != nil {
			return n, err
		}
		return 4, r.Write("weights", tensor.Of([]float32{1, float32(math.NaN()), 1, 1}, 4))
	}
	_, err := w.Run(context.Background(), train.Progress{})
	if err == nil || !strings.Contains(err.Error(), "step 3:") || len(w.saved) != 0 {
		t.Errorf("got %v and %d checkpoints, wanted an error that names step 3 and none", err, len(w.saved))
	}
	w = watch(t, 4)
	w.EvalEvery, w.Eval = 2, func(context.Context) (float64, error) { return math.NaN(), nil }
	if _, err = w.Run(context.Background(), train.Progress{}); err == nil || !strings.Contains(err.Error(), "after step 2:") || len(w.saved) != 0 {
		t.Errorf("evaluation: got %v and %d checkpoints, wanted an error that names step 2 and none", err, len(w.saved))
	}
}
