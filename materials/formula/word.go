package formula

import (
	"slices"
	"strings"
	"unicode"
)

// Normalize is the Hill form of a text that IsFormula accepts, "" of another:
// what a material in a text is called, whoever wrote it.
func Normalize(text string) string {
	f, ok := fromWord(text)
	if !ok {
		return ""
	}
	return f.Hill()
}

// IsFormula tells a formula from a word of running text. It prefers to miss
// one: a single element's symbol (In, As, I, Co) is a word unless a charge, a
// prefix or a count that occurs (O2, S8) shows that it is meant, capitals
// without a digit (CVD, PC, NO) are abbreviations unless they are known
// compounds (CO, WC), and letters that stand for elements (M, X) must have
// amounts.
func IsFormula(word string) bool {
	_, ok := fromWord(word)
	return ok
}

// units are words whose letters are symbols.
var units = []string{"MeV", "PhD", "HeLa", "CoV", "PoS", "NiMH"}

func fromWord(word string) (*Formula, bool) {
	f, err := Parse(word)
	if err != nil {
		return nil, false
	}
	if slices.Contains(units, word) {
		return nil, false
	}
	if f.Suffix != "" && (f.Suffix == "(c)" || len(f.Parts) > 1) {
		return nil, false
	}
	alone := len(f.Parts) > 1 || f.Prefix != "" || strings.HasPrefix(f.Suffix, "(") && len(f.Suffix) > 4
	for _, p := range f.Parts {
		if !plausible(p, alone) {
			return nil, false
		}
	}
	return f, true
}

// molecules are the counts in which an element comes as a molecule.
var molecules = map[string][]float64{"H": {2}, "N": {2}, "O": {2, 3}, "F": {2}, "Cl": {2}, "Br": {2}, "I": {2}, "S": {8}, "P": {4}, "C": {60, 70}, "2H": {2}}

// capitals are compounds of one-letter symbols without a digit.
var capitals = strings.Fields("CO BN BP WC VC VN UN WB VB KF KI HF KOH HCN KCN NOF HOF COS")

func plausible(p Part, alone bool) bool {
	c := p.Composition()
	text := p.Units[0].Written
	digit := strings.ContainsAny(text, "0123456789")
	lower := strings.IndexFunc(text, unicode.IsLower) >= 0
	real := 0
	for _, e := range c {
		z := number[e.Symbol]
		switch {
		case z > 98 || z >= 84 && z <= 89: // nobody makes materials of these
			return false
		case stands[e.Symbol]:
			if v, ok := e.Amount.Value(); ok && (v == 1 || v > 20) {
				return false
			}
			continue
		}
		if v, ok := e.Amount.Value(); ok && (v < 0 || v > 400) {
			return false
		}
		real++
	}
	if v, ok := p.Factor.Value(); p.Factor != nil && ok && v > 1 && len(p.Units) == 1 { // 2D, 3H, 12C
		return false
	}
	if real == 1 && len(c) == 1 {
		e := c[0]
		v, isNumber := e.Amount.Value()
		switch {
		case isDigit(rune(e.Symbol[0])):
			_, known := isotopes[e.Symbol] // not 20K, 40V
			return known && e.Symbol != "3H" && (e.Symbol != "2H" || v == 2)
		case p.Charge != 0:
			return ion(e.Symbol, v, p.Charge)
		case strings.Contains(text, "(I") || strings.Contains(text, "(V"): // Fe(III)
			return isNumber && v == 1 && e.Symbol != "C"
		case p.Dopants != nil:
			return isNumber && v == 1 && lower
		case alone && isNumber && v == 1:
			return len(e.Symbol) == 2 || strings.Contains("C B W V U Y", e.Symbol) && !digit && text != "V"
		}
		return isNumber && digit && !strings.Contains(text, "(") && slices.Contains(molecules[e.Symbol], v) && len(p.Units) == 1
	}
	if real < 2 {
		return false
	}
	switch {
	case p.Charge != 0 && !lower && !digit:
		return text == "OH" && p.Charge == -1 || text == "CN" && p.Charge == -1
	case !digit && !lower:
		return slices.Contains(capitals, text) || strings.ContainsAny(text, "(,")
	case !lower:
		return compound(c, text)
	}
	return true
}

// ion tells the ions of one element that occur.
func ion(symbol string, count float64, charge int) bool {
	metal := !strings.Contains(" H B C N O F Ne Si P S Cl Ar As Se Br Kr Te I Xe At ", " "+symbol+" ")
	switch {
	case count == 3 && symbol == "I":
		return charge == -1
	case count != 1:
		return false
	case metal:
		return charge > 0 && (charge > 1 || slices.Contains([]string{"Li", "Na", "K", "Rb", "Cs", "Ag", "Cu", "Au", "Tl"}, symbol))
	case symbol == "H":
		return charge == 1
	}
	return charge < 0 && charge >= -4 && (charge < -1 && slices.Contains([]string{"O", "S", "Se", "Te", "N", "P"}, symbol) || slices.Contains([]string{"F", "Cl", "Br", "I"}, symbol))
}

// compound tells formulas of capitals with digits from codes such as B2C or
// P3HT's: hydrogen, carbon or a metal must go with what binds it, each element
// must stand once unless brackets or oxygen show a structure, and the last
// letter must have a reason to be there.
func compound(c Composition, text string) bool {
	first, last := c[0].Symbol, c[len(c)-1].Symbol
	if text[0] >= '0' && text[0] <= '9' {
		return false
	}
	total := 0.0
	for _, e := range c {
		v, ok := e.Amount.Value()
		if !ok {
			return len(c) > 1
		}
		total += v
	}
	switch {
	case total > 120:
		return false
	case c.Of("O") != nil || c.Of("F") != nil && len(c) == 2:
		return true
	case first == "H" || last == "H":
		return slices.Contains([]string{"C", "N", "S", "P", "B", "Y", "V", "U"}, first) && last == "H" || first == "H" && len(c) <= 3
	}
	return slices.Contains([]string{"C", "N", "S", "B", "P", "I"}, last) && slices.Contains([]string{"W", "V", "U", "Y", "K", "B", "C", "P"}, first)
}
