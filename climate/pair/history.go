package pair

import (
	"fmt"
	"slices"

	"github.com/kiban-models/kiban/climate/store"
)

// History is what a model sees of the input up to the time of a target, as
// forcings of some years to the response in the last of them.
type History struct {
	Inputs []int // records, each a step after the one before; the last is of the target's time
	Target int
}

// Histories are those of n input records that lead to the targets, in the order
// of the pairs. They lie within one run and those that it goes on from: the first
// years of a scenario see the last of the historical ones. Targets before which
// the input has fewer are left out.
//
// It is an error if the input lacks a run of the target, or has no history that
// is long enough.
func (p *Pairs) Histories(n int) ([]History, error) {
	both := fmt.Sprintf("%s and %s", p.Input.Dir(), p.Target.Dir())
	if n < 1 {
		return nil, fmt.Errorf("%s: a history of %d records; wanted at least 1", both, n)
	}
	targets := p.Target.Manifest().Time.Runs
	matched := make([]bool, len(targets))
	for _, x := range p.All {
		matched[runOf(targets, x.Target)] = true
	}
	for i, r := range targets {
		if !matched[i] {
			return nil, fmt.Errorf("%s: the second has %q, of which the first has nothing: it has %s; prepare the same of both", both, r.Member, names(p.Input.Manifest().Time.Runs))
		}
	}
	c := chains{store: p.Input, runs: p.Input.Manifest().Time.Runs}
	var all []History
	longest := 0
	for _, x := range p.All {
		h := c.upTo(x.Input, n)
		longest = max(longest, len(h))
		if len(h) == n {
			all = append(all, History{h, x.Target})
		}
	}
	if len(all) == 0 {
		return nil, fmt.Errorf("%s: a history of %d records, each %s after the one before, is longer than any of the first up to a time of the second, which have at most %d; shorten it, or prepare earlier data, too",
			both, n, p.Input.Step(), longest)
	}
	return all, nil
}

// Histories are those of n records that end at each record of one store, nil of
// those that have fewer.
func Histories(s *store.Store, n int) [][]int {
	c := chains{store: s, runs: s.Manifest().Time.Runs}
	all := make([][]int, s.Len())
	for i := range all {
		if h := c.upTo(i, n); len(h) == n {
			all[i] = h
		}
	}
	return all
}

func runOf(runs []store.Run, record int) int {
	return slices.IndexFunc(runs, func(r store.Run) bool { return record >= r.From && record < r.To })
}

// chains follows records back in time.
type chains struct {
	store *store.Store
	runs  []store.Run
}

// upTo are the records up to one, n of them or as many as there are, oldest
// first.
func (c chains) upTo(record, n int) []int {
	back := []int{record}
	for len(back) < n {
		if record = c.before(record); record < 0 {
			break
		}
		back = append(back, record)
	}
	slices.Reverse(back)
	return back
}

// before is the record a step before another, -1 for none.
func (c chains) before(record int) int {
	times, step, calendar := c.store.Times(), c.store.Step(), c.store.Calendar()
	if record < 0 || record >= len(times) {
		return -1
	}
	r := c.runs[runOf(c.runs, record)]
	if record > r.From {
		if step.Follows(calendar, times[record-1], times[record]) {
			return record - 1
		}
		return -1
	}
	for _, x := range c.runs {
		if r.After == "" || x.Member != r.After {
			continue
		}
		for i := x.To - 1; i >= x.From; i-- { // what it goes on from may reach further
			if step.Follows(calendar, times[i], times[record]) {
				return i
			}
		}
	}
	return -1
}
