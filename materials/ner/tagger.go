package ner

import (
	"context"

	"github.com/kiban-models/kiban/materials/task"
)

// Tagger finds entities in sentences.
type Tagger struct {
	Tokenizer Tokenizer
	Frame     Frame
	Session   *task.Session
	Decoder   *Decoder
}

// Sentence is what a tagger says of one.
type Sentence struct {
	Scores   [][]float32 // of each word; nil if it has no piece
	Tags     []int
	Entities []Entity
}

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
			rows, of = append(rows, w.Row), append(of, place{i, j})
		}
	}
	err := t.Session.Run(ctx, rows, func(row int, s [][]float32) error {
		scores[of[row].sentence][of[row].window] = s
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
