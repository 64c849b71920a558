package token

import (
	"slices"
	"sort"
	"strings"
	"unicode/utf8"
)

// AddedToken is a token that is found in the text before it is cut into words.
type AddedToken struct {
	ID      int32
	Content string
	Special bool // a mark rather than text, such as <|endoftext|>

	LStrip, RStrip bool // takes the white space before or after it with it
	SingleWord     bool // not found beside letters, digits and marks
	Normalized     bool // found in a later pass than the others, in what the normaliser makes of the text
}

// matcher finds the leftmost, then longest of its tokens.
type matcher struct {
	byFirst [256][]AddedToken // by first byte, sorted by content
}

// matchers returns those for tokens that are not Normalized and for those that
// are, nil for none.
func matchers(tokens []AddedToken, take func(AddedToken) bool) (both [2]*matcher) {
	for _, t := range tokens {
		if !take(t) {
			continue
		}
		i := 0
		if t.Normalized {
			i = 1
		}
		if both[i] == nil {
			both[i] = new(matcher)
		}
		list := &both[i].byFirst[t.Content[0]]
		*list = append(*list, t)
	}
	for _, m := range both {
		if m == nil {
			continue
		}
		for _, list := range m.byFirst {
			slices.SortStableFunc(list, func(a, b AddedToken) int { return strings.Compare(a.Content, b.Content) })
		}
	}
	return both
}

// find returns the first token in text[from:] and the bytes that it takes.
func (m *matcher) find(text []byte, from int) (start, end int, id int32, ok bool) {
	for i := from; i < len(text); i++ {
		t := longest(m.byFirst[text[i]], text[i:])
		if t == nil {
			continue
		}
		start, end = i, i+len(t.Content)
		if t.SingleWord && !alone(text, start, end) {
			i = end - 1
			continue
		}
		if t.LStrip {
			start = from + trimSpaceRight(text[from:i])
		}
		if t.RStrip {
			end += spaceLeft(text[end:])
		}
		return start, end, t.ID, true
	}
	return 0, 0, 0, false
}

// alone reports whether no word goes on before or after text[start:end].
func alone(text []byte, start, end int) bool {
	before, n := utf8.DecodeLastRune(text[:start])
	after, m := utf8.DecodeRune(text[end:])
	return (n == 0 || chars().flags(before)&charWord == 0) && (m == 0 || chars().flags(after)&charWord == 0)
}

// longest returns the longest of the tokens that text begins with, nil for
// none. They are sorted and have their first byte in common with it. Each
// further byte halves the range of those that are left a few times: there may
// be thousands that begin alike.
func longest(tokens []AddedToken, text []byte) *AddedToken {
	var found *AddedToken
	for n := 1; len(tokens) > 0; n++ {
		if len(tokens[0].Content) == n { // it is before those that go on
			found = &tokens[0]
			for len(tokens) > 0 && len(tokens[0].Content) == n {
				tokens = tokens[1:]
			}
		}
		if n == len(text) {
			break
		}
		if last := len(tokens) - 1; last >= 0 && tokens[0].Content[n] == text[n] && tokens[last].Content[n] == text[n] {
			continue
		}
		at := func(c int) int {
			return sort.Search(len(tokens), func(i int) bool { return int(tokens[i].Content[n]) >= c })
		}
		tokens = tokens[at(int(text[n])):]
		tokens = tokens[:at(int(text[n])+1)]
	}
	return found
}
