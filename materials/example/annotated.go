package example

import (
	"embed"
	"fmt"
	"strings"

	"github.com/kiban-models/kiban/materials/corpus"
)

// annotated.txt has an abstract after a line "== ID SPLIT TOPIC", a sentence a
// line, the title first. {MAT LiFePO4} marks an entity.
//
//go:embed annotated.txt README.md documents
var files embed.FS

// The splits and labels that there are.
var (
	Splits = []string{"train", "dev", "test"}
	Labels = []string{"MAT", "SPL", "DSC", "PRO", "APL", "SMT", "CMT"}
)

// Abstract is an annotated abstract: its title, an empty line and its sentences.
type Abstract struct {
	corpus.Annotated
	Split, Topic string
	Sentences    []corpus.Span // the title is the first
}

// Abstracts returns the annotated abstracts in the order of the file.
func Abstracts() ([]Abstract, error) {
	b, err := files.ReadFile("annotated.txt")
	if err != nil {
		return nil, err
	}
	return parse("annotated.txt", string(b))
}

func parse(name, text string) ([]Abstract, error) {
	var all []Abstract
	for i, line := range strings.Split(text, "\n") {
		fail := func(format string, args ...any) error {
			return fmt.Errorf("%s:%d: %s", name, i+1, fmt.Sprintf(format, args...))
		}
		if head, ok := strings.CutPrefix(line, "== "); ok {
			f := strings.Fields(head)
			if len(f) != 3 {
				return nil, fail("%q; wanted an id, a split and a topic", head)
			}
			all = append(all, Abstract{Split: f[1], Topic: f[2]})
			all[len(all)-1].ID = f[0]
			continue
		}
		if line == "" {
			continue
		}
		if len(all) == 0 {
			return nil, fail("a sentence before the first abstract")
		}
		if err := all[len(all)-1].add(line); err != nil {
			return nil, fail("%v", err)
		}
	}
	return all, nil
}

// add appends a marked sentence.
func (a *Abstract) add(line string) error {
	switch len(a.Sentences) {
	case 0:
	case 1:
		a.Title = a.Text
		a.Text += "\n\n"
	default:
		a.Text += " "
	}
	start := len(a.Text)
	for line != "" {
		plain, rest, marked := strings.Cut(line, "{")
		a.Text += plain
		if !marked {
			break
		}
		mark, after, closed := strings.Cut(rest, "}")
		label, surface, named := strings.Cut(mark, " ")
		if !closed || !named || surface == "" {
			return fmt.Errorf("the mark {%s is not of the form {LABEL words}", mark)
		}
		at := corpus.Span{Start: len(a.Text), End: len(a.Text) + len(surface)}
		a.Entities = append(a.Entities, corpus.Entity{
			ID: fmt.Sprintf("T%d", len(a.Entities)+1), Label: label, Spans: []corpus.Span{at},
		})
		a.Text += surface
		line = after
	}
	a.Sentences = append(a.Sentences, corpus.Span{Start: start, End: len(a.Text)})
	return nil
}

// Tagged returns the sentences as words with IOB2 tags. An entity that begins or
// ends within a word is an error.
func (a Abstract) Tagged() ([]corpus.Tagged, error) {
	sentences := func(string) []corpus.Span { return a.Sentences }
	tagged, n := a.Tags(corpus.TagOptions{Sentences: sentences, DropInside: true})
	if n.Entities == len(a.Entities) {
		return tagged, nil
	}
	for _, e := range a.Entities { // which
		alone := corpus.Annotated{Document: a.Document, Entities: []corpus.Entity{e}}
		if _, n := alone.Tags(corpus.TagOptions{Sentences: sentences, DropInside: true}); n.Entities == 0 {
			return nil, fmt.Errorf("%s: %q begins or ends within a word; mark all of it", a.ID, a.Text[e.Spans[0].Start:e.Spans[0].End])
		}
	}
	return nil, fmt.Errorf("%s: %d entities of %d overlap others", a.ID, n.Overlaps, len(a.Entities))
}
