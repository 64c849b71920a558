package page

import (
	_ "embed"
	"fmt"
	"html/template"
	"io"
	"path/filepath"
	"slices"
	"strings"
	"unicode/utf8"

	"github.com/kiban-models/kiban/core/checkpoint"
	"github.com/kiban-models/kiban/materials/corpus"
)

// Options are the choices of a Writer.
type Options struct {
	Title     string // of the page; "" is "Entities"
	Generator string // who wrote it, for instance "kiban 0.1.0 with the model ner"
	// PerPage is the number of documents that a page holds at most; 0 is 50.
	PerPage int
	// PageBytes is about how large a page gets; 0 is 4 MB.
	PageBytes int
}

// Writer writes documents one after the other. If they fit a page, it is the
// file that was named; otherwise that file lists the pages, which stand beside
// it: report.html and report_001.html to report_027.html. At most a page is held
// in memory, and a line a document.
type Writer struct {
	path   string
	opt    Options
	labels *labels
	body   strings.Builder
	counts map[int]int // of the page, by label's number
	total  map[int]int
	docs   []listed // of the page
	pages  []listedPage
	files  []string
	n      int // documents
}

type listed struct {
	Anchor, Title, ID string
	Entities          int
}

type listedPage struct {
	Number   int
	Name     string
	Docs     []listed
	Entities int
}

// titleLength is how many characters of a title are shown.
const titleLength = 120

// maxListed is the number of documents that the list of pages names one by one.
const maxListed = 10_000

// New returns a Writer of the file path.
func New(path string, o Options) *Writer {
	if o.Title == "" {
		o.Title = "Entities"
	}
	if o.PerPage <= 0 {
		o.PerPage = 50
	}
	if o.PageBytes <= 0 {
		o.PageBytes = 4 << 20
	}
	return &Writer{path: path, opt: o, labels: newLabels(), counts: map[int]int{}, total: map[int]int{}}
}

// Write adds a document. Of a text that would not fit a page the beginning is
// shown, and the page says so. A span that leaves the text, or cuts a character,
// is an error, and nothing of the document is written.
func (w *Writer) Write(d *corpus.Annotated) error {
	var b strings.Builder
	doc := listed{Anchor: fmt.Sprintf("d%d", w.n+1), ID: d.ID, Title: short(d.Title), Entities: len(d.Entities)}
	if err := w.document(&b, d, doc.Anchor); err != nil {
		return err
	}
	if len(w.docs) > 0 && (len(w.docs) >= w.opt.PerPage || w.body.Len()+b.Len() > w.opt.PageBytes) {
		if err := w.page(true); err != nil {
			return err
		}
	}
	w.n++
	w.body.WriteString(b.String())
	w.docs = append(w.docs, doc)
	for _, e := range d.Entities {
		w.counts[w.labels.of(e.Label)]++
		w.total[w.labels.of(e.Label)]++
	}
	return nil
}

// Close writes what is left and, of several pages, their list. It returns the
// files that were written.
func (w *Writer) Close() ([]string, error) {
	err := w.page(false)
	if err == nil && len(w.pages) > 1 {
		err = w.list()
	}
	return w.files, err
}

func (w *Writer) document(b *strings.Builder, d *corpus.Annotated, anchor string) error {
	fmt.Fprintf(b, "<article id=%q>\n<h2>", anchor)
	escape(b, heading(d))
	b.WriteString("</h2>\n<p class=\"about\">")
	about := []string{count(len(d.Entities), "entity", "entities")}
	if n := len(d.Relations); n > 0 {
		about = append(about, count(n, "relation", "relations"))
	}
	if d.ID != "" && d.ID != heading(d) {
		about = append([]string{d.ID}, about...)
	}
	if d.Source != "" && d.Source != d.ID {
		about = append(about, d.Source)
	}
	escape(b, strings.Join(about, " · "))
	b.WriteString("</p>\n<div class=\"entities\">")
	// Marks take several times the room of what they mark.
	limit := w.shown(d)
	if err := highlighted(b, d, limit, w.labels.of); err != nil {
		return err
	}
	b.WriteString("</div>\n")
	if limit < len(d.Text) {
		fmt.Fprintf(b, "<p class=\"cut\">The text goes on for %s, which this page has no room for; the records have all of its entities.</p>\n",
			count(utf8.RuneCountInString(d.Text[limit:]), "character", "characters"))
	}
	if err := w.relations(b, d); err != nil {
		return err
	}
	b.WriteString("</article>\n")
	return nil
}

// markBytes is about what a mark takes beside its text.
const markBytes = 200

// shown returns how many bytes of a text fit half a page with their marks.
func (w *Writer) shown(d *corpus.Annotated) int {
	room := w.opt.PageBytes / 2
	if len(d.Text)*2+len(d.Entities)*markBytes <= room {
		return len(d.Text)
	}
	starts := make([]int, 0, len(d.Entities))
	for _, e := range d.Entities {
		for _, s := range e.Spans {
			starts = append(starts, s.Start)
		}
	}
	slices.Sort(starts)
	at := min(len(d.Text), room/2)
	for i, s := range starts {
		if s*2+(i+1)*markBytes > room {
			at = max(0, min(at, s))
			break
		}
	}
	for at > 0 && !boundary(d.Text, at) {
		at--
	}
	return at
}

// maxRelations is how many relations of a document are listed.
const maxRelations = 500

