package embedding

import (
	"cmp"
	"fmt"
	"math"
	"slices"
)

// Neighbour is a word with the cosine between its vector and the question.
type Neighbour struct {
	Word       string
	Index      int
	Similarity float64
}

// Nearest are the top words by cosine to the mean of the unit vectors of
// positive words and of the negated ones of negative words (king - man +
// woman), the words of the question left out. restrict bounds the words that
// are looked at to the first of the vocabulary; 0 is all. Ties keep the order
// of the vocabulary.
func (v *Vectors) Nearest(positive, negative []string, top, restrict int) ([]Neighbour, error) {
	var at []int
	for _, w := range slices.Concat(positive, negative) {
		i, ok := v.Index(w)
		if !ok {
			return nil, fmt.Errorf("embedding: no vector of %q; ask about words of the vocabulary", w)
		}
		at = append(at, i)
	}
	if len(at) == 0 {
		return nil, errNoWords
	}
	q := v.question(at, len(positive))
	n := v.bound(restrict)
	scores := make([]float32, n)
	v.scores(n, q, 1, scores)
	return v.top(scores, at, top), nil
}

func (v *Vectors) bound(restrict int) int {
	if restrict > 0 {
		return min(restrict, len(v.Words))
	}
	return len(v.Words)
}

// question is the unit vector of the mean of unit vectors, those from the
// positive-th on negated.
func (v *Vectors) question(at []int, positive int) []float32 {
	sum := make([]float64, v.Dim)
	for k, i := range at {
		s := v.inverse[i]
		if k >= positive {
			s = -s
		}
		for d, x := range v.Row(i) {
			sum[d] += s * float64(x)
		}
	}
	norm := 0.0
	for _, x := range sum {
		norm += x * x
	}
	q := make([]float32, v.Dim)
	if norm > 0 {
		norm = 1 / math.Sqrt(norm)
	}
	for d, x := range sum {
		q[d] = float32(x * norm)
	}
	return q
}

// top picks the best of scores, already divided by the rows' lengths.
func (v *Vectors) top(scores []float32, leave []int, top int) []Neighbour {
	var best []Neighbour // descending
	for i, s := range scores {
		x := float64(s)
		if len(best) == top && (top == 0 || x <= best[top-1].Similarity) || slices.Contains(leave, i) {
			continue
		}
		k, _ := slices.BinarySearchFunc(best, x, func(n Neighbour, x float64) int {
			if n.Similarity >= x {
				return -1
			}
			return cmp.Compare(x, n.Similarity)
		})
		if len(best) == top {
			best = best[:top-1]
		}
		best = slices.Insert(best, k, Neighbour{v.Words[i], i, x})
	}
	return best
}
