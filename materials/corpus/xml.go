package corpus

import (
	"bytes"
	"encoding/xml"
	"errors"
	"fmt"
	"io"
	"path/filepath"
	"strings"
	"unicode/utf8"
)

// Bounds of an XML file. encoding/xml fetches nothing and expands no entities
// of the file's own, but knows no bounds of depth.
const (
	maxXMLBytes  = 256 << 20
	maxXMLDepth  = 256
	maxXMLTokens = 50 << 20
	maxXMLAttrs  = 256
	maxXMLText   = 16 << 20 // between two tags
	maxXMLPlaces = 1 << 20  // stretches of text that a tag or a reference parts
)

// ReadXML reads an article of a journal, in JATS (NISO Z39.96, as PubMed
// Central gives it) or in the full-text form of Elsevier. source is the file's
// name, for errors.
//
// Text is the title, the abstracts and the body, a paragraph a block with an
// empty line between; white space within one is a blank, as XML means it.
// Subscripts and superscripts are plain characters in line. Of a formula the
// text of its MathML is taken, never the TeX. Captions and tables, a row a line
// with tabs, stand behind the paragraph that they interrupt, in sections of
// their own, "figure" and "table". Authors, references, footnotes and thanks are
// left out.
//
// Places says for each character where it stands in the file, counted in its
// bytes; what the reader put in between has no place. Title, and "doi",
// "journal", "year" and "keywords" of Meta, are what the file says of itself.
func ReadXML(data []byte, source string) (Document, error) {
	if len(data) > maxXMLBytes {
		return Document{}, &Error{File: source, What: fmt.Sprintf("%d bytes of XML, at most %d are read", len(data), maxXMLBytes), Remedy: "divide the file"}
	}
	plain, wide, err := wideXML(data)
	if err != nil {
		return Document{}, &Error{File: source, Line: 1, What: err.Error(), Remedy: "get the file anew", Err: err}
	}
	x := &xmlReader{source: source, data: plain, article: article{meta: map[string][]string{}}}
	if err := x.read(); err != nil {
		return Document{}, err
	}
	d := x.article.document()
	d.Source = source
	d.ID = strings.TrimSuffix(filepath.Base(source), filepath.Ext(source))
	if wide != nil {
		d.Places = wide.places(d.Text, d.Places)
	}
	return d, nil
}

// xmlReader reads tokens and hands an article its elements and characters.
type xmlReader struct {
	source  string
	data    []byte
	dec     *xml.Decoder
	article article
	depth   int
	found   int // articles
}

func (x *xmlReader) at(format string, args ...any) error {
	line, _ := x.dec.InputPos()
	what, remedy, _ := strings.Cut(fmt.Sprintf(format, args...), "; ")
	return &Error{File: x.source, Line: line, What: what, Remedy: remedy}
}

func (x *xmlReader) read() error {
	x.dec = xml.NewDecoder(bytes.NewReader(x.data))
	x.dec.Entity = xmlEntities
	x.dec.CharsetReader = func(label string, r io.Reader) (io.Reader, error) {
		switch strings.ToLower(label) {
		case "utf-16", "utf-16le", "utf-16be", "us-ascii", "ascii", "utf8": // is UTF-8 by now, or a part of it
			return r, nil
		}
		return nil, charsetError(label)
	}
	for n := 0; ; n++ {
		from := x.dec.InputOffset()
		t, err := x.dec.Token()
		if errors.Is(err, io.EOF) {
			break
		}
		if err != nil {
			return x.refused(err)
		}
		if n > maxXMLTokens {
			return x.at("more than %d tags and texts; divide the file", maxXMLTokens)
		}
		if err := x.token(t, int(from), int(x.dec.InputOffset())); err != nil {
			return err
		}
	}
	if x.found == 0 {
		return &Error{File: x.source, Line: 1, What: "XML, but no article in JATS or Elsevier's form", Remedy: "give the article in one of them, or its text"}
	}
	x.article.close()
	return nil
}

