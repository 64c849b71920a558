package relation

import (
	"cmp"
	"maps"
	"slices"

	"github.com/kiban-models/kiban/materials/corpus"
)

// Candidates says which pairs of entities can be related: of labels that were
// related in training, in that order, and in one paragraph no farther apart
// than all but one in a hundred of them.
type Candidates struct {
	Pairs []LabelPair `json:"pairs"`
}

// LabelPair are the labels of head and tail, and the largest number of bytes
// between the two.
type LabelPair struct {
	Head   string `json:"head"`
	Tail   string `json:"tail"`
	Within int    `json:"within"`
}

// NewCandidates learns the rule from related pairs.
func NewCandidates(related []Example) Candidates {
	distances := map[[2]string][]int{}
	for _, e := range related {
		k := [2]string{e.HeadLabel, e.TailLabel}
		distances[k] = append(distances[k], e.distance())
	}
	var c Candidates
	for _, k := range slices.SortedFunc(maps.Keys(distances), func(a, b [2]string) int {
		return cmp.Or(cmp.Compare(a[0], b[0]), cmp.Compare(a[1], b[1]))
	}) {
		d := distances[k]
		slices.Sort(d)
		c.Pairs = append(c.Pairs, LabelPair{k[0], k[1], d[(len(d)*99+99)/100-1]})
	}
	return c
}

// Of returns the pairs of a document that can be related, by head, then by
// tail, without a label.
func (c Candidates) Of(d corpus.Annotated) []Example {
	within := map[[2]string]int{}
	for _, p := range c.Pairs {
		within[[2]string{p.Head, p.Tail}] = p.Within
	}
	var out []Example
	for i, h := range d.Entities {
		for j, t := range d.Entities {
			limit, ok := within[[2]string{h.Label, t.Label}]
			if !ok || i == j {
				continue
			}
			a, b := extent(h), extent(t)
			if max(a.Start-b.End, b.Start-a.End) > limit { // spares a search for the paragraph
				continue
			}
			if e, ok := example(d, i, j, ""); ok && !e.overlap() {
				out = append(out, e)
			}
		}
	}
	return out
}
