package ner

import (
	"fmt"
	"math"
	"slices"

	"github.com/kiban-models/kiban/materials/task"
)

// Aggregate says which pieces of a word decide its label, under the names of
// transformers' token-classification pipeline. Its "simple" is not here: it
// labels pieces, and may find half a word.
type Aggregate string

// The ways.
const (
	First   Aggregate = "first"   // the first, as models are taught
	Average Aggregate = "average" // all, by the mean of their probabilities
	Max     Aggregate = "max"     // the one that is surest
)

// Aggregates are the ways in the order in which they are told.
var Aggregates = []string{string(First), string(Average), string(Max)}

// SetAggregate chooses which pieces decide. A chain goes by first pieces alone,
// on which it was trained.
func (t *Tagger) SetAggregate(how Aggregate) error {
	if !slices.Contains(Aggregates, string(how)) {
		return fmt.Errorf("ner: no way %q to label words; give one of %q", how, Aggregates)
	}
	if how != First && t.Decoder.chain {
		return fmt.Errorf("a CRF labels words by their first pieces, as it was trained; %q is for models with a linear head", how)
	}
	t.aggregate = how
	return nil
}

// allPieces is a row that looks at every piece.
func allPieces(r task.Row) task.Row {
	places := make([]int32, len(r.IDs)-2)
	for i := range places {
		places[i] = int32(i + 1)
	}
	return task.Row{IDs: r.IDs, Places: places}
}

// together makes scores of words of those of all pieces of a window.
func (t *Tagger) together(w Window, pieces [][]float32) [][]float32 {
	out := make([][]float32, len(w.Words))
	for i, first := range w.Row.Places {
		past := int32(len(pieces) + 1)
		if i+1 < len(w.Row.Places) {
			past = w.Row.Places[i+1]
		}
		out[i] = word(t.aggregate, pieces[first-1:past-1])
	}
	return out
}

// word returns the logs of a word's probabilities.
func word(how Aggregate, pieces [][]float32) []float32 {
	sum := make([]float64, len(pieces[0]))
	top := 0.0
	for _, piece := range pieces {
		p := task.Softmax(piece)
		switch best := slices.Max(p); {
		case how == Average:
			for i, v := range p {
				sum[i] += v / float64(len(pieces))
			}
		case best > top:
			top = best
			copy(sum, p)
		}
	}
	out := make([]float32, len(sum))
	for i, p := range sum {
		out[i] = float32(math.Log(max(p, 1e-30)))
	}
	return out
}
