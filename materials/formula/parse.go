package formula

import (
	"fmt"

	"slices"
	"strconv"
	"strings"
	"unicode"
)

const (
	maxDepth = 8
	maxParts = 32
	maxTerms = 64 // of one amount
)

// parser walks over the characters of one formula.
type parser struct {
	text    string
	c       []char
	i       int
	depth   int
	leading bool // a number here stands before a formula
	mixing  bool // the parts have coefficients, so a hyphen before one parts them
	sites   map[string]int
	charge  int
	signs   [][2]int // the characters of charges
	states  []Oxidation
}

// failure carries an *Error up to Parse.
type failure struct{ err *Error }

func (p *parser) fail(at int, format string, args ...any) {
	column := len(p.text) + 1
	if at < len(p.c) {
		column = p.c[at].at + 1
	}
	panic(failure{&Error{p.text, column, fmt.Sprintf(format, args...)}})
}

// Parse reads one formula. The error is an *Error.
func Parse(text string) (f *Formula, err error) {
	prefix, rest := cutPrefix(text)
	chars, e := lex(rest)
	cut := len(text) - len(rest)
	if e != nil {
		return nil, &Error{text, e.Column + cut, e.What}
	}
	for i := range chars {
		chars[i].at += cut
	}
	p := &parser{text: text, c: chars, sites: map[string]int{}}
	defer func() {
		if r := recover(); r != nil {
			fl, ok := r.(failure)
			if !ok {
				panic(r)
			}
			f, err = nil, fl.err
		}
	}()
	f = &Formula{Text: text, Prefix: prefix}
	p.formula(f)
	return f, nil
}

// peek is the rune k places on, 0 at the end.
func (p *parser) peek(k int) rune {
	if p.i+k < len(p.c) {
		return p.c[p.i+k].r
	}
	return 0
}

func (p *parser) is(r rune) bool { return p.i < len(p.c) && p.c[p.i].r == r && !p.c[p.i].sup }

func isDigit(r rune) bool { return r >= '0' && r <= '9' }

// formula = part { separator part } suffix.
func (p *parser) formula(f *Formula) {
	if len(p.c) == 0 {
		p.fail(0, "nothing to read; give a formula such as LiFePO4")
	}
	if n := p.plane(); n > 0 {
		f.Prefix = strings.TrimSpace(f.Prefix + " " + p.raw(p.i, p.i+n))
		p.i += n
	}
	p.lightNuclide()
	known := false
	for {
		at := p.i
		part, coefficient := p.part()
		if v, ok := part.Factor.Value(); coefficient && !known && len(f.Parts) > 0 && ok && v >= 1 && len(part.Composition()) == 1 && f.Separators[0] == '-' {
			p.fail(at, "an alloy such as Ti-6Al-4V is in percent by weight and no formula; give the formula alone")
		}
		known = known || coefficient
		f.Parts = append(f.Parts, part)
		if len(f.Parts) > maxParts {
			p.fail(p.i, "more than %d parts; give one formula", maxParts)
		}
		if !p.separator() {
			break
		}
		f.Separators = append(f.Separators, p.c[p.i].r)
		p.i++
	}
	if p.i < len(p.c) {
		f.Suffix = p.suffix()
	}
	if p.i < len(p.c) {
		p.unexpected()
	}
	if len(f.Parts) > 1 && !known {
		for i := range f.Parts {
			f.Parts[i].Factor = nil
		}
	}
	f.Oxidation = p.states
}

// lightNuclide raises the number of 6Li or 18O: digits before one symbol that
// is all are a mass number if they can be.
func (p *parser) lightNuclide() {
	n := p.i
	for n < len(p.c) && isDigit(p.c[n].r) {
		n++
	}
	mass, err := strconv.Atoi(p.raw(p.i, n))
	if z := number[p.raw(n, len(p.c))]; err == nil && mass > 1 && mass >= z && mass <= 3*z {
		for i := p.i; i < n; i++ {
			p.c[i].sup = true
		}
	}
}

func (p *parser) unexpected() {
	r := p.c[p.i].r
	word := p.i
	for word < len(p.c) && unicode.IsLetter(p.c[word].r) && (word == p.i || !unicode.IsUpper(p.c[word].r)) {
		word++
	}
	switch {
	case strings.ContainsRune(")]}", r):
		p.fail(p.i, "%q closes no bracket; take it away or open one", string(r))
	case p.c[p.i].sup:
		p.fail(p.i, "a raised %q stands neither before a symbol nor for a charge", string(r))
	case unicode.IsLetter(r):
		p.fail(p.i, "%q is no element, group or variable", p.raw(p.i, max(word, p.i+1)))
	}
	p.fail(p.i, "%q has no meaning here", string(r))
}

