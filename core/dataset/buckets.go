package dataset

import (
	"fmt"
	"iter"
	"slices"
)

// BucketOptions choose the batches for evaluation and scoring.
type BucketOptions struct {
	Lengths     []int // row lengths on offer, such as 128, 256, 512
	BatchTokens int   // rows a batch = BatchTokens / length, at least 1
	End         int32 // predicted after the last token of a document; or NoSeparator
	Pad         int32 // input where there is no token; its value has no effect
}

// Bucket is a batch of rows of one length, a document a row. Targets are the
// tokens one place on, and IgnoreTarget where there is nothing to predict.
type Bucket struct {
	Length    int
	Documents []int64 // of every row; -1 for a row that is only padding
	Starts    []int   // first place of the document in the row; above 0 in the later windows of a long one
	Counts    []int   // places to predict in the row
	Tokens    []int32 // [rows, Length]
	Targets   []int32 // [rows, Length]
}

// Buckets puts documents into the shortest row that holds them and yields the
// batches as they fill, then what is left, shortest rows first. The batch is
// overwritten after the yield. Batches of a length always have the same number
// of rows. A document longer than the longest row is continued in further rows
// that do not see the earlier ones: each of its tokens is predicted once, some
// with less context.
func Buckets(documents iter.Seq2[[]int32, error], opts BucketOptions) iter.Seq2[*Bucket, error] {
	return func(yield func(*Bucket, error) bool) {
		lengths := slices.Compact(slices.Sorted(slices.Values(opts.Lengths)))
		if len(lengths) == 0 || lengths[0] < 1 {
			yield(nil, fmt.Errorf("dataset: bucket lengths %v, want at least one, all positive", opts.Lengths))
			return
		}
		buckets := make([]*Bucket, len(lengths))
		longest := lengths[len(lengths)-1]
		var full []int32
		n := int64(-1)
		for doc, err := range documents {
			n++
			if err != nil {
				yield(nil, err)
				return
			}
			full = append(full[:0], doc...)
			if opts.End != NoSeparator {
				full = append(full, opts.End)
			}
			for start := 0; start+1 < len(full); start += longest {
				window := full[start:min(start+longest+1, len(full))]
				k, _ := slices.BinarySearch(lengths, len(window)-1)
				if buckets[k] == nil {
					buckets[k] = newBucket(lengths[k], max(1, opts.BatchTokens/lengths[k]))
				}
				b := buckets[k]
				if b.add(n, start, window, opts.Pad) {
					if !yield(b, nil) {
						return
					}
					b.clear()
				}
			}
		}
		for _, b := range buckets {
			if b == nil || len(b.Documents) == 0 {
				continue
			}
			b.pad(opts.Pad)
			if !yield(b, nil) {
				return
			}
		}
	}
}

func newBucket(length, rows int) *Bucket {
	return &Bucket{Length: length, Documents: make([]int64, 0, rows), Starts: make([]int, 0, rows), Counts: make([]int, 0, rows),
		Tokens: make([]int32, rows*length), Targets: make([]int32, rows*length)}
}

// add fills the next row and reports whether it was the last.
func (b *Bucket) add(doc int64, start int, window []int32, pad int32) bool {
	row := len(b.Documents)
	tokens, targets := b.Tokens[row*b.Length:(row+1)*b.Length], b.Targets[row*b.Length:(row+1)*b.Length]
	n := 0
	if len(window) > 0 {
		n = len(window) - 1
		copy(tokens, window[:n])
		copy(targets, window[1:])
	}
	for i := n; i < b.Length; i++ {
		tokens[i], targets[i] = pad, IgnoreTarget
	}
	b.Documents, b.Starts, b.Counts = append(b.Documents, doc), append(b.Starts, start), append(b.Counts, n)
	return len(b.Documents) == cap(b.Documents)
}

func (b *Bucket) pad(pad int32) {
	for len(b.Documents) < cap(b.Documents) {
		b.add(-1, 0, nil, pad)
	}
}

func (b *Bucket) clear() {
	b.Documents, b.Starts, b.Counts = b.Documents[:0], b.Starts[:0], b.Counts[:0]
}
