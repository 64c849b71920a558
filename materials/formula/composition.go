package formula

import (
	"math"
	"slices"
	"strings"
)

// Component is a symbol with its amount. A symbol is an element's, an isotope's
// ("18O"), Vacancy, or a letter that stands for any element ("M").
type Component struct {
	Symbol string
	Amount Amount
}

// Composition is what something is made of; each symbol is there once, in the
// order in which the formula names them.
type Composition []Component

// Of is the amount of a symbol, 0 if it is absent.
func (c Composition) Of(symbol string) Amount {
	for _, e := range c {
		if e.Symbol == symbol {
			return e.Amount
		}
	}
	return nil
}

func (c Composition) plus(d Composition, factor Amount) Composition {
	c = slices.Clone(c)
	for _, e := range d {
		n := e.Amount.Times(factor)
		if i := slices.IndexFunc(c, func(o Component) bool { return o.Symbol == e.Symbol }); i >= 0 {
			c[i].Amount = c[i].Amount.Plus(n)
		} else {
			c = append(c, Component{e.Symbol, n})
		}
	}
	return c
}

// At puts numbers in the place of variables.
func (c Composition) At(values map[string]float64) Composition {
	out := make(Composition, len(c))
	for i, e := range c {
		out[i] = Component{e.Symbol, e.Amount.At(values)}
	}
	return out
}

// Variables are the variables of all amounts, sorted.
func (c Composition) Variables() []string {
	var all []string
	for _, e := range c {
		for _, t := range e.Amount {
			all = append(all, t.Variables...)
		}
	}
	slices.Sort(all)
	return slices.Compact(all)
}

// numbers are the amounts as numbers; ok is false if one is not a number.
func (c Composition) numbers() (n []float64, ok bool) {
	for _, e := range c {
		v, isNumber := e.Amount.Value()
		if !isNumber {
			return nil, false
		}
		n = append(n, v)
	}
	return n, true
}

// Mass is the molar mass in g/mol; ok is false if an amount is not a number or
// a symbol has no mass that is known.
func (c Composition) Mass() (grams float64, ok bool) {
	for _, e := range c {
		n, isNumber := e.Amount.Value()
		w, known := weight(e.Symbol)
		if !isNumber || !known {
			return 0, false
		}
		grams += n * w
	}
	return grams, len(c) > 0
}

func weight(symbol string) (float64, bool) {
	if z := number[symbol]; z > 0 {
		return elements[z-1].weight, true
	}
	if symbol == Vacancy {
		return 0, true
	}
	w, ok := isotopes[symbol]
	return w, ok
}

// Equal tells whether two compositions are the same: the same symbols, each
// with amounts that differ by no more than tolerance, whatever their order.
// Variables are equal by name.
func (c Composition) Equal(d Composition, tolerance float64) bool {
	for _, e := range c {
		if !e.Amount.Equal(d.Of(e.Symbol), tolerance) {
			return false
		}
	}
	for _, e := range d {
		if c.Of(e.Symbol) == nil && !e.Amount.Equal(nil, tolerance) {
			return false
		}
	}
	return true
}

// Same tells whether two compositions differ at most by a factor: Fe2O3 and
// Fe4O6. The tolerance is of the shares, for numbers; others must be Equal.
func (c Composition) Same(d Composition, tolerance float64) bool {
	a, okA := c.shares()
	b, okB := d.shares()
	if !okA || !okB {
		return c.Equal(d, tolerance)
	}
	return a.Equal(b, tolerance)
}

// shares are the amounts divided by their sum.
func (c Composition) shares() (Composition, bool) {
	n, ok := c.numbers()
	sum := 0.0
	for _, v := range n {
		sum += v
	}
	if !ok || sum <= 0 {
		return nil, false
	}
	return Composition(nil).plus(c, Number(1/sum)), true
}

// maxDenominator bounds the fractions that Reduced looks for.
const maxDenominator = 1000

