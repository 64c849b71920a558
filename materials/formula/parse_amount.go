package formula

import (
	"strconv"
	"strings"
	"unicode"
)

// isVariable tells the letters that papers use for amounts.
func isVariable(r rune) bool {
	return strings.ContainsRune("abdkmnptuvwxyz", r) || r == '?' || r == '±' ||
		unicode.Is(unicode.Greek, r) && unicode.IsLower(r) || r == 'µ' || r == '∂'
}

// amount reads what stands behind a component, 1 if nothing does. A number
// before the sign at the end may be a charge: alone tells that the component is
// the whole formula so far, complex that it is in square brackets.
func (p *parser) amount(alone, complex bool) (Amount, bool) {
	at := p.i
	if digits, sign := p.signed(); digits > 0 {
		n, charge := at+digits, 1
		last := int(p.c[n-1].r - '0')
		switch {
		case digits > 1 || complex, alone && p.reaches(last, sign):
			n, charge = n-1, last
		}
		p.i = at + digits + 1
		p.charge += charge * sign
		p.signs = append(p.signs, [2]int{n, p.i})
		v, err := strconv.Atoi(p.raw(at, n))
		if n == at {
			return Number(1), true
		}
		if err != nil || !fits(float64(v)) || v == 0 || charge == 0 {
			p.fail(at, "%s is no amount with a charge", p.raw(at, p.i))
		}
		return Number(float64(v)), true
	}
	if (p.is('(') || p.is('[')) && !p.suffixAhead() { // O(3-x)
		if a, ok := p.enclosed(); ok {
			return a, true
		}
		p.i = at
	}
	a, ok := p.sum(false)
	if !ok {
		p.i = at
		return Number(1), false
	}
	return a, true
}

// signed finds digits and a sign that ends the part: 3- of [Fe(CN)6]3-.
func (p *parser) signed() (digits, sign int) {
	for isDigit(p.peek(digits)) && !p.c[p.i+digits].sup {
		digits++
	}
	if digits == 0 || digits > 4 || p.i+digits >= len(p.c) || p.c[p.i+digits].sup {
		return 0, 0
	}
	switch p.peek(digits) {
	case '+':
		sign = 1
	case '-':
		sign = -1
	default:
		return 0, 0
	}
	if !p.endsAt(p.i + digits + 1) {
		return 0, 0
	}
	return digits, sign
}

// endsAt tells whether a part or bracket ends before a character.
func (p *parser) endsAt(i int) bool {
	return i >= len(p.c) || strings.ContainsRune("/@:,)]}", p.c[i].r)
}

// reaches tells whether an ion of one element has a charge: O2- is one of
// charge 2, but I3- is three atoms.
func (p *parser) reaches(charge, sign int) bool {
	s := ""
	for back := 2; back >= 1 && s == ""; back-- {
		if p.i >= back && number[p.raw(p.i-back, p.i)] > 0 {
			s = p.raw(p.i-back, p.i)
		}
	}
	if sign > 0 {
		return charge <= 8 && s != "H" && s != "O" && s != "F" || charge == 1
	}
	switch s {
	case "F", "Cl", "Br", "I", "H":
		return charge <= 1
	case "O", "S", "Se", "Te":
		return charge <= 2
	}
	return charge <= 4
}

// trailingCharge reads a charge that is not part of an amount: a sign at the
// end, or raised digits and sign anywhere; one that is raised and not at the
// end is an oxidation state.
func (p *parser) trailingCharge() bool {
	if p.i >= len(p.c) {
		return false
	}
	if !p.c[p.i].sup {
		if (p.is('+') || p.is('-')) && p.endsAt(p.i+1) {
			p.charge += map[rune]int{'+': 1, '-': -1}[p.c[p.i].r]
			p.i++
			p.signs = append(p.signs, [2]int{p.i - 1, p.i})
			return true
		}
		return false
	}
	at, n, sign := p.i, 0, 0
	for p.i < len(p.c) && p.c[p.i].sup {
		switch r := p.c[p.i].r; {
		case isDigit(r) && n < 10:
			n = 10*n + int(r-'0')
		case r == '+' && sign >= 0:
			sign++
		case r == '-' && sign <= 0:
			sign--
		default:
			p.fail(p.i, "raised characters are no charge; write it as 2+ or 3-")
		}
		p.i++
	}
	if sign == 0 {
		p.i = at
		return false
	}
	if n == 0 {
		n = 1
	}
	if p.endsAt(p.i) || p.depth == 0 && p.separator() {
		p.charge += n * sign
		p.signs = append(p.signs, [2]int{at, p.i})
		return true
	}
	return false
}

// coefficient reads what stands before a formula: 5 of 5H2O, x, (1-x).
func (p *parser) coefficient() (Amount, bool) {
	at := p.i
	p.leading = true
	defer func() { p.leading = false }()
	var a Amount
	var ok bool
	if p.is('(') || p.is('[') {
		a, ok = p.enclosed()
	} else {
		a, ok = p.sum(true)
	}
	if !ok || p.i >= len(p.c) {
		p.i = at
		return nil, false
	}
	if _, n := p.symbol(); n == 0 && !(p.c[p.i].sup && isDigit(p.c[p.i].r)) && !strings.ContainsRune("([{", p.c[p.i].r) {
		p.i = at
		return nil, false
	}
	return a, true
}

