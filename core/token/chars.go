package token

import (
	"strings"
	"sync"
	"unicode/utf8"
)

// Properties of a character, as flagRuns has them.
const (
	charRemoved    = 1 << iota // by clean_text: control, format, private use, U+FFFD
	charBlank                  // becomes a space by clean_text
	charChinese                // a word of its own
	charNonspacing             // Mn: an accent
	charMark                   // M: what StripAccents takes
	charPunct                  // a word of its own in BertPreTokenizer
	charSpace                  // between words
	charWord                   // \w of added tokens that are single words
	charUpper                  // has another lower case
	charDecomposes
	charClass // has a canonical combining class other than 0
)

// charTable finds the properties of characters. They follow the Unicode
// versions of the tokenizers library, not that of the Go toolchain.
type charTable struct {
	page       [(utf8.MaxRune + 1) >> 8]uint16 // of each 256 characters, in blocks
	blocks     [][256]uint16
	lower      map[rune]rune
	decomposed map[rune]string
	class      map[rune]uint8
}

var chars = sync.OnceValue(func() *charTable {
	t := &charTable{lower: map[rune]rune{}, decomposed: map[rune]string{}, class: map[rune]uint8{}}
	seen := map[[256]uint16]uint16{}
	run := 0
	for page := range t.page {
		var b [256]uint16
		for i := range b {
			for run+1 < len(flagRuns) && flagRuns[run+1]>>11 <= uint32(page<<8|i) {
				run++
			}
			b[i] = uint16(flagRuns[run] & (1<<11 - 1))
		}
		at, ok := seen[b]
		if !ok {
			at = uint16(len(t.blocks))
			seen[b] = at
			t.blocks = append(t.blocks, b)
		}
		t.page[page] = at
	}
	for _, r := range lowerRuns {
		for c := r[0]; c <= r[1]; c += r[2] {
			t.lower[c] = c + r[3]
		}
	}
	for _, entry := range strings.Fields(decompositions) {
		r, n := utf8.DecodeRuneInString(entry)
		t.decomposed[r] = entry[n:]
	}
	for i, r := range classRunsNFD {
		if class := uint8(r); class != 0 { // the last run is of class 0
			for c := rune(r >> 8); c < rune(classRunsNFD[i+1]>>8); c++ {
				t.class[c] = class
			}
		}
	}
	return t
})

func (t *charTable) flags(r rune) uint16 { return t.blocks[t.page[r>>8]][r&255] }

// Hangul syllables decompose by arithmetic (The Unicode Standard, section 3.12).
const (
	hangulFirst, hangulLast = 0xAC00, 0xD7A3
	jamoL, jamoV, jamoT     = 0x1100, 0x1161, 0x11A7
	jamoVs, jamoTs          = 21, 28
)

// appendDecomposed appends the canonical decomposition of r, which has one.
func (t *charTable) appendDecomposed(dst []rune, r rune) []rune {
	if hangulFirst <= r && r <= hangulLast {
		s := r - hangulFirst
		dst = append(dst, jamoL+s/(jamoVs*jamoTs), jamoV+s%(jamoVs*jamoTs)/jamoTs)
		if s%jamoTs != 0 {
			dst = append(dst, jamoT+s%jamoTs)
		}
		return dst
	}
	for _, d := range t.decomposed[r] {
		dst = append(dst, d)
	}
	return dst
}
