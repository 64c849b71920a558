package pretrain

import (
	"slices"

	"github.com/kiban-models/kiban/core/dataset"
)

// lengthsOf returns the lengths to which rows are padded, a program each: the
// longest one's, and a quarter, a half and three quarters of it, in eights.
func lengthsOf(longest, context int) []int {
	var all []int
	for quarter := 1; quarter <= 4; quarter++ {
		n := min((longest*quarter+31)/32*8, context)
		if !slices.Contains(all, n) {
			all = append(all, n)
		}
	}
	return all
}

// shapeOf returns the number of the length that n tokens fit in, the longest if
// there is none: reading the row is an error then.
func shapeOf(lengths []int, n int) int {
	i, _ := slices.BinarySearch(lengths, n)
	return min(i, len(lengths)-1)
}

// stream is the rows of a data set in an order of its own in each epoch, in
// batches that go on from one epoch into the next.
type stream struct {
	d    *dataset.Dataset
	rows int
	seed uint64
}

// at returns the rows of batch n, counted from 0 over all epochs. It depends on
// nothing but n and the seed.
func (s stream) at(n int64) []int64 {
	var rows []int64
	for i := range s.rows {
		at := n*int64(s.rows) + int64(i)
		p := dataset.NewPermutation(s.d.Len(), s.seed, at/s.d.Len())
		rows = append(rows, p.At(at%s.d.Len()))
	}
	return rows
}

// longestOf returns the length of the longest of some rows. An index that is
// damaged is reported when the row is read.
func longestOf(d *dataset.Dataset, rows []int64) int {
	longest := 0
	for _, r := range rows {
		if n, err := d.DocumentLen(r); err == nil {
			longest = max(longest, n)
		}
	}
	return longest
}
