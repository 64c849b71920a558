package corpus

import (
	"bufio"
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"maps"
	"slices"
	"sort"
	"strings"
	"unicode/utf16"
)

// jsonLines reads a record a line; blank lines are passed over. A line that is
// wrong is an error, and the next is read.
func (f *file) jsonLines(r *bufio.Reader) {
	in := &lines{r: r, max: f.opt.maxBytes()}
	for !f.stopped {
		line, err := in.next()
		if errors.Is(err, io.EOF) {
			return
		}
		if err != nil {
			f.ioError(err)
			return
		}
		if in.over {
			f.tooLong(in.n, "a line")
			continue
		}
		if in.n == 1 {
			line = bytes.TrimPrefix(line, []byte("\xef\xbb\xbf"))
			if f.opt.Kind == "" && string(bytes.TrimSpace(line)) == "{" {
				f.json(bufio.NewReader(io.MultiReader(bytes.NewReader(line), r))) // one record over many lines
				return
			}
		}
		if len(bytes.TrimSpace(line)) > 0 {
			f.record(line, in.n, f.numbered(in.n))
		}
	}
}

// json reads a file that is one record, or a list of them.
func (f *file) json(r io.Reader) {
	b, ok := f.whole(r)
	if !ok {
		return
	}
	b = bytes.TrimPrefix(b, []byte("\xef\xbb\xbf"))
	body := bytes.TrimLeft(b, " \t\r\n")
	first := 1 + bytes.Count(b[:len(b)-len(body)], []byte("\n"))
	if !bytes.HasPrefix(body, []byte("[")) {
		f.record(body, first, f.id)
		return
	}
	d := json.NewDecoder(bytes.NewReader(body))
	if _, err := d.Token(); err != nil {
		f.badJSON(first, body, err)
		return
	}
	at, line := 0, first
	for n := 1; !f.stopped && d.More(); n++ {
		var one json.RawMessage
		if err := d.Decode(&one); err != nil {
			f.badJSON(first, body, err)
			return
		}
		from := int(d.InputOffset()) - len(one)
		line += bytes.Count(body[at:from], []byte("\n"))
		at = from
		f.record(one, line, f.numbered(n))
	}
	if _, err := d.Token(); err != nil && !f.stopped {
		f.badJSON(first, body, err)
	}
}

func (f *file) badJSON(line int, b []byte, err error) {
	var syntax *json.SyntaxError
	if errors.As(err, &syntax) {
		b = bytes.TrimRight(b, " \t\r\n")
		line += bytes.Count(b[:min(int(syntax.Offset), len(b))], []byte("\n"))
	}
	var other *json.UnmarshalTypeError
	if errors.As(err, &other) {
		err = fmt.Errorf("%s where a record is wanted", other.Value)
	}
	f.fail(line, "not JSON: "+err.Error(), "a line must be one record, such as {\"id\": \"1\", \"text\": \"...\"}", err)
}

// fields are those of a record.
type fields map[string]json.RawMessage

// record yields the document of a record; id is for one without.
func (f *file) record(b []byte, line int, id string) {
	b, replaced, ok := f.validLine(line, b)
	if !ok {
		return
	}
	rec, ok := f.fields(b, line)
	if !ok {
		return
	}
	lone := loneSurrogates(b)
	if lone > 0 && !f.opt.ReplaceInvalid {
		f.fail(line, "half of a surrogate pair, such as \\ud835 alone, is no character", "write the record anew, or read it with --invalid replace", nil)
		return
	}
	d := rec.document()
	if d == nil {
		f.fail(line, fmt.Sprintf("a record without text: its keys are %s", rec.keys()), "a record has text, or title, abstract or body_text", nil)
		return
	}
	if d.ID == "" {
		d.ID = id
	}
	if replaced+lone > 0 {
		d.Warnings = append(d.Warnings, f.replaced(line, replaced+lone))
	}
	f.emit(*d, line)
}

// maxKeys bounds those of a record.
const maxKeys = 1 << 12

