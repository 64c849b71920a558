package ner

import (
	"fmt"
	"math"
	"slices"
	"strings"

	"github.com/kiban-models/kiban/core/crf"
)

// Entity is a stretch of words that makes one.
type Entity struct {
	Label       string
	First, Past int // words
	// Score is the probability that just these words are an entity of the
	// label, among all legal labels of the sentence: of a chain by its own
	// weights, else with the words independent but for what is legal.
	Score float64
}

// Decoder turns scores of words into entities.
type Decoder struct {
	labels  []string
	weights crf.Weights
	outside int // the label O
	chain   bool
}

// NewDecoder returns the decoder of a head. weights are those of a chain, nil
// of a linear head. Labels must be BIO, with O.
func NewDecoder(labels []string, weights *crf.Weights) (*Decoder, error) {
	moves, err := crf.NewMoves(labels)
	if err != nil {
		return nil, err
	}
	d := &Decoder{labels: labels, outside: slices.Index(labels, "O"), chain: weights != nil}
	if d.outside < 0 {
		return nil, fmt.Errorf("ner: the labels %q have no O", labels)
	}
	if weights == nil {
		d.weights = moves.Weights()
		return d, nil
	}
	// What training left of the forbidden moves is made sure of.
	d.weights = crf.Weights{
		Labels: weights.Labels, Transitions: slices.Clone(weights.Transitions),
		Start: slices.Clone(weights.Start), End: slices.Clone(weights.End),
	}
	return d, moves.Forbid(d.weights)
}

// Labels returns the labels.
func (d *Decoder) Labels() []string { return d.labels }

// Decode returns the label of each word and the entities. scores are those of
// the words, nil for a word that the model did not see, which is O.
func (d *Decoder) Decode(scores [][]float32) (tags []int, entities []Entity) {
	var seen []int // words with scores
	var emissions []float32
	for i, s := range scores {
		if s == nil {
			continue
		}
		seen = append(seen, i)
		emissions = append(emissions, s...)
	}
	tags = make([]int, len(scores))
	for i := range tags {
		tags[i] = d.outside
	}
	if len(seen) == 0 {
		return tags, nil
	}
	path, _ := d.weights.Viterbi(emissions)
	var lattice *crf.Lattice
	for at := 0; at < len(path); at++ {
		tags[seen[at]] = path[at]
		kind, ok := strings.CutPrefix(d.labels[path[at]], "B-")
		if !ok {
			continue
		}
		inside := slices.Index(d.labels, "I-"+kind)
		end := at + 1
		for end < len(path) && inside >= 0 && path[end] == inside {
			tags[seen[end]] = inside
			end++
		}
		if lattice == nil {
			lattice = d.weights.Lattice(emissions)
		}
		p := lattice.Stretch(at, path[at:end])
		if end < len(path) && inside >= 0 {
			p -= lattice.Stretch(at, append(slices.Clone(path[at:end]), inside))
		}
		entities = append(entities, Entity{kind, seen[at], seen[end-1] + 1, min(1, max(0, p))})
		at = end - 1
	}
	// A word between two of an entity that the model did not see belongs to it.
	for _, e := range entities {
		for w := e.First + 1; w < e.Past; w++ {
			tags[w] = slices.Index(d.labels, "I-"+e.Label)
		}
	}
	return tags, entities
}

// Loss returns the loss of a sentence whose words should have the labels, as
// training has it: of a chain that of the sentence, else the sum over its
// words; and what it is to be divided by.
func (d *Decoder) Loss(scores [][]float32, labels []int32) (nats float64, n int) {
	var emissions []float32
	var path []int
	for i, s := range scores {
		if s == nil || labels[i] < 0 {
			continue
		}
		if d.chain {
			emissions, path = append(emissions, s...), append(path, int(labels[i]))
			continue
		}
		top, sum := slices.Max(s), 0.0
		for _, x := range s {
			sum += math.Exp(float64(x - top))
		}
		nats += math.Log(sum) + float64(top-s[labels[i]])
		n++
	}
	if d.chain && len(path) > 0 {
		return -d.weights.Lattice(emissions).LogLikelihood(path), 1
	}
	return nats, n
}
