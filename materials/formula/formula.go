package formula

import (
	"slices"
	"strconv"
	"strings"
	"unicode/utf8"
)

// Formula is one formula as read by Parse.
type Formula struct {
	Text       string      // as given
	Prefix     string      // α, rutile, a, (110)
	Parts      []Part      // one, or the materials of a mixture
	Separators []rune      // between the parts: / - + @
	Suffix     string      // (s), (110), (II)
	Oxidation  []Oxidation // Fe(III)
}

// Part is one material.
type Part struct {
	Factor  Amount // how much of it is in a mixture; nil if the formula does not say
	Units   []Unit // the host, then what it is an adduct with
	Dopants []Dopant
	Charge  int
}

// Unit is what stands between the dots of an adduct.
type Unit struct {
	Amount      Amount // 5 of 5H2O
	Written     string // in its own order, digits and signs in ASCII
	Composition Composition
}

// Dopant is an element behind a colon; it is not part of the composition, since
// the formula does not say what it replaces.
type Dopant struct {
	Symbol string
	Amount Amount // nil if it is not given
	Charge int
}

// Oxidation is a state written in Roman numerals.
type Oxidation struct {
	Symbol string
	Number int
}

// Composition is that of one part, adducts included.
func (p Part) Composition() Composition {
	var c Composition
	for _, u := range p.Units {
		c = c.plus(u.Composition, u.Amount)
	}
	return c
}

// Composition is that of the whole; ok is false for a mixture whose ratio is
// not given.
func (f *Formula) Composition() (c Composition, ok bool) {
	for _, p := range f.Parts {
		if p.Factor == nil {
			return nil, false
		}
		c = c.plus(p.Composition(), p.Factor)
	}
	return c, true
}

// Charge is the sum of the parts' charges.
func (f *Formula) Charge() int {
	sum := 0
	for _, p := range f.Parts {
		sum += p.Charge
	}
	return sum
}

// Mass is the molar mass in g/mol by standard atomic weights, electrons not
// counted; ok is false if the amounts are not all numbers.
func (f *Formula) Mass() (grams float64, ok bool) {
	c, ok := f.Composition()
	if !ok {
		return 0, false
	}
	return c.Mass()
}

// Written is the formula in the author's order and one spelling: digits and
// signs in ASCII, "·" before adducts, "^" before a charge.
func (f *Formula) Written() string {
	return f.spell(func(u Unit) string { return u.Written })
}

// Hill is the formula with the elements of each unit in Hill's order.
func (f *Formula) Hill() string {
	// Behind a coefficient a sum would read as the next material of a mixture.
	sums := slices.ContainsFunc(f.Parts, func(p Part) bool {
		return coefficientText(p.Factor) != "" || p.Factor != nil && len(f.Parts) > 1 || coefficientText(p.Units[0].Amount) != ""
	})
	return f.spell(func(u Unit) string { return u.Composition.Hill().text(sums) })
}

func (f *Formula) spell(unit func(Unit) string) string {
	var b strings.Builder
	for i, p := range f.Parts {
		if i > 0 {
			b.WriteRune(f.Separators[i-1])
		}
		factor := coefficientText(p.Factor)
		if factor == "" && p.Factor != nil && len(f.Parts) > 1 && coefficientText(p.Units[0].Amount) == "" {
			factor = "1" // so that the ratio is known to be given
		}
		slashed := func(s string) string { // A2/10B has a fraction
			if i > 0 && f.Separators[i-1] == '/' && s != "" && isDigit(rune(s[0])) {
				return "(" + s + ")"
			}
			return s
		}
		b.WriteString(slashed(factor))
		for j, u := range p.Units {
			if j > 0 {
				b.WriteString("·")
			}
			s := unit(u)
			if b.Len() > 0 && len(f.Parts) == 1 && len(p.Units) == 1 && number[s] > 0 && isDigit(rune(b.String()[0])) {
				s = "[" + s + "]" // 7B is an isotope
			}
			n := coefficientText(u.Amount)
			if j == 0 {
				n = slashed(n)
			}
			b.WriteString(n + s)
		}
		b.WriteString(chargeText("^", p.Charge))
		for j, d := range p.Dopants {
			b.WriteString(map[bool]string{true: ":", false: ","}[j == 0])
			b.WriteString(coefficientText(d.Amount) + symbolText(d.Symbol) + chargeText("^", d.Charge))
		}
	}
	return b.String()
}

func coefficientText(a Amount) string {
	if v, ok := a.Value(); ok && (v == 1 || len(a) == 0) {
		return ""
	}
	if s := a.String(); len(a) == 1 && !strings.ContainsAny(s, "-?") && s[0] < utf8.RuneSelf { // α before a formula is a phase
		return s
	} else {
		return "(" + s + ")"
	}
}

func chargeText(mark string, charge int) string {
	sign, n := "+", charge
	switch {
	case charge == 0:
		return ""
	case charge < 0:
		sign, n = "-", -charge
	}
	if n == 1 {
		return mark + sign
	}
	return mark + strconv.Itoa(n) + sign
}

// Reduced is the composition in alphabetical order with the smallest whole
// amounts, as mat2vec writes formulas (V. Tshitoyan et al., Nature 571 (2019)
// 95): TiO2 is O2Ti. Without numbers for all amounts it is in that order as it
// is. ok is false for a mixture whose ratio is not given.
func (f *Formula) Reduced() (s string, ok bool) {
	c, ok := f.Composition()
	if !ok {
		return "", false
	}
	if r, whole := c.Reduced(); whole {
		c = r
	}
	return c.Alphabetical().String(), true
}

// Variables are the variables of all amounts, sorted.
func (f *Formula) Variables() []string {
	var all []string
	for _, p := range f.Parts {
		all = append(all, p.Composition().Variables()...)
		all = append(all, Composition{{"", p.Factor}}.Variables()...)
	}
	slices.Sort(all)
	return slices.Compact(all)
}

// Stands are the letters of a part that stand for any element of a kind.
func (p Part) Stands() []string {
	var all []string
	for _, e := range p.Composition() {
		if stands[e.Symbol] {
			all = append(all, e.Symbol)
		}
	}
	return all
}

// Equal tells whether two formulas have the same composition, amounts within
// tolerance, and the same charge; mixtures of unknown ratio are equal if their
// parts are, in any order. Prefixes and dopants do not count.
func (f *Formula) Equal(g *Formula, tolerance float64) bool {
	a, okA := f.Composition()
	b, okB := g.Composition()
	if okA && okB {
		return a.Equal(b, tolerance) && f.Charge() == g.Charge()
	}
	if okA != okB || len(f.Parts) != len(g.Parts) {
		return false
	}
	rest := slices.Clone(g.Parts)
	for _, p := range f.Parts {
		i := slices.IndexFunc(rest, func(q Part) bool {
			return p.Charge == q.Charge && p.Composition().Equal(q.Composition(), tolerance)
		})
		if i < 0 {
			return false
		}
		rest = slices.Delete(rest, i, i+1)
	}
	return true
}
