package train_test

import (
	"testing"

	"github.com/kiban-models/kiban/core/backend"
	"github.com/kiban-models/kiban/core/graph"
	"github.com/kiban-models/kiban/core/nn"
	"github.com/kiban-models/kiban/core/plan"
	"github.com/kiban-models/kiban/core/train"
)

// ledger is a backend that notes what programs need when they are loaded.
type ledger struct {
	backend.Backend
	need   plan.Memory
	params map[string]bool
}

func (l *ledger) Load(p *plan.Program) (backend.Runner, error) {
	m := p.Memory()
	l.need.IO, l.need.Scratch = l.need.IO+m.IO, l.need.Scratch+m.Scratch
	made := map[string]bool{}
	for _, s := range p.States {
		if _, err := l.Get(s.Name); err != nil {
			made[s.Name] = true
		}
	}
	r, err := l.Backend.Load(p)
	if err != nil {
		return nil, err
	}
	for name := range made {
		x, err := l.Get(name)
		if err != nil {
			return nil, err
		}
		l.need.States += int64(len(x.Bytes()))
	}
	for _, n := range p.Params {
		x, err := l.Get(n.Name)
		if err != nil {
			return nil, err
		}
		if !l.params[n.Name] {
			l.params[n.Name] = true
			l.need.Params += int64(len(x.Bytes()))
		}
	}
	return r, nil
}

func TestMemory(t *testing.T) {
	// A parameter that the loss does not depend on is needed by the update.
	withUnused := func(s nn.Scope) *graph.Node {
		s.Matrix("unused", 9, 5, nn.Init{})
		return network(8)(s)
	}
	some := func(name string) bool { return name != "wte.weight" && name != "norm.bias" }
	onBackends(t, func(t *testing.T, open func() backend.Backend) {
		for _, accum := range []int{1, 4} {
			for i, loss := range []train.Loss{network(8), withUnused} {
				for j, trainable := range []func(string) bool{nil, some} {
					l := &ledger{Backend: open(), params: map[string]bool{}}
					s := begin(t, l, loss, train.Options{Optimizer: train.Optimizer{Accum: accum}, Trainable: trainable})
					if got := s.plan.Memory(); got != l.need {
						t.Errorf("accumulating %d, loss %d, choice %d: planned %+v, came to %+v", accum, i, j, got, l.need)
					}
				}
			}
		}
		alone, accum := compile(t, open(), network(8), train.Options{}), compile(t, open(), network(8), train.Options{Optimizer: train.Optimizer{Accum: 2}})
		if a, b := alone.Memory().States, accum.Memory().States; a*3 != b*2 || a == 0 {
			t.Errorf("states of %d bytes, accumulating %d: wanted moments, and as much again by half", a, b)
		}
	})
}
