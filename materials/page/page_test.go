package page

import (
	"fmt"
	"math/rand/v2"
	"os"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"testing"

	"golang.org/x/net/html"

	"github.com/kiban-models/kiban/materials/corpus"
)

// annotated marks words of a text, in the order of their first occurrence.
func annotated(id, text string, marks ...string) *corpus.Annotated {
	d := &corpus.Annotated{Document: corpus.Document{ID: id, Text: text}}
	for _, m := range marks {
		label, words, _ := strings.Cut(m, " ")
		at := strings.Index(text, words)
		d.Entities = append(d.Entities, corpus.Entity{Label: label, Spans: []corpus.Span{{Start: at, End: at + len(words)}}, Score: 0.9})
	}
	return d
}

// hard are documents with what goes wrong in browsers.
func hard() []*corpus.Annotated {
	docs := []*corpus.Annotated{
		annotated("plain", "LiFePO4 cathodes have a high capacity.", "MAT LiFePO4", "APL cathodes", "PRO capacity"),
		annotated("breaks", "LiFePO4\r\ncathodes\n\n  \t with  blanks\r and \u00a0 \u2009 carbon\u00ad black.\n", "MAT LiFePO4", "APL cathodes", "MAT carbon\u00ad black"),
		annotated("unicode", "Mo\u0308ssbauer of 𝑥FeO in \u00b5m and \u03bcm, \u212b and \u00c5, e\ufb00ect of 👩‍🔬 on CaSO\u2084·2H\u2082O", "CMT Mo\u0308ssbauer", "MAT 𝑥FeO", "PRO \u03bcm", "DSC e\ufb00ect", "MAT CaSO\u2084·2H\u2082O"),
		annotated("script", "<script>alert('x')</script> & &amp; \"quoted\" <b>TiO2</b> --> ]]> {{.}} <mark class=\"entity\">", "MAT <b>TiO2</b>", "<i>&\" &amp;", "SMT <script>"),
		annotated("nested", "doped single crystals of SrTiO3 films grown here", "DSC doped single crystals", "DSC single crystals of SrTiO3", "MAT SrTiO3", "DSC SrTiO3 films", "PRO SrTiO3", "XYZ films grown", "ABC grown"),
		annotated("empty", ""),
		annotated("<id>&\"'", "no entity <here>"),
	}
	fragments := annotated("fragments", "La and Sr doped LaMnO3", "MAT LaMnO3")
	fragments.Entities = append(fragments.Entities, corpus.Entity{Label: "DSC", Spans: []corpus.Span{{Start: 0, End: 2}, {Start: 10, End: 15}}})
	fragments.Relations = []corpus.Relation{{Label: "<of>", Head: 1, Tail: 0, Score: 0.75}}
	return append(docs, fragments)
}

// random draws documents of hard characters with entities anywhere.
func random(n int) []*corpus.Annotated {
	r := rand.New(rand.NewPCG(7, 7))
	alphabet := []string{"a", "Fe", "₂", "𝑥", "\u0308", "\r\n", "\n", "\r", " ", "\u00a0", "<", "&", "\"", "'", ">", "µ", "μ", "Å", "\u212b", "ﬁ", "\u00ad", "👩‍🔬", "\t", "\ufeff", "\u2028"}
	var docs []*corpus.Annotated
	for i := range n {
		var b strings.Builder
		starts := []int{0}
		for range r.IntN(60) {
			b.WriteString(alphabet[r.IntN(len(alphabet))])
		}
		text := b.String()
		for k := range text {
			starts = append(starts, k)
		}
		starts = append(starts, len(text))
		d := &corpus.Annotated{Document: corpus.Document{ID: fmt.Sprintf("random-%d", i), Text: text}}
		for range r.IntN(12) {
			x, y := starts[r.IntN(len(starts))], starts[r.IntN(len(starts))]
			if x > y {
				x, y = y, x
			}
			if x < y {
				d.Entities = append(d.Entities, corpus.Entity{
					Label: []string{"MAT", "PRO", "other", "x<y"}[r.IntN(4)], Score: r.Float64(), Spans: []corpus.Span{{Start: x, End: y}},
				})
			}
		}
		docs = append(docs, d)
	}
	return docs
}

func write(t *testing.T, o Options, docs ...*corpus.Annotated) []string {
	t.Helper()
	w := New(filepath.Join(t.TempDir(), "report.html"), o)
	for _, d := range docs {
		if err := w.Write(d); err != nil {
			t.Fatal(err)
		}
	}
	files, err := w.Close()
	if err != nil {
		t.Fatal(err)
	}
	return files
}

// seen is what a reader of the page has of a document.
type seen struct {
	text  string // without labels
	marks []mark
}

