package corpus

import (
	"cmp"
	"fmt"
	"slices"
)

// Overlap says what becomes of entities that share characters.
type Overlap uint8

// The policies for overlaps.
const (
	Outermost    Overlap = iota // of those that overlap, the one that begins first, or is longer
	Longest                     // the longest of all, then the next that is apart from it
	KeepOverlaps                // all
)

var overlapWords = []string{"outermost", "longest", "keep"}

// ParseOverlap reads "outermost", "longest" or "keep".
func ParseOverlap(s string) (Overlap, error) {
	if i := slices.Index(overlapWords, s); i >= 0 {
		return Overlap(i), nil
	}
	return 0, fmt.Errorf("corpus: overlap policy %q; known are %v", s, overlapWords)
}

// String returns what ParseOverlap reads.
func (o Overlap) String() string {
	if int(o) < len(overlapWords) {
		return overlapWords[o]
	}
	return fmt.Sprintf("policy(%d)", uint8(o))
}

// Hull is the stretch from the first to the last fragment of an entity.
func (e Entity) Hull() Span { return Span{e.Spans[0].Start, e.Spans[len(e.Spans)-1].End} }

// Keep leaves the entities for which keep is true, and the relations between
// them, and returns how many entities it left out.
func (a *Annotated) Keep(keep func(i int) bool) (dropped int) {
	to := make([]int, len(a.Entities))
	var entities []Entity
	for i, e := range a.Entities {
		to[i] = -1
		if keep(i) {
			to[i] = len(entities)
			entities = append(entities, e)
		}
	}
	var relations []Relation
	for _, r := range a.Relations {
		if r.Head, r.Tail = to[r.Head], to[r.Tail]; r.Head >= 0 && r.Tail >= 0 {
			relations = append(relations, r)
		}
	}
	dropped = len(a.Entities) - len(entities)
	a.Entities, a.Relations = entities, relations
	return dropped
}

// Resolve leaves out entities that overlap others, by the hulls of those in
// fragments, and returns how many.
func (a *Annotated) Resolve(o Overlap) (dropped int) {
	if o == KeepOverlaps {
		return 0
	}
	order := make([]int, len(a.Entities))
	for i := range order {
		order[i] = i
	}
	length := func(s Span) int { return s.End - s.Start }
	slices.SortStableFunc(order, func(i, j int) int {
		x, y := a.Entities[i].Hull(), a.Entities[j].Hull()
		if o == Longest {
			return cmp.Or(cmp.Compare(length(y), length(x)), cmp.Compare(x.Start, y.Start))
		}
		return cmp.Or(cmp.Compare(x.Start, y.Start), cmp.Compare(length(y), length(x)))
	})
	kept := make([]bool, len(a.Entities))
	var taken []Span // ascending, apart
	for _, i := range order {
		s := a.Entities[i].Hull()
		at, _ := slices.BinarySearchFunc(taken, s.Start, func(x Span, start int) int { return cmp.Compare(x.End, start+1) })
		if at < len(taken) && taken[at].Start < s.End {
			continue
		}
		taken, kept[i] = slices.Insert(taken, at, s), true
	}
	return a.Keep(func(i int) bool { return kept[i] })
}
