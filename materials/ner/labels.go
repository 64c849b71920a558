package ner

import (
	"fmt"
	"slices"

	"github.com/kiban-models/kiban/core/crf"
	"github.com/kiban-models/kiban/materials/corpus"
	"github.com/kiban-models/kiban/materials/task"
)

// Labels returns the tags that sentences have, in the order of a model's
// labels, with the B- of every I-, and O.
func Labels(sentences []corpus.Tagged) []string {
	has := map[string]bool{"O": true}
	for _, s := range sentences {
		for _, t := range s.Tags {
			has[t] = true
			if len(t) > 2 && t[:2] == "I-" {
				has["B-"+t[2:]] = true
			}
		}
	}
	var labels []string
	for l := range has {
		labels = append(labels, l)
	}
	crf.Sort(labels)
	return labels
}

// Numbers returns the labels' numbers of a sentence's tags. A tag that is none
// of the labels is an error that names file, line and all labels.
func Numbers(file string, s corpus.Tagged, labels []string) ([]int32, error) {
	out := make([]int32, len(s.Tags))
	for i, t := range s.Tags {
		at := slices.Index(labels, t)
		if at < 0 {
			where := fmt.Sprintf("%s:%d", file, s.Line+i)
			if s.Line == 0 { // of a document that is no file of columns
				where = file + ": " + s.Doc
			}
			return nil, fmt.Errorf("%s: the tag %.60q of %.60q is none of the model's labels %s; use a file with these labels, or train a model of its own", where, t, s.Words[i], task.Some(labels))
		}
		out[i] = int32(at)
	}
	return out, nil
}