type mark struct {
	text       string
	label      string
	entity     int
	start, end int
}

// read finds the documents in HTML as a browser has it.
func read(t *testing.T, page string) []seen {
	t.Helper()
	// The parser, like a browser, would make line feeds of these characters.
	page = strings.ReplaceAll(page, "\r", "&#13;")
	root, err := html.Parse(strings.NewReader(page))
	if err != nil {
		t.Fatal(err)
	}
	var all []seen
	var text func(n *html.Node) string
	text = func(n *html.Node) string {
		if n.Type == html.TextNode {
			return n.Data
		}
		if attribute(n, "class") == "label" {
			return ""
		}
		s := ""
		for c := n.FirstChild; c != nil; c = c.NextSibling {
			s += text(c)
		}
		return s
	}
	for n := range root.Descendants() {
		if n.Type != html.ElementNode {
			continue
		}
		if n.Data == "script" {
			t.Error("the page has a script")
		}
		switch {
		case n.Data == "div" && attribute(n, "class") == "entities":
			all = append(all, seen{text: text(n)})
		case n.Data == "mark":
			m := mark{text: text(n), start: number(t, n, "data-start"), end: number(t, n, "data-end"), entity: number(t, n, "data-entity")}
			if l := n.LastChild; l != nil && attribute(l, "class") == "label" && l.FirstChild != nil {
				m.label = l.FirstChild.Data
			}
			all[len(all)-1].marks = append(all[len(all)-1].marks, m)
		}
	}
	return all
}

func attribute(n *html.Node, name string) string {
	for _, a := range n.Attr {
		if a.Key == name {
			return a.Val
		}
	}
	return ""
}

func number(t *testing.T, n *html.Node, name string) int {
	t.Helper()
	v, err := strconv.Atoi(attribute(n, name))
	if err != nil {
		t.Error(err)
	}
	return v
}

// compare holds what was seen against the documents: the text is the same in
// each character, a mark's text is that of its places, and the marks of an
// entity together are the entity.
func compare(t *testing.T, got []seen, docs []*corpus.Annotated) {
	t.Helper()
	if len(got) != len(docs) {
		t.Fatalf("%d documents on the page, want %d", len(got), len(docs))
	}
	marks := 0
	for i, d := range docs {
		if got[i].text != d.Text {
			t.Errorf("%s: the text is %q, want %q", d.ID, got[i].text, d.Text)
			continue
		}
		points := []rune(d.Text)
		covered := map[int][]corpus.Span{}
		for _, m := range got[i].marks {
			marks++
			if m.start >= m.end || m.end > len(points) || string(points[m.start:m.end]) != m.text {
				t.Errorf("%s: the mark %+v is not at its places", d.ID, m)
				continue
			}
			if m.label != "" && m.label != d.Entities[m.entity].Label {
				t.Errorf("%s: the mark %+v is of %s", d.ID, m, d.Entities[m.entity].Label)
			}
			s := corpus.Span{Start: len(string(points[:m.start])), End: len(string(points[:m.end]))}
			if all := covered[m.entity]; len(all) > 0 && all[len(all)-1].End == s.Start {
				all[len(all)-1].End = s.End
			} else {
				covered[m.entity] = append(all, s)
			}
		}
		for k, e := range d.Entities {
			if !slices.Equal(covered[k], e.Spans) {
				t.Errorf("%s: entity %d is marked at %v, want %v", d.ID, k, covered[k], e.Spans)
			}
		}
	}
	t.Logf("%d marks", marks)
}

func TestMarks(t *testing.T) {
	docs := append(hard(), random(300)...)
	file := write(t, Options{PerPage: 1000}, docs...)
	if len(file) != 1 {
		t.Fatal(file)
	}
	b, err := os.ReadFile(file[0])
	if err != nil {
		t.Fatal(err)
	}
	compare(t, read(t, string(b)), docs)
	if !strings.Contains(string(b), `content="default-src 'none'; style-src 'unsafe-inline'; img-src data:"`) {
		t.Error("the page may load things")
	}
}

func TestPages(t *testing.T) {
	docs := random(120)
	files := write(t, Options{Title: "Many"}, docs...)
	if len(files) != 4 || filepath.Base(files[0]) != "report_001.html" || filepath.Base(files[3]) != "report.html" {
		t.Fatal(files)
	}
	at := 0
	for _, f := range files[:3] {
		b, err := os.ReadFile(f)
		if err != nil {
			t.Fatal(err)
		}
		got := read(t, string(b))
		compare(t, got, docs[at:at+len(got)])
		at += len(got)
	}
	if at != len(docs) {
		t.Errorf("%d documents on the pages, want %d", at, len(docs))
	}
	links(t, files)
}

