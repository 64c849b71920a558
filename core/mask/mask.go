// Package mask chooses what a masked language model must guess: BERT's
// objective (Devlin et al. 2019) over whole words, as Google's
// create_pretraining_data with do_whole_word_mask and transformers'
// DataCollatorForWholeWordMask (up to version 4) have it.
//
//   - A sequence of n tokens, [CLS] and [SEP] counted and padding not, gets
//     max(1, round(0.15·n)) predictions (a half rounds to even, as in Python),
//     at most Most.
//   - Words are taken in random order, all of their tokens together; a word that
//     would make too many is passed over, so there may be fewer. A sequence all
//     of whose words are longer gets none.
//   - Each chosen token by itself becomes [MASK] with probability 0.8, a random
//     token with 0.1, and stays with 0.1.
//
// All chance is Philox by (seed, place, token): the masks of a place are the
// same after a resume and whatever is in the batch beside it, and another place
// (the next epoch's) has others.
package mask

import (
	"cmp"
	"fmt"
	"math"
	"slices"

	"github.com/kiban-models/kiban/core/graph"
)

// Share is BERT's share of tokens that are to be predicted.
const Share = 0.15

// Options are the choices of New.
type Options struct {
	Seed  uint64
	Share float64 // of tokens that are predicted; 0 means 0.15
	Most  int     // predictions of a sequence; 0 means as many as Share gives
	Mask  int32   // id of [MASK]
	Vocab int     // ids are 0 to Vocab-1
	// Special are ids that no token is replaced by at random, [MASK] among
	// them or not. (The published code draws from all ids.)
	Special []int32
}

// Masker makes masks. It may be used from many goroutines.
type Masker struct {
	opt     Options
	special []int32 // in order, each once
}

// New checks the options.
func New(o Options) (*Masker, error) {
	if o.Share == 0 {
		o.Share = Share
	}
	special := slices.Clone(o.Special)
	slices.Sort(special)
	special = slices.Compact(special)
	switch {
	case !(o.Share > 0 && o.Share <= 1):
		return nil, fmt.Errorf("mask: share %g of tokens; it must be above 0 and at most 1", o.Share)
	case o.Most < 0:
		return nil, fmt.Errorf("mask: at most %d predictions; give 0 for no bound", o.Most)
	case o.Vocab <= 0 || o.Mask < 0 || int(o.Mask) >= o.Vocab:
		return nil, fmt.Errorf("mask: the mask's id %d is not in the vocabulary of %d", o.Mask, o.Vocab)
	case len(special) > 0 && (special[0] < 0 || int(special[len(special)-1]) >= o.Vocab):
		return nil, fmt.Errorf("mask: special ids %d are not all in the vocabulary of %d", special, o.Vocab)
	case len(special) == o.Vocab:
		return nil, fmt.Errorf("mask: all %d ids are special; none is left to draw", o.Vocab)
	}
	return &Masker{o, special}, nil
}

// Predictions returns how many tokens of a sequence of n are predicted at most:
// the size of what Apply fills for the longest sequence.
func (m *Masker) Predictions(n int) int {
	p := max(1, int(math.RoundToEven(m.opt.Share*float64(n))))
	if m.opt.Most > 0 {
		p = min(p, m.opt.Most)
	}
	return min(p, n)
}

// What a random number decides.
const (
	order = iota // of words
	fate         // of a token
	other        // the token in its stead
	decisions
)

func (m *Masker) draw(place uint64, token, decision int) uint32 {
	return graph.Philox(uint32(token*decisions+decision), uint32(place), uint32(place>>32), uint32(m.opt.Seed), uint32(m.opt.Seed>>32))
}

// Apply masks one sequence in ids, without padding. words has each token's word:
// neighbours of one number are a word, and a negative number is a token that is
// never masked, such as [CLS]. The places of what is to be predicted go to at,
// ascending, and the ids that were there to labels; the rest of both is filled
// with -1, so that they are a static shape to gather with and labels of no loss.
// It returns their number. at and labels must have room for Predictions(len(ids)).
// place is the number of the sequence among all that are ever masked, say step ·
// batch + row.
func (m *Masker) Apply(place uint64, ids, words, at, labels []int32) int {
	most := m.Predictions(len(ids))
	if len(words) != len(ids) || len(at) < most || len(labels) != len(at) {
		panic(fmt.Sprintf("mask: %d tokens with %d words, and room for %d places and %d labels", len(ids), len(words), len(at), len(labels)))
	}
	type word struct {
		from, to int
		key      uint32
	}
	var all []word
	for i := 0; i < len(ids); {
		to := i + 1
		for to < len(ids) && words[to] == words[i] {
			to++
		}
		if words[i] >= 0 {
			all = append(all, word{i, to, m.draw(place, i, order)})
		}
		i = to
	}
	slices.SortFunc(all, func(a, b word) int {
		return cmp.Or(cmp.Compare(a.key, b.key), cmp.Compare(a.from, b.from))
	})
	n := 0
	for _, w := range all {
		if n+w.to-w.from > most {
			continue
		}
		for i := w.from; i < w.to; i++ {
			at[n] = int32(i)
			n++
		}
	}
	slices.Sort(at[:n])
	for k, i := range at[:n] {
		labels[k] = ids[i]
		ids[i] = m.instead(place, int(i), ids[i])
	}
	for k := n; k < len(at); k++ {
		at[k], labels[k] = -1, -1
	}
	return n
}

// instead returns what stands at a chosen token's place.
func (m *Masker) instead(place uint64, token int, id int32) int32 {
	switch u := float64(graph.Uniform(m.draw(place, token, fate))); {
	case u < 0.8:
		return m.opt.Mask
	case u >= 0.9:
		return id
	}
	left := uint64(m.opt.Vocab - len(m.special))
	drawn := int32(uint64(m.draw(place, token, other)) * left >> 32)
	for _, s := range m.special {
		if drawn >= s {
			drawn++
		}
	}
	return drawn
}

// Words numbers the words of WordPiece tokens for Apply: a token that continues
// ("##ing") belongs to the word before it, and a special one to none. words is
// as long as ids.
func Words(ids, words []int32, continues, special func(id int32) bool) {
	n := int32(-1)
	before := false // the token before is part of a word
	for i, id := range ids {
		if special(id) {
			words[i], before = -1, false
			continue
		}
		if !before || !continues(id) {
			n++
		}
		words[i], before = n, true
	}
}
