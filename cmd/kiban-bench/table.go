package main

import (
	"fmt"
	"maps"
	"math"
	"runtime"
	"slices"
	"strings"
)

func cores() int { return runtime.GOMAXPROCS(0) }

// markdown is the table: medians of rounds, with the spread of Kiban's, ratios
// to each peer, and the share of the machine's limit.
func (r *result) markdown() string {
	var b strings.Builder
	fmt.Fprintf(&b, "%s, %d cores, device %s, %s.", r.Machine, r.Cores, r.Device, r.Date.Format("2006-01-02 15:04"))
	best := r.best()
	for _, l := range slices.Sorted(maps.Keys(best)) {
		unit := "GFLOP/s"
		if l == bandwidth {
			unit = "GB/s"
		}
		fmt.Fprintf(&b, " Measured %s: %.0f %s.", l, best[l]/1e9, unit)
	}
	if v := r.versions(); v != "" {
		fmt.Fprintf(&b, " Peers: %s.", v)
	}
	b.WriteString("\n\n| work | Kiban | peers | ratio to the best | limit and share of it | allocations a step |\n|---|---|---|---|---|---|\n")
	for _, x := range r.Rows {
		ours := rateOf(x.Ours)
		if ours == 0 {
			continue
		}
		var peers []string
		fastest := 0.0
		for _, p := range x.Peers {
			rate := rateOf(p.Rounds)
			switch {
			case rate > 0:
				note := p.Rounds[0].Note
				if note != "" {
					note = "; " + note
				}
				peers = append(peers, fmt.Sprintf("%s %s (%.2f%s)", p.Name, number(rate), ours/rate, note))
				fastest = max(fastest, rate)
			case p.Error != "":
				peers = append(peers, p.Name+" failed")
			}
		}
		ratio := ""
		if fastest > 0 {
			ratio = fmt.Sprintf("%.2f", ours/fastest)
		}
		fmt.Fprintf(&b, "| %s | %s %s/s%s | %s | %s | %s | %s |\n", x.Name, number(ours), x.Unit, spread(x.Ours), strings.Join(peers, ", "), ratio, r.share(x, best), allocs(x.Ours))
	}
	return b.String()
}

// best are the limits at their best of those measured.
func (r *result) best() limits {
	out := limits{}
	for _, l := range r.Limits {
		for k, v := range l {
			out[k] = max(out[k], v)
		}
	}
	return out
}

// share says what bounds a row and how much of it is reached.
func (r *result) share(x *measuredRow, best limits) string {
	if x.Limit == unlimited || best[x.Limit] == 0 || x.Ours[0].Need == 0 {
		return string(x.Limit)
	}
	return fmt.Sprintf("%s, %.0f%%", x.Limit, 100*rateOf(x.Ours)*x.Ours[0].Need/best[x.Limit])
}

// versions are those that the peers print, each once.
func (r *result) versions() string {
	var all []string
	for _, x := range r.Rows {
		for _, p := range x.Peers {
			for _, m := range p.Rounds {
				if m.Versions != "" && !slices.Contains(all, m.Versions) {
					all = append(all, m.Versions)
				}
			}
		}
	}
	return strings.Join(all, "; ")
}

// spread is the range of rounds where there are several.
func spread(all []measured) string {
	lo, hi := math.Inf(1), 0.0
	for _, m := range all {
		lo, hi = min(lo, m.Rate), max(hi, m.Rate)
	}
	if len(all) < 2 {
		return ""
	}
	return fmt.Sprintf(" (%s to %s)", number(lo), number(hi))
}

func allocs(all []measured) string {
	if all[0].Allocs == nil {
		return ""
	}
	least := math.Inf(1)
	for _, m := range all {
		least = min(least, *m.Allocs)
	}
	return fmt.Sprintf("%.3g", least)
}

// number has three digits, or all before the point.
func number(x float64) string {
	if x >= 100 {
		return fmt.Sprintf("%.0f", x)
	}
	return fmt.Sprintf("%.3g", x)
}
