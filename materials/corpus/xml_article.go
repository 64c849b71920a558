package corpus

import (
	"encoding/xml"
	"strings"
)

// elementKind is what an element of JATS or Elsevier's DTD does to the text.
type elementKind uint8

const (
	other   elementKind = iota // whatever it stands in: goes on in line, or holds others
	skipped                    // with all that is in it
	sectionElement
	floatElement // interrupts a paragraph and stands behind it
	blockElement
	labelElement // "2.1" before a title
	rowElement
	cellElement
	mathElement // white space means nothing
	gapElement  // a blank
)

var elementKinds = func() map[string]elementKind {
	m := map[string]elementKind{}
	for kind, names := range map[elementKind]string{
		skipped: `ref-list bibliography bibliography-sec tex-math annotation annotation-xml fn footnote fn-group contrib-group
			author-group aff affiliation permissions copyright history alt-text object-id long-desc graphic inline-graphic media
			supplementary-material ack acknowledgment acknowledgement related-article related-object sub-article response notes
			bio biography vitae trans-abstract trans-title-group funding-group self-uri counts custom-meta-group
			processing-meta article-categories product scopus-id scopus-eid link rawtext dochead correspondence
			date-received date-revised date-accepted doctopics index-terms textual-form attrib author-notes author-comment
			source-text nested-alt table-footnote-ref`,
		sectionElement: "sec section abstract abstract-sec app appendix boxed-text textbox",
		floatElement:   "fig figure table-wrap table scheme chem-struct-wrap e-component",
		blockElement: `p para simple-para title section-title subtitle term def preformat verse-line disp-quote displayed-quote note-para
			list-item legend table-footnote disp-formula display disp-formula-group`,
		labelElement: "label",
		rowElement:   "tr row",
		cellElement:  "td th entry",
		mathElement:  "math",
		gapElement:   "break br hsp vsp",
	} {
		for _, n := range strings.Fields(names) {
			m[n] = kind
		}
	}
	return m
}()

// block is a paragraph, a title, a caption or a row.
type block struct {
	text    []byte
	places  []Place
	section string
	part    int // the number of its section
	row     bool
}

// frame is an open element.
type frame struct {
	name string
	kind elementKind
	mode xmlMode
	// what holds again when it ends
	before  xmlMode
	section string
	part    int
	inRow   bool
	outer   *block
	meta    string
}

type xmlMode uint8

const (
	outside xmlMode = iota // of the article
	front                  // what is known of the article: most of it is passed over
	content
	nothing // skipped
)

// article makes blocks of the elements and characters of an article.
type article struct {
	mode  xmlMode
	stack []frame
	meta  map[string][]string
	title string

	done    []*block // in order
	waiting []*block // of floats, until the paragraph around them ends
	last    []*block // of floats that stand apart
	cur     *block
	held    int // paragraphs that floats interrupt
	section string
	part    int
	parts   int

	placed  int // stretches of text
	inRow   bool
	cells   int // of the row
	floats  bool
	math    int
	joining bool // behind a label: what follows goes on
	naming  bool // within the title of a section
	space   Span // white space that waits for a character
	gap     bool // a blank that waits for one
	capture *strings.Builder
}

// root tells whether an element begins an article.
func (a *article) root(t xml.StartElement) bool {
	switch t.Name.Local {
	case "article", "converted-article", "simple-article", "book-review", "exam":
		return a.mode == outside
	}
	return false
}

// wants tells whether characters matter here.
func (a *article) wants() bool {
	return a.mode == content || a.capture != nil && a.mode != nothing
}

func (a *article) parent() string {
	if len(a.stack) == 0 {
		return ""
	}
	return a.stack[len(a.stack)-1].name
}

func (a *article) start(t xml.StartElement) {
	name := t.Name.Local
	f := frame{name: name, before: a.mode, section: a.section, part: a.part, inRow: a.inRow}
	switch {
	case a.mode == nothing:
	case a.root(t):
		a.mode = front
	case a.mode == outside || a.mode == front:
		a.startFront(t, &f)
	default:
		a.startContent(t, &f)
	}
	f.mode = a.mode
	a.stack = append(a.stack, f)
}

