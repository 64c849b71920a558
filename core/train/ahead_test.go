package train_test

import (
	"context"
	"errors"
	"fmt"
	"os"
	"slices"
	"strings"
	"testing"

	"github.com/kiban-models/kiban/core/backend"
	"github.com/kiban-models/kiban/core/backend/reference"
	"github.com/kiban-models/kiban/core/backend/vulkan"
	"github.com/kiban-models/kiban/core/plan"
	"github.com/kiban-models/kiban/core/tensor"
	"github.com/kiban-models/kiban/core/train"
)

// noting is a backend whose programs note what is started and read.
type noting struct {
	backend.Backend
	did []string
}

type notingRunner struct {
	backend.Runner
	b      *noting
	update bool // and nothing else
}

func (b *noting) Load(p *plan.Program) (backend.Runner, error) {
	r, err := b.Backend.Load(p)
	_, loss := p.Outputs["loss"]
	return &notingRunner{r, b, !loss}, err
}

func (r *notingRunner) Start(ctx context.Context) error {
	if r.update {
		r.b.did = append(r.b.did, "update")
	} else {
		r.b.did = append(r.b.did, "start")
	}
	return r.Runner.Start(ctx)
}

func (r *notingRunner) ReadTo(name string, t *tensor.Tensor) error {
	r.b.did = append(r.b.did, name)
	return r.Runner.ReadTo(name, t)
}

// The next micro-batch is fed between the start of one and the reading of its
// loss, that of the next step too, unless that has programs of its own or does not
// come; and no step before the one before it.
func TestFedAhead(t *testing.T) {
	for _, c := range []struct {
		accum, stage int // the step with which another parameter begins to train
		want         string
	}{
		{1, 0, "feed 0.0, start, feed 1.0, loss, norm, start, feed 2.0, loss, norm, start, loss, norm"},
		{2, 0, "feed 0.0, start, feed 0.1, loss, start, update, feed 1.0, loss, norm, " +
			"start, feed 1.1, loss, start, update, feed 2.0, loss, norm, start, feed 2.1, loss, start, update, loss, norm"},
		{1, 2, "feed 0.0, start, feed 1.0, loss, norm, start, loss, norm, feed 2.0, start, loss, norm"},
	} {
		b := &noting{Backend: reference.New[float32]()}
		o := train.Options{Optimizer: train.Optimizer{LR: 0.01, Accum: c.accum}}
		if c.stage > 0 {
			o.Begin = func(name string) int {
				if name == "wte.weight" {
					return c.stage
				}
				return 0
			}
		}
		s := begin(t, b, network(4), o)
		loop := train.Loop{
			Trainer: s.trainer, Steps: 3,
			Feed: func(step, micro int, r backend.Runner) (int, error) {
				b.did = append(b.did, fmt.Sprintf("feed %d.%d", step, micro))
				return feeder(4, c.accum)(step, micro, r)
			},
			Log: func(train.Record) error { return nil }, Save: func(train.Progress) error { return nil },
		}
		if _, err := loop.Run(context.Background(), train.Progress{}); err != nil {
			t.Fatal(err)
		}
		if got := strings.Join(b.did, ", "); got != c.want {
			t.Errorf("%+v: %s", c, got)
		}
	}
}

