package plan

import (
	"fmt"
	"strings"
)

// String prints the program, a line a step: results, kernel, operands,
// constants. A bar in the margin is a barrier.
func (p *Program) String() string {
	var b strings.Builder
	for _, s := range p.Steps {
		bar := " "
		if s.Barrier {
			bar = "|"
		}
		fmt.Fprintf(&b, "%s %s = %s(%s)", bar, slots(s.Out), s.Kernel, slots(s.In))
		if s.Attr != nil {
			fmt.Fprintf(&b, " %+v", s.Attr)
		}
		b.WriteByte('\n')
	}
	m := p.Memory()
	fmt.Fprintf(&b, "params %d, states %d, io %d, scratch %d bytes\n", m.Params, m.States, m.IO, m.Scratch)
	return b.String()
}

func slots(all []Slot) string {
	var b strings.Builder
	for i, s := range all {
		if i > 0 {
			b.WriteString(", ")
		}
		if s.Name != "" {
			fmt.Fprintf(&b, "%s:%s", s.Region, s.Name)
		} else {
			fmt.Fprintf(&b, "%s+%d", s.Region, s.Offset)
		}
		fmt.Fprintf(&b, " %v%v", s.DType, s.Shape)
	}
	return b.String()
}
