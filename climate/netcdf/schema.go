package netcdf

import (
	"fmt"
	"strings"
	"unicode/utf8"
)

// Schema is what a new file is to hold.
type Schema struct {
	Dimensions []Dimension // an unlimited one grows as records are put; its size is not looked at
	Variables  []NewVariable
	Attributes []Attribute // only names and values count: a value is a string or a slice of numbers
}

// NewVariable is a variable of a new file.
type NewVariable struct {
	Name       string
	Type       string // byte, short, int, float, double, … as ncdump has them
	Dimensions []string
	Attributes []Attribute
	Chunks     []int // one number a dimension; nil lets the library choose
	Deflate    int   // 0 for none to 9; with the shuffle filter before it
}

// Text makes an attribute of text.
func Text(name, value string) Attribute { return Attribute{Name: name, Type: "char", Value: value} }

// valid finds what the library would only answer with a number.
func (s Schema) valid() error {
	sizes := map[string]bool{}
	for _, d := range s.Dimensions {
		if !goodName(d.Name) || sizes[d.Name] || d.Size <= 0 && !d.Unlimited {
			return fmt.Errorf("dimension %q of size %d cannot be", d.Name, d.Size)
		}
		sizes[d.Name] = true
	}
	seen := map[string]bool{}
	for _, v := range s.Variables {
		if !goodName(v.Name) || seen[v.Name] {
			return fmt.Errorf("variable %q cannot be, or is there twice", v.Name)
		}
		seen[v.Name] = true
		if typeBytes[v.Type] == 0 || v.Type == "char" {
			return fmt.Errorf("variable %s: type %q cannot be written", v.Name, v.Type)
		}
		for _, d := range v.Dimensions {
			if !sizes[d] {
				return fmt.Errorf("variable %s: there is no dimension %q", v.Name, d)
			}
		}
		if v.Chunks != nil && len(v.Chunks) != len(v.Dimensions) {
			return fmt.Errorf("variable %s: chunks %v of %d dimensions", v.Name, v.Chunks, len(v.Dimensions))
		}
	}
	return nil
}

func goodName(s string) bool {
	return s != "" && len(s) <= 256 && utf8.ValidString(s) && !strings.ContainsAny(s, "/\x00") && strings.TrimSpace(s) == s
}
