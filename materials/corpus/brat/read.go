package brat

import (
	"bytes"
	"fmt"
	"io"
	"iter"
	"os"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"unicode"
	"unicode/utf8"

	"github.com/kiban-models/kiban/materials/corpus"
)

// Options are the choices of reading.
type Options struct {
	// Skip leaves out annotations that are wrong, and what hangs on them,
	// and adds them to Warnings, where the first is an error otherwise.
	Skip bool
	// Overlaps are an error unless they are kept or resolved.
	Overlaps Overlaps
	// MaxBytes bounds the text and the annotations of a document; 0 is 64 MiB.
	MaxBytes int64
}

// Overlaps says what becomes of entities that share characters, but for those
// of one place with two labels of which one triggers an event.
type Overlaps uint8

// The policies for overlaps.
const (
	RefuseOverlaps Overlaps = iota
	KeepOverlaps
	OutermostOverlaps
	LongestOverlaps
)

// Document is a text with all that brat knows of it.
type Document struct {
	corpus.Annotated
	Attributes []Attribute
	Notes      []Note
	Dropped    int // entities left out for others
}

// Attribute says something of an entity or a relation.
type Attribute struct {
	ID, Name string
	Of       string // the ID of an entity or relation
	Value    string // "" if it is just true
}

// Note is what an annotator wrote.
type Note struct {
	ID, Type string
	Of       string
	Text     string
}

// Folder reads the documents of a folder and those below it, in the order of
// their names: every .ann that has a .txt beside it. A document that is wrong is
// an error, an [*corpus.Error] that names file and line; the next is read.
func Folder(dir string, o Options) iter.Seq2[*Document, error] {
	return func(yield func(*Document, error) bool) {
		var names []string
		err := filepath.WalkDir(dir, func(p string, e os.DirEntry, err error) error {
			hidden := p != dir && strings.HasPrefix(filepath.Base(p), ".")
			switch {
			case err != nil:
				return err
			case hidden && e.IsDir():
				return filepath.SkipDir
			case !hidden && !e.IsDir() && filepath.Ext(p) == ".ann":
				names = append(names, strings.TrimSuffix(p, ".ann"))
			}
			return nil
		})
		if err != nil {
			yield(nil, &corpus.Error{File: dir, What: err.Error(), Remedy: "give a folder of .txt and .ann files", Err: err})
			return
		}
		for _, name := range names {
			d, err := Open(name, o)
			if err == nil {
				if rel, err := filepath.Rel(dir, name); err == nil {
					d.ID = filepath.ToSlash(rel)
				}
			}
			if !yield(d, err) {
				return
			}
		}
	}
}

// Open reads the document of name.txt and name.ann.
func Open(name string, o Options) (*Document, error) {
	if o.MaxBytes <= 0 {
		o.MaxBytes = 64 << 20
	}
	var files [2][]byte
	for i, suffix := range []string{".txt", ".ann"} {
		var err error
		if files[i], err = readFile(name+suffix, o.MaxBytes); err != nil {
			return nil, &corpus.Error{File: name + suffix, What: err.Error(), Remedy: "a document is a .txt and an .ann file", Err: err}
		}
	}
	return Parse(files[0], files[1], name, o)
}

// readFile reads a regular file, which may grow meanwhile.
func readFile(name string, limit int64) ([]byte, error) {
	st, err := os.Stat(name)
	if err != nil {
		return nil, err
	}
	if !st.Mode().IsRegular() {
		return nil, fmt.Errorf("found %v, want a regular file", st.Mode().Type())
	}
	f, err := os.Open(name)
	if err != nil {
		return nil, err
	}
	defer f.Close()
	data, err := io.ReadAll(io.LimitReader(f, limit+1))
	if err == nil && int64(len(data)) > limit {
		err = fmt.Errorf("more than %d bytes", limit)
	}
	return data, err
}

// Parse reads a document; name is that of its files without suffix.
func Parse(text, ann []byte, name string, o Options) (*Document, error) {
	for _, f := range []struct {
		data   []byte
		suffix string
	}{{text, ".txt"}, {ann, ".ann"}} {
		if utf8.Valid(f.data) {
			continue
		}
		at := 0
		for i, r := range string(f.data) {
			if r == utf8.RuneError && !bytes.HasPrefix(f.data[i:], []byte("\ufffd")) {
				at = i
				break
			}
		}
		return nil, &corpus.Error{File: name + f.suffix, Line: 1 + bytes.Count(f.data[:at], []byte("\n")), What: "not UTF-8",
			Remedy: "convert it, for instance by iconv -f WINDOWS-1252 -t UTF-8"}
	}
	p := &parser{file: name + ".ann", opt: o, entity: map[string]int{}, trigger: map[string]string{}, line: map[string]int{}}
	p.doc.ID, p.doc.Source, p.doc.Text, p.doc.Meta = filepath.Base(name), name+".txt", string(text), map[string]string{}
	p.points = corpus.NewPoints(p.doc.Text)
	n := 0
	for line := range strings.Lines(string(ann)) {
		n++
		line = strings.TrimRight(strings.TrimPrefix(line, "\ufeff"), "\r\n")
		if strings.TrimSpace(line) == "" {
			continue
		}
		if err := p.first(line, n); err != nil {
			return nil, err
		}
	}
	if err := p.second(); err != nil {
		return nil, err
	}
	if err := p.overlaps(); err != nil {
		return nil, err
	}
	return &p.doc, nil
}

