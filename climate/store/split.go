package store

import (
	"fmt"
	"strconv"
	"strings"
)

// Part is what records are for.
type Part string

const (
	Train      Part = "train"
	Validation Part = "validation"
	Test       Part = "test"
)

// Years is a range of years of the calendar of the data, both ends included.
// The zero value is no years.
type Years struct {
	From int `json:"from"`
	To   int `json:"to"`
}

// ParseYears reads 1979/2014 or 2015.
func ParseYears(s string) (Years, error) {
	from, to, two := strings.Cut(s, "/")
	if !two {
		to = from
	}
	a, err1 := strconv.Atoi(strings.TrimSpace(from))
	b, err2 := strconv.Atoi(strings.TrimSpace(to))
	if err1 != nil || err2 != nil || a < 0 || b < a || b > 9999 || b == 0 {
		return Years{}, fmt.Errorf("%q are no years; give such as 1979/2014 or 2015", s)
	}
	return Years{a, b}, nil
}

// Has tells whether a year is among them.
func (y Years) Has(year int) bool { return y != Years{} && year >= y.From && year <= y.To }

func (y Years) String() string {
	switch {
	case y == Years{}:
		return "none"
	case y.From == y.To:
		return strconv.Itoa(y.From)
	}
	return fmt.Sprintf("%d/%d", y.From, y.To)
}

// Split gives years to parts. A year in none of them is stored and not used.
type Split struct {
	Train      Years `json:"train"`
	Validation Years `json:"validation"`
	Test       Years `json:"test"`
}

// Check finds years that are in two parts.
func (s Split) Check() error {
	for _, p := range [][2]Part{{Train, Validation}, {Train, Test}, {Validation, Test}} {
		a, b := s.Years(p[0]), s.Years(p[1])
		if from, to := max(a.From, b.From), min(a.To, b.To); (a != Years{}) && (b != Years{}) && from <= to {
			return fmt.Errorf("%s years %s and %s years %s have %s in common; a year is in one part only", p[0], a, p[1], b, Years{from, to})
		}
	}
	return nil
}

// Years of a part.
func (s Split) Years(p Part) Years {
	switch p {
	case Train:
		return s.Train
	case Validation:
		return s.Validation
	case Test:
		return s.Test
	}
	return Years{}
}

// Of is the part of a year, "" for none.
func (s Split) Of(year int) Part {
	for _, p := range []Part{Train, Validation, Test} {
		if s.Years(p).Has(year) {
			return p
		}
	}
	return ""
}

// complete fills in the training years: those before the first of the other
// parts, or all.
func (s Split) complete(first, last int) (Split, error) {
	if (s.Train == Years{}) {
		s.Train = Years{first, last}
		for _, y := range []Years{s.Validation, s.Test} {
			if (y != Years{}) {
				s.Train.To = min(s.Train.To, y.From-1)
			}
		}
		if s.Train.To < s.Train.From {
			return s, fmt.Errorf("no years are left to train on before those of validation (%s) and test (%s); the data have %s", s.Validation, s.Test, Years{first, last})
		}
	}
	return s, s.Check()
}
