package token

import (
	"cmp"
	"slices"
)

// AddedToken is a token that is found in the text before it is cut into words.
type AddedToken struct {
	ID      int32
	Content string
	Special bool // a mark rather than text, such as <|endoftext|>

	LStrip, RStrip bool // takes the white space before or after it with it
	Normalized     bool // found in a later pass than the others
}

// matcher finds the leftmost, then longest of its tokens.
type matcher struct {
	byFirst [256][]AddedToken // by first byte, longest first
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
			slices.SortFunc(list, func(a, b AddedToken) int { return cmp.Compare(len(b.Content), len(a.Content)) })
		}
	}
	return both
}

// find returns the first token in text[from:] and the bytes that it takes.
func (m *matcher) find(text []byte, from int) (start, end int, id int32, ok bool) {
	for i := from; i < len(text); i++ {
		for _, t := range m.byFirst[text[i]] {
			if len(text)-i < len(t.Content) || string(text[i:i+len(t.Content)]) != t.Content {
				continue
			}
			start, end = i, i+len(t.Content)
			if t.LStrip {
				start = from + trimSpaceRight(text[from:i])
			}
			if t.RStrip {
				end += spaceLeft(text[end:])
			}
			return start, end, t.ID, true
		}
	}
	return 0, 0, 0, false
}
