package backend

import (
	"cmp"
	"fmt"
	"maps"
	"slices"
	"strings"
	"time"

	"github.com/kiban-models/kiban/core/plan"
)

// Spent is how often a kernel ran, for how long in all, and what it had to do.
type Spent struct {
	Calls, Nanoseconds int64
	Work               plan.Work // of all calls; what is not known of one is not known of all
}

// Add counts calls more.
func (s *Spent) Add(calls, nanoseconds int64, each plan.Work) {
	known := func(sum, one float64) float64 {
		if s.Calls > 0 && (sum == 0 || one == 0) {
			return 0
		}
		return sum + one*float64(calls)
	}
	s.Work = plan.Work{Flops: known(s.Work.Flops, each.Flops), Bytes: known(s.Work.Bytes, each.Bytes)}
	s.Calls, s.Nanoseconds = s.Calls+calls, s.Nanoseconds+nanoseconds
}

// Profile is what a backend spent the time of its programs on.
type Profile struct {
	Kernels map[string]Spent // by kernel, or variant of one
	Runs    int64            // of programs
	Wall    time.Duration    // of the runs, from their call to their return
	Note    string           // what else there is to say, or why there are no times
}

// Profiled is a backend that takes the times of its kernels if it was opened
// so. Profile still answers when the backend is closed.
type Profiled interface{ Profile() Profile }

// String returns a table of the kernels, that with the most time first, with
// the rates at which they did what they have to do at the least. It ends with
// the runs, and the share of their time in which no kernel ran.
func (p Profile) String() string {
	names := slices.SortedFunc(maps.Keys(p.Kernels), func(x, y string) int {
		return cmp.Or(cmp.Compare(p.Kernels[y].Nanoseconds, p.Kernels[x].Nanoseconds), cmp.Compare(x, y))
	})
	var kernels int64
	for _, s := range p.Kernels {
		kernels += s.Nanoseconds
	}
	var t strings.Builder
	fmt.Fprintf(&t, "%-28s %8s %12s %12s %6s %9s %9s\n", "kernel", "calls", "total ms", "each us", "share", "GFLOP/s", "GB/s")
	for _, n := range names {
		s := p.Kernels[n]
		fmt.Fprintf(&t, "%-28s %8d %12.3f %12.2f %5.1f%% %9s %9s\n", n, s.Calls, float64(s.Nanoseconds)/1e6,
			float64(s.Nanoseconds)/1e3/float64(max(1, s.Calls)), 100*float64(s.Nanoseconds)/float64(max(1, kernels)),
			rate(s.Work.Flops, s.Nanoseconds), rate(s.Work.Bytes, s.Nanoseconds))
	}
	outside := max(0, p.Wall.Nanoseconds()-kernels)
	fmt.Fprintf(&t, "%d runs took %v, %.1f%% of it outside kernels\n", p.Runs, p.Wall.Round(time.Microsecond),
		100*float64(outside)/float64(max(1, p.Wall.Nanoseconds())))
	if p.Note != "" {
		fmt.Fprintln(&t, p.Note)
	}
	return t.String()
}

// rate is work a nanosecond, which is 1e9 a second.
func rate(work float64, nanoseconds int64) string {
	if work == 0 || nanoseconds == 0 {
		return "-"
	}
	return fmt.Sprintf("%.1f", work/float64(nanoseconds))
}