// raw is the text of characters, spellings made one.
func (p *parser) raw(from, to int) string {
	var b strings.Builder
	for i := from; i < to; i++ {
		if p.c[i].sup && (i == from || !p.c[i-1].sup) {
			b.WriteByte('^')
		}
		b.WriteRune(p.c[i].r)
	}
	return b.String()
}

// written is the text of characters without those of charges.
func (p *parser) written(from, to int) string {
	var b strings.Builder
	for _, s := range p.signs {
		if s[0] >= from && s[1] <= to {
			b.WriteString(p.raw(from, s[0]))
			from = s[1]
		}
	}
	return b.String() + p.raw(from, to)
}

// separator tells whether a sign that parts the materials of a mixture stands
// here, with a part behind it.
func (p *parser) separator() bool {
	if p.i+1 >= len(p.c) || p.c[p.i].sup || !strings.ContainsRune("/-+@", p.c[p.i].r) {
		return false
	}
	next := p.c[p.i+1]
	return next.sup || unicode.IsUpper(next.r) || isDigit(next.r) || next.r == '(' || next.r == '[' || isVariable(next.r)
}

// part = adduct [":" dopants]; coefficient tells whether one stood before it.
func (p *parser) part() (part Part, coefficient bool) {
	part.Factor = Number(1)
	from, charge := p.i, p.charge
	for {
		p.tight()
		u := Unit{Amount: Number(1)}
		if a, ok := p.coefficient(); ok {
			u.Amount = a
			if len(part.Units) == 0 {
				coefficient, p.mixing = true, true
			}
		}
		at := p.i
		u.Composition, _ = p.group()
		u.Written = p.written(at, p.i)
		if p.i == at {
			if p.i < len(p.c) {
				p.unexpected()
			}
			p.fail(p.i, "the formula ends where a symbol must stand; complete it")
		}
		if len(u.Amount) == 0 || !slices.ContainsFunc(u.Composition, func(c Component) bool { return len(c.Amount) > 0 }) {
			p.fail(at, "all amounts are 0; give a formula of something")
		}
		if slices.ContainsFunc(u.Composition, func(c Component) bool { return !c.Amount.fits() }) {
			p.fail(at, "an amount of more than 1000000, or a product of more than three variables; give one formula")
		}
		for _, a := range append(u.Composition, Component{"", u.Amount}) {
			if v, ok := a.Amount.Value(); ok && v < 0 {
				p.fail(at, "an amount of %s; give positive ones", decimal(v))
			}
		}
		part.Units = append(part.Units, u)
		if !p.is('·') && !(p.is('.') && p.i+1 < len(p.c)) {
			break
		}
		if len(part.Units) == maxParts {
			p.fail(p.i, "more than %d adducts; give one formula", maxParts)
		}
		p.i++
	}
	if len(part.Units) == 1 && coefficient {
		part.Factor, part.Units[0].Amount = part.Units[0].Amount, Number(1)
	}
	if part.Charge = p.charge - charge; part.Charge < -99 || part.Charge > 99 {
		p.fail(from, "a charge of %+d; give up to 99", part.Charge)
	}
	if p.is(':') {
		p.i++
		p.dopants(&part)
	}
	if p.i == from {
		p.unexpected()
	}
	return part, coefficient
}

// tight refuses white space that parts words: before a symbol, unless an
// operator or a variable stands before the space.
func (p *parser) tight() {
	if p.i == 0 || p.i >= len(p.c) || !p.c[p.i].space || p.depth > 0 {
		return
	}
	if before := p.c[p.i-1].r; unicode.IsUpper(p.c[p.i].r) && !isVariable(before) && !strings.ContainsRune("-+/@·.:,", before) {
		p.fail(p.i, "a space stands before a new word; give one formula")
	}
}

// group = { component } up to a closing bracket, a comma or what no component
// starts with. explicit tells whether any component has an amount.
func (p *parser) group() (c Composition, explicit bool) {
	for p.i < len(p.c) {
		if len(c) > 0 {
			p.tight()
		}
		at := p.i
		one, bracket := p.component()
		if p.i == at {
			break
		}
		n, ok := p.amount(len(c) == 0 && len(one) == 1 && !bracket, bracket && p.c[p.i-1].r == ']')
		if len(n) == 0 && len(one) == 1 && stands[one[0].Symbol] {
			p.fail(at, "none of what %q stands for; leave it out", one[0].Symbol)
		}
		explicit = explicit || ok
		c = c.plus(one, n)
		if p.trailingCharge() {
			break
		}
	}
	return c, explicit
}

