package main

import (
	"strings"

	"github.com/kiban-models/kiban/materials/formula"
)

// normalizedFormula is how package formula spells an entity that is a formula
// by itself, "" if it is none. Only materials are looked at: a device "NO" or a
// phase "In" would be taken for elements.
func normalizedFormula(label, surface string) string {
	if !strings.HasPrefix(strings.ToUpper(label), "MAT") || !formula.IsFormula(surface) {
		return ""
	}
	f, err := formula.Parse(surface)
	if err != nil {
		return ""
	}
	return f.Written()
}
