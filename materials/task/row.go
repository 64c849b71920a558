package task

import (
	"iter"
	"slices"

	"github.com/kiban-models/kiban/core/dataset"
)

// Row is one text as a model reads it.
type Row struct {
	IDs []int32 // tokens, with [CLS] and [SEP]
	// Places are the tokens that are looked at, ascending but for a pair: the
	// first piece of each word, or the markers of head and tail. A row of a
	// text has none: the first token is looked at.
	Places []int32
	// Labels are what is to be learnt: one for each place of a word, or one.
	// Rows that are only read have none.
	Labels []int32
}

// steps are the lengths to which the batches of a training are padded, whose
// programs have memory of their own.
var steps = []int{16, 24, 32, 48, 64, 96, 128, 192, 256, 384, 512}

// padded returns the length that n tokens are padded to: the smallest of steps
// that holds them, or n.
func padded(n int) int {
	i, _ := slices.BinarySearch(steps, n)
	if i == len(steps) {
		return n
	}
	return steps[i]
}

// batches are the rows of a training set in batches, in an order of their own
// in each epoch. The last batch of an epoch may be smaller.
type batches struct {
	rows []Row
	size int
	seed uint64
}

// perEpoch returns the number of batches of an epoch.
func (b batches) perEpoch() int { return (len(b.rows) + b.size - 1) / b.size }

// at gives the rows of batch n, counted from 0 over all epochs. It depends on
// nothing but n and the seed.
func (b batches) at(n int) iter.Seq[Row] {
	return func(yield func(Row) bool) {
		epoch, first := n/b.perEpoch(), n%b.perEpoch()*b.size
		p := dataset.NewPermutation(int64(len(b.rows)), b.seed, int64(epoch))
		for i := first; i < min(first+b.size, len(b.rows)); i++ {
			if !yield(b.rows[p.At(int64(i))]) {
				return
			}
		}
	}
}

func longest(rows iter.Seq[Row]) int {
	n := 0
	for r := range rows {
		n = max(n, len(r.IDs))
	}
	return n
}
