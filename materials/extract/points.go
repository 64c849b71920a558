package extract

import "unicode/utf8"

// Points turns bytes of a text into code points, in a time that does not grow
// with the text.
type Points struct {
	text string
	at   []int // code points before each stride-th byte; nil if all is ASCII
}

const pointStride = 256

// NewPoints reads a text, which is valid UTF-8.
func NewPoints(text string) *Points {
	p := &Points{text: text}
	ascii := true
	for i := 0; i < len(text) && ascii; i++ {
		ascii = text[i] < utf8.RuneSelf
	}
	if ascii {
		return p
	}
	n := 0
	for i := range len(text) {
		if i%pointStride == 0 {
			p.at = append(p.at, n)
		}
		if utf8.RuneStart(text[i]) {
			n++
		}
	}
	return p
}

// Of returns the number of code points before a byte, which begins one or is
// the end of the text.
func (p *Points) Of(b int) int {
	if p.at == nil {
		return b
	}
	k := min(b/pointStride, len(p.at)-1)
	n := p.at[k]
	for i := k * pointStride; i < b; i++ {
		if utf8.RuneStart(p.text[i]) {
			n++
		}
	}
	return n
}

// bytesOf is the opposite, by walking from a place that is known: from, a byte,
// is point at.
func bytesOf(text string, from, at, want int) int {
	for at < want && from < len(text) {
		_, n := utf8.DecodeRuneInString(text[from:])
		from, at = from+n, at+1
	}
	return from
}
