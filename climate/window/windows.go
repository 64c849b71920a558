package window

import (
	"fmt"
	"math/bits"

	"github.com/kiban-models/kiban/core/graph"
)

// Windows are all windows of a shape in one part, in the order of the records.
type Windows struct {
	shape   Shape
	anchors []int32
}

// New finds the windows of a part. That there are none is an error: the record
// is shorter than what is asked of it.
func New(stretches []Stretch, part string, s Shape) (*Windows, error) {
	if err := s.complete(); err != nil {
		return nil, err
	}
	w := &Windows{shape: s}
	longest, total := 0, 0
	for _, x := range stretches {
		if x.Part != part {
			continue
		}
		longest, total = max(longest, x.To-x.From), total+x.To-x.From
		for a := x.From - s.History[0]; a+s.Reach < x.To; a++ {
			w.anchors = append(w.anchors, int32(a))
		}
	}
	if len(w.anchors) == 0 {
		if total == 0 {
			return nil, fmt.Errorf("window: no records for %s; give it other years", part)
		}
		return nil, fmt.Errorf("window: a history of %d steps and a lead time of %d need %d records in a row, but %s has at most %d (of %d); shorten the lead time, or give more data",
			-s.History[0], s.Reach, s.Reach-s.History[0]+1, part, longest, total)
	}
	return w, nil
}

// Len is the number of windows.
func (w *Windows) Len() int { return len(w.anchors) }

// Shape of the windows, complete.
func (w *Windows) Shape() Shape { return w.shape }

// Anchor is the last record that window i sees.
func (w *Windows) Anchor(i int) int { return int(w.anchors[i]) }

// Inputs appends the records that window i sees, oldest first.
func (w *Windows) Inputs(dst []int, i int) []int {
	for _, h := range w.shape.History {
		dst = append(dst, w.Anchor(i)+h)
	}
	return dst
}

// Targets appends the records of all lead times of window i.
func (w *Windows) Targets(dst []int, i int) []int {
	for _, l := range w.shape.Leads {
		dst = append(dst, w.Anchor(i)+l)
	}
	return dst
}

// drawStream keeps these random numbers apart from others of the same seed.
const drawStream = 0x77696e64

// Lead is the lead time, in steps, that window i has in an epoch, and the record
// that it leads to. It depends on the seed, the epoch and i, and on nothing else.
// With one lead time, or without Draw, it is the first.
func (w *Windows) Lead(seed uint64, epoch, i int) (steps, record int) {
	steps = w.shape.Leads[0]
	if n := uint64(len(w.shape.Leads)); w.shape.Draw && n > 1 {
		b := graph.PhiloxBlock(uint32(i), uint32(epoch), drawStream, uint32(seed), uint32(seed>>32))
		k, _ := bits.Mul64(uint64(b[0])<<32|uint64(b[1]), n)
		steps = w.shape.Leads[k]
	}
	return steps, w.Anchor(i) + steps
}
