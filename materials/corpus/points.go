package corpus

import (
	"sort"
	"unicode/utf8"
)

// Points turns bytes of a text into Unicode code points, which users' files
// count in, and back.
type Points struct {
	text string
	at   []int // the code point at every pointStep-th byte, or the next that begins one
}

const pointStep = 512

// NewPoints looks through a text once.
func NewPoints(text string) *Points {
	p := &Points{text: text}
	n := 0
	for i := range text {
		for i >= len(p.at)*pointStep {
			p.at = append(p.at, n)
		}
		n++
	}
	return p
}

// start returns the byte at which at[k] begins.
func (p *Points) start(k int) int {
	i := k * pointStep
	for i < len(p.text) && !utf8.RuneStart(p.text[i]) {
		i++
	}
	return i
}

// Of returns the number of code points before a byte.
func (p *Points) Of(b int) int {
	k := min(b/pointStep, len(p.at)-1)
	if k < 0 {
		return 0
	}
	from := p.start(k)
	if from > b {
		return p.at[k]
	}
	return p.at[k] + utf8.RuneCountInString(p.text[from:b])
}

// Byte returns the byte at which a code point begins, the text's length for
// the one past the last; false if there are fewer.
func (p *Points) Byte(point int) (int, bool) {
	if point < 0 {
		return 0, false
	}
	k := sort.SearchInts(p.at, point+1) - 1
	if k < 0 {
		return 0, point == 0
	}
	at, n := p.start(k), p.at[k]
	for n < point && at < len(p.text) {
		_, size := utf8.DecodeRuneInString(p.text[at:])
		at, n = at+size, n+1
	}
	return at, n == point
}