func (w *Writer) relations(b *strings.Builder, d *corpus.Annotated) error {
	if len(d.Relations) == 0 {
		return nil
	}
	b.WriteString("<table class=\"relations\"><caption>Relations</caption>\n<thead><tr><th scope=\"col\">from</th><th scope=\"col\">relation</th><th scope=\"col\">to</th><th scope=\"col\">score</th></tr></thead>\n<tbody>\n")
	for i, r := range d.Relations {
		if r.Head < 0 || r.Head >= len(d.Entities) || r.Tail < 0 || r.Tail >= len(d.Entities) {
			return fmt.Errorf("page: %s: relation %d is of entities %d and %d of %d", d.ID, i, r.Head, r.Tail, len(d.Entities))
		}
		if i >= maxRelations {
			fmt.Fprintf(b, "<tr><td colspan=\"4\">and %s, which the records have</td></tr>\n", count(len(d.Relations)-i, "more", "more"))
			break
		}
		b.WriteString("<tr><td>")
		w.sample(b, d, r.Head)
		b.WriteString("</td><td>")
		escape(b, r.Label)
		b.WriteString("</td><td>")
		w.sample(b, d, r.Tail)
		b.WriteString("</td><td>")
		if r.Score > 0 {
			fmt.Fprintf(b, "%.3f", r.Score)
		}
		b.WriteString("</td></tr>\n")
	}
	b.WriteString("</tbody></table>\n")
	return nil
}

// sample writes an entity out of its text. It is no mark: marks are the text's.
func (w *Writer) sample(b *strings.Builder, d *corpus.Annotated, i int) {
	e := &d.Entities[i]
	fmt.Fprintf(b, `<span class="sample l%d">`, w.labels.of(e.Label))
	for k, s := range e.Spans {
		if k > 0 {
			b.WriteString(" … ")
		}
		escape(b, d.Text[s.Start:s.End])
	}
	b.WriteString("</span>")
}

//go:embed page.html.tmpl
var pageText string

var pageTemplate = template.Must(template.New("page").Parse(pageText))

type view struct {
	Title, Generator    string
	CSS                 template.CSS
	Legend              []legend
	Docs                []listed // of this page
	Body                template.HTML
	Pages               []listedPage // of the list
	Short               bool         // the list names pages only
	Documents, Entities string
	Number              int
	List, Before, After string
}

type legend struct {
	N            int
	Label, Means string
	Count        int
}

// page writes the documents that wait as a page; more says whether others
// follow.
func (w *Writer) page(more bool) error {
	p := listedPage{Number: len(w.pages) + 1, Name: w.path, Docs: w.docs}
	v := view{Docs: w.docs, Body: template.HTML(w.body.String()), Documents: count(len(w.docs), "document", "documents")}
	if more || p.Number > 1 {
		p.Name = w.name(p.Number)
		v.Number, v.List = p.Number, filepath.Base(w.path)
		if p.Number > 1 {
			v.Before = filepath.Base(w.name(p.Number - 1))
		}
		if more {
			v.After = filepath.Base(w.name(p.Number + 1))
		}
	}
	for _, n := range w.counts {
		p.Entities += n
	}
	if err := w.write(p.Name, v, w.counts); err != nil {
		return err
	}
	p.Name = filepath.Base(p.Name)
	if w.n > maxListed {
		p.Docs = []listed{p.Docs[0], p.Docs[len(p.Docs)-1]}
	}
	w.pages = append(w.pages, p)
	w.body.Reset()
	w.docs = nil
	clear(w.counts)
	return nil
}

func (w *Writer) list() error {
	return w.write(w.path, view{Pages: w.pages, Short: w.n > maxListed, Documents: count(w.n, "document", "documents")}, w.total)
}

func (w *Writer) write(path string, v view, counts map[int]int) error {
	v.Title, v.Generator = w.opt.Title, w.opt.Generator
	var css strings.Builder
	sum := 0
	for n, s := range w.labels.all {
		if counts[n] > 0 {
			w.labels.css(&css, n)
			v.Legend = append(v.Legend, legend{n, s.label, s.means, counts[n]})
			sum += counts[n]
		}
	}
	v.CSS = template.CSS(css.String())
	v.Entities = count(sum, "entity", "entities")
	err := checkpoint.WriteFile(path, func(out io.Writer) error { return pageTemplate.Execute(out, v) })
	if err == nil {
		w.files = append(w.files, path)
	}
	return err
}

// name is the file of a page: report_001.html.
func (w *Writer) name(n int) string {
	ext := filepath.Ext(w.path)
	return fmt.Sprintf("%s_%03d%s", strings.TrimSuffix(w.path, ext), n, ext)
}

func heading(d *corpus.Annotated) string {
	switch {
	case strings.TrimSpace(d.Title) != "":
		return short(d.Title)
	case d.ID != "":
		return d.ID
	}
	return "Document"
}

// short cuts a title.
func short(s string) string {
	s = strings.Join(strings.Fields(s), " ")
	if n := 0; len(s) > titleLength {
		for i := range s {
			if n++; n > titleLength {
				return s[:i] + "…"
			}
		}
	}
	return s
}

func count(n int, one, many string) string {
	s := fmt.Sprint(n)
	for i := len(s) - 3; i > 0; i -= 3 {
		s = s[:i] + "," + s[i:]
	}
	if n == 1 {
		return s + " " + one
	}
	return s + " " + many
}