// enclosed = "(" sum ")" [ "/" number ].
func (p *parser) enclosed() (Amount, bool) {
	closing := map[rune]rune{'(': ')', '[': ']'}[p.c[p.i].r]
	p.i++
	if p.depth++; p.depth > maxDepth {
		p.fail(p.i-1, "brackets stand more than %d deep; give one formula", maxDepth)
	}
	a, ok := p.sum(true)
	p.depth--
	if !ok || !p.is(closing) {
		return nil, false
	}
	p.i++
	if p.is('/') {
		p.i++
		if v, ok := p.number(); ok && v > 0 {
			return a.Times(Number(1 / v)), true
		}
		p.i--
	}
	return a, true
}

// sum = term { ("+" | "-") term }. Outside brackets two plain numbers are not
// joined: in O3-0.1BaTiO3 the hyphen parts two materials.
func (p *parser) sum(enclosed bool) (Amount, bool) {
	sign := 1.0
	if enclosed && p.depth > 0 && p.is('-') {
		sign = -1
		p.i++
	}
	a, ok := p.term()
	if !ok {
		return nil, false
	}
	a = a.Times(Number(sign))
	for p.is('+') || p.is('-') || p.is('±') {
		at := p.i
		if p.mixing && p.depth == 0 && !p.is('±') && p.coefficientAhead() {
			break
		}
		sign := map[rune]float64{'+': 1, '-': -1, '±': 1}[p.c[p.i].r]
		if !p.is('±') {
			p.i++
		}
		t, ok := p.term()
		_, plainA := a.Value()
		_, plainT := t.Value()
		if !ok || plainA && plainT && p.depth == 0 {
			p.i = at
			break
		}
		if a = a.Plus(t.Times(Number(sign))); len(a) > maxTerms {
			p.fail(at, "an amount of more than %d terms; give one formula", maxTerms)
		}
	}
	return a, true
}

// coefficientAhead tells whether the sign here parts two materials, the second
// of which has a coefficient.
func (p *parser) coefficientAhead() bool {
	at := p.i
	defer func() { p.i = at }()
	p.i++
	mixing := p.mixing
	p.mixing = false
	defer func() { p.mixing = mixing }()
	_, ok := p.coefficient()
	return ok
}

// term = [number] { variable } [ "/" number ].
func (p *parser) term() (Amount, bool) {
	at := p.i
	v, ok := p.number()
	if !ok {
		v = 1
	}
	a := Number(v)
	if ok && v == 0 {
		return nil, true
	}
	for n := 0; p.i < len(p.c) && isVariable(p.c[p.i].r) && !p.c[p.i].sup && n < 3; n++ {
		if p.c[p.i].space && n > 0 || p.c[p.i].space && ok && p.depth == 0 {
			break
		}
		if p.c[p.i].r == '?' || p.c[p.i].r == '±' {
			from := p.i
			p.i++
			if p.c[from].r == '±' {
				if p.i >= len(p.c) || !isVariable(p.c[p.i].r) {
					p.i = at
					return nil, false
				}
				p.i++
			} else {
				_, k := "", 0
				if p.i < len(p.c) {
					_, k = p.symbol()
				}
				if k == 0 {
					p.i = at
					return nil, false
				}
				for p.i += k; p.is('\''); p.i++ {
				}
			}
			a = a.Times(Variable(p.raw(from, p.i)))
		} else {
			a = a.Times(Variable(string(p.c[p.i].r)))
			p.i++
		}
		ok = true
	}
	if !ok {
		p.i = at
		return nil, false
	}
	if p.is('/') && isDigit(p.peek(1)) && p.i > at && !isDigit(p.c[p.i-1].r) {
		back := p.i
		p.i++
		if d, ok := p.number(); ok && d > 0 {
			return a.Times(Number(1 / d)), true
		}
		p.i = back
	}
	return a, true
}

// number = digits [ "." digits ] | digits "/" digits. A point before a solvent
// is the dot of an adduct: CuSO4.5H2O.
func (p *parser) number() (float64, bool) {
	at := p.i
	digits := func() int {
		from := p.i
		for p.i < len(p.c) && isDigit(p.c[p.i].r) && !p.c[p.i].sup && (p.i == at || !p.c[p.i].space) {
			p.i++
		}
		return p.i - from
	}
	whole := digits()
	if p.is('.') && !p.adductAhead(whole > 0 && p.c[at].r != '0' && !p.leading) && isDigit(p.peek(1)) {
		p.i++
		digits()
		return p.value(at, p.i), true
	}
	if whole == 0 {
		p.i = at
		return 0, false
	}
	v := p.value(at, p.i)
	if p.is('/') && isDigit(p.peek(1)) {
		slash := p.i
		p.i++
		d := 0.0
		if digits() > 0 {
			d = p.value(slash+1, p.i)
		}
		// 2/3 is a number, but in Al2O3/5Y the slash parts two materials.
		if d > 0 && !p.is('.') && (v < d || p.i >= len(p.c)) {
			return v / d, true
		}
		p.i = slash
	}
	return v, true
}

func (p *parser) value(from, to int) float64 {
	v, err := strconv.ParseFloat(p.raw(from, to), 64)
	if err != nil || !fits(v) {
		p.fail(from, "%s is no amount; give a number up to 1000000", p.raw(from, to))
	}
	return v
}

// adductAhead tells whether the point here is the dot of an adduct.
func (p *parser) adductAhead(whole bool) bool {
	k := 1
	for isDigit(p.peek(k)) {
		k++
	}
	if k == 1 {
		r := p.peek(1)
		return unicode.IsUpper(r) || r == '(' || r == '[' || isVariable(r)
	}
	h, two, o := p.peek(k), p.peek(k+1), p.peek(k+2)
	return whole && (h == 'H' || h == 'D') && two == '2' && o == 'O' && p.endsAt(p.i+k+3)
}