// fields takes a record apart; false after an error. One of two equal keys would
// count, in silence and by the whim of the reader.
func (f *file) fields(b []byte, line int) (fields, bool) {
	n := keyCount(b)
	if n > maxKeys {
		f.fail(line, fmt.Sprintf("a record of %d keys, at most %d are read", n, maxKeys), "a line must be one record, such as {\"id\": \"1\", \"text\": \"...\"}", nil)
		return nil, false
	}
	var rec fields
	if err := json.Unmarshal(b, &rec); err != nil {
		f.badJSON(line, b, err)
		return nil, false
	}
	if len(rec) < n {
		f.fail(line, "a record that has a key twice", "leave one of them; its keys are "+rec.keys(), nil)
		return nil, false
	}
	return rec, true
}

// keyCount counts the keys of an object, of what may be no JSON.
func keyCount(b []byte) int {
	n, depth := 0, 0
	for i := 0; i < len(b); i++ {
		switch b[i] {
		case '"':
			for i++; i < len(b) && b[i] != '"'; i++ {
				if b[i] == '\\' {
					i++
				}
			}
		case '{', '[':
			depth++
		case '}', ']':
			depth--
		case ':':
			if depth == 1 {
				n++
			}
		}
	}
	return n
}

func (r fields) keys() string {
	all := slices.Sorted(maps.Keys(r))
	if len(all) == 0 {
		return "none"
	}
	return some(all)
}

// some lists names in an error: the first of many.
func some(names []string) string {
	var all []string
	for _, n := range names[:min(len(names), 12)] {
		all = append(all, fmt.Sprintf("%.40q", n))
	}
	if len(names) > 12 {
		all = append(all, "...")
	}
	return strings.Join(all, ", ")
}

// document makes one of a record: of text as it is; of S2ORC's content or body,
// a text with places; else of title, abstract and body, with blank lines
// between paragraphs (K. Lo et al. 2020; CORD-19 has the same form). nil means
// that there is none of them.
func (r fields) document() *Document {
	d := &Document{Meta: map[string]string{}}
	for _, key := range []string{"id", "paper_id", "corpusid", "doc_id", "_id", "pmcid", "pmid", "doi"} {
		if d.ID = r.scalar(key); d.ID != "" {
			break
		}
	}
	for key, value := range r.object("meta") {
		if s, ok := scalar(value); ok {
			d.Meta[key] = s
		}
	}
	for _, key := range []string{"doi", "year", "journal", "label", "section", "source", "answer"} {
		if s := r.scalar(key); s != "" && d.Meta[key] == "" {
			d.Meta[key] = s
		}
	}
	if d.Title = r.scalar("title"); d.Title == "" {
		d.Title = r.object("metadata").scalar("title")
	}
	for _, key := range []string{"content", "body"} {
		if inner := r.object(key); inner["text"] != nil {
			d.Text = inner.scalar("text")
			d.annotated(inner.object("annotations"))
			return d
		}
	}
	abstract, body := r["abstract"], r["body_text"]
	for _, key := range []string{"pdf_parse", "latex_parse", "grobid_parse"} {
		parse := r.object(key)
		if empty(abstract) {
			abstract = parse["abstract"]
		}
		if empty(body) {
			body = parse["body_text"]
		}
	}
	if r["text"] != nil && empty(abstract) && empty(body) {
		d.Text = r.scalar("text")
		return d
	}
	if d.Title == "" && empty(abstract) && empty(body) && r["text"] == nil {
		return nil
	}
	var b blocks
	b.add("title", d.Title)
	b.addAll("abstract", abstract)
	b.addAll("text", r["text"])
	b.addAll("", body)
	b.into(d)
	return d
}

func empty(v json.RawMessage) bool {
	s := strings.TrimSpace(string(v))
	return s == "" || s == "null" || s == "[]" || s == `""`
}

func scalar(v json.RawMessage) (string, bool) {
	var s string
	if len(v) > 0 && v[0] == '"' && json.Unmarshal(v, &s) == nil {
		return s, true
	}
	if len(v) > 0 && strings.IndexByte("-0123456789tf", v[0]) >= 0 {
		return string(v), true
	}
	return "", false
}

func (r fields) scalar(key string) string {
	s, _ := scalar(r[key])
	return s
}

func (r fields) object(key string) fields {
	var o fields
	if v := r[key]; len(v) > 0 && v[0] == '{' && json.Unmarshal(v, &o) == nil {
		return o
	}
	return nil
}

