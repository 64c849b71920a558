package corpus

import (
	"cmp"
	"slices"
	"sort"
)

// TagOptions are the choices of Tags.
type TagOptions struct {
	// Sentences and Words cut the text; nil is this package's.
	Sentences, Words func(text string) []Span
	Overlap          Overlap
	// DropInside leaves out entities that begin or end inside a word, where
	// they are widened to it otherwise.
	DropInside bool
}

// Tagging counts what did not fit into tags.
type Tagging struct {
	Entities   int // that the tags have
	Overlaps   int // left out for another
	Widened    int // to whole words
	Inside     int // left out, for their ends are inside words
	Crossing   int // left out, for they go over the end of a sentence
	Fragmented int // made whole, since tags know no gaps
	Wordless   int // left out, for no word is in them
}

// Tags returns the sentences of a document with a tag a word, IOB2.
func (a *Annotated) Tags(o TagOptions) ([]Tagged, Tagging) {
	if o.Sentences == nil {
		o.Sentences = Sentences
	}
	if o.Words == nil {
		o.Words = Words
	}
	var n Tagging
	b := Annotated{Document: a.Document, Entities: slices.Clone(a.Entities)}
	// Tags cannot keep overlaps.
	if o.Overlap == KeepOverlaps {
		o.Overlap = Outermost
	}
	n.Overlaps = b.Resolve(o.Overlap)
	slices.SortFunc(b.Entities, func(x, y Entity) int { return cmp.Compare(x.Hull().Start, y.Hull().Start) })
	var all []Tagged
	next := 0 // the entity
	for _, s := range o.Sentences(a.Text) {
		t := Tagged{Doc: a.ID}
		words := o.Words(a.Text[s.Start:s.End])
		for i, w := range words {
			words[i] = Span{w.Start + s.Start, w.End + s.Start}
			t.Words, t.Tags = append(t.Words, a.Text[words[i].Start:words[i].End]), append(t.Tags, "O")
		}
		for ; next < len(b.Entities) && b.Entities[next].Hull().Start < s.End; next++ {
			n.tag(t.Tags, words, b.Entities[next], s, o)
		}
		if len(words) > 0 {
			all = append(all, t)
		}
	}
	n.Wordless += len(b.Entities) - next
	return all, n
}

// tag writes the tags of an entity.
func (n *Tagging) tag(tags []string, words []Span, e Entity, sentence Span, o TagOptions) {
	h := e.Hull()
	if h.End > sentence.End {
		n.Crossing++
		return
	}
	first := sort.Search(len(words), func(i int) bool { return words[i].End > h.Start })
	past := sort.Search(len(words), func(i int) bool { return words[i].Start >= h.End })
	if first >= past {
		n.Wordless++
		return
	}
	if words[first].Start < h.Start || words[past-1].End > h.End {
		if o.DropInside {
			n.Inside++
			return
		}
		n.Widened++
		if tags[first] != "O" { // a word that another was widened to
			if first++; first == past {
				n.Widened--
				n.Overlaps++
				return
			}
		}
	}
	if len(e.Spans) > 1 {
		n.Fragmented++
	}
	n.Entities++
	for i := first; i < past; i++ {
		tags[i] = "I-" + e.Label
	}
	tags[first] = "B-" + e.Label
}

// EntitiesOf returns the entities of a sentence's words and their tags, IOB2:
// an I- that goes on nothing begins one.
func EntitiesOf(words []Span, tags []string) []Entity {
	var all []Entity
	label := ""
	for i, t := range tags {
		if len(t) < 3 || t[1] != '-' {
			label = ""
			continue
		}
		if t[0] == 'I' && t[2:] == label {
			all[len(all)-1].Spans[0].End = words[i].End
			continue
		}
		label = t[2:]
		all = append(all, Entity{Label: label, Spans: []Span{words[i]}})
	}
	return all
}
