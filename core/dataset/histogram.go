package dataset

import "math/bits"

// Histogram counts lengths in bins that double: 1, 2-3, 4-7, ...
type Histogram struct{ bins [64]int64 }

// Add counts a document of n symbols.
func (h *Histogram) Add(n int) {
	if n > 0 {
		h.bins[bits.Len(uint(n))-1]++
	}
}

// Bins returns the bins from the first to the last that is not empty.
func (h *Histogram) Bins() []LengthBin {
	var out []LengthBin
	empty := 0
	for i, n := range h.bins {
		if n == 0 {
			empty++
			continue
		}
		for len(out) > 0 && empty > 0 {
			out = append(out, LengthBin{1 << (i - empty), 1<<(i-empty+1) - 1, 0})
			empty--
		}
		empty = 0
		out = append(out, LengthBin{1 << i, 1<<(i+1) - 1, n})
	}
	return out
}

// Merge adds the counts of o.
func (h *Histogram) Merge(o Histogram) {
	for i, n := range o.bins {
		h.bins[i] += n
	}
}
