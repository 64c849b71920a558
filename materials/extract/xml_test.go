package extract_test

import (
	"bytes"
	"context"
	"encoding/xml"
	"fmt"
	"io"
	"math/rand/v2"
	"strings"
	"testing"

	"github.com/kiban-models/kiban/materials/corpus"
	"github.com/kiban-models/kiban/materials/extract"
)

// article writes a text as JATS, each character in one of the ways that XML
// has for it, with elements that change nothing between.
func article(r *rand.Rand, text string) string {
	var b strings.Builder
	b.WriteString(`<?xml version="1.0" encoding="UTF-8"?><article><front><article-meta><title-group><article-title>T</article-title></title-group></article-meta></front><body><sec><title>Results</title><p>`)
	for _, c := range text {
		switch r.IntN(24) {
		case 0:
			fmt.Fprintf(&b, "&#%d;", c)
		case 1:
			fmt.Fprintf(&b, "&#x%x;", c)
		case 2:
			fmt.Fprintf(&b, "<![CDATA[%c]]>", c)
		case 3:
			b.WriteString("<sub>")
			xml.EscapeText(&b, []byte(string(c)))
			b.WriteString("</sub>")
		case 4:
			b.WriteString("<italic></italic><!-- note -->")
			fallthrough
		default:
			xml.EscapeText(&b, []byte(string(c)))
		}
	}
	b.WriteString("</p></sec></body></article>")
	return b.String()
}

// characters decodes bytes from to to of an article: the text in them.
func characters(t *testing.T, whole string, from, to int) string {
	t.Helper()
	// Elements and CDATA that are open or closed in a stretch may have their
	// other end outside of it.
	const begin, end = "<![CDATA[", "]]>"
	source := whole[from:to]
	if strings.LastIndex(whole[:from], begin) > strings.LastIndex(whole[:from], end) {
		source = begin + source
	}
	if strings.LastIndex(source, begin) > strings.LastIndex(source, end) {
		source += end
	}
	d := xml.NewDecoder(strings.NewReader(source))
	d.Strict = false
	var out []byte
	for {
		tok, err := d.RawToken()
		if err == io.EOF {
			return string(out)
		}
		if err != nil {
			t.Fatalf("%q: %v", source, err)
		}
		if c, ok := tok.(xml.CharData); ok {
			out = append(out, c...)
		}
	}
}

// oneSpace has each run of white space as one blank, as XML's readers see
// paragraphs.
func oneSpace(s string) string { return strings.Join(strings.Fields(s), " ") }

// TestXMLPlaces extracts from articles: the bytes of the file that are named
// hold the surface, through references, CDATA and elements.
func TestXMLPlaces(t *testing.T) {
	r := rand.New(rand.NewPCG(21, 2))
	var sources []string
	var docs []corpus.Document
	for len(docs) < 150 {
		// White space at the edges of lines is for the reader to drop.
		text := oneSpace(fuzzed(r))
		if text == "" {
			continue
		}
		source := article(r, text)
		for d, err := range corpus.Read(strings.NewReader(source), fmt.Sprintf("a%d.xml", len(docs)), corpus.Options{}) {
			if err != nil {
				t.Fatalf("%q: %v", source, err)
			}
			docs, sources = append(docs, d), append(sources, source)
		}
	}
	var out bytes.Buffer
	w, err := extract.NewWriter(&out, extract.JSONL, extract.WriterOptions{})
	if err != nil {
		t.Fatal(err)
	}
	_, err = extract.New(randomTagger(t, 4), options()).Run(context.Background(), func(yield func(corpus.Document, error) bool) {
		for _, d := range docs {
			if !yield(d, nil) {
				return
			}
		}
	}, w.Write, func(err error) error { return err })
	if err != nil {
		t.Fatal(err)
	}
	total, odd := 0, 0
	for i, rec := range records(t, out.Bytes()) {
		for _, e := range rec.Entities {
			total++
			if e.SourceStart == nil {
				t.Errorf("%s: %q has no place in the file", rec.ID, e.Text)
				continue
			}
			if got := characters(t, sources[i], *e.SourceStart, *e.SourceEnd); oneSpace(got) != oneSpace(e.Text) {
				if odd++; odd < 10 {
					t.Errorf("%s: %q, the file has %q there: %q", rec.ID, e.Text, got, sources[i][*e.SourceStart:*e.SourceEnd])
				}
			}
		}
	}
	t.Logf("%d entities in %d articles", total, len(docs))
	if total < 3000 || odd > 0 {
		t.Errorf("%d of %d entities are elsewhere", odd, total)
	}
}