// annotated takes the sections that S2ORC's second version gives as lists of
// places, in code points, each list a string of JSON.
func (d *Document) annotated(lists fields) {
	points := NewPoints(d.Text)
	spans := func(key string) []Span {
		v := lists[key]
		if s := lists.scalar(key); s != "" {
			v = json.RawMessage(s)
		}
		var list []struct{ Start, End json.Number }
		if json.Unmarshal(v, &list) != nil {
			return nil
		}
		var all []Span
		for _, x := range list {
			start, err1 := x.Start.Int64()
			end, err2 := x.End.Int64()
			from, ok1 := points.Byte(int(start))
			to, ok2 := points.Byte(int(end))
			if err1 == nil && err2 == nil && ok1 && ok2 && from < to {
				all = append(all, Span{from, to})
			}
		}
		sort.Slice(all, func(i, j int) bool { return all[i].Start < all[j].Start })
		return all
	}
	var all []Section
	for _, name := range []string{"title", "abstract"} {
		for _, s := range spans(name) {
			all = append(all, Section{name, s})
		}
	}
	if len(all) > 0 && all[0].Name == "title" && d.Title == "" {
		d.Title = d.Text[all[0].Start:all[0].End]
	}
	headers := spans("sectionheader")
	if len(headers) == 0 {
		headers = spans("section_header")
	}
	for i, h := range headers {
		end := len(d.Text)
		if i+1 < len(headers) {
			end = headers[i+1].Start
		}
		all = append(all, Section{strings.TrimSpace(d.Text[h.Start:h.End]), Span{h.Start, end}})
	}
	sort.SliceStable(all, func(i, j int) bool { return all[i].Start < all[j].Start })
	for i := range all { // no two share a byte
		if i+1 < len(all) {
			all[i].End = min(all[i].End, all[i+1].Start)
		}
	}
	d.Sections = slices.DeleteFunc(all, func(s Section) bool { return s.Start >= s.End })
}

// loneSurrogates counts escapes of half a surrogate pair, which encoding/json
// replaces without a word.
func loneSurrogates(b []byte) int {
	n := 0
	for i := 0; i < len(b); i++ {
		if b[i] != '\\' {
			continue
		}
		r := escape(b[i:])
		if r < 0 {
			i++ // another escape
			continue
		}
		i += 5
		if !utf16.IsSurrogate(r) {
			continue
		}
		if i+1 < len(b) && utf16.DecodeRune(r, escape(b[i+1:])) != '\ufffd' {
			i += 6
			continue
		}
		n++
	}
	return n
}

// escape reads \uXXXX, or returns -1.
func escape(b []byte) rune {
	if len(b) < 6 || b[0] != '\\' || b[1] != 'u' {
		return -1
	}
	var r rune
	for _, c := range b[2:6] {
		switch {
		case '0' <= c && c <= '9':
			r = r<<4 + rune(c-'0')
		case 'a' <= c|0x20 && c|0x20 <= 'f':
			r = r<<4 + rune(c|0x20-'a'+10)
		default:
			return -1
		}
	}
	return r
}

// blocks puts a document together of parts.
type blocks struct {
	text     strings.Builder
	sections []Section
}

// add puts a paragraph behind a blank line.
func (b *blocks) add(section, text string) {
	if strings.TrimSpace(text) == "" {
		return
	}
	if b.text.Len() > 0 {
		b.text.WriteString("\n\n")
	}
	start := b.text.Len()
	b.text.WriteString(text)
	if n := len(b.sections); n > 0 && b.sections[n-1].Name == section {
		b.sections[n-1].End = b.text.Len()
		return
	}
	b.sections = append(b.sections, Section{section, Span{start, b.text.Len()}})
}

// addAll adds a string, or a list of strings or of paragraphs with sections.
func (b *blocks) addAll(section string, v json.RawMessage) {
	if s, ok := scalar(v); ok {
		b.add(section, s)
		return
	}
	var list []json.RawMessage
	if json.Unmarshal(v, &list) != nil {
		return
	}
	for _, item := range list {
		if s, ok := scalar(item); ok {
			b.add(section, s)
			continue
		}
		var p fields
		if json.Unmarshal(item, &p) != nil {
			continue
		}
		name := section
		if name == "" {
			name = p.scalar("section")
		}
		b.add(name, p.scalar("text"))
	}
}

func (b *blocks) into(d *Document) {
	d.Text = b.text.String()
	for _, s := range b.sections {
		if s.Name != "" {
			d.Sections = append(d.Sections, s)
		}
	}
}
