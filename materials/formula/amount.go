package formula

import (
	"math"
	"slices"
	"strconv"
	"strings"
)

// Term is one term of an amount: a coefficient times variables, none for the
// constant.
type Term struct {
	Coefficient float64
	Variables   []string // sorted; a variable twice is its square
}

// Amount is how much there is of something: a number, or a polynomial of the
// variables of the formula, nearly always a linear one (1-x). Terms are
// ordered, the constant first, and none is zero; no terms are 0.
type Amount []Term

// Number is the amount that is a number.
func Number(v float64) Amount {
	if v == 0 {
		return nil
	}
	return Amount{{Coefficient: v}}
}

// Variable is the amount that is one variable.
func Variable(name string) Amount { return Amount{{1, []string{name}}} }

// Value is the number that an amount is; ok tells whether it is one.
func (a Amount) Value() (v float64, ok bool) {
	switch {
	case len(a) == 0:
		return 0, true
	case len(a) == 1 && len(a[0].Variables) == 0:
		return a[0].Coefficient, true
	}
	return 0, false
}

// Plus is a + b.
func (a Amount) Plus(b Amount) Amount { return tidy(slices.Concat(a, b)) }

// Times is a · b.
func (a Amount) Times(b Amount) Amount {
	var all Amount
	for _, s := range a {
		for _, t := range b {
			v := slices.Concat(s.Variables, t.Variables)
			slices.Sort(v)
			all = append(all, Term{s.Coefficient * t.Coefficient, v})
		}
	}
	return tidy(all)
}

func tidy(all Amount) Amount {
	slices.SortStableFunc(all, func(s, t Term) int { return compareVariables(s.Variables, t.Variables) })
	var out Amount
	for _, t := range all {
		if n := len(out); n > 0 && slices.Equal(out[n-1].Variables, t.Variables) {
			out[n-1].Coefficient += t.Coefficient
			continue
		}
		out = append(out, t)
	}
	return slices.DeleteFunc(out, func(t Term) bool { return math.Abs(t.Coefficient) < 1e-12 })
}

func compareVariables(a, b []string) int {
	if len(a) != len(b) {
		return len(a) - len(b)
	}
	return slices.Compare(a, b)
}

// At puts numbers in the place of variables; those without one stay.
func (a Amount) At(values map[string]float64) Amount {
	var all Amount
	for _, t := range a {
		c := t.Coefficient
		var rest []string
		for _, v := range t.Variables {
			if x, ok := values[v]; ok {
				c *= x
			} else {
				rest = append(rest, v)
			}
		}
		all = append(all, Term{c, rest})
	}
	return tidy(all)
}

// Equal tells whether two amounts are the same polynomial, their coefficients
// apart by no more than tolerance.
func (a Amount) Equal(b Amount, tolerance float64) bool {
	for _, t := range a.Plus(b.Times(Number(-1))) {
		if math.Abs(t.Coefficient) > tolerance {
			return false
		}
	}
	return true
}

// String writes an amount as formulas do: 3-δ, 1+x, 0.5x; 1 is "1".
func (a Amount) String() string {
	if len(a) == 0 {
		return "0"
	}
	var b strings.Builder
	for i, t := range a {
		c := t.Coefficient
		if c < 0 {
			b.WriteByte('-')
			c = -c
		} else if i > 0 {
			b.WriteByte('+')
		}
		if c != 1 || len(t.Variables) == 0 {
			b.WriteString(decimal(c))
		}
		// Open shares (?Ba) last: a letter behind one would read as its own.
		for _, open := range []bool{false, true} {
			for _, v := range t.Variables {
				if (v[0] == '?') == open {
					b.WriteString(v)
				}
			}
		}
	}
	return b.String()
}

// decimal writes a number without an exponent, with six digits behind the point
// or six that count.
func decimal(v float64) string {
	places := 6
	for x := math.Abs(v); x < 0.1 && places < 20; x *= 10 {
		places++
	}
	return strings.TrimRight(strings.TrimRight(strconv.FormatFloat(v, 'f', places, 64), "0"), ".")
}