func (x *xmlReader) token(t xml.Token, from, to int) error {
	switch t := t.(type) {
	case xml.Directive:
		if bytes.HasPrefix(bytes.TrimSpace(t), []byte("DOCTYPE")) && bytes.IndexByte(t, '[') >= 0 {
			return x.at("the DOCTYPE declares entities of its own, which are not expanded; remove what stands between [ and ] there")
		}
	case xml.StartElement:
		x.depth++
		if x.depth > maxXMLDepth {
			return x.at("elements more than %d deep; no article is", maxXMLDepth)
		}
		if len(t.Attr) > maxXMLAttrs {
			return x.at("<%.40s> has %d attributes, at most %d are read", t.Name.Local, len(t.Attr), maxXMLAttrs)
		}
		if x.depth == 1 && strings.EqualFold(t.Name.Local, "html") {
			return x.at("a page in HTML; give the article in XML of JATS or Elsevier, as PDF, or its text")
		}
		if x.article.root(t) {
			if x.found++; x.found > 1 {
				return x.at("a second article; divide the file, an article a file")
			}
		}
		x.article.start(t)
	case xml.EndElement:
		x.depth--
		x.article.end()
	case xml.CharData:
		if to-from > maxXMLText {
			return x.at("%d bytes between two tags, at most %d are read", to-from, maxXMLText)
		}
		return x.chars(t, from, to)
	}
	return nil
}

// chars takes apart a text of the file. What it finds must be what encoding/xml
// found.
func (x *xmlReader) chars(want []byte, from, to int) error {
	if !x.article.wants() {
		return nil
	}
	at, end, raw := from, to, false
	if bytes.HasPrefix(x.data[from:to], []byte("<![CDATA[")) {
		at, end, raw = from+len("<![CDATA["), to-len("]]>"), true
	}
	for at < end {
		s, n := xmlChar(x.data[at:end], raw)
		if !bytes.HasPrefix(want, []byte(s)) {
			return x.at("the characters at byte %d are not understood", at)
		}
		want = want[len(s):]
		x.article.char(s, Span{at, at + n}, s == string(x.data[at:at+n]))
		if x.article.placed > maxXMLPlaces {
			return x.at("more than %d stretches of text between tags and references; divide the file", maxXMLPlaces)
		}
		at += n
	}
	if len(want) > 0 {
		return x.at("the characters before byte %d are not understood", end)
	}
	return nil
}

// charsetError refuses an encoding.
type charsetError string

func (e charsetError) Error() string {
	return fmt.Sprintf("the encoding %.40s, and only UTF-8 and UTF-16 are read; convert the file by iconv -f %.40s -t UTF-8 and change the first line", string(e), string(e))
}

func (x *xmlReader) refused(err error) error {
	var charset charsetError
	if errors.As(err, &charset) {
		return x.at("%v", charset)
	}
	var syntax *xml.SyntaxError
	if !errors.As(err, &syntax) {
		if s := strings.TrimPrefix(err.Error(), "xml: "); strings.Contains(s, "encoding") {
			return x.at("%.200s; the file must be UTF-8 or UTF-16", s)
		}
		return x.at("%.200s", err)
	}
	advice := "mend the file, or get it anew"
	if strings.Contains(syntax.Msg, "invalid character entity") {
		advice = "write the character itself"
	} else if strings.Contains(syntax.Msg, "UTF-8") {
		advice = "convert it, for instance by iconv -f LATIN1 -t UTF-8"
	}
	return &Error{File: x.source, Line: syntax.Line, What: clip(strings.TrimSuffix(syntax.Msg, ";"), 200), Remedy: advice, Err: err}
}

// clip shortens a text that may quote a file.
func clip(s string, n int) string {
	if utf8.RuneCountInString(s) <= n {
		return s
	}
	return string([]rune(s[:min(len(s), 4*n)])[:n]) + "..."
}

// document puts the blocks together.
func (a *article) document() Document {
	d := Document{Title: a.title, Meta: map[string]string{}}
	var text strings.Builder
	var last *block
	for _, b := range a.done {
		same := last != nil && last.part == b.part && last.section == b.section
		switch {
		case last == nil:
		case same && last.row && b.row:
			text.WriteString("\n")
		default:
			text.WriteString("\n\n")
		}
		at := text.Len()
		text.Write(b.text)
		for _, p := range b.places {
			p.Text = Span{p.Text.Start + at, p.Text.End + at}
			d.Places = append(d.Places, p)
		}
		if same {
			d.Sections[len(d.Sections)-1].End = text.Len()
		} else {
			d.Sections = append(d.Sections, Section{b.section, Span{at, text.Len()}})
		}
		last = b
	}
	d.Text = text.String()
	for k, values := range a.meta {
		d.Meta[k] = strings.Join(values, "; ")
	}
	return d
}
