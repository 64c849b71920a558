package protein

import (
	"errors"
	"fmt"
	"strconv"
	"strings"
)

// residueSet is a set of residues, bit 0 for A.
type residueSet uint32

const anyLetter = residueSet(1<<26 - 1)

func residueSetOf(residues string) residueSet {
	var s residueSet
	for _, r := range []byte(residues) {
		s |= 1 << (r - 'A')
	}
	return s
}

func (s residueSet) has(r byte) bool { return s>>(r-'A')&1 == 1 }

// Motif is a pattern of residues in PROSITE's syntax: a residue, x for any,
// [ST] for one of several, {P} for any but these; each may be repeated, as
// x(3) or x(2,4); < and > stand for the beginning and the end of a sequence.
// The - between elements may be left out: N{P}[ST]{P} is N-{P}-[ST]-{P}.
type Motif struct {
	text               string
	elements           []element
	atStart, atEnd     bool
	shortest, expanded int // residues
}

type element struct {
	set      residueSet
	min, max int
}

// maxMotif bounds the residues of a match, so that the progress of a motif is
// one machine word.
const maxMotif = 62

// ParseMotif reads a motif.
func ParseMotif(text string) (Motif, error) {
	m := Motif{text: text}
	fail := func(err error) (Motif, error) {
		return Motif{}, fmt.Errorf("motif %q: %w; write one such as CC, N-{P}-[ST] or C-x(2,4)-C", text, err)
	}
	rest := strings.TrimSuffix(text, ".")
	rest, m.atStart = strings.CutPrefix(rest, "<")
	rest, m.atEnd = strings.CutSuffix(rest, ">")
	for rest != "" {
		if len(m.elements) > 0 {
			rest = strings.TrimPrefix(rest, "-")
		}
		e := element{min: 1, max: 1}
		var err error
		if e.set, rest, err = parseSet(rest); err != nil {
			return fail(err)
		}
		if e.min, e.max, rest, err = parseCount(rest); err != nil {
			return fail(err)
		}
		m.elements = append(m.elements, e)
		m.shortest, m.expanded = m.shortest+e.min, m.expanded+e.max
	}
	switch {
	case m.shortest == 0:
		return fail(errors.New("it stands for no residue"))
	case m.expanded > maxMotif:
		return fail(fmt.Errorf("it may span %d residues, and %d is the most", m.expanded, maxMotif))
	}
	return m, nil
}

// parseSet reads one element without its count.
func parseSet(s string) (set residueSet, rest string, err error) {
	if s == "" {
		return 0, "", errors.New("an element is missing after -")
	}
	residues := func(s string) error {
		if i := strings.IndexFunc(s, func(r rune) bool { return r < 'A' || r > 'Z' }); i >= 0 || s == "" {
			return fmt.Errorf("%q is no list of residues", s)
		}
		return nil
	}
	switch s[0] {
	case 'x':
		return anyLetter, s[1:], nil
	case '[', '{':
		inner, rest, ok := strings.Cut(s[1:], map[byte]string{'[': "]", '{': "}"}[s[0]])
		if !ok {
			return 0, "", fmt.Errorf("%c is not closed", s[0])
		}
		if err := residues(inner); err != nil {
			return 0, "", err
		}
		if set = residueSetOf(inner); s[0] == '{' {
			set = anyLetter &^ set
		}
		return set, rest, nil
	}
	if err := residues(s[:1]); err != nil {
		return 0, "", fmt.Errorf("%q is no residue", []rune(s)[0])
	}
	return residueSetOf(s[:1]), s[1:], nil
}

// parseCount reads (n) or (n,m), which may be absent.
func parseCount(s string) (low, high int, rest string, err error) {
	if !strings.HasPrefix(s, "(") {
		return 1, 1, s, nil
	}
	inner, rest, ok := strings.Cut(s[1:], ")")
	a, b, two := strings.Cut(inner, ",")
	if low, err = strconv.Atoi(a); err == nil {
		if high = low; two {
			high, err = strconv.Atoi(b)
		}
	}
	if !ok || err != nil || low < 0 || high < low || high == 0 {
		return 0, 0, "", fmt.Errorf("(%s is no count such as (3) or (2,4)", inner)
	}
	if high > maxMotif { // the sum is checked later, and must not overflow
		high = maxMotif + 1
		low = min(low, high)
	}
	return low, high, rest, nil
}

// String returns the motif as it was written.
func (m Motif) String() string { return m.text }

// Find returns where the motif first occurs, counted from 0, or -1.
func (m Motif) Find(residues []byte) int {
	for at := range residues {
		if (at == 0 || !m.atStart) && m.matches(residues, at) {
			return at
		}
	}
	return -1
}

// matches follows the elements from a place through all ends that they leave
// open.
func (m Motif) matches(residues []byte, at int) bool {
	ends := make([]bool, len(residues)+1)
	ends[at] = true
	for _, e := range m.elements {
		next := make([]bool, len(ends))
		for from, is := range ends {
			for n := 0; is; n++ {
				if n >= e.min {
					next[from+n] = true
				}
				if n == e.max || from+n == len(residues) || !e.set.has(residues[from+n]) {
					break
				}
			}
		}
		ends = next
	}
	for end, is := range ends {
		if is && (!m.atEnd || end == len(residues)) {
			return true
		}
	}
	return false
}