// Reduced is the composition with the smallest whole amounts that have the same
// ratios; ok is false if an amount is not a number, or no denominator up to
// 1000 makes all whole.
func (c Composition) Reduced() (r Composition, ok bool) {
	n, ok := c.numbers()
	if !ok {
		return nil, false
	}
	whole := func(v float64) bool { return math.Abs(v-math.Round(v)) <= 1e-3*math.Min(1, v) }
	for d := 1; d <= maxDenominator; d++ {
		if slices.ContainsFunc(n, func(v float64) bool { return v < 0 || v > 1e9 || !whole(v*float64(d)) }) {
			continue
		}
		div := int64(0)
		for _, v := range n {
			div = gcd(div, int64(math.Round(v*float64(d))))
		}
		if div == 0 {
			return nil, false
		}
		for i, e := range c {
			if k := int64(math.Round(n[i]*float64(d))) / div; k > 0 {
				r = append(r, Component{e.Symbol, Number(float64(k))})
			}
		}
		return r, true
	}
	return nil, false
}

// Anonymous is a composition of whole numbers with letters for the elements, in
// the order of their amounts: both LiFePO4 and NaMnPO4 are ABCD4. It is "" for
// others and for more than 26 elements.
func (c Composition) Anonymous() string {
	n, ok := c.numbers()
	if !ok || len(n) > 26 {
		return ""
	}
	slices.Sort(n)
	var b strings.Builder
	for i, v := range n {
		b.WriteByte('A' + byte(i))
		if v != 1 {
			b.WriteString(decimal(v))
		}
	}
	return b.String()
}

func gcd(a, b int64) int64 {
	for b != 0 {
		a, b = b, a%b
	}
	return a
}

// String writes the components in their order.
func (c Composition) String() string { return c.text(false) }

// text puts sums in brackets if asked to.
func (c Composition) text(sums bool) string {
	var b strings.Builder
	for i, e := range c {
		if len(e.Amount) == 0 {
			continue
		}
		b.WriteString(symbolText(e.Symbol))
		v, ok := e.Amount.Value()
		switch text := amountText(e.Symbol, e.Amount, sums); {
		case ok && v == 1 && e.Symbol == "I" && i+1 < len(c) && c[i+1].Symbol == "V":
			b.WriteByte('1') // BaIV would be four-valued barium
		case ok && v == 1:
		case strings.Contains(text, ".") && c[i+1:].water():
			b.WriteString("(" + strings.Trim(text, "()") + ")") // 3.9H2O would be three, and water
		default:
			b.WriteString(text)
		}
	}
	return b.String()
}

func (c Composition) water() bool {
	s := c.String()
	return s == "H2O" || s == "D2O"
}

// amountText is an amount behind a symbol. One that starts with a sign, or with
// a share that the paper leaves open, or would read as part of the symbol (n
// behind S) is put in brackets.
func amountText(symbol string, a Amount, sums bool) string {
	s, shown := a.String(), symbolText(symbol)
	if s[0] == '-' || sums && len(a) > 1 || strings.Contains(s, "?") || number[shown+s[:1]] > 0 || stands[shown+s[:1]] || ligands[shown+s[:1]] != "" {
		return "(" + s + ")"
	}
	return s
}

// symbolText writes isotopes as ^18O, but deuterium as D. T is any metal.
func symbolText(s string) string {
	if s == "2H" {
		return "D"
	}
	if s[0] >= '0' && s[0] <= '9' {
		return "^" + s
	}
	return s
}

// Hill is the composition in Hill's order (E. A. Hill, J. Am. Chem. Soc. 22
// (1900) 478): carbon, hydrogen, then the alphabet; without carbon all in the
// alphabet.
func (c Composition) Hill() Composition {
	carbon := c.Of("C") != nil
	return c.sorted(func(s string) string {
		switch {
		case carbon && s == "C":
			return "\x00"
		case carbon && s == "H":
			return "\x01"
		}
		return s
	})
}

// Alphabetical is the composition in the order of the symbols.
func (c Composition) Alphabetical() Composition { return c.sorted(func(s string) string { return s }) }

func (c Composition) sorted(key func(string) string) Composition {
	out := slices.Clone(c)
	slices.SortStableFunc(out, func(a, b Component) int { return strings.Compare(key(a.Symbol), key(b.Symbol)) })
	return slices.DeleteFunc(out, func(e Component) bool { return len(e.Amount) == 0 })
}
