package corpus

import (
	"bufio"
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"iter"
	"path"
	"sort"
	"strings"

	"github.com/kiban-models/kiban/core/packed"
)

// ListCounts counts the records of ReadLists that gave no document.
type ListCounts struct {
	Rejected, Ignored, Unanswered int // by the annotator
}

// span is an entity of a record.
type span struct {
	Start      int     `json:"start"` // code points
	End        int     `json:"end"`
	Label      string  `json:"label"`
	Text       *string `json:"text,omitempty"`
	Score      float64 `json:"score,omitempty"`
	Normalized string  `json:"normalized,omitempty"`
	TokenStart *int    `json:"token_start,omitempty"`
	TokenEnd   *int    `json:"token_end,omitempty"` // the last, as Prodigy counts
}

// ReadLists reads annotated documents, a record of JSON a line: Prodigy's and
// spaCy's tasks {text, spans: [{start, end, label}]}, spaCy's training data
// {text, entities: [[start, end, label]]}, and what kiban itself writes, whose
// entities have scores and are followed by relations between them. Places are
// code points. Records whose answer is not accept are counted in n, which may
// be nil, and left out. A record that is wrong, for its spans leave the text or
// their text is another, is an [*Error]; the next is read.
func ReadLists(r io.Reader, name string, o Options, n *ListCounts) iter.Seq2[Annotated, error] {
	return func(yield func(Annotated, error) bool) {
		_, id := bySuffix(path.Base(name))
		stopped := false
		f := &file{name: name, id: id, opt: o}
		f.yield = func(_ Document, err error) bool {
			stopped = !yield(Annotated{}, err)
			return !stopped
		}
		p, err := packed.NewReader(r)
		if err != nil {
			f.ioError(err)
			return
		}
		defer p.Close()
		in := &lines{r: bufio.NewReader(p), max: o.maxBytes()}
		for !stopped {
			line, err := in.next()
			switch {
			case errors.Is(err, io.EOF):
				return
			case err != nil:
				f.ioError(err)
				return
			case in.over:
				f.tooLong(in.n, "a line")
			case len(bytes.TrimSpace(line)) > 0:
				if a := f.list(bytes.TrimPrefix(line, []byte("\xef\xbb\xbf")), in.n, n); a != nil && !yield(*a, nil) {
					return
				}
			}
		}
	}
}

// list reads a record; nil is one that was left out, or an error.
func (f *file) list(line []byte, at int, n *ListCounts) *Annotated {
	if i := firstInvalid(line); i < len(line) {
		f.invalidUTF8(at, line)
		return nil
	}
	rec, ok := f.fields(line, at)
	if !ok {
		return nil
	}
	if loneSurrogates(line) > 0 {
		f.fail(at, "half of a surrogate pair, such as \\ud835 alone, is no character", "write the record anew", nil)
		return nil
	}
	if answer := rec.scalar("answer"); answer != "" && answer != "accept" {
		if n != nil {
			switch answer {
			case "reject":
				n.Rejected++
			case "ignore":
				n.Ignored++
			default:
				n.Unanswered++
			}
		}
		return nil
	}
	d := rec.document()
	if d == nil || rec["text"] == nil {
		f.fail(at, fmt.Sprintf("a record without text: its keys are %s", rec.keys()), "a record has text and spans or entities", nil)
		return nil
	}
	d.Source = f.name
	if d.ID == "" {
		d.ID = f.numbered(at)
	}
	a := &Annotated{Document: *d}
	if err := a.take(rec); err != nil {
		f.fail(at, fmt.Sprintf("document %.60q: %v", d.ID, err), "mend the record; places count code points from 0, the end excluded", err)
		return nil
	}
	return a
}

// take reads the entities and relations of a record.
func (a *Annotated) take(rec fields) error {
	points := NewPoints(a.Text)
	for _, key := range []string{"spans", "entities"} {
		var items []json.RawMessage
		if v := rec[key]; !empty(v) {
			if err := json.Unmarshal(v, &items); err != nil {
				return fmt.Errorf("%s is no list", key)
			}
		}
		for i, item := range items {
			s, err := readSpan(item)
			if err != nil {
				return fmt.Errorf("%s %d: %w", key, i+1, err)
			}
			from, ok1 := points.Byte(s.Start)
			to, ok2 := points.Byte(s.End)
			if !ok1 || !ok2 || from >= to {
				return fmt.Errorf("%s %d: %d to %d leaves the text, which has %d characters, or is empty", key, i+1, s.Start, s.End, points.Of(len(a.Text)))
			}
			if s.Text != nil && *s.Text != a.Text[from:to] {
				return fmt.Errorf("%s %d: it says %.60q, the text at %d to %d is %.60q", key, i+1, *s.Text, s.Start, s.End, a.Text[from:to])
			}
			if s.Label == "" {
				return fmt.Errorf("%s %d has no label", key, i+1)
			}
			a.Entities = append(a.Entities, Entity{Label: s.Label, Spans: []Span{{from, to}}, Score: s.Score, Normalized: s.Normalized})
		}
	}
	return a.takeRelations(rec["relations"], points)
}