// Tokens count in their own step, also when they were fed in the one before, once
// in vain, and when what fails ahead of time fails in its turn as well.
func TestFedAheadTokens(t *testing.T) {
	s := begin(t, reference.New[float32](), network(4), train.Options{Optimizer: train.Optimizer{LR: 0.01, Accum: 2}})
	full := errors.New("a full disk")
	var fail, saved int
	var tokens []int64
	loop := train.Loop{
		Trainer: s.trainer, Steps: 6, SaveEvery: 1,
		Feed: func(step, micro int, r backend.Runner) (int, error) {
			if _, err := feeder(4, 2)(step, micro, r); err != nil {
				return 0, err
			}
			if step == fail && micro == 0 {
				return 1000, full
			}
			return 1 << (2*step + micro), nil
		},
		Tick: func(p train.Progress, _ train.Result) { tokens = append(tokens, p.Tokens) },
		Log:  func(train.Record) error { return nil },
		Save: func(p train.Progress) error { saved = p.Step; return nil },
	}
	fail = 3
	p, err := loop.Run(context.Background(), train.Progress{})
	if !errors.Is(err, full) || p.Step != 3 || saved != 3 {
		t.Errorf("ended at %+v, saved %d: %v", p, saved, err)
	}
	fail = -1
	if p, err = loop.Run(context.Background(), p); err != nil {
		t.Fatal(err)
	}
	if want := []int64{1<<2 - 1, 1<<4 - 1, 1<<6 - 1, 1<<8 - 1, 1<<10 - 1, 1<<12 - 1}; !slices.Equal(tokens, want) {
		t.Errorf("tokens after each step %d, wanted %d", tokens, want)
	}
}

// staging opens a Vulkan device as one whose memory the host does not see.
func staging(t *testing.T) backend.Backend {
	t.Helper()
	b, err := vulkan.Open(vulkan.Options{Index: -1, AllowSoftware: true, ForceStaging: true})
	if err != nil {
		if os.Getenv("KIBAN_REQUIRE_VULKAN") == "1" {
			t.Fatal(err)
		}
		t.Skip(err)
	}
	t.Cleanup(func() { b.Close() })
	return b
}

// A loop that feeds ahead, is interrupted twice, and goes on with other programs
// gives the bits of steps one by one, in f16 with a scale that the first steps
// find too large.
func TestFedAheadSameBits(t *testing.T) {
	test := func(t *testing.T, b backend.Backend) {
		for _, o := range []train.Options{{Optimizer: train.Optimizer{LR: 0.05, Accum: 2}}, halves(1)} {
			const steps = 9
			accum := max(1, o.Optimizer.Accum)
			first := train.Progress{Scaling: train.Scaling{Scale: 1 << 24}}
			plain := begin(t, b, network(4), o)
			for _, m := range plain.plan.Moments() {
				if err := b.Put(m.Name, tensor.New(m.DType, m.Shape...)); err != nil {
					t.Fatal(err)
				}
			}
			p, tensors := first, plain.snapshot()
			plain.trainer.SetScaling(first.Scaling)
			plain.steps(steps, feeder(4, accum))
			want := fmt.Sprint(plain.snapshot())
			for _, at := range []int{2, 6, steps} {
				s := begin(t, b, network(4), o)
				for name, x := range tensors {
					old, err := b.Get(name)
					if err == nil {
						err = b.Put(name, tensor.Of(x, old.Shape()...))
					}
					if err != nil {
						t.Fatal(err)
					}
				}
				ctx, cancel := context.WithCancel(context.Background())
				defer cancel()
				loop := train.Loop{
					Trainer: s.trainer, Steps: steps, Feed: feeder(4, accum),
					Log: func(train.Record) error { return nil },
					Tick: func(p train.Progress, _ train.Result) {
						if p.Step == at { // when the next step has been fed
							cancel()
						}
					},
					Save: func(train.Progress) error { tensors = s.snapshot(); return nil },
				}
				var err error
				if p, err = loop.Run(ctx, p); !errors.Is(err, train.ErrInterrupted) || p.Step != at {
					t.Fatalf("ended at %+v: %v", p, err)
				}
			}
			if fmt.Sprint(tensors) != want || p.Scaling != plain.trainer.Scaling() {
				t.Errorf("%+v: other weights than those of steps one by one, or %+v, wanted %+v", o, p.Scaling, plain.trainer.Scaling())
			}
		}
	}
	onBackends(t, func(t *testing.T, open func() backend.Backend) { test(t, open()) })
	t.Run("vulkan", func(t *testing.T) { test(t, staging(t)) })
}