// links follows every link of the pages.
func links(t *testing.T, files []string) {
	t.Helper()
	ids := map[string]bool{}
	var from []string
	for _, f := range files {
		file, err := os.Open(f)
		if err != nil {
			t.Fatal(err)
		}
		root, err := html.Parse(file)
		file.Close()
		if err != nil {
			t.Fatal(err)
		}
		base := filepath.Base(f)
		ids[base] = true
		for n := range root.Descendants() {
			if id := attribute(n, "id"); id != "" {
				ids[base+"#"+id] = true
			}
			if to := attribute(n, "href"); strings.HasPrefix(to, "#") {
				from = append(from, base+to)
			} else if to != "" {
				from = append(from, to)
			}
		}
	}
	for _, to := range from {
		if !ids[to] {
			t.Errorf("a link leads to %s, which is not there", to)
		}
	}
	if len(from) < 100 {
		t.Errorf("only %d links", len(from))
	}
}

func TestLargeDocument(t *testing.T) {
	text := strings.Repeat("TiO₂ films of 5 µm. ", 100_000)
	d := annotated("large", text, "MAT TiO₂")
	for at := 0; len(d.Entities) < 20_000; at += len("TiO₂ films of 5 µm. ") {
		d.Entities = append(d.Entities, corpus.Entity{Label: "MAT", Spans: []corpus.Span{{Start: at, End: at + len("TiO₂")}}})
	}
	small := annotated("small", "TiO₂", "MAT TiO₂")
	files := write(t, Options{}, small, d, small)
	for _, f := range files {
		st, err := os.Stat(f)
		if err != nil {
			t.Fatal(err)
		}
		if st.Size() > 5<<20 {
			t.Errorf("%s has %d bytes, want less than 5 MB", f, st.Size())
		}
	}
	b, err := os.ReadFile(files[0])
	if err != nil {
		t.Fatal(err)
	}
	got := read(t, string(b))[1]
	if !strings.HasPrefix(text, got.text) || len(got.text) < 1000 || len(got.text) == len(text) {
		t.Errorf("%d bytes are shown of %d", len(got.text), len(text))
	}
	if !strings.Contains(string(b), "which this page has no room for") {
		t.Error("the page does not say that it is not all")
	}
}

func TestWriteRefuses(t *testing.T) {
	for name, d := range map[string]*corpus.Annotated{
		"behind":    {Document: corpus.Document{Text: "abc"}, Entities: []corpus.Entity{{Label: "A", Spans: []corpus.Span{{Start: 1, End: 4}}}}},
		"before":    {Document: corpus.Document{Text: "abc"}, Entities: []corpus.Entity{{Label: "A", Spans: []corpus.Span{{Start: -1, End: 2}}}}},
		"empty":     {Document: corpus.Document{Text: "abc"}, Entities: []corpus.Entity{{Label: "A", Spans: []corpus.Span{{Start: 1, End: 1}}}}},
		"character": {Document: corpus.Document{Text: "aµc"}, Entities: []corpus.Entity{{Label: "A", Spans: []corpus.Span{{Start: 0, End: 2}}}}},
		"relation":  {Document: corpus.Document{Text: "abc"}, Relations: []corpus.Relation{{Head: 0, Tail: 1}}},
	} {
		w := New(filepath.Join(t.TempDir(), "x.html"), Options{})
		if err := w.Write(d); err == nil {
			t.Errorf("%s was written", name)
		}
		if len(w.docs) > 0 || w.body.Len() > 0 {
			t.Errorf("%s: something was written", name)
		}
	}
}

func ExampleWriter() {
	dir, err := os.MkdirTemp("", "page")
	if err != nil {
		fmt.Println(err)
		return
	}
	defer os.RemoveAll(dir)
	w := New(filepath.Join(dir, "report.html"), Options{Title: "Cathodes"})
	err = w.Write(&corpus.Annotated{
		Document: corpus.Document{ID: "a", Text: "LiFePO4 is safe."},
		Entities: []corpus.Entity{{Label: "MAT", Score: 0.97, Spans: []corpus.Span{{Start: 0, End: 7}}}},
	})
	if err != nil {
		fmt.Println(err)
		return
	}
	files, err := w.Close()
	if err != nil {
		fmt.Println(err)
		return
	}
	b, err := os.ReadFile(files[0])
	if err != nil {
		fmt.Println(err)
		return
	}
	_, text, _ := strings.Cut(string(b), `<div class="entities">`)
	text, _, _ = strings.Cut(text, "</div>")
	fmt.Println(text)
	// Output: <mark class="entity l0 keep" data-entity="0" data-start="0" data-end="7" style="--s:0.95" title="MAT · score 0.970">LiFePO4<span class="label">MAT</span></mark> is safe.
}
