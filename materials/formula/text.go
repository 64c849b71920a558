package formula

import (
	"fmt"
	"strings"
	"unicode"
	"unicode/utf8"
)

// maxText bounds a formula, in bytes; the longest of real papers have about 200.
const maxText = 512

// Error says where a text stops being a formula.
type Error struct {
	Text   string
	Column int    // byte of Text, from 1
	What   string // what is wrong there; what to do
}

// Error is "formula "TEXT", column N: what is wrong; what to do".
func (e *Error) Error() string {
	text := e.Text
	if len(text) > 80 {
		text = strings.ToValidUTF8(text[:80], "") + "…"
	}
	return fmt.Sprintf("formula %q, column %d: %s", text, e.Column, e.What)
}

// char is a character of a formula after spellings are made one: digits are
// ASCII, minus signs '-', adduct dots '·'.
type char struct {
	r     rune
	sup   bool // raised
	space bool // white space stood before it
	at    int  // byte of the text
}

const (
	subscripts   = "₀₁₂₃₄₅₆₇₈₉₊₋ₐₑₒₓₘₙ"
	subPlain     = "0123456789+-aeoxmn"
	superscripts = "⁰¹²³⁴⁵⁶⁷⁸⁹⁺⁻ⁿ"
	supPlain     = "0123456789+-n"
	minuses      = "−–—‐‑‒﹣-\u00ad"
	dots         = "·•⋅∙‧・･*∗⋆×"
)

// at returns the rune of plain in the place that r has in from.
func translate(r rune, from, plain string) (rune, bool) {
	i := 0
	for _, f := range from {
		if f == r {
			return rune(plain[i]), true
		}
		i++
	}
	return r, false
}

// lex makes the characters of a text. Marks of TeX (_2, ^{3+}, $) are read as
// what they do.
func lex(text string) ([]char, *Error) {
	if len(text) > maxText {
		return nil, &Error{text, maxText + 1, fmt.Sprintf("more than %d bytes are no formula; give one formula", maxText)}
	}
	var out []char
	space, raise, braces := false, 0, 0 // raise: 1 the next character, 2 until the brace closes
	for i, r := range text {
		if r == utf8.RuneError {
			return nil, &Error{text, i + 1, "this is not UTF-8; decode the text first"}
		}
		c := char{r: r, space: space, at: i}
		if p, ok := translate(r, subscripts, subPlain); ok {
			c.r = p
		} else if p, ok := translate(r, superscripts, supPlain); ok {
			c.r, c.sup = p, true
		} else if strings.ContainsRune(minuses, r) {
			c.r = '-'
		} else if strings.ContainsRune(dots, r) {
			c.r = '·'
		}
		switch {
		case unicode.IsSpace(r):
			space = true
			if raise == 1 {
				raise = 0
			}
			continue
		case r == '$', r == '\u200b', r == '\ufeff', r == '_' && i+1 < len(text):
			continue
		case r == '^' && i+1 < len(text):
			raise = 1
			continue
		case r == '{' && (raise == 1 || i > 0 && text[i-1] == '_'):
			braces++
			if raise == 1 {
				raise = 2
			}
			continue
		case r == '}' && braces > 0:
			braces--
			raise = 0
			continue
		case r == '%' || r == '‰':
			return nil, &Error{text, i + 1, "a recipe in percent is text, not a formula; give the formula alone"}
		}
		if raise > 0 {
			digit := c.r >= '0' && c.r <= '9' || c.r == '+' || c.r == '-'
			if raise == 1 && !digit {
				raise = 0
			} else {
				c.sup = digit
				if raise == 1 && (c.r == '+' || c.r == '-') {
					raise = 0
				}
			}
		}
		out = append(out, c)
		space = false
	}
	return out, nil
}

// prefixes are words about the form of a material that stand before a formula.
var prefixes = strings.Fields(`rutile anatase brookite wurtzite zincblende spinel perovskite cubic tetragonal monoclinic
	orthorhombic hexagonal rhombohedral trigonal triclinic amorphous crystalline polycrystalline nanocrystalline nano bulk
	alpha beta gamma delta epsilon zeta eta theta kappa chi`)

// prefixLetters are single letters before a hyphen: a-Si, n-GaAs, h-BN.
const prefixLetters = "abcdeghiklmnopqrstw"

// cutPrefix takes what stands before a formula: "α-", "rutile ", "a-", "(110)".
func cutPrefix(text string) (prefix, rest string) {
	rest = strings.TrimLeftFunc(text, unicode.IsSpace)
	for _, w := range prefixes {
		if len(rest) > len(w)+1 && strings.EqualFold(rest[:len(w)], w) {
			if r := strings.TrimLeft(rest[len(w):], " -‐‑–"); len(r) < len(rest)-len(w) && startsUpper(r) {
				return w, r
			}
		}
	}
	r, n := utf8.DecodeRuneInString(rest)
	tail := strings.TrimLeft(rest[n:], "'′″\"")
	if unicode.Is(unicode.Greek, r) && unicode.IsLower(r) || strings.ContainsRune(prefixLetters, r) {
		after := strings.TrimLeft(tail, "-‐‑–− ")
		hyphen := len(after) < len(tail)
		if startsUpper(after) && (hyphen || unicode.Is(unicode.Greek, r)) {
			return rest[:len(rest)-len(tail)], after
		}
	}
	return "", rest
}

func startsUpper(s string) bool {
	r, _ := utf8.DecodeRuneInString(s)
	return r >= 'A' && r <= 'Z' || r == '(' || r == '['
}
