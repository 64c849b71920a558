package page

import (
	"fmt"
	"strings"
)

// Matscholar's labels: what they stand for and the colours that the house gives
// them, each with black text on it at 11.8:1 or better.
var known = []style{
	{"MAT", "material", [3]int{0x8e, 0xcb, 0xff}},
	{"SPL", "symmetry or phase", [3]int{0xf9, 0xd5, 0x8a}},
	{"DSC", "sample descriptor", [3]int{0xd9, 0xd9, 0xd9}},
	{"PRO", "property", [3]int{0xa6, 0xdf, 0xc6}},
	{"APL", "application", [3]int{0xf3, 0xb9, 0xd6}},
	{"SMT", "synthesis method", [3]int{0xf6, 0xb3, 0x8e}},
	{"CMT", "characterization method", [3]int{0xf5, 0xee, 0x9e}},
}

// others are of labels that are not Matscholar's, in the order in which these
// come up; after that all are displaCy's grey.
var others = [][3]int{
	{0x8e, 0xcb, 0xff}, {0xa6, 0xdf, 0xc6}, {0xf9, 0xd5, 0x8a}, {0xf3, 0xb9, 0xd6}, {0xf6, 0xb3, 0x8e}, {0xf5, 0xee, 0x9e},
	{0xc9, 0xbf, 0xf2}, {0xb5, 0xe3, 0xe8}, {0xd3, 0xe2, 0x9b}, {0xe8, 0xc4, 0xb0},
}

// lines tell labels apart without colour.
var lines = []string{
	"underline solid 2px", "underline dashed 2px", "underline dotted 2px", "underline double 1.5px", "underline wavy 1.5px",
	"underline overline solid 1.5px", "underline overline dotted 1.5px", "underline solid 4px", "underline dashed 4px", "underline overline dashed 1.5px",
}

type style struct {
	label, means string
	colour       [3]int
}

// labels numbers labels: those of Matscholar always alike.
type labels struct {
	all    []style
	number map[string]int
}

func newLabels() *labels {
	l := &labels{number: map[string]int{}}
	for _, k := range known {
		l.number[k.label] = len(l.all)
		l.all = append(l.all, k)
	}
	return l
}

func (l *labels) of(label string) int {
	n, ok := l.number[label]
	if !ok {
		n = len(l.all)
		colour := [3]int{0xdd, 0xdd, 0xdd}
		if i := n - len(known); i < len(others) {
			colour = others[i]
		}
		l.number[label] = n
		l.all = append(l.all, style{label: label, colour: colour})
	}
	return n
}

// css is the style of a label, and what hides it when its box is not ticked.
func (l *labels) css(b *strings.Builder, n int) {
	c := l.all[n].colour
	fmt.Fprintf(b, ".l%d { --c: %d, %d, %d; text-decoration: %s; }\n", n, c[0], c[1], c[2], lines[n%len(lines)])
	fmt.Fprintf(b, "body:has(#show%d:not(:checked)) .entities .l%d { background: none; color: inherit; text-decoration: none; padding: 0; margin: 0; }\n", n, n)
	fmt.Fprintf(b, "body:has(#show%d:not(:checked)) .entities .l%d > .label { display: none; }\n", n, n)
}
