package crf

import (
	"fmt"
	"slices"
	"strings"
)

// Forbidden is the score of a move that must not be, as MatSciBERT has it.
const Forbidden = -1e4

// Scheme is a way to write spans as labels of words.
type Scheme uint8

// The schemes. In BIO (IOB2) a span's words are B-X I-X I-X; in BIOES they are
// B-X I-X E-X, or S-X if it is one word. O is a word of no span.
const (
	BIO Scheme = iota
	BIOES
)

// String returns the scheme's name.
func (s Scheme) String() string { return [...]string{"BIO", "BIOES"}[s] }

// Moves says which labels of a set may begin a sequence, end it, and follow one
// another.
type Moves struct {
	Labels []string
	Scheme Scheme
	parts  []part
}

// part is a label taken apart.
type part struct {
	prefix byte // of "BIOES"
	kind   string
}

// Sort puts labels in the order in which models are published: by bytes, so
// that B-* come before I-* and those before O.
func Sort(labels []string) { slices.Sort(labels) }

// NewMoves takes the labels in the model's order. The scheme is BIOES if any
// label begins with E- or S-, else BIO. What is neither is an error that names
// the label: an unknown form, a label that is there twice, one that continues
// what no label begins, or, with BIOES, begins what no label ends.
func NewMoves(labels []string) (*Moves, error) {
	m := &Moves{Labels: slices.Clone(labels), parts: make([]part, len(labels))}
	if len(labels) == 0 {
		return nil, fmt.Errorf("crf: no labels; give at least O and one B-X")
	}
	has := map[part]bool{}
	for i, label := range labels {
		p := part{prefix: 'O'}
		if label != "O" {
			prefix, kind, ok := strings.Cut(label, "-")
			if !ok || kind == "" || len(prefix) != 1 || !strings.Contains("BIES", prefix) {
				return nil, fmt.Errorf("crf: label %d, %q, is neither O nor B-X, I-X, E-X or S-X; write spans in BIO or BIOES", i, label)
			}
			p = part{prefix[0], kind}
		}
		if has[p] {
			return nil, fmt.Errorf("crf: label %d, %q, is there twice; give each label once", i, label)
		}
		if p.prefix == 'E' || p.prefix == 'S' {
			m.Scheme = BIOES
		}
		has[p], m.parts[i] = true, p
	}
	for i, p := range m.parts {
		begun := has[part{'B', p.kind}]
		switch {
		case (p.prefix == 'I' || p.prefix == 'E') && !begun:
			return nil, fmt.Errorf("crf: label %d, %q, continues what no label begins; add %q", i, labels[i], "B-"+p.kind)
		case m.Scheme == BIOES && (p.prefix == 'B' || p.prefix == 'I') && !has[part{'E', p.kind}]:
			return nil, fmt.Errorf("crf: label %d, %q, begins what no label ends; add %q, or write spans in BIO", i, labels[i], "E-"+p.kind)
		}
	}
	return m, nil
}

// Begin reports whether label i may be the first of a sequence.
func (m *Moves) Begin(i int) bool { return m.parts[i].prefix != 'I' && m.parts[i].prefix != 'E' }

// End reports whether label i may be the last of a sequence.
func (m *Moves) End(i int) bool { return !m.open(i) }

// open reports whether a span must go on after label i.
func (m *Moves) open(i int) bool {
	return m.Scheme == BIOES && (m.parts[i].prefix == 'B' || m.parts[i].prefix == 'I')
}

// Follow reports whether label j may follow label i.
func (m *Moves) Follow(i, j int) bool {
	from, to := m.parts[i], m.parts[j]
	if m.Begin(j) {
		return !m.open(i)
	}
	return (from.prefix == 'B' || from.prefix == 'I') && from.kind == to.kind
}

// Forbid sets the scores of all moves that are not allowed to Forbidden.
func (m *Moves) Forbid(w Weights) error {
	if w.Labels != len(m.Labels) {
		return fmt.Errorf("crf: weights of %d labels, but there are %d: %q", w.Labels, len(m.Labels), m.Labels)
	}
	for i := range w.Labels {
		if !m.Begin(i) {
			w.Start[i] = Forbidden
		}
		if !m.End(i) {
			w.End[i] = Forbidden
		}
		for j := range w.Labels {
			if !m.Follow(i, j) {
				w.Transitions[i*w.Labels+j] = Forbidden
			}
		}
	}
	return nil
}

// Weights returns weights that know nothing but the moves: 0, or Forbidden. With
// them Viterbi makes legal labels of any scores, such as those of a model
// without a Layer.
func (m *Moves) Weights() Weights {
	l := len(m.Labels)
	w := Weights{Labels: l, Transitions: make([]float32, l*l), Start: make([]float32, l), End: make([]float32, l)}
	if err := m.Forbid(w); err != nil {
		panic(err) // the sizes are the same
	}
	return w
}
