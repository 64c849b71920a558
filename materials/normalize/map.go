package normalize

import (
	"sort"
	"unicode/utf8"
)

// Map leads from places of a normalised text to those of the original. Places are
// bytes.
type Map struct {
	parts      []part
	normalized int // length
	original   int
}

// part is a stretch of the normalised text: the same bytes as in the original, or
// characters that stand for [from, to) as a whole.
type part struct {
	at       int // where it starts in the normalised text
	from, to int
	same     bool
}

// Span returns the bytes of the original that the bytes [start, end) of the
// normalised text stand for. Characters that were dropped between two that are
// in the span belong to it. It panics if the span leaves the text or ends before
// it starts.
func (m *Map) Span(start, end int) (int, int) {
	if start < 0 || end < start || end > m.normalized {
		panic("normalize: span outside the text")
	}
	if start == end {
		if start == m.normalized {
			return m.original, m.original
		}
		p := m.find(start)
		return p.place(start), p.place(start)
	}
	first, last := m.find(start), m.find(end-1)
	to := last.to
	if last.same {
		to = last.from + end - last.at
	}
	return first.place(start), to
}

func (p part) place(at int) int {
	if p.same {
		return p.from + at - p.at
	}
	return p.from
}

// find returns the part that the byte belongs to.
func (m *Map) find(at int) part {
	return m.parts[sort.Search(len(m.parts), func(i int) bool { return m.parts[i].at > at })-1]
}

// builder makes a normalised text and its map.
type builder struct {
	text []byte
	m    Map
}

// same takes over bytes of the original.
func (b *builder) same(s string, from int) {
	if s == "" {
		return
	}
	if n := len(b.m.parts) - 1; n < 0 || !b.m.parts[n].same || b.m.parts[n].to != from {
		b.m.parts = append(b.m.parts, part{len(b.text), from, from, true})
	}
	b.m.parts[len(b.m.parts)-1].to = from + len(s)
	b.text = append(b.text, s...)
}

// put writes s for the bytes [from, to) of the original.
func (b *builder) put(s string, from, to int) {
	if s == "" {
		return
	}
	b.m.parts = append(b.m.parts, part{len(b.text), from, to, false})
	b.text = append(b.text, s...)
}

func (b *builder) finish(original int) (string, *Map) {
	b.m.normalized, b.m.original = len(b.text), original
	return string(b.text), &b.m
}

// asciiRun returns how many of the first bytes of text are ASCII and not among
// those that change.
func asciiRun(text string, changes *[utf8.RuneSelf]bool) int {
	for i := range len(text) {
		if c := text[i]; c >= utf8.RuneSelf || changes[c] {
			return i
		}
	}
	return len(text)
}
