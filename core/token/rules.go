package token

import (
	"slices"
	"unicode/utf8"
)

// Rules says what becomes of a text before it is cut into words, as
// BertNormalizer of the tokenizers library does. The zero value is that of
// cased models.
type Rules struct {
	Lowercase    bool
	StripAccents Choice // unset: as Lowercase
	KeepControls bool   // no clean_text: control characters stay, white space is not made a space
	JoinChinese  bool   // no handle_chinese_chars: CJK ideographs are not words of their own
}

// Choice is true, false, or left to what it depends on.
type Choice int8

// The values of a Choice.
const (
	Unset Choice = iota
	Yes
	No
)

// step is one thing that is done to a whole text.
type step uint8

const (
	stepClean step = iota
	stepChinese
	stepDecompose
	stepStripNonspacing
	stepStripMarks
	stepLower
)

func (r Rules) steps() []step {
	var s []step
	if !r.KeepControls {
		s = append(s, stepClean)
	}
	if !r.JoinChinese {
		s = append(s, stepChinese)
	}
	if r.StripAccents == Yes || r.StripAccents == Unset && r.Lowercase {
		s = append(s, stepDecompose, stepStripNonspacing)
	}
	if r.Lowercase {
		s = append(s, stepLower)
	}
	return s
}

// alignedRune is a character after some steps, and the bytes of the original
// that it stands for.
type alignedRune struct {
	r        rune
	from, to int32
}

// normalizer does the steps one after the other. Where a step makes several
// characters of one, drops some, or puts them in another order, the bytes that
// each stands for are those that the library says: a new character belongs to
// where the one before it came from, one in another's place to that place.
type normalizer struct {
	steps []step
	chars *charTable
}

// appendDecoded appends the characters of text. A byte that is not UTF-8
// is U+FFFD.
func appendDecoded(dst []alignedRune, text string) []alignedRune {
	for i := 0; i < len(text); {
		r, n := utf8.DecodeRuneInString(text[i:])
		dst = append(dst, alignedRune{r, int32(i), int32(i + n)})
		i += n
	}
	return dst
}

// apply changes s in place where it can; spare is room for a copy. It returns
// the result and what is room then.
func (n *normalizer) apply(s, spare []alignedRune) (out, room []alignedRune) {
	var seen uint16
	for _, c := range s {
		seen |= n.chars.flags(c.r)
	}
	for _, step := range n.steps {
		switch step {
		case stepClean:
			if seen&(charRemoved|charBlank) != 0 {
				s = n.clean(s)
			}
		case stepChinese:
			if seen&charChinese != 0 {
				s, spare = n.separate(spare[:0], s), s
			}
		case stepDecompose:
			if seen&(charDecomposes|charClass) != 0 {
				s, spare = n.decompose(spare[:0], s), s
				for _, c := range s {
					seen |= n.chars.flags(c.r)
				}
			}
		case stepStripNonspacing:
			if seen&charNonspacing != 0 {
				s = n.without(s, charNonspacing)
			}
		case stepStripMarks:
			if seen&charMark != 0 {
				s = n.without(s, charMark)
			}
		case stepLower:
			if seen&charUpper != 0 {
				s, spare = n.lower(spare[:0], s), s
				for _, c := range s {
					seen |= n.chars.flags(c.r)
				}
			}
		}
	}
	return s, spare
}

func (n *normalizer) clean(s []alignedRune) []alignedRune {
	out := s[:0]
	for _, c := range s {
		switch f := n.chars.flags(c.r); {
		case f&charRemoved != 0:
			continue
		case f&charBlank != 0:
			c.r = ' '
		}
		out = append(out, c)
	}
	return out
}

func (n *normalizer) without(s []alignedRune, flags uint16) []alignedRune {
	return slices.DeleteFunc(s, func(c alignedRune) bool { return n.chars.flags(c.r)&flags != 0 })
}

// separate puts spaces around CJK ideographs.
func (n *normalizer) separate(dst, s []alignedRune) []alignedRune {
	for _, c := range s {
		if n.chars.flags(c.r)&charChinese != 0 {
			blank := c
			blank.r = ' '
			dst = append(dst, blank, c, blank)
		} else {
			dst = append(dst, c)
		}
	}
	return dst
}

func (n *normalizer) lower(dst, s []alignedRune) []alignedRune {
	for _, c := range s {
		switch {
		case c.r < utf8.RuneSelf:
			if 'A' <= c.r && c.r <= 'Z' {
				c.r += 'a' - 'A'
			}
		case c.r == 'İ': // the only one with two
			dst = append(dst, alignedRune{'i', c.from, c.to})
			c.r = '\u0307'
		case n.chars.flags(c.r)&charUpper != 0:
			c.r = n.chars.lower[c.r]
		}
		dst = append(dst, c)
	}
	return dst
}

// decompose brings s into normal form D. Marks that change places leave the
// bytes where they were: the first mark after sorting stands for the first
// mark's bytes.
func (n *normalizer) decompose(dst, s []alignedRune) []alignedRune {
	type part struct {
		r     rune
		class uint8
		more  bool // not the first of its decomposition
	}
	var marks []part // since the last starter
	var scratch []rune
	taken := 0 // characters of s whose places are given
	flush := func() {
		slices.SortStableFunc(marks, func(a, b part) int { return int(a.class) - int(b.class) })
		for _, m := range marks {
			c := alignedRune{r: m.r}
			if !m.more {
				taken++
			}
			if taken > 0 {
				c.from, c.to = s[taken-1].from, s[taken-1].to
			}
			dst = append(dst, c)
		}
		marks = marks[:0]
	}
	for _, c := range s {
		f := n.chars.flags(c.r)
		if f&(charDecomposes|charClass) == 0 {
			flush()
			taken++
			dst = append(dst, c)
			continue
		}
		scratch = append(scratch[:0], c.r)
		if f&charDecomposes != 0 {
			scratch = n.chars.appendDecomposed(scratch[:0], c.r)
		}
		for i, r := range scratch {
			p := part{r, 0, i > 0}
			if n.chars.flags(r)&charClass != 0 {
				p.class = n.chars.class[r]
			}
			if p.class == 0 {
				flush()
			}
			marks = append(marks, p)
			if p.class == 0 {
				flush()
			}
		}
	}
	flush()
	return dst
}

// Aligned is a character that the rules made, and the bytes [Start, End) of the
// original that it stands for.
type Aligned struct {
	Rune       rune
	Start, End int
}

// Apply appends what the rules make of a text, at most 2 GiB, to dst. A byte that
// is not UTF-8 is U+FFFD.
func (r Rules) Apply(dst []Aligned, text string) []Aligned {
	n := normalizer{r.steps(), chars()}
	out, _ := n.apply(appendDecoded(nil, text), nil)
	for _, c := range out {
		dst = append(dst, Aligned{c.r, int(c.from), int(c.to)})
	}
	return dst
}
