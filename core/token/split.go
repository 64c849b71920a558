package token

import (
	"bytes"
	"slices"
	"unicode/utf8"
)

// The classes of a character that GPT-2's pattern tells apart. They follow the
// Unicode version of the tokenizers library, not that of the Go toolchain, so
// that an upgrade does not change what a trained model sees.
const (
	other = iota
	letter
	number
	space
)

var asciiClass = func() (t [utf8.RuneSelf]uint8) {
	for c := range t {
		t[c] = uint8(tableClass(rune(c)))
	}
	return t
}()

// tableClass looks r up in classRuns, whose elements are the first character of
// a run shifted left by two, and its class.
func tableClass(r rune) int {
	i, found := slices.BinarySearch(classRuns, uint32(r)<<2|3)
	if found {
		return space
	}
	return int(classRuns[i-1] & 3)
}

// classAt returns the class and length of the character at the start of text.
// A byte that is not UTF-8 is a character of its own, and other.
func classAt(text []byte) (class, size int) {
	if c := text[0]; c < utf8.RuneSelf {
		return int(asciiClass[c]), 1
	}
	r, n := utf8.DecodeRune(text)
	if r == utf8.RuneError && n == 1 {
		return other, 1
	}
	return tableClass(r), n
}

// nextWord returns the length of the first word of text, which is not empty,
// by GPT-2's pattern
//
//	's|'t|'re|'ve|'m|'ll|'d| ?\p{L}+| ?\p{N}+| ?[^\s\p{L}\p{N}]+|\s+(?!\S)|\s+
//
// Each character belongs to a word, so words follow one another.
func nextWord(text []byte) int {
	if text[0] == '\'' {
		if n := contraction(text); n > 0 {
			return n
		}
	}
	start := 0
	class, size := classAt(text)
	if text[0] == ' ' && len(text) > 1 {
		if c, n := classAt(text[1:]); c != space {
			start, class, size = 1, c, n
		}
	}
	end := start + size
	last := start // where the last character of the run starts
	for end < len(text) {
		if c := text[end]; c < utf8.RuneSelf { // most are
			if int(asciiClass[c]) != class {
				break
			}
			last = end
			end++
			continue
		}
		c, n := classAt(text[end:])
		if c != class {
			break
		}
		last = end
		end += n
	}
	// White space before a word leaves its last character to that word, unless
	// it is the only one.
	if class == space && end < len(text) && last > 0 {
		return last
	}
	return end
}

func contraction(text []byte) int {
	for _, s := range [...]string{"'s", "'t", "'re", "'ve", "'m", "'ll", "'d"} {
		if len(text) >= len(s) && string(text[:len(s)]) == s {
			return len(s)
		}
	}
	return 0
}

// trimSpaceRight returns the length of text without the white space at its end.
func trimSpaceRight(text []byte) int {
	return len(bytes.TrimRightFunc(text, func(r rune) bool { return tableClass(r) == space }))
}

// spaceLeft returns the length of the white space that text starts with.
func spaceLeft(text []byte) int {
	return len(text) - len(bytes.TrimLeftFunc(text, func(r rune) bool { return tableClass(r) == space }))
}
