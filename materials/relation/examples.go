package relation

import (
	"cmp"
	"slices"
	"strings"

	"github.com/kiban-models/kiban/core/graph"
	"github.com/kiban-models/kiban/materials/corpus"
)

// None is the label of a pair that stands in no relation. The published
// recipe has no such pairs; a model that reads papers needs them.
const None = "None"

// Example is a pair of entities in its context.
type Example struct {
	Doc                  string      // the document's id
	Text                 string      // the paragraph that holds both
	Start                int         // its place in the document, in bytes
	Head, Tail           corpus.Span // in Text, in bytes
	HeadLabel, TailLabel string
	HeadAt, TailAt       int // indices of the document's entities
	Label                string
}

// Pairing are the choices of Pairs.
type Pairing struct {
	// Negatives is the number of unrelated pairs, labelled None, for each
	// related one: 0 gives the published examples, related pairs alone.
	Negatives float64
	Seed      uint64
}

// Counts says what became of a corpus's relations.
type Counts struct {
	Related, Unrelated int
	// AcrossParagraphs are relations whose entities do not share a paragraph,
	// which are left out as published; Overlapping those whose entities share
	// characters, which markers cannot show.
	AcrossParagraphs, Overlapping int
}

// Pairs returns the examples of a corpus: its relations in order, and drawn
// with Seed from the pairs that Candidates allows, unrelated ones.
func Pairs(docs []corpus.Annotated, o Pairing) ([]Example, Counts) {
	var related []Example
	var c Counts
	taken := make([]map[[2]int]bool, len(docs))
	for i, d := range docs {
		taken[i] = map[[2]int]bool{}
		for _, r := range d.Relations {
			taken[i][[2]int{r.Head, r.Tail}] = true
			switch e, ok := example(d, r.Head, r.Tail, r.Label); {
			case !ok:
				c.AcrossParagraphs++
			case e.overlap():
				c.Overlapping++
			default:
				related = append(related, e)
			}
		}
	}
	c.Related = len(related)
	if o.Negatives <= 0 {
		return related, c
	}
	// The pairs with the smallest random numbers are taken: which do not
	// depend on the order of the documents' pairs.
	type drawn struct {
		Example
		at uint32
	}
	rule, n := NewCandidates(related), uint32(0)
	var pool []drawn
	for i, d := range docs {
		for _, e := range rule.Of(d) {
			if !taken[i][[2]int{e.HeadAt, e.TailAt}] {
				e.Label = None
				pool = append(pool, drawn{e, graph.Philox(n, 0, 0, uint32(o.Seed), uint32(o.Seed>>32))})
			}
			n++
		}
	}
	order := make([]int, len(pool))
	for i := range order {
		order[i] = i
	}
	slices.SortStableFunc(order, func(a, b int) int { return cmp.Compare(pool[a].at, pool[b].at) })
	order = order[:min(len(order), int(o.Negatives*float64(len(related))+0.5))]
	slices.Sort(order)
	for _, i := range order {
		related = append(related, pool[i].Example)
	}
	c.Unrelated = len(order)
	return related, c
}

// example places two entities in the paragraph that holds both: the lines of a
// document, as published. The extent of an entity in fragments is from the
// first to the last.
func example(d corpus.Annotated, head, tail int, label string) (Example, bool) {
	h, t := extent(d.Entities[head]), extent(d.Entities[tail])
	start := strings.LastIndexByte(d.Text[:min(h.Start, t.Start)], '\n') + 1
	end := len(d.Text)
	if i := strings.IndexByte(d.Text[max(h.End, t.End):], '\n'); i >= 0 {
		end = max(h.End, t.End) + i
	}
	text := strings.TrimSuffix(d.Text[start:end], "\r")
	if strings.Contains(text, "\n") {
		return Example{}, false
	}
	return Example{
		Doc: d.ID, Text: text, Start: start,
		Head:      corpus.Span{Start: h.Start - start, End: h.End - start},
		Tail:      corpus.Span{Start: t.Start - start, End: t.End - start},
		HeadLabel: d.Entities[head].Label, TailLabel: d.Entities[tail].Label,
		HeadAt: head, TailAt: tail, Label: label,
	}, true
}

func extent(e corpus.Entity) corpus.Span {
	return corpus.Span{Start: e.Spans[0].Start, End: e.Spans[len(e.Spans)-1].End}
}

func (e Example) overlap() bool { return e.Head.Start < e.Tail.End && e.Tail.Start < e.Head.End }

// distance is the number of bytes between the entities.
func (e Example) distance() int { return max(e.Head.Start-e.Tail.End, e.Tail.Start-e.Head.End, 0) }
