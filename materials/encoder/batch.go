package encoder

import (
	"errors"

	"github.com/kiban-models/kiban/core/backend"
	"github.com/kiban-models/kiban/core/tensor"
)

// Batch is the texts of a pass, as Declare has them: rows of tokens of one
// padded length.
type Batch struct {
	Rows, Length int
	tokens       *tensor.Tensor
	positions    *tensor.Tensor
	types        *tensor.Tensor
	lengths      *tensor.Tensor
	pad          int32
}

// NewBatch returns a batch without texts.
func NewBatch(rows, length int, pad int32) *Batch {
	ints := func(shape ...int) *tensor.Tensor { return tensor.New(tensor.I32, shape...) }
	b := &Batch{rows, length, ints(rows, length), ints(rows, length), ints(rows, length), ints(rows), pad}
	for i := range b.positions.Int32() {
		b.positions.Int32()[i] = int32(i % length)
	}
	b.Clear()
	return b
}

// Clear takes the texts out. A text that is not there is one token of padding:
// attention to nothing would be as good, but for its statistics.
func (b *Batch) Clear() {
	for i := range b.tokens.Int32() {
		b.tokens.Int32()[i] = b.pad
	}
	for i := range b.lengths.Int32() {
		b.lengths.Int32()[i] = 1
	}
}

// Set puts a text, of at most Length tokens, into a row that has none.
func (b *Batch) Set(row int, text []int32) {
	copy(b.tokens.Int32()[row*b.Length:], text)
	b.lengths.Int32()[row] = int32(len(text))
}

// Write gives a program the texts.
func (b *Batch) Write(r backend.Runner) error {
	return errors.Join(r.Write("tokens", b.tokens), r.Write("positions", b.positions), r.Write("types", b.types), r.Write("lengths", b.lengths))
}
