package ner

import (
	"context"

	"github.com/kiban-models/kiban/core/metric"
	"github.com/kiban-models/kiban/core/train"
	"github.com/kiban-models/kiban/materials/corpus"
)

// Evaluation is what a tagger comes to on sentences whose tags are known.
type Evaluation struct {
	Loss      float64 // nats a word, of a chain a sentence
	Entities  metric.Entities
	Sentences []Sentence
}

// Evaluate tags sentences and holds them against their tags, whose numbers
// are numbers.
func (t *Tagger) Evaluate(ctx context.Context, sentences []corpus.Tagged, numbers [][]int32) (Evaluation, error) {
	words := make([][]string, len(sentences))
	for i, s := range sentences {
		words[i] = s.Words
	}
	var e Evaluation
	var err error
	if e.Sentences, err = t.Tag(ctx, words); err != nil {
		return e, err
	}
	labels := t.Decoder.Labels()
	nats, n := 0.0, 0
	for i, s := range e.Sentences {
		found := make([]string, len(s.Tags))
		for j, l := range s.Tags {
			found[j] = labels[l]
		}
		e.Entities.Add(sentences[i].Tags, found)
		x, count := t.Decoder.Loss(s.Scores, numbers[i])
		nats, n = nats+x, n+count
	}
	e.Loss = nats / float64(max(1, n))
	return e, nil
}

// Scores are the numbers of the history: entities' micro-F1 decides.
func (e Evaluation) Scores() train.Evaluation {
	m := e.Entities.Micro()
	return train.Evaluation{Loss: e.Loss, By: "f1", Scores: train.Scores{
		"f1": m.F1(), "precision": m.Precision(), "recall": m.Recall(), "macro_f1": e.Entities.MacroF1(), "accuracy": e.Entities.Accuracy(),
	}}
}
