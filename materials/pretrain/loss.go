package pretrain

import (
	"errors"
	"fmt"
	"slices"

	"github.com/kiban-models/kiban/core/backend"
	"github.com/kiban-models/kiban/core/dataset"
	"github.com/kiban-models/kiban/core/graph"
	"github.com/kiban-models/kiban/core/mask"
	"github.com/kiban-models/kiban/core/nn"
	"github.com/kiban-models/kiban/core/tensor"
	"github.com/kiban-models/kiban/core/train"
	"github.com/kiban-models/kiban/materials/encoder"
)

// losses builds the cross-entropy of what is masked in rows of tokens, f32
// [rows*guesses]: of guesses places of each row, which the inputs "places" and
// "labels", i32, name. One that is not there has place and label -1, and loss 0.
func losses(s nn.Scope, c encoder.Config, rows, length, guesses int) *graph.Node {
	m := encoder.New(s, c)
	hidden := m.Hidden(encoder.Declare(s.Graph, rows, length, c.Drops()))
	n := rows * guesses
	return m.Masked().Losses(encoder.Rows(hidden, s.Graph.Input("places", tensor.I32, n)), s.Graph.Input("labels", tensor.I32, n))
}

// lossOf returns the training loss: that of what is masked, times "weights".
func lossOf(c encoder.Config, rows, length, guesses int) train.Loss {
	return func(s nn.Scope) *graph.Node {
		l := losses(s, c, rows, length, guesses)
		return graph.Dot(l, s.Graph.Input("weights", tensor.F32, l.Len()))
	}
}

// batch is the inputs of a program of one shape.
type batch struct {
	*encoder.Batch
	guesses                 int // of a row
	places, labels, weights *tensor.Tensor
	unmasked, allWords      []int32
}

func newBatch(rows, length, guesses int, pad int32) *batch {
	n := rows * guesses
	return &batch{
		Batch: encoder.NewBatch(rows, length, pad), guesses: guesses,
		places: tensor.New(tensor.I32, n), labels: tensor.New(tensor.I32, n), weights: tensor.New(tensor.F32, n),
		allWords: make([]int32, length),
	}
}

// fill masks rows of a data set. The mask of row i is that of place first + i.
// Rows past those given are one token of padding. It returns the numbers of
// tokens and of guesses.
func (b *batch) fill(d *dataset.Dataset, rows []int64, v words, m *mask.Masker, first uint64) (tokens, guesses int, err error) {
	b.Clear()
	places, labels := b.places.Int32(), b.labels.Int32()
	for i := range places {
		places[i], labels[i] = -1, -1
	}
	for i, row := range rows {
		ids, err := d.Document(b.unmasked[:0], row)
		if err != nil {
			return 0, 0, err
		}
		if len(ids) > b.Length || slices.ContainsFunc(ids, func(id int32) bool { return int(id) >= len(v.special) }) {
			return 0, 0, fmt.Errorf("pretrain: row %d has %d tokens of ids up to %d, wanted %d of %d at most; the data is damaged: prepare it again", row, len(ids), slices.Max(ids), b.Length, len(v.special))
		}
		b.unmasked = ids
		words := b.allWords[:len(ids)]
		v.number(ids, words)
		at, want := places[i*b.guesses:][:b.guesses], labels[i*b.guesses:][:b.guesses]
		n := m.Apply(first+uint64(i), ids, words, at, want)
		for k := range n {
			at[k] += int32(i * b.Length)
		}
		b.Set(i, ids)
		tokens, guesses = tokens+len(ids), guesses+n
	}
	return tokens, guesses, nil
}

// weigh makes the loss the mean over the guesses, times share.
func (b *batch) weigh(guesses int, share float32) {
	for i, l := range b.labels.Int32() {
		b.weights.Float32()[i] = 0
		if l >= 0 {
			b.weights.Float32()[i] = share / float32(guesses)
		}
	}
}

// write gives a program its inputs; the weights only if it trains.
func (b *batch) write(r backend.Runner, training bool) error {
	err := errors.Join(b.Batch.Write(r), r.Write("places", b.places), r.Write("labels", b.labels))
	if training {
		err = errors.Join(err, r.Write("weights", b.weights))
	}
	return err
}
