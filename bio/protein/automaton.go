package protein

import (
	"encoding/binary"
	"errors"
	"math"
)

// automaton follows a sequence residue by residue: how far it has come in each
// forbidden motif and in the required ending. State 0 is the beginning.
type automaton struct {
	next  [][26]int32 // state after a residue; -1 where it would be wrong
	final []bool      // whether a sequence may end in a state
}

// maxStates and maxCells bound what constraints may cost in memory.
const (
	maxStates = 1 << 14
	maxCells  = 1 << 23
)

var errTooComplex = errors.New("the motifs are too many or too loose to be followed together; drop some, or give shorter ranges")

// progress is a motif as bits: bit i of its state says that the last residues
// match its first i elements, repetitions written out.
type progress struct {
	step           [26]uint64 // bit i: element i may be this residue
	skip           uint64     // bit i: element i may be left out
	start, whole   uint64     // the state at the beginning; the bit of a match
	anywhere       bool       // the motif may begin at any residue
	atEnd, demands bool       // it counts at the end only; it is demanded, not forbidden
}

func progressOf(m Motif) progress {
	p := progress{anywhere: !m.atStart, atEnd: m.atEnd}
	i := 0
	for _, e := range m.elements {
		for k := range e.max {
			for r := range 26 {
				if e.set>>r&1 == 1 {
					p.step[r] |= 1 << i
				}
			}
			if k >= e.min {
				p.skip |= 1 << i
			}
			i++
		}
	}
	p.whole = 1 << i
	p.start = p.close(1)
	return p
}

// close adds the states that leaving elements out leads to.
func (p *progress) close(s uint64) uint64 {
	for {
		more := s | s&p.skip<<1
		if more == s {
			return s
		}
		s = more
	}
}

func (p *progress) after(s uint64, r int) uint64 {
	s = s & p.step[r] << 1
	if p.anywhere {
		s |= 1
	}
	return p.close(s)
}

// newAutomaton follows the motifs and the ending over an alphabet.
func newAutomaton(alphabet residueSet, forbidden []Motif, ending []byte) (*automaton, error) {
	var all []progress
	for _, m := range forbidden {
		all = append(all, progressOf(m))
	}
	if len(ending) > 0 {
		m := Motif{}
		for _, r := range ending {
			m.elements = append(m.elements, element{1 << (r - 'A'), 1, 1})
		}
		p := progressOf(m)
		p.atEnd, p.demands = true, true
		all = append(all, p)
	}
	a := &automaton{}
	known := map[string]int32{}
	var states [][]uint64
	add := func(s []uint64) int32 {
		key := make([]byte, 0, 8*len(s))
		for _, x := range s {
			key = binary.LittleEndian.AppendUint64(key, x)
		}
		if id, ok := known[string(key)]; ok {
			return id
		}
		id := int32(len(states))
		known[string(key)] = id
		states = append(states, s)
		final := true
		for i, p := range all {
			final = final && (!p.atEnd || p.demands == (s[i]&p.whole != 0))
		}
		a.final = append(a.final, final)
		return id
	}
	first := make([]uint64, len(all))
	for i, p := range all {
		first[i] = p.start
	}
	add(first)
	for id := 0; id < len(states); id++ {
		if len(states) > maxStates {
			return nil, errTooComplex
		}
		var next [26]int32
	residue:
		for r := range 26 {
			if next[r] = -1; alphabet>>r&1 == 0 {
				continue
			}
			s := make([]uint64, len(all))
			for i := range all {
				p := &all[i]
				if s[i] = p.after(states[id][i], r); s[i]&p.whole != 0 && !p.atEnd {
					continue residue
				}
			}
			next[r] = add(s)
		}
		a.next = append(a.next, next)
	}
	return a, nil
}

// never is the distance of what cannot be reached.
const never = math.MaxInt32

// distances knows from every length and state how many residues are lacking at
// least until a sequence may end, so that no choice leads into a dead end.
type distances struct {
	*automaton
	rows   [][]int32 // by length, then state
	steady bool      // the last row holds for all greater lengths
	class  []int32   // rows that allow the same have the same number
}

func newDistances(a *automaton, c *Constraints) (*distances, error) {
	n := c.MaxLength
	if n == 0 {
		n = c.least()
	}
	if (n+1)*len(a.next) > maxCells {
		return nil, errTooComplex
	}
	d := &distances{automaton: a, rows: make([][]int32, n+1), class: make([]int32, n+1), steady: c.MaxLength == 0}
	last := make([]int32, len(a.next))
	for q := range last {
		if last[q] = never; a.final[q] && n >= c.least() {
			last[q] = 0
		}
	}
	d.rows[n] = last
	for changed := d.steady; changed; { // breadth first over a graph with cycles
		changed = false
		for q := range last {
			if x := d.through(last, q, -1); x < last[q] {
				last[q], changed = x, true
			}
		}
	}
	for k := n - 1; k >= 0; k-- {
		row := make([]int32, len(a.next))
		only := -1
		if r, ok := c.Fixed[k]; ok {
			only = int(r - 'A')
		}
		for q := range row {
			if a.final[q] && k >= c.least() {
				continue
			}
			row[q] = d.through(d.rows[k+1], q, only)
		}
		d.rows[k] = row
	}
	classes := map[string]int32{}
	for k, row := range d.rows {
		key := make([]byte, len(row))
		for q, x := range row {
			if key[q] = 1; x == 0 {
				key[q] = 0
			} else if x == never {
				key[q] = 2
			}
		}
		if _, ok := classes[string(key)]; !ok {
			classes[string(key)] = int32(len(classes))
		}
		d.class[k] = classes[string(key)]
	}
	return d, nil
}

// through is the distance by way of the best next residue, or of the only one.
func (d *distances) through(row []int32, q, only int) int32 {
	least := int32(never)
	for r, to := range d.next[q] {
		if to >= 0 && (only < 0 || r == only) {
			least = min(least, row[to])
		}
	}
	if least == never {
		return never
	}
	return least + 1
}

// lacking returns the least number of residues until a sequence of n residues
// in a state may end, or never.
func (d *distances) lacking(n int, q int32) int32 {
	if n >= len(d.rows) {
		if !d.steady {
			return never
		}
		n = len(d.rows) - 1
	}
	return d.rows[n][q]
}

// classOf returns a number that is the same for lengths that allow the same
// next residues, up to ahead of them; ok is false where they differ.
func (d *distances) classOf(n, ahead int) (class int32, ok bool) {
	last := len(d.rows) - 1
	if n >= last && d.steady {
		return d.class[last], true
	}
	if n+ahead > last && !d.steady {
		return 0, false
	}
	class = d.class[n]
	for k := n; k <= min(n+ahead, last); k++ {
		if d.class[k] != class {
			return 0, false
		}
	}
	return class, true
}
