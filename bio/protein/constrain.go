package protein

import (
	"fmt"
	"slices"
)

// place is how far a text has come.
type place struct {
	residues int
	column   int   // residues in the line
	state    int32 // of the automaton
	// ending counts the residues of the required ending that have been
	// written since the model wanted to end; -1 if it has not.
	ending int
	begun  bool // the first line break is there
	closed bool // the break after a short line is there: only the end may follow
}

// layout holds a model to the layout of Text and to constraints.
type layout struct {
	*distances
	c    *Constraints
	trie *trie
	eot  int32
	max  int // tokens in all
	// strict is for beam search, where nothing can be taken back: a sequence
	// may end only where it is whole.
	strict bool
	// demanding says that a sequence which may end can grow into one that may
	// not.
	demanding bool
	known     map[layoutKey][]uint64 // sets of tokens
	size      int                    // of known, in words
}

type layoutKey struct {
	column, ending                    int
	class, state                      int32
	begun, closed, vetoed, enough, no bool
}

// maxKnown bounds the memory of known, in words.
const maxKnown = 4 << 20

func newLayout(t *trie, c *Constraints, eot int32, maxTokens int, strict bool) (*layout, error) {
	a, err := newAutomaton(c.alphabet(), c.Forbidden, c.Ending)
	if err != nil {
		return nil, err
	}
	d, err := newDistances(a, c)
	if err != nil {
		return nil, err
	}
	l := &layout{distances: d, c: c, trie: t, eot: eot, max: maxTokens, strict: strict, known: map[layoutKey][]uint64{}}
	l.demanding = slices.Contains(a.final, false)
	return l, nil
}

func (l *layout) first() place { return place{ending: -1} }

// enough reports whether the sequence may end here.
func (l *layout) enough(p place) bool {
	if p.ending >= 0 {
		return p.ending == len(l.c.Ending)
	}
	return p.residues > 0 && l.lacking(p.residues, p.state) == 0
}

// takesEnding reports whether the required ending may follow here.
func (l *layout) takesEnding(p place) bool {
	if l.strict || len(l.c.Ending) == 0 || p.ending >= 0 || p.residues == 0 {
		return false
	}
	for p.ending = 0; p.ending < len(l.c.Ending); {
		var ok bool
		if p, ok = l.residue(p, l.c.Ending[p.ending]); !ok {
			return false
		}
		p.column = 0 // lines do not matter
	}
	return l.lacking(p.residues, p.state) == 0
}

func (l *layout) residue(p place, r byte) (place, bool) {
	if want, ok := l.c.Fixed[p.residues]; ok && r != want {
		return p, false
	}
	if p.ending >= 0 {
		if p.ending == len(l.c.Ending) || r != l.c.Ending[p.ending] {
			return p, false
		}
		p.ending++
	}
	if p.state = l.next[p.state][r-'A']; p.state < 0 {
		return p, false
	}
	p.residues++
	p.column++
	return p, l.lacking(p.residues, p.state) != never
}

// step goes on by one letter, and reports whether it keeps to the layout and
// leaves the constraints within reach. left is the number of tokens that may
// follow.
func (l *layout) step(p place, c byte, left int) (place, bool) {
	switch {
	case p.closed:
		return p, false
	case c == '\n' && !p.begun:
		p.begun = true
	case c == '\n' && p.column == LineWidth:
		p.column = 0
	case c == '\n':
		if p.column == 0 || !l.enough(p) && !l.mayWantEnd(p, left) {
			return p, false
		}
		p.closed, p.column = true, 0
	case !p.begun, p.column == LineWidth, c < 'A', c > 'Z':
		return p, false
	default:
		return l.residue(p, c)
	}
	return p, true
}

// mayWantEnd reports whether the model may say that it would end the sequence
// here, with so many tokens left, so that the ending is written.
func (l *layout) mayWantEnd(p place, left int) bool {
	n := len(l.c.Ending)
	return left >= 2 && left >= n+lineBreaks(p.column, n) && l.takesEnding(p)
}

// lineBreaks counts those before the last of n more residues.
func lineBreaks(column, n int) int {
	if n == 0 {
		return 0
	}
	return (column + n - 1) / LineWidth
}

// lacks is the number of tokens that certainly do to make the sequence whole:
// one a residue.
func (l *layout) lacks(p place) int {
	n := int(l.lacking(p.residues, p.state))
	if p.ending >= 0 {
		n = len(l.c.Ending) - p.ending
	}
	tokens := n + lineBreaks(p.column, n)
	if !p.begun {
		tokens++
	}
	return tokens
}

// walk goes through the tokens after the first, which is <|endoftext|>.
func (l *layout) walk(tokens []int32) place {
	p := l.first()
	for i, id := range tokens {
		p, _ = l.token(p, id, l.max-i-2)
	}
	return p
}

func (l *layout) token(p place, id int32, left int) (place, bool) {
	ok := true
	for _, c := range l.trie.text[id] {
		if p, ok = l.step(p, c, left); !ok {
			break
		}
	}
	return p, ok
}