// startFront looks for the titles, the abstracts and the body.
func (a *article) startFront(t xml.StartElement, f *frame) {
	name := t.Name.Local
	if m := metaOf(t, a.parent()); m != "" && a.capture == nil {
		f.meta, a.capture = m, &strings.Builder{}
		return
	}
	switch {
	case a.mode == outside:
		return
	case name == "article-title" && a.parent() == "title-group", name == "title" && a.parent() == "head" && a.title == "":
		f.kind = blockElement
		a.mode, a.capture = content, &strings.Builder{}
		f.meta = "title"
		a.open("title")
	case name == "abstract":
		if k := attr(t, "abstract-type") + attr(t, "class"); strings.HasPrefix(k, "graphical") || k == "toc" || k == "teaser" {
			a.mode = nothing
			return
		}
		f.kind = sectionElement
		a.mode = content
		a.open("abstract")
	case name == "floats", name == "floats-group":
		f.kind = sectionElement
		a.mode, a.floats = content, true
		a.open(name)
	case name == "body", name == "sections", name == "back", name == "tail", name == "appendices":
		a.mode = content
		a.open(name)
	case elementKinds[name] == skipped:
		a.mode = nothing
	}
}

// metaOf names what an element tells of the article.
func metaOf(t xml.StartElement, parent string) string {
	switch t.Name.Local {
	case "article-id":
		if k := attr(t, "pub-id-type"); k == "doi" || k == "pmc" || k == "pmcid" || k == "pmid" {
			if k == "pmcid" {
				return "pmc"
			}
			return k
		}
	case "doi":
		return "doi"
	case "pii":
		return "pii"
	case "journal-title", "publicationName":
		return "journal"
	case "year":
		if strings.HasPrefix(parent, "pub-date") {
			return "year"
		}
	case "coverDate":
		return "date"
	case "kwd", "keyword":
		return "keywords"
	}
	return ""
}

func attr(t xml.StartElement, name string) string {
	for _, x := range t.Attr {
		if x.Name.Local == name {
			return x.Value
		}
	}
	return ""
}

// open begins a section.
func (a *article) open(name string) {
	a.parts++
	a.section, a.part = name, a.parts
}

func (a *article) startContent(t xml.StartElement, f *frame) {
	f.kind = elementKinds[t.Name.Local]
	if f.kind == floatElement && (a.section == "table" && t.Name.Local == "table" || a.inRow) {
		f.kind = other // the table of a table-wrap
	}
	if a.inRow && (f.kind == blockElement || f.kind == labelElement || f.kind == sectionElement) || a.math > 0 && f.kind != skipped {
		f.kind = gapElement
	}
	switch f.kind {
	case skipped:
		a.mode = nothing
	case sectionElement:
		a.flush()
		if k := attr(t, "abstract-type") + attr(t, "class"); t.Name.Local == "abstract" && strings.HasPrefix(k, "graphical") {
			a.mode = nothing
			return
		}
		if t.Name.Local != "abstract-sec" && !(t.Name.Local == "sec" && a.section == "abstract") {
			a.open(a.section)
		}
	case floatElement:
		a.floatBegins(t, f)
	case blockElement:
		switch {
		case a.joining:
			a.joining, a.gap = false, true
		case isFormula(t.Name.Local):
			a.gap = true // in line
		default:
			a.flush()
		}
		if (t.Name.Local == "title" || t.Name.Local == "section-title") && isSection(a.parent()) && !inAbstract(a.stack) {
			a.naming = true
		}
	case labelElement:
		if isFormula(a.parent()) || a.parent() == "formula" {
			a.gap = true
			f.kind = gapElement
			return
		}
		a.flush()
	case rowElement:
		a.flush()
		a.inRow, a.cells = true, 0
	case cellElement:
		if a.cells++; a.cells > 1 {
			a.tab()
		}
	case mathElement:
		a.math++
	case gapElement:
		if a.math == 0 {
			a.gap = true
		}
	}
}

func isFormula(name string) bool {
	return name == "disp-formula" || name == "display" || name == "disp-formula-group"
}

func isSection(name string) bool { return elementKinds[name] == sectionElement }

// inAbstract: the parts of an abstract are no sections of their own.
func inAbstract(stack []frame) bool {
	for _, f := range stack {
		if f.name == "abstract" {
			return true
		}
	}
	return false
}

func (a *article) floatBegins(t xml.StartElement, f *frame) {
	name := "figure"
	if strings.HasPrefix(t.Name.Local, "table") {
		name = "table"
	}
	f.outer, a.cur = a.cur, nil
	if f.outer != nil {
		a.held++
	}
	a.space, a.gap, a.joining = Span{}, false, false
	a.open(name)
}

