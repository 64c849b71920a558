package embedding

import (
	"strings"
	"unicode"
	"unicode/utf8"

	"github.com/kiban-models/kiban/materials/corpus"
	"github.com/kiban-models/kiban/materials/formula"
)

// Number is the word that stands for every number, as in mat2vec.
const Number = "<nUm>"

// Prepare cuts text into words as mat2vec trains them: numbers become <nUm>, a
// capital at the start of an ordinary word (not of an element's symbol or an
// abbreviation) becomes small, and with formulas a formula of numbers is
// written in the order of the alphabet with the smallest whole amounts: TiO2
// is O2Ti.
func Prepare(text string, formulas bool) []string {
	var out []string
	words := func(text string) {
		for _, s := range corpus.Words(text) {
			out = append(out, prepare(text[s.Start:s.End], formulas))
		}
	}
	if !formulas {
		words(text)
		return out
	}
	rest := 0 // of the text, not cut yet
	for at := 0; at < len(text); {
		n := strings.IndexFunc(text[at:], unicode.IsSpace)
		if n < 0 {
			n = len(text) - at
		}
		// A formula stays whole, also where its hyphen would part other words.
		chunk := text[at : at+n]
		core := strings.TrimRight(chunk, ".,;:")
		if strings.ContainsAny(core, "-−–") && formula.IsFormula(core) {
			words(text[rest:at])
			out = append(out, prepare(core, true))
			words(chunk[len(core):])
			rest = at + n
		}
		at += n
		for at < len(text) {
			r, k := utf8.DecodeRuneInString(text[at:])
			if !unicode.IsSpace(r) {
				break
			}
			at += k
		}
	}
	words(text[rest:])
	return out
}

func prepare(w string, formulas bool) string {
	if isNumber(w) {
		return Number
	}
	if formulas && len(w) > 1 && formula.IsFormula(w) {
		if f, err := formula.Parse(w); err == nil && f.Prefix == "" && f.Charge() == 0 && len(f.Variables()) == 0 {
			if s, ok := f.Reduced(); ok {
				return s
			}
		}
		return w
	}
	r, n := utf8.DecodeRuneInString(w)
	if unicode.IsUpper(r) && strings.IndexFunc(w[n:], func(r rune) bool { return !unicode.IsLower(r) && r != '-' }) < 0 && !formula.IsElement(w) {
		return strings.ToLower(w)
	}
	return strings.Join(strings.Fields(w), "_")
}

// isNumber tells numbers with sign, point, commas or exponent.
func isNumber(w string) bool {
	digits := false
	for i, r := range w {
		switch {
		case r >= '0' && r <= '9':
			digits = true
		case r == '.', r == ',' && digits, (r == 'e' || r == 'E') && digits && i+1 < len(w):
		case (r == '-' || r == '+' || r == '−') && (i == 0 || strings.ContainsAny(w[i-1:i], "eE")):
		default:
			return false
		}
	}
	return digits
}
