package pair

import (
	"fmt"
	"slices"

	"github.com/kiban-models/kiban/climate/store"
	"github.com/kiban-models/kiban/climate/window"
)

// Pairs are the records of two stores that are of the same time.
type Pairs struct {
	Input, Target *store.Store
	All           []Pair // as Match orders them
}

// Stores pairs two stores, whose grids and variables may be any. It is an error if
// the input was prepared with years to train on that the target sets aside: its
// statistics would know them.
func Stores(input, target *store.Store) (*Pairs, error) {
	known := input.Manifest().Split.Train
	for _, part := range []store.Part{store.Validation, store.Test} {
		aside := target.Manifest().Split.Years(part)
		if both := (store.Years{From: max(known.From, aside.From), To: min(known.To, aside.To)}); aside != (store.Years{}) && known != (store.Years{}) && both.From <= both.To {
			return nil, fmt.Errorf("%s and %s: %s are %s years of the second and training years of the first, which is normalised by them; prepare both with the same --val and --test",
				input.Dir(), target.Dir(), both, part)
		}
	}
	all, err := Match(axis(input), axis(target))
	if err != nil {
		return nil, err
	}
	p := &Pairs{input, target, all}
	for i, x := range all {
		// Runs of the input that are held out in years that it trains on.
		if part := p.Part(i); part != store.Train && part != "" && input.Part(x.Input) == store.Train {
			return nil, fmt.Errorf("%s and %s: %s of %q is for %s in the second and to train on in the first, which is normalised by it; prepare both with the same scenarios held out",
				input.Dir(), target.Dir(), target.Times()[x.Target], target.Manifest().Time.Runs[runOf(target.Manifest().Time.Runs, x.Target)].Member, part)
		}
	}
	return p, nil
}

func axis(s *store.Store) Axis {
	return Axis{Name: s.Dir(), Calendar: s.Calendar(), Step: s.Step(), Times: s.Times(), Runs: s.Manifest().Time.Runs}
}

// Records are the pairs as windows are cut from them: record i is All[i], at the
// target's time and of the part that the target's split says. Neighbours are such
// in both stores.
func (p *Pairs) Records() window.Records {
	in, out := p.Input.Records().Breaks, p.Target.Records().Breaks
	r := window.Records{Calendar: p.Target.Calendar(), Step: p.Target.Step(),
		PartAt: func(i int) string { return string(p.Part(i)) }}
	if r.Step.Months == 0 && r.Step.Millis == 0 {
		r.Step = p.Input.Step()
	}
	for i, x := range p.All {
		r.Times = append(r.Times, p.Target.Times()[x.Target])
		follows := i > 0 && p.All[i-1] == Pair{x.Input - 1, x.Target - 1}
		if !follows || slices.Contains(in, x.Input) || slices.Contains(out, x.Target) {
			r.Breaks = append(r.Breaks, i)
		}
	}
	return r
}

// Part is what a pair is for, "" if nothing.
func (p *Pairs) Part(i int) store.Part { return p.Target.Part(p.All[i].Target) }