func (a *article) end() {
	f := a.stack[len(a.stack)-1]
	a.stack = a.stack[:len(a.stack)-1]
	if f.meta != "" && a.capture != nil {
		if s := strings.Join(strings.Fields(a.capture.String()), " "); s != "" {
			a.know(f.meta, s)
		}
		a.capture = nil
	}
	if f.mode != nothing {
		a.ended(f)
	}
	a.mode = f.before
	if f.before == front && f.mode == content {
		a.flush()
		a.floats = false
		a.section, a.part = f.section, f.part
	}
}

func (a *article) know(key, value string) {
	if key == "title" {
		a.title = value
		return
	}
	if key != "keywords" && len(a.meta[key]) > 0 {
		return // the first is the article's
	}
	a.meta[key] = append(a.meta[key], value)
}

func (a *article) ended(f frame) {
	switch f.kind {
	case sectionElement:
		a.flush()
		a.section, a.part = f.section, f.part
	case floatElement:
		a.flush()
		a.cur, a.section, a.part = f.outer, f.section, f.part
		if f.outer != nil {
			a.held--
			a.gap = true
		}
	case blockElement:
		if isFormula(f.name) {
			a.gap = true
			return
		}
		a.flush()
		a.naming = false
	case labelElement:
		a.joining, a.gap = a.cur != nil, true
	case rowElement:
		a.flush()
		a.inRow = f.inRow
	case mathElement:
		a.math--
	case gapElement:
		if a.math == 0 {
			a.gap = true
		}
	}
}

// tab parts the cells of a row.
func (a *article) tab() {
	a.begin()
	a.cur.text = append(a.cur.text, '\t')
	a.space, a.gap = Span{}, false
}

// char takes a character. same means that the file has its very bytes.
func (a *article) char(s string, at Span, same bool) {
	if a.capture != nil {
		a.capture.WriteString(s)
	}
	if a.mode != content {
		return
	}
	if s == " " || s == "\n" || s == "\t" {
		if a.math == 0 {
			if a.space.End != at.Start {
				a.space.Start = at.Start
			}
			a.space.End = at.End
		}
		return
	}
	a.begin()
	b := a.cur
	before := len(b.places)
	if n := len(b.text); n > 0 && b.text[n-1] != ' ' && b.text[n-1] != '\t' {
		switch {
		case a.space.End > a.space.Start:
			b.add(" ", a.space, a.space.End == a.space.Start+1)
		case a.gap:
			b.text = append(b.text, ' ')
		}
	}
	a.space, a.gap = Span{}, false
	b.add(s, at, same)
	a.placed += len(b.places) - before
}

// begin begins a paragraph if none is open.
func (a *article) begin() {
	if a.cur == nil {
		a.cur = &block{section: a.section, part: a.part, row: a.inRow}
		a.space, a.gap = Span{}, false
	}
}

// add appends a character with its place. Characters that the file has byte by
// byte share a place.
func (b *block) add(s string, at Span, same bool) {
	n := len(b.text)
	b.text = append(b.text, s...)
	if k := len(b.places) - 1; same && k >= 0 {
		p := &b.places[k]
		if p.Text.End == n && p.Source.End == at.Start && p.Text.End-p.Text.Start == p.Source.End-p.Source.Start {
			p.Text.End, p.Source.End = len(b.text), at.End
			return
		}
	}
	b.places = append(b.places, Place{Span{n, len(b.text)}, at})
}

// flush ends the paragraph.
func (a *article) flush() {
	b := a.cur
	a.cur, a.space, a.gap, a.joining = nil, Span{}, false, false
	if b == nil || strings.Trim(string(b.text), "\t") == "" {
		if a.held == 0 {
			a.settle()
		}
		return
	}
	if a.naming {
		a.section = string(b.text)
		b.section = a.section
	}
	if a.floats {
		a.last = append(a.last, b)
		return
	}
	if a.held > 0 {
		a.waiting = append(a.waiting, b)
		return
	}
	a.done = append(a.done, b)
	a.settle()
}

func (a *article) settle() {
	a.done = append(a.done, a.waiting...)
	a.waiting = nil
}

func (a *article) close() {
	a.flush()
	a.done = append(a.done, a.last...)
}