// constrain returns the function for one sequence, to be called as it grows. A
// line break before the line is full says that the sequence ends; but a model
// that counts badly also breaks lines too early. So it is asked once more: what
// it would put next after such a break. If that is not the end, the break is
// taken back and the sequence goes on with something else. If it is the end but
// the required ending is lacking, the end is taken back and the ending follows.
func (l *layout) constrain() func(tokens []int32, allowed []bool) int {
	if l == nil {
		return nil
	}
	if l.strict {
		return func(tokens []int32, allowed []bool) int {
			l.allow(l.walk(tokens[1:]), false, l.max-len(tokens), allowed)
			return len(tokens)
		}
	}
	p := l.first()
	before := p // at a break that may be the end
	seen := 1   // tokens of the sequence that p covers; the first is <|endoftext|>
	return func(tokens []int32, allowed []bool) int {
		vetoed := false
		for ; seen < len(tokens); seen++ {
			if tokens[seen] == l.eot {
				if l.enough(p) {
					return len(tokens)
				}
				if p.closed {
					p, seen = before, seen-1
				}
				p.ending = 0
				break
			}
			if p.closed {
				p, seen, vetoed = before, seen-1, true
				break
			}
			before = p
			p, _ = l.token(p, tokens[seen], l.max-seen-1)
		}
		l.allow(p, vetoed, l.max-seen, allowed)
		return seen
	}
}

// trim removes a last break that was not confirmed, and what came after it.
func (l *layout) trim(tokens []int32) []int32 {
	if l == nil {
		return tokens
	}
	p := l.first()
	for i := 1; i < len(tokens); i++ {
		switch {
		case tokens[i] == l.eot:
			return tokens
		case p.closed:
			return tokens[:i-1]
		}
		p, _ = l.token(p, tokens[i], l.max-i-1)
	}
	if p.closed {
		return tokens[:len(tokens)-1]
	}
	return tokens
}

// allow clears what may not come next at p, with left tokens to come.
func (l *layout) allow(p place, vetoed bool, left int, allowed []bool) {
	class, plain := l.classOf(p.residues, l.trie.longest+len(l.c.Ending)+1)
	for at := range l.c.Fixed {
		plain = plain && (at < p.residues || at > p.residues+l.trie.longest+len(l.c.Ending))
	}
	// Once the tokens that are left surely suffice, they must go on to do so.
	// They do where there are many more than one token could make lacking.
	lacks := l.lacks(p)
	reserve := lacks <= left
	loose := len(l.c.Ending) + (len(l.c.Ending)+l.trie.longest)/LineWidth + l.trie.longest + 4
	tight := reserve && (l.demanding || lacks > 0) && left < lacks+loose
	plain = plain && !tight
	key := layoutKey{column: p.column, ending: p.ending, class: class, state: p.state, begun: p.begun, closed: p.closed,
		vetoed: vetoed, enough: l.enough(p), no: left < 2}
	if known := l.known[key]; plain && known != nil {
		for id := range allowed {
			allowed[id] = known[id/64]>>(id%64)&1 == 1
		}
		return
	}
	clear(allowed)
	if l.enough(p) || left >= 1 && (p.closed || p.column == 0 && p.begun) && l.mayWantEnd(p, left+1) {
		allowed[l.eot] = p.closed || p.column == 0
	}
	if !p.closed {
		l.descend(0, p, vetoed, left-1, reserve, allowed)
	} else if !l.strict && p.ending < 0 && !tight {
		l.answers(p, allowed) // else a break is the end: what would follow it might not fit
	}
	if !plain {
		return
	}
	set := make([]uint64, (len(allowed)+63)/64)
	for id, ok := range allowed {
		if ok {
			set[id/64] |= 1 << (id % 64)
		}
	}
	if l.size += len(set); l.size > maxKnown {
		clear(l.known)
		l.size = len(set)
	}
	l.known[key] = set
}

// descend allows the tokens below a node of the trie, to which p has come.
func (l *layout) descend(node int32, p place, vetoed bool, left int, reserve bool, allowed []bool) {
	for at := l.trie.child[node]; at != 0; at = l.trie.next[at] {
		q, ok := l.step(p, l.trie.letter[at], left)
		if !ok {
			continue
		}
		if len(l.trie.ids[at]) > 0 && !(vetoed && q.closed) && (!reserve || q.closed || l.lacks(q) <= left) {
			for _, id := range l.trie.ids[at] {
				allowed[id] = true
			}
		}
		l.descend(at, q, vetoed, left, reserve, allowed)
	}
}

// answers allows the tokens by which the model says, after a short line, that
// this is not the end. They are taken back with the break.
func (l *layout) answers(p place, allowed []bool) {
	if l.c.MaxLength > 0 && p.residues >= l.c.MaxLength || l.through(l.rows[min(p.residues+1, len(l.rows)-1)], int(p.state), -1) == never {
		return
	}
	alphabet := l.c.alphabet()
	for id, text := range l.trie.text {
		ok := len(text) > 0 && text[0] != '\n' && spells(text)
		for _, c := range text {
			ok = ok && (c == '\n' || alphabet.has(c))
		}
		if ok {
			allowed[id] = true
		}
	}
}

// begin walks a prompt's text and reports what cannot be met from there on.
func (l *layout) begin(text []byte) error {
	p, ok := l.first(), true
	for i, c := range text {
		if p, ok = l.step(p, c, l.max); !ok {
			return fmt.Errorf("no sequence that begins with residues 1 to %d of the prompt can meet all constraints; relax one of them", i)
		}
	}
	if l.lacking(p.residues, p.state) == never {
		return fmt.Errorf("no sequence can meet all constraints; relax one of them")
	}
	return nil
}