// component is one symbol or one bracket, nothing if neither stands here.
func (p *parser) component() (c Composition, bracket bool) {
	r := p.c[p.i].r
	switch {
	case p.c[p.i].sup && isDigit(r):
		return p.isotope(), false
	case p.c[p.i].sup:
		return nil, false
	case r == '(' || r == '[' || r == '{':
		if p.suffixAhead() || p.state("") {
			return nil, false
		}
		return p.bracket(), true
	case r == '□':
		p.i++
		return Composition{{Vacancy, Number(1)}}, false
	}
	s, n := p.symbol()
	if n == 0 {
		return nil, false
	}
	p.i += n
	if formula, ok := ligands[s]; ok && number[s] == 0 {
		f, err := Parse(formula)
		if err != nil {
			p.fail(p.i-n, "the group %s: %v", s, err)
		}
		c, _ := f.Composition()
		return c, false
	}
	for p.state(s) {
	}
	return Composition{{s, Number(1)}}, false
}

// symbol finds the longest symbol here and its length in characters.
func (p *parser) symbol() (string, int) {
	look := func(n int) string {
		if p.i+n > len(p.c) {
			return ""
		}
		for k := 1; k < n; k++ {
			if p.c[p.i+k].space || p.c[p.i+k].sup {
				return ""
			}
		}
		return p.raw(p.i, p.i+n)
	}
	inBracket := p.i > 0 && p.c[p.i-1].r == '('
	for n := 4; n >= 2; n-- {
		s := look(n)
		if _, ok := ligands[s]; ok && number[s] == 0 && (s != "OPr" || inBracket) && s != "AcO" {
			return s, n
		}
	}
	for n := 2; n >= 1; n-- {
		switch s := look(n); {
		case number[s] > 0 || stands[s]:
			return s, n
		case s == "D":
			return "2H", n
		}
	}
	return "", 0
}

// isotope = raised mass number and symbol.
func (p *parser) isotope() Composition {
	at, mass := p.i, 0
	for p.i < len(p.c) && p.c[p.i].sup && isDigit(p.c[p.i].r) && p.i < at+3 {
		mass = 10*mass + int(p.c[p.i].r-'0')
		p.i++
	}
	s, n := "", 0
	if p.i < len(p.c) && !p.c[p.i].sup {
		s, n = p.symbol()
	}
	if z := number[s]; z == 0 || mass < z || mass > 3*z {
		p.i = at
		return nil
	}
	p.i += n
	return Composition{{strconv.Itoa(mass) + s, Number(1)}}
}

// bracket = "(" group { "," group } ")".
func (p *parser) bracket() Composition {
	at := p.i
	closing := map[rune]rune{'(': ')', '[': ']', '{': '}'}[p.c[at].r]
	if p.depth++; p.depth > maxDepth {
		p.fail(at, "brackets stand more than %d deep; give one formula", maxDepth)
	}
	defer func() { p.depth-- }()
	p.i++
	var sum Composition
	var items []string
	open := 0
	for {
		from := p.i
		units, explicit := p.group()
		for p.is('·') && p.i+1 < len(p.c) { // [Mn(CH3COO)2·4H2O]
			p.i++
			n := Number(1)
			if a, ok := p.coefficient(); ok {
				n = a
			}
			u, _ := p.group()
			if len(u) == 0 {
				p.fail(p.i, "no symbol stands behind the dot; complete the formula")
			}
			units, explicit = units.plus(u, n), true
		}
		if p.i == from {
			if p.i < len(p.c) {
				p.unexpected()
			}
			p.fail(at, "the bracket is not closed; close it with %q", string(closing))
		}
		sum = sum.plus(units, Number(1))
		if !explicit && len(units) == 1 {
			open++
			items = append(items, units[0].Symbol)
		} else {
			items = append(items, "")
		}
		if len(items) > maxParts {
			p.fail(p.i, "more than %d kinds on one site; give one formula", maxParts)
		}
		if !p.is(',') {
			break
		}
		p.i++
	}
	if !p.is(closing) {
		if p.i < len(p.c) && !strings.ContainsRune(")]}", p.c[p.i].r) {
			p.unexpected()
		}
		p.fail(at, "the bracket is not closed; close it with %q", string(closing))
	}
	p.i++
	if len(items) > 1 && open > 0 {
		if open < len(items) {
			p.fail(at, "some amounts of the site are given and some are not; give all or none")
		}
		return p.site(at, items)
	}
	return sum
}

// site makes the shares of elements that a paper leaves open: (Ba,Sr) is
// Ba ?Ba Sr 1-?Ba, in the order of the alphabet.
func (p *parser) site(at int, items []string) Composition {
	slices.Sort(items)
	if len(slices.Compact(slices.Clone(items))) < len(items) {
		p.fail(at, "an element stands twice on one site; name it once")
	}
	if i := slices.IndexFunc(items, func(s string) bool { return symbolText(s)[0] == '^' }); i >= 0 {
		p.fail(at, "the site's shares of isotopes are not given; give them")
	}
	var c Composition
	rest := Number(1)
	for _, s := range items[:len(items)-1] {
		name := "?" + symbolText(s) + strings.Repeat("'", p.sites[s])
		p.sites[s]++
		c = append(c, Component{s, Variable(name)})
		rest = rest.Plus(Variable(name).Times(Number(-1)))
	}
	return append(c, Component{items[len(items)-1], rest})
}