// readSpan reads an object, or [start, end, label].
func readSpan(v json.RawMessage) (s span, err error) {
	if len(v) > 0 && v[0] == '[' {
		var list []json.RawMessage
		if err := json.Unmarshal(v, &list); err != nil || len(list) != 3 {
			return s, errors.New("a list must be [start, end, label]")
		}
		if json.Unmarshal(list[0], &s.Start) != nil || json.Unmarshal(list[1], &s.End) != nil || json.Unmarshal(list[2], &s.Label) != nil {
			return s, errors.New("a list must be [start, end, label]")
		}
		return s, nil
	}
	if err := json.Unmarshal(v, &s); err != nil {
		return s, errors.New("it must have start, end and label")
	}
	return s, nil
}

// takeRelations reads them: between entities by number, as kiban writes them,
// or between spans, as Prodigy does.
func (a *Annotated) takeRelations(v json.RawMessage, points *Points) error {
	var list []struct {
		Head      json.RawMessage `json:"head"`
		Tail      *int            `json:"tail"`
		Label     string          `json:"label"`
		Score     float64         `json:"score"`
		HeadSpan  *span           `json:"head_span"`
		ChildSpan *span           `json:"child_span"`
	}
	if empty(v) {
		return nil
	}
	if err := json.Unmarshal(v, &list); err != nil {
		return errors.New("relations is no list of relations")
	}
	find := func(s *span) int {
		for i, e := range a.Entities {
			if h := e.Hull(); points.Of(h.Start) == s.Start && points.Of(h.End) == s.End {
				return i
			}
		}
		return -1
	}
	for i, x := range list {
		r := Relation{Label: x.Label, Score: x.Score, Head: -1, Tail: -1}
		if x.HeadSpan != nil && x.ChildSpan != nil {
			r.Head, r.Tail = find(x.HeadSpan), find(x.ChildSpan)
		} else if x.Tail != nil && json.Unmarshal(x.Head, &r.Head) == nil {
			r.Tail = *x.Tail
		}
		if min(r.Head, r.Tail) < 0 || max(r.Head, r.Tail) >= len(a.Entities) || r.Label == "" {
			return fmt.Errorf("relation %d: its head or tail is none of the %d entities, or it has no label", i+1, len(a.Entities))
		}
		a.Relations = append(a.Relations, r)
	}
	return nil
}

// WriteProdigy writes a document as a task of Prodigy, with the words of its
// sentences as tokens, on a line. An entity in fragments is written whole.
func WriteProdigy(w io.Writer, a *Annotated) error {
	type token struct {
		Text  string `json:"text"`
		Start int    `json:"start"`
		End   int    `json:"end"`
		ID    int    `json:"id"`
		WS    bool   `json:"ws"`
	}
	type relation struct {
		Head      int    `json:"head"` // tokens, the last of each
		Child     int    `json:"child"`
		Label     string `json:"label"`
		HeadSpan  span   `json:"head_span"`
		ChildSpan span   `json:"child_span"`
	}
	points := NewPoints(a.Text)
	tokens := []token{}
	starts, ends := map[int]int{}, map[int]int{} // tokens by their ends
	for _, s := range Sentences(a.Text) {
		for _, x := range Words(a.Text[s.Start:s.End]) {
			from, to := x.Start+s.Start, x.End+s.Start
			starts[points.Of(from)], ends[points.Of(to)] = len(tokens), len(tokens)
			tokens = append(tokens, token{a.Text[from:to], points.Of(from), points.Of(to), len(tokens), strings.HasPrefix(a.Text[to:], " ")})
		}
	}
	spans := make([]span, len(a.Entities))
	for i, e := range a.Entities {
		h := e.Hull()
		spans[i] = span{Start: points.Of(h.Start), End: points.Of(h.End), Label: e.Label, Score: e.Score, Normalized: e.Normalized}
		first, ok1 := starts[spans[i].Start]
		last, ok2 := ends[spans[i].End]
		if ok1 && ok2 { // not inside a word
			spans[i].TokenStart, spans[i].TokenEnd = &first, &last
		}
	}
	// The token in which an entity ends.
	last := func(s span) int {
		return sort.Search(len(tokens)-1, func(i int) bool { return tokens[i].End >= s.End })
	}
	var relations []relation
	for _, r := range a.Relations {
		h, c := spans[r.Head], spans[r.Tail]
		relations = append(relations, relation{last(h), last(c), r.Label, h, c})
	}
	meta := map[string]string{"id": a.ID}
	for k, v := range a.Meta {
		if k != "answer" {
			meta[k] = v
		}
	}
	e := json.NewEncoder(w)
	e.SetEscapeHTML(false)
	return e.Encode(struct {
		ID        string            `json:"id"`
		Text      string            `json:"text"`
		Tokens    []token           `json:"tokens"`
		Spans     []span            `json:"spans"`
		Relations []relation        `json:"relations,omitempty"`
		Meta      map[string]string `json:"meta"`
		Answer    string            `json:"answer"`
	}{a.ID, a.Text, tokens, spans, relations, meta, "accept"})
}
