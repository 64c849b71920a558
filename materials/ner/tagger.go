package ner

import (
	"context"
	"errors"
	"math"

	"github.com/kiban-models/kiban/materials/task"
)

// Tagger finds entities in sentences.
type Tagger struct {
	Tokenizer Tokenizer
	Frame     Frame
	Session   *task.Session
	Decoder   *Decoder

	aggregate Aggregate // "" is First
}

// Sentence is what a tagger says of one.
type Sentence struct {
	Scores   [][]float32 // of each word; nil if it has no piece
	Tags     []int
	Entities []Entity
}

var errNotFinite = errors.New("the model's scores are no finite numbers; its weights are damaged, or --precision f16 is too small for it")

// Tag labels sentences of words. What it says of one does not depend on the
// others.
func (t *Tagger) Tag(ctx context.Context, sentences [][]string) ([]Sentence, error) {
	out := make([]Sentence, len(sentences))
	windows := make([][]Window, len(sentences))
	scores := make([][][][]float32, len(sentences))
	var rows []task.Row
	type place struct{ sentence, window int }
	var of []place
	for i, words := range sentences {
		windows[i] = Windows(t.Tokenizer, t.Frame, words, nil)
		scores[i] = make([][][]float32, len(windows[i]))
		for j, w := range windows[i] {
			row := w.Row
			if t.aggregate == Average || t.aggregate == Max {
				row = allPieces(row)
			}
			rows, of = append(rows, row), append(of, place{i, j})
		}
	}
	err := t.Session.Run(ctx, rows, func(row int, s [][]float32) error {
		at := of[row]
		if t.aggregate == Average || t.aggregate == Max {
			s = t.together(windows[at.sentence][at.window], s)
		}
		for _, scores := range s {
			for _, x := range scores {
				if math.IsNaN(float64(x)) || math.IsInf(float64(x), 0) {
					return errNotFinite
				}
			}
		}
		scores[at.sentence][at.window] = s
		return nil
	})
	if err != nil {
		return nil, err
	}
	for i, words := range sentences {
		s := merge(len(words), windows[i], scores[i])
		tags, entities := t.Decoder.Decode(s)
		out[i] = Sentence{s, tags, entities}
	}
	return out, nil
}