// state reads an oxidation state: (III), (II,III), or III behind a metal.
func (p *parser) state(symbol string) bool {
	at, bracket := p.i, p.is('(')
	if bracket {
		at++
	}
	end := at
	for end < len(p.c) && strings.ContainsRune("IV", p.c[end].r) || bracket && end < len(p.c) && end > at && p.c[end].r == ',' {
		end++
	}
	roman := p.raw(at, end)
	switch {
	case end == at || end-at > 8:
		return false
	case bracket && (end >= len(p.c) || p.c[end].r != ')'):
		return false
	case bracket && end+1 < len(p.c) && (isDigit(p.c[end+1].r) || isVariable(p.c[end+1].r)): // Cu(I)2 is iodine
		return false
	case !bracket && (symbol == "" || end-at < 2 || number[symbol] < 20 || symbol == "I" || end < len(p.c) && unicode.IsLower(p.c[end].r)):
		return false
	}
	for r := range strings.SplitSeq(roman, ",") {
		n := slices.Index([]string{"", "I", "II", "III", "IV", "V", "VI", "VII", "VIII"}, r)
		if n < 1 {
			return false
		}
		if symbol != "" {
			p.states = append(p.states, Oxidation{symbol, n})
		}
	}
	if symbol == "" {
		return false // a phase: the suffix takes it
	}
	if p.i = end; bracket {
		p.i++
	}
	return true
}

// dopants = [amount] symbol [charge] { "," … }.
func (p *parser) dopants(part *Part) {
	for {
		var d Dopant
		if a, ok := p.coefficient(); ok {
			d.Amount = a
		}
		s, n := "", 0
		if p.i < len(p.c) && p.c[p.i].sup {
			if c := p.isotope(); c != nil {
				s = c[0].Symbol
			}
		} else if p.i < len(p.c) {
			s, n = p.symbol()
		}
		if s == "" {
			p.fail(p.i, "no element stands here; name the dopant")
		}
		p.i += n
		d.Symbol = s
		charge := p.charge
		if a, ok := p.amount(true, false); ok && d.Amount == nil {
			d.Amount = a
		}
		p.trailingCharge()
		d.Charge, p.charge = p.charge-charge, charge
		part.Dopants = append(part.Dopants, d)
		if len(part.Dopants) > maxParts {
			p.fail(p.i, "more than %d dopants; give one formula", maxParts)
		}
		if !p.is(',') && !(p.i < len(p.c) && unicode.IsUpper(p.c[p.i].r)) {
			return
		}
		if p.is(',') {
			p.i++
		}
	}
}

// plane is the length of a plane such as (110) or (11-20) here, 0 for none.
func (p *parser) plane() int {
	if !p.is('(') {
		return 0
	}
	digits := 0
	for k := 1; ; k++ {
		switch r := p.peek(k); {
		case isDigit(r):
			digits++
		case r == '-':
		case r == ')' && (digits == 3 || digits == 4):
			return k + 1
		default:
			return 0
		}
	}
}

// suffixAhead tells whether the rest is what may stand behind a formula.
func (p *parser) suffixAhead() bool {
	if p.i == 0 || p.depth > 0 {
		return false
	}
	rest := p.raw(p.i, len(p.c))
	switch rest {
	case "(s)", "(l)", "(g)", "(aq)", "(cr)", "(c)":
		return true
	}
	if n := p.plane(); n > 0 && p.i+n == len(p.c) {
		return true
	}
	inner, ok := strings.CutPrefix(rest, "(")
	inner, closed := strings.CutSuffix(inner, ")")
	return ok && closed && slices.Contains([]string{"I", "II", "III", "IV", "V", "VI", "VII"}, inner) && isDigit(p.c[p.i-1].r)
}

func (p *parser) suffix() string {
	if !p.suffixAhead() {
		return ""
	}
	s := p.raw(p.i, len(p.c))
	p.i = len(p.c)
	return s
}

// fits tells whether the coefficients are those of a formula.
func (a Amount) fits() bool {
	return !slices.ContainsFunc(a, func(t Term) bool { return !fits(t.Coefficient) || !fits(-t.Coefficient) || len(t.Variables) > 3 })
}

// fits tells whether a number is one that an amount may have.
func fits(v float64) bool { return v <= 1e6 }