// parser reads entities in a first pass, and what points at them in a second:
// lines may stand in any order.
type parser struct {
	file    string
	opt     Options
	doc     Document
	points  *corpus.Points
	entity  map[string]int    // by T
	trigger map[string]string // T by E
	line    map[string]int    // by ID
	later   []later
}

type later struct {
	fields []string // by tabs
	n      int
}

// wrong is an error, or a warning if what is wrong is skipped.
func (p *parser) wrong(n int, remedy, format string, args ...any) error {
	e := &corpus.Error{File: p.file, Line: n, What: fmt.Sprintf(format, args...), Remedy: remedy}
	if p.opt.Skip {
		p.doc.Warnings = append(p.doc.Warnings, e)
		return nil
	}
	return e
}

// maxID and maxLabel bound an ID and a label, in bytes.
const (
	maxID    = 64
	maxLabel = 200
)

func (p *parser) first(line string, n int) error {
	fields := strings.Split(line, "\t")
	id := fields[0]
	if id == "" || strings.IndexByte("TEREAMNR#*", id[0]) < 0 || len(fields) < 2 || len(id) > maxID || strings.ContainsFunc(id+fields[1], unicode.IsControl) {
		return p.wrong(n, "a line is an ID such as T1, a tab, and what it says", "%.60q is no annotation", line)
	}
	if id != "*" {
		if before, ok := p.line[id]; ok {
			return p.wrong(n, "give it a number of its own", "%s again, after line %d", id, before)
		}
		p.line[id] = n
	}
	switch id[0] {
	case 'T':
		return p.textBound(fields, n)
	case 'E':
		_, trigger, ok := strings.Cut(firstField(fields[1]), ":")
		if !ok {
			return p.wrong(n, "an event is E1, a tab, and Type:T1 Role:T2", "the event %s has no trigger", id)
		}
		p.trigger[id] = trigger
	}
	p.later = append(p.later, later{fields, n})
	return nil
}

func firstField(s string) string {
	if f := strings.Fields(s); len(f) > 0 {
		return f[0]
	}
	return ""
}

const textRemedy = "places count the characters of the .txt from 0, each line end as it is there; was the text changed afterwards?"

// textBound reads "T1<tab>Label 0 5;16 23<tab>text".
func (p *parser) textBound(fields []string, n int) error {
	if len(fields) < 3 {
		return p.wrong(n, "an entity is T1, a tab, Label 0 5, a tab, and its text", "the entity %s has no text", fields[0])
	}
	label, places, _ := strings.Cut(fields[1], " ")
	e := corpus.Entity{ID: fields[0], Label: label}
	var surface []string
	last := 0
	for part := range strings.SplitSeq(places, ";") {
		start, end, ok := strings.Cut(strings.TrimSpace(part), " ")
		from, err1 := strconv.Atoi(start)
		to, err2 := strconv.Atoi(strings.TrimSpace(end))
		if !ok || err1 != nil || err2 != nil || label == "" || len(label) > maxLabel {
			return p.wrong(n, "write Label 0 5, or Label 0 5;16 23", "%.60q is no label with places", fields[1])
		}
		a, ok1 := p.points.Byte(from)
		b, ok2 := p.points.Byte(to)
		if !ok1 || !ok2 {
			return p.wrong(n, textRemedy, "%s at %d to %d leaves the text, which has %d characters", fields[0], from, to, p.points.Of(len(p.doc.Text)))
		}
		if a >= b || a < last {
			return p.wrong(n, "fragments ascend and have characters", "%s at %.60q is empty, or its fragments overlap", fields[0], places)
		}
		e.Spans, last = append(e.Spans, corpus.Span{Start: a, End: b}), b
		surface = append(surface, p.doc.Text[a:b])
	}
	if got := strings.Join(surface, " "); flat(got) != flat(strings.Join(fields[2:], "\t")) {
		return p.wrong(n, textRemedy, "%s says %.60q, the text has %.60q there", fields[0], fields[2], got)
	}
	p.entity[e.ID] = len(p.doc.Entities)
	p.doc.Entities = append(p.doc.Entities, e)
	return nil
}

// flat makes blanks of line ends, as brat does.
func flat(s string) string {
	return strings.NewReplacer("\r\n", " ", "\n", " ", "\r", " ").Replace(strings.TrimSpace(s))
}

// resolve returns the entity that an ID stands for: a T, or the trigger of an
// E.
func (p *parser) resolve(id string) (int, bool) {
	if t, ok := p.trigger[id]; ok {
		id = t
	}
	i, ok := p.entity[id]
	return i, ok
}

