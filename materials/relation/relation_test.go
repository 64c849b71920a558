package relation_test

import (
	"errors"
	"fmt"
	"slices"
	"strings"
	"testing"

	"github.com/kiban-models/kiban/materials/corpus"
	"github.com/kiban-models/kiban/materials/relation"
)

// document has entities where the text has [label surface], and relations
// between them by their numbers.
func document(id, marked string, relations ...corpus.Relation) corpus.Annotated {
	d := corpus.Annotated{Document: corpus.Document{ID: id}, Relations: relations}
	for {
		before, rest, ok := strings.Cut(marked, "[")
		d.Text += before
		if !ok {
			return d
		}
		inner, after, _ := strings.Cut(rest, "]")
		label, surface, _ := strings.Cut(inner, " ")
		start := len(d.Text)
		d.Text += surface
		d.Entities = append(d.Entities, corpus.Entity{Label: label, Spans: []corpus.Span{{Start: start, End: len(d.Text)}}})
		marked = after
	}
}

func rel(label string, head, tail int) corpus.Relation {
	return corpus.Relation{Label: label, Head: head, Tail: tail}
}

var docs = []corpus.Annotated{
	document("a", "[Operation heated] at [Number 400] [Unit °C] for [Number 2] [Unit h].\r\nThen [Operation cooled] to [Number 25] [Unit °C].",
		rel("Number_Of", 1, 2), rel("Number_Of", 3, 4), rel("Condition_Of", 2, 0), rel("Condition_Of", 4, 0), rel("Next_Operation", 0, 5), rel("Number_Of", 6, 7)),
	document("b", "[Material TiO2] was [Operation mixed].", rel("Participant", 1, 0)),
}

func TestPairs(t *testing.T) {
	examples, c := relation.Pairs(docs, relation.Pairing{})
	// The next operation stands in another line.
	if c.Related != 6 || c.AcrossParagraphs != 1 || c.Unrelated != 0 || len(examples) != 6 {
		t.Errorf("%+v of %d examples", c, len(examples))
	}
	e := examples[4]
	if got := fmt.Sprintf("%s|%s|%s|%s", e.Text, e.Text[e.Head.Start:e.Head.End], e.Text[e.Tail.Start:e.Tail.End], e.Label); got != "Then cooled to 25 °C.|25|°C|Number_Of" {
		t.Errorf("got %s", got)
	}
	more, c := relation.Pairs(docs, relation.Pairing{Negatives: 0.5, Seed: 3})
	// What can be related and is not: "cooled" and its unit.
	if c.Unrelated != 1 || len(more) != 7 {
		t.Errorf("%+v of %d examples", c, len(more))
	}
	for _, e := range more[6:] {
		if e.Label != relation.None {
			t.Errorf("%+v is no unrelated pair", e)
		}
		for _, r := range docs[slices.IndexFunc(docs, func(d corpus.Annotated) bool { return d.ID == e.Doc })].Relations {
			if r.Head == e.HeadAt && r.Tail == e.TailAt {
				t.Errorf("%+v is related", e)
			}
		}
	}
	again, _ := relation.Pairs(docs, relation.Pairing{Negatives: 0.5, Seed: 3})
	if fmt.Sprint(again) != fmt.Sprint(more) {
		t.Error("one seed drew two sets")
	}
}

// spell makes a token of each word and remembers it.
type spell []string

func (s *spell) ids(text string) []int32 {
	var out []int32
	for _, w := range strings.Fields(text) {
		*s = append(*s, w)
		out = append(out, int32(10+len(*s)-1))
	}
	return out
}

func (s *spell) text(ids []int32) string {
	var out []string
	for _, id := range ids {
		if id < 10 {
			out = append(out, []string{"", "CLS", "SEP", "[E1]", "[/E1]", "[E2]", "[/E2]"}[id])
			continue
		}
		out = append(out, (*s)[id-10])
	}
	return strings.Join(out, " ")
}

func TestTokens(t *testing.T) {
	special := relation.Special{CLS: 1, SEP: 2, Markers: [4]int32{3, 4, 5, 6}}
	e := relation.Example{Doc: "d", Text: "a b c HEAD d e TAIL f g h", Head: corpus.Span{Start: 6, End: 10}, Tail: corpus.Span{Start: 15, End: 19}}
	turned := e
	turned.Head, turned.Tail = e.Tail, e.Head
	for _, c := range []struct {
		e      relation.Example
		length int
		want   string
		places [2]int32
	}{
		{e, 64, "CLS a b c [E1] HEAD [/E1] d e [E2] TAIL [/E2] f g h SEP", [2]int32{4, 9}},
		{turned, 64, "CLS a b c [E2] HEAD [/E2] d e [E1] TAIL [/E1] f g h SEP", [2]int32{9, 4}},
		// Of the 10 tokens inside, 8 are the pair's: one more on each side.
		{e, 12, "CLS c [E1] HEAD [/E1] d e [E2] TAIL [/E2] f SEP", [2]int32{2, 7}},
		{e, 10, "CLS [E1] HEAD [/E1] d e [E2] TAIL [/E2] SEP", [2]int32{1, 6}},
	} {
		var s spell
		row, err := c.e.Tokens(s.ids, special, c.length)
		if err != nil {
			t.Fatal(err)
		}
		if got := s.text(row.IDs); got != c.want || row.Places != c.places {
			t.Errorf("%d tokens: got %q %v, wanted %q %v", c.length, got, row.Places, c.want, c.places)
		}
	}
	var s spell
	if _, err := e.Tokens(s.ids, special, 9); !errors.Is(err, relation.ErrLong) || !strings.Contains(err.Error(), `"HEAD" and "TAIL"`) {
		t.Errorf("a pair that is too long gave %v", err)
	}
}

func TestCandidates(t *testing.T) {
	examples, _ := relation.Pairs(docs, relation.Pairing{})
	c := relation.NewCandidates(examples)
	var pairs []string
	for _, p := range c.Pairs {
		pairs = append(pairs, fmt.Sprintf("%s %s %d", p.Head, p.Tail, p.Within))
	}
	if got := strings.Join(pairs, ", "); got != "Number Unit 1, Operation Material 5, Unit Operation 18" {
		t.Errorf("got %s", got)
	}
	found := c.Of(docs[0])
	if len(found) != 6 { // three numbers with their units, two conditions, and cooled's
		t.Errorf("%d candidates: %+v", len(found), found)
	}
}
