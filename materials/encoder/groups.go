package encoder

import (
	"cmp"
	"slices"
)

// Group is a batch of texts of like lengths: Members are their numbers, and
// Rows and Length the shape of the program that takes them.
type Group struct {
	Rows, Length int
	Members      []int
}

// groupTokens is the size of a batch: enough work for a product of matrices,
// and little enough to stay in a cache.
const groupTokens = 2048

// maxRows bounds the texts of a batch.
const maxRows = 64

// Groups divides texts of the given numbers of tokens among batches, the
// longest first: so that nearly all of a batch is text, and few shapes occur.
// Lengths are rounded up to PadTo, at most to context.
func Groups(lengths []int, context int) []Group {
	order := make([]int, len(lengths))
	for i := range order {
		order[i] = i
	}
	slices.SortStableFunc(order, func(a, b int) int { return cmp.Compare(lengths[b], lengths[a]) })
	var all []Group
	for len(order) > 0 {
		length := PadTo(lengths[order[0]], context)
		rows := groupRows(length)
		for rows > len(order) && rows > 1 && rows/2 >= len(order) { // the last texts
			rows /= 2
		}
		n := min(rows, len(order))
		all = append(all, Group{rows, length, order[:n:n]})
		order = order[n:]
	}
	return all
}

// groupRows returns the number of texts of a full batch.
func groupRows(length int) int { return max(1, min(maxRows, groupTokens/length)) }

// PadTo returns the length that n tokens are padded to: an even number from 18
// to 128, a multiple of 8 from there, at most context. A program costs little
// beside what padding does. Fewer than 17 rows of a product would be computed in
// another order on the cpu.
func PadTo(n, context int) int {
	step := 2
	if n > 128 {
		step = 8
	}
	return min(max(18, (n+step-1)/step*step), context)
}
