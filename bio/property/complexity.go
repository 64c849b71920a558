package property

import (
	"math"
	"slices"
)

// SEG of Wootton & Federhen (Comput. Chem. 17:149, 1993) with its published
// settings: windows of 12 residues of at most 2.2 bits start a segment, those of
// at most 2.5 bits extend it, and of the extended segment the least likely part
// is kept, at most 100 residues shorter.
const (
	segWindow  = 12
	segLow     = 2.2
	segHigh    = 2.5
	segMaxTrim = 100
)

// Segment is a range of residues from 0, End excluded.
type Segment struct{ Start, End int }

// LowComplexity returns the segments that SEG masks, in order and without
// overlaps. A sequence shorter than 12 residues has none.
func LowComplexity(residues []byte) []Segment {
	segs := segments(residues, 0, nil)
	slices.SortFunc(segs, func(a, b Segment) int { return a.Start - b.Start })
	out := segs[:0]
	for _, s := range segs {
		if n := len(out); n > 0 && s.Start < out[n-1].End {
			out[n-1].End = max(out[n-1].End, s.End)
			continue
		}
		out = append(out, s)
	}
	return out
}

// Masked is the number of residues in segments.
func Masked(segs []Segment) int {
	n := 0
	for _, s := range segs {
		n += s.End - s.Start
	}
	return n
}

// segments appends those of a part of a sequence that begins at offset.
func segments(seq []byte, offset int, out []Segment) []Segment {
	h := windowEntropies(seq)
	from := 0 // the first window that may extend a segment to the left
	for i := 0; i < len(h); i++ {
		if h[i] > segLow {
			continue
		}
		lo, hi := i, i
		for lo > from && h[lo-1] <= segHigh {
			lo--
		}
		for hi+1 < len(h) && h[hi+1] <= segHigh {
			hi++
		}
		start, end := trim(seq[lo : hi+segWindow])
		start, end = start+lo, end+lo
		if i+segWindow <= start {
			// The window that started it was cut off: look there by itself.
			out = segments(seq[lo:start], offset+lo, out)
		}
		out = append(out, Segment{offset + start, offset + end})
		// Windows that begin in the segment are done.
		i = min(hi, end-1)
		from = i + 1
	}
	return out
}

// windowEntropies are bits by the first residue of each window.
func windowEntropies(seq []byte) []float64 {
	if len(seq) < segWindow {
		return nil
	}
	h := make([]float64, len(seq)-segWindow+1)
	var c composition
	for _, r := range seq[:segWindow] {
		c.add(r, 1)
	}
	for i := range h {
		if i > 0 {
			c.add(seq[i-1], -1)
			c.add(seq[i+segWindow-1], 1)
		}
		h[i] = c.entropy()
	}
	return h
}

// composition of a window; letters beside the 20 are in no count.
type composition struct {
	counts [20]int
	total  int
}

func (c *composition) add(r byte, n int) {
	if k := index[r]; k >= 0 {
		c.counts[k] += n
		c.total += n
	}
}

func (c *composition) entropy() float64 {
	if c.total == 0 {
		return 0
	}
	sum := 0.0
	for _, n := range c.counts {
		sum += timesLog2[n]
	}
	return math.Log2(float64(c.total)) - sum/float64(c.total)
}

// timesLog2 is n log2 n for the counts in a window.
var timesLog2 = func() (t [segWindow + 1]float64) {
	for n := 2; n < len(t); n++ {
		t[n] = float64(n) * math.Log2(float64(n))
	}
	return t
}()

// logProbability is ln P0 of the paper's equation 5: of a composition with
// these counts, whichever letters have them, in length letters of equal share.
func (c *composition) logProbability(length int, sorted *[20]int) float64 {
	*sorted = c.counts
	slices.Sort(sorted[:]) // equal compositions must give equal bits
	kinds := logFactorial(20)
	orders := logFactorial(length)
	for i := 0; i < 20; {
		j := i
		for ; j < 20 && sorted[j] == sorted[i]; j++ {
			orders -= logFactorial(sorted[j])
		}
		kinds -= logFactorial(j - i)
		i = j
	}
	return kinds + orders - float64(length)*math.Log(20)
}

// trim is the part of seq with the least probability, the longest and then the
// leftmost of equals.
func trim(seq []byte) (start, end int) {
	start, end = 0, len(seq)
	least := 1.0
	var sorted [20]int
	for n := len(seq); n > max(1, len(seq)-segMaxTrim); n-- {
		var c composition
		for _, r := range seq[:n] {
			c.add(r, 1)
		}
		for i := 0; ; i++ {
			if p := c.logProbability(n, &sorted); p < least {
				least, start, end = p, i, i+n
			}
			if i+n == len(seq) {
				break
			}
			c.add(seq[i], -1)
			c.add(seq[i+n], 1)
		}
	}
	return start, end
}

func logFactorial(n int) float64 {
	if n < len(logFactorials) {
		return logFactorials[n]
	}
	v, _ := math.Lgamma(float64(n) + 1)
	return v
}

var logFactorials = func() (t [1024]float64) {
	for n := range t {
		t[n], _ = math.Lgamma(float64(n) + 1)
	}
	return t
}()
