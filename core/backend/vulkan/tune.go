package vulkan

import (
	"bytes"
	"cmp"
	"errors"
	"fmt"
	"maps"
	"slices"
	"strings"
	"time"

	"github.com/kiban-models/kiban/core/plan"
)

// tuner measures which way of a choice is the fastest on the device, once for each
// kind of work. Tuning changes time and never bits: what may be measured sums alike
// (choice), and a way whose result on the numbers of the measurement has other bits
// than that of the rules is left out, whatever the driver made of it.
type tuner struct {
	table tuneTable
	limit time.Duration // of measuring, for one program
	now   func() time.Time
	took  func(name string, ns float64) float64 // what a measured time is taken for, in tests

	asked    map[string]asked // while the choices of a program are gathered
	weight   float64          // of the step that asks
	used     map[string]int   // how often a program has a choice that is in the table
	measured int
	spent    time.Duration
	notes    []string // what went wrong
}

// asked is a choice of a program, and the work of the steps that have it.
type asked struct {
	choice
	work float64
}

func (c choice) id() string { return c.shader + ": " + c.key }

func newTuner(dir string, f *features, limit time.Duration) *tuner {
	t := &tuner{limit: limit, now: time.Now, used: map[string]int{}}
	t.table.open(dir, f)
	return t
}

// pick returns the number of the way to take.
func (t *tuner) pick(c choice) int {
	if t == nil || len(c.ways) < 2 {
		return 0
	}
	if t.asked != nil {
		a := t.asked[c.id()]
		t.asked[c.id()] = asked{c, a.work + t.weight}
		return 0
	}
	kept, ok := t.table.find(c)
	if !ok {
		return 0
	}
	t.used[c.id()]++
	return slices.IndexFunc(c.ways, func(w way) bool { return w.name == kept.Way })
}

// bytesWorth is how many operations a GPU does, about, while it moves a byte.
const bytesWorth = 200

// wanted returns the choices of a program that are not in the table, those of most
// work first.
func (t *tuner) wanted(p *plan.Program, f *features) []asked {
	t.asked = map[string]asked{}
	for _, s := range p.Steps {
		w := s.Work()
		t.weight = w.Flops + bytesWorth*w.Bytes
		if low := kernels[s.Kernel]; low != nil {
			low(s, f) // what is wrong with it is said when it is recorded
		}
	}
	all := t.asked
	t.asked = nil
	maps.DeleteFunc(all, func(_ string, a asked) bool {
		_, ok := t.table.find(a.choice)
		return ok
	})
	return slices.SortedFunc(maps.Values(all), func(a, b asked) int {
		return cmp.Or(cmp.Compare(b.work, a.work), strings.Compare(a.id(), b.id()))
	})
}

// tune measures the choices of a program while there is time; the rules serve for
// the others, until it is loaded again. Only a lost device is an error.
func (b *Backend) tune(p *plan.Program) error {
	t := b.f.tuner
	if t == nil {
		return nil
	}
	wanted := t.wanted(p, &b.f)
	if len(wanted) == 0 {
		return nil
	}
	begun := t.now()
	late := func() bool { return t.now().Sub(begun) >= t.limit }
	m, err := b.newScales(wanted)
	if err != nil {
		t.note("nothing was measured: %v", err)
		return b.lost
	}
	defer m.free()
	for _, c := range wanted {
		if late() {
			break
		}
		found, err := m.measure(c.choice, late)
		switch {
		case b.lost != nil:
			return b.lost
		case err != nil:
			t.note("%s: %v", c.id(), err)
		case found.Way != "":
			t.table.put(c.shader, c.key, found)
			t.measured++
			for _, w := range slices.Sorted(maps.Keys(found.LeftOut)) {
				t.note("%s: %s was left out: %s", c.id(), w, found.LeftOut[w])
			}
		}
	}
	t.spent += t.now().Sub(begun)
	t.table.save()
	return nil
}

// better is how much less time a way must take than that of the rules.
const better = 0.98

// measure times the ways of a choice, or returns no way if it is late.
func (m *scales) measure(c choice, late func() bool) (found tuned, err error) {
	if err := m.lay(c); err != nil {
		return tuned{}, err
	}
	found = tuned{Rule: c.ways[0].name, Nanoseconds: map[string]int64{}, LeftOut: map[string]string{}}
	trials, whys := m.ready(c)
	defer func() {
		for _, t := range trials {
			m.b.dev.FreeSets(t.pool)
		}
	}()
	times := 1
	var bits []byte // of the results
	var good []int  // ways
	for i, w := range c.ways {
		if late() {
			return tuned{}, nil
		}
		var ns float64
		var now []byte
		err := whys[i]
		if err == nil {
			ns, err = m.first(trials[i]) // drivers may compile as late as here
		}
		if err == nil {
			now, err = m.results()
		}
		switch {
		case m.b.lost != nil || err != nil && i == 0:
			return tuned{}, err
		case i == 0:
			bits = now
		case err == nil && !bytes.Equal(now, bits):
			err = errors.New("other bits than by the rules")
		}
		if err != nil {
			found.LeftOut[w.name] = err.Error()
			continue
		}
		good = append(good, i)
		times = max(times, min(int(measuredTime/max(ns, 1)), mostRepeats))
	}
	// In turns, so that a clock that goes up or down is the same for all.
	for range 3 {
		for _, i := range good {
			if late() {
				return tuned{}, nil
			}
			ns, err := m.run(trials[i], times)
			if err != nil {
				return tuned{}, err
			}
			name := c.ways[i].name
			if took := m.b.f.tuner.took; took != nil {
				ns = took(name, ns)
			}
			if was, ok := found.Nanoseconds[name]; !ok || int64(ns) < was {
				found.Nanoseconds[name] = int64(ns)
			}
		}
	}
	found.Way = found.Rule
	least := better * float64(found.Nanoseconds[found.Rule])
	for _, i := range good {
		if ns := float64(found.Nanoseconds[c.ways[i].name]); ns < least {
			found.Way, least = c.ways[i].name, ns
		}
	}
	return found, nil
}

func (t *tuner) note(format string, args ...any) {
	t.notes = append(t.notes, fmt.Sprintf(format, args...))
}

// String says what tuning did, and what it gained.
func (t *tuner) String() string {
	var by, rules float64
	for id, n := range t.used {
		shader, key, _ := strings.Cut(id, ": ")
		if e, ok := t.table.get(shader, key); ok {
			by += float64(n) * float64(e.Nanoseconds[e.Way])
			rules += float64(n) * float64(e.Nanoseconds[e.Rule])
		}
	}
	s := fmt.Sprintf("tiles: %d choices were measured in %v, %d are known", t.measured, t.spent.Round(time.Millisecond), t.table.len())
	if rules > 0 {
		s += fmt.Sprintf("; those of the programs take %.3f of the rules' time", by/rules)
	}
	if t.table.err != nil {
		s += "; not kept: " + t.table.err.Error()
	}
	for _, n := range t.notes {
		s += "\n" + n
	}
	return s
}
