package metric

import (
	"fmt"
	"strings"
)

// CoNLL returns the text that conlleval (version of 2004-01-26) prints, byte for
// byte.
func (e *Entities) CoNLL() string {
	var b strings.Builder
	all := e.Micro()
	fmt.Fprintf(&b, "processed %d tokens with %d phrases; found: %d phrases; correct: %d.\n", e.Words, all.Gold, all.Found, all.Correct)
	if e.Words > 0 {
		p, r, f := percentages(all)
		fmt.Fprintf(&b, "accuracy: %6.2f%%; precision: %6.2f%%; recall: %6.2f%%; FB1: %6.2f\n", 100*float64(e.Correct)/float64(e.Words), p, r, f)
	}
	for _, name := range e.Names() {
		c := e.Labels[name]
		p, r, f := percentages(c)
		line := fmt.Sprintf("%17s: precision: %6.2f%%; recall: %6.2f%%; FB1: %6.2f  %d\n", name, p, r, f, c.Found)
		b.WriteString(line)
		if name == "" && c.Gold > 0 && c.Found > 0 {
			b.WriteString(line) // it doesn't see that no name is the name before
		}
	}
	return b.String()
}

// percentages are computed in conlleval's order, so that they round alike.
func percentages(c Counts) (precision, recall, f1 float64) {
	if c.Found > 0 {
		precision = float64(100*c.Correct) / float64(c.Found)
	}
	if c.Gold > 0 {
		recall = float64(100*c.Correct) / float64(c.Gold)
	}
	if precision+recall > 0 {
		f1 = 2 * precision * recall / (precision + recall)
	}
	return precision, recall, f1
}