// second reads what points at entities.
func (p *parser) second() error {
	for _, l := range p.later {
		id, words := l.fields[0], strings.Fields(l.fields[1])
		var err error
		switch {
		case len(words) == 0:
			err = p.wrong(l.n, "mend or remove the line", "%s says nothing", id)
		case id[0] == 'E':
			err = p.event(id, words, l.n)
		case id[0] == 'R':
			err = p.relation(id, words, l.n)
		case id == "*":
			err = p.equivalent(words, l.n)
		default:
			err = p.about(id, words, l)
		}
		if err != nil {
			return err
		}
	}
	return nil
}

func (p *parser) event(id string, words []string, n int) error {
	head, ok := p.resolve(id)
	if !ok {
		return p.wrong(n, "name the T of its trigger", "the event %s has the trigger %.60q, which is no entity", id, p.trigger[id])
	}
	for _, w := range words[1:] {
		role, arg, ok := strings.Cut(w, ":")
		tail, found := p.resolve(arg)
		if !ok || !found || role == "" {
			if err := p.wrong(n, "a role is Role:T2", "%.60q of the event %s is no entity", w, id); err != nil {
				return err
			}
			continue
		}
		// brat numbers roles that come again: Material, Material2.
		if r := strings.TrimRight(role, "0123456789"); r != "" {
			role = r
		}
		p.doc.Relations = append(p.doc.Relations, corpus.Relation{ID: id, Label: role, Head: head, Tail: tail})
	}
	return nil
}

func (p *parser) relation(id string, words []string, n int) error {
	var ends []int
	for _, w := range words[1:] {
		_, arg, ok := strings.Cut(w, ":")
		i, found := p.resolve(arg)
		if !ok || !found {
			return p.wrong(n, "a relation is R1, a tab, and Type Arg1:T1 Arg2:T2", "%.60q of the relation %s is no entity or event", w, id)
		}
		ends = append(ends, i)
	}
	if len(ends) != 2 {
		return p.wrong(n, "a relation is R1, a tab, and Type Arg1:T1 Arg2:T2", "the relation %s has %d ends", id, len(ends))
	}
	p.doc.Relations = append(p.doc.Relations, corpus.Relation{ID: id, Label: words[0], Head: ends[0], Tail: ends[1]})
	return nil
}

// equivalent reads "*<tab>Equiv T1 T2 T3": relations from the first.
func (p *parser) equivalent(words []string, n int) error {
	head := -1
	for _, w := range words[1:] {
		i, ok := p.resolve(w)
		switch {
		case !ok:
			if err := p.wrong(n, "name entities", "%.60q is no entity", w); err != nil {
				return err
			}
		case head < 0:
			head = i
		default:
			p.doc.Relations = append(p.doc.Relations, corpus.Relation{ID: "*", Label: words[0], Head: head, Tail: i})
		}
	}
	return nil
}

// about reads attributes, normalisations and notes.
func (p *parser) about(id string, words []string, l later) error {
	if len(words) < 2 {
		return p.wrong(l.n, "name what it is about", "%s is about nothing", id)
	}
	of := words[1]
	if _, ok := p.line[of]; !ok {
		return p.wrong(l.n, "name an annotation of the file", "%s is about %.60q, which is not there", id, of)
	}
	text := strings.Join(l.fields[2:], "\t")
	switch id[0] {
	case 'A', 'M':
		p.doc.Attributes = append(p.doc.Attributes, Attribute{id, words[0], of, strings.Join(words[2:], " ")})
	case 'N':
		if i, ok := p.resolve(of); ok && text != "" {
			p.doc.Entities[i].Normalized = text
		}
	default:
		p.doc.Notes = append(p.doc.Notes, Note{id, words[0], of, text})
	}
	return nil
}

// overlaps refuses or resolves them.
func (p *parser) overlaps() error {
	switch p.opt.Overlaps {
	case KeepOverlaps:
		return nil
	case OutermostOverlaps:
		p.doc.Dropped = p.doc.Resolve(corpus.Outermost)
		return nil
	case LongestOverlaps:
		p.doc.Dropped = p.doc.Resolve(corpus.Longest)
		return nil
	}
	order := slices.Clone(p.doc.Entities)
	slices.SortStableFunc(order, func(a, b corpus.Entity) int { return a.Spans[0].Start - b.Spans[0].Start })
	far := 0 // the entity that ends last
	for i := 1; i < len(order); i++ {
		if order[i].Spans[0].Start < order[far].Hull().End {
			n, m := p.line[order[far].ID], p.line[order[i].ID]
			e := &corpus.Error{File: p.file, Line: max(n, m), What: fmt.Sprintf("%s overlaps %s of line %d", order[i].ID, order[far].ID, n),
				Remedy: "keep one of them"}
			if n > m {
				e.What = fmt.Sprintf("%s overlaps %s of line %d", order[far].ID, order[i].ID, m)
			}
			return e
		}
		if order[i].Hull().End > order[far].Hull().End {
			far = i
		}
	}
	return nil
}
