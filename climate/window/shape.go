package window

import (
	"fmt"
	"slices"
)

// Shape says which records a window has, in steps from its anchor, the last
// record that the model sees.
type Shape struct {
	History []int // of the inputs, ascending to 0; nil means the anchor alone
	Leads   []int // of the targets, ascending; 0 is the anchor itself
	// Draw takes one of Leads for each window instead of all.
	Draw bool
	// Reach is how many steps after the anchor there must be; 0 means the last of
	// Leads.
	Reach int
}

// Direct forecasts one lead time at once.
func Direct(lead int) Shape { return Shape{Leads: []int{lead}} }

// Iterative forecasts n times over, each from the forecast before.
func Iterative(lead, n int) Shape {
	var s Shape
	for i := 1; i <= n; i++ {
		s.Leads = append(s.Leads, i*lead)
	}
	return s
}

// Continuous draws a lead time for each window, both ends included. As published
// it never draws the last: ClimaX's upper bound is exclusive, which makes 162 of
// its 168 hours.
func Continuous(first, last int, asPublished bool) Shape {
	s := Shape{Draw: true, Reach: last}
	if asPublished {
		last--
	}
	for i := first; i <= last; i++ {
		s.Leads = append(s.Leads, i)
	}
	return s
}

// WithHistory is the shape with n inputs, each some steps after the one before.
func (s Shape) WithHistory(n, every int) Shape {
	s.History = nil
	for i := n - 1; i >= 0; i-- {
		s.History = append(s.History, -i*every)
	}
	return s
}

func (s *Shape) complete() error {
	if s.History == nil {
		s.History = []int{0}
	}
	if s.Reach == 0 && len(s.Leads) > 0 {
		s.Reach = s.Leads[len(s.Leads)-1]
	}
	rising := func(x []int) bool {
		for i := 1; i < len(x); i++ {
			if x[i] <= x[i-1] {
				return false
			}
		}
		return len(x) > 0
	}
	switch {
	case !rising(s.History) || s.History[len(s.History)-1] != 0:
		return fmt.Errorf("window: history %v; wanted steps that ascend to 0", s.History)
	case !rising(s.Leads) || s.Leads[0] < 0:
		return fmt.Errorf("window: lead times of %v steps; wanted at least 0, ascending", s.Leads)
	case s.Reach < s.Leads[len(s.Leads)-1]:
		return fmt.Errorf("window: lead times to %d steps, but only %d are asked for", s.Leads[len(s.Leads)-1], s.Reach)
	}
	s.History, s.Leads = slices.Clone(s.History), slices.Clone(s.Leads)
	return nil
}
