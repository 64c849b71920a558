package cpu

import (
	"cmp"
	"fmt"
	"maps"
	"slices"
	"strings"
	"time"
)

// Spent is how often a kernel ran, and for how long in all.
type Spent struct{ Calls, Nanoseconds int64 }

// Spent returns the time of every kernel so far, by name. It is empty without
// Options.Profile.
func (b *Backend) Spent() map[string]Spent {
	all := maps.Clone(b.spent)
	for r := range b.runners {
		r.times(all)
	}
	return all
}

// Profile returns a table of the kernels' times, the longest first.
func (b *Backend) Profile() string {
	all := b.Spent()
	names := slices.SortedFunc(maps.Keys(all), func(x, y string) int {
		return cmp.Or(cmp.Compare(all[y].Nanoseconds, all[x].Nanoseconds), cmp.Compare(x, y))
	})
	var total int64
	for _, s := range all {
		total += s.Nanoseconds
	}
	var t strings.Builder
	fmt.Fprintf(&t, "%-28s %8s %12s %12s %6s\n", "kernel", "calls", "total", "each", "share")
	for _, n := range names {
		s := all[n]
		fmt.Fprintf(&t, "%-28s %8d %12v %12v %5.1f%%\n", n, s.Calls, time.Duration(s.Nanoseconds).Round(time.Microsecond),
			time.Duration(s.Nanoseconds/s.Calls).Round(10*time.Nanosecond), 100*float64(s.Nanoseconds)/float64(total))
	}
	return t.String()
}
