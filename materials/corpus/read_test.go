package corpus

import (
	"bytes"
	"compress/gzip"
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"runtime"
	"slices"
	"strings"
	"testing"
	"unicode/utf8"
)

func collect(name, content string, o Options) (docs []Document, errs []string) {
	for d, err := range Read(strings.NewReader(content), name, o) {
		if err != nil {
			errs = append(errs, err.Error())
			continue
		}
		docs = append(docs, d)
	}
	return docs, errs
}

// brief shows documents as id=text, with title and sections.
func brief(docs []Document) string {
	var all []string
	for _, d := range docs {
		s := fmt.Sprintf("%s=%q", d.ID, d.Text)
		if d.Title != "" {
			s += fmt.Sprintf(" title %q", d.Title)
		}
		for _, x := range d.Sections {
			s += fmt.Sprintf(" %s:%q", x.Name, d.Text[x.Start:x.End])
		}
		all = append(all, s)
	}
	return strings.Join(all, "\n")
}

func TestRead(t *testing.T) {
	for _, c := range []struct {
		name, content string
		opt           Options
		want          string
		errs          []string
	}{
		{"a/b.txt", "One.\r\nTwo µ.\r\n", Options{}, `b="One.\r\nTwo µ.\r\n"`, nil},
		{"b.txt", "\ufeffOne.", Options{}, `b="One."`, nil},
		{"b.txt", "One.\n\n  \nTwo\r\n", Options{Unit: Line}, "b-1=\"One.\"\nb-4=\"Two\"", nil},
		{"b.txt", "\nOne\nand.\n\nTwo\n", Options{Unit: Paragraph}, "b-2=\"One\\nand.\"\nb-5=\"Two\"", nil},
		{"b.txt", "", Options{}, "", []string{"b.txt:1: no text; leave it out, or look why it is empty"}},
		{"b.txt", " \n", Options{}, "", []string{"b.txt:1: no text; leave it out, or look why it is empty"}},
		{"b.txt", "a\nb\xb5c", Options{}, "", []string{"b.txt:2: byte 0xb5 is not UTF-8; convert the file, for instance by iconv -f WINDOWS-1252 -t UTF-8, or read it with --invalid replace"}},
		{"b.txt", "a\nb\xb5c", Options{ReplaceInvalid: true}, "b=\"a\\nb\ufffdc\"", nil},
		{"b.txt", "a\x00", Options{}, "", []string{"b.txt: not text: it has NUL bytes; give plain text, JSON, CSV, XML or PDF"}},
		{"b.txt", "\xff\xfea\x00", Options{}, "", []string{"b.txt:1: UTF-16 text; convert it: iconv -f UTF-16 -t UTF-8"}},
		{"b.txt", "a long text", Options{MaxBytes: 5}, "", []string{"b.txt: a file of more than 5 bytes; divide it, or raise --max-document"}},
		{"b.pdf", "text", Options{}, "", []string{"b.pdf: named as a PDF, but no PDF; download it again; if it is text, name it .txt"}},
		{"b.txt", "PK\x03\x04", Options{}, "", []string{"b.txt: a zip archive, as .docx, .odt and .epub files are; save the document as plain text or PDF"}},
		{"b.xml", "<!DOCTYPE html><p>", Options{}, "", []string{"b.xml:1: HTML, which is not read; save the page as plain text, or take the XML or PDF file of the paper"}},

		{"b.jsonl", `{"id":"x","text":"One\r\n\u03bc","title":"T","meta":{"a":1,"b":"c"}}` + "\n\n" + `{"text":"Two"}`, Options{}, "x=\"One\\r\\nμ\" title \"T\"\nb-3=\"Two\"", nil},
		{"b.jsonl", `{"id":7,"title":"T","abstract":"A."}`, Options{}, `7="T\n\nA." title "T" title:"T" abstract:"A."`, nil},
		{"b.jsonl", `{"paper_id":"p","title":"T","abstract":[{"text":"A."},{"text":"B."}],"body_text":[{"text":"C.","section":"Intro"},{"text":"D.","section":"Intro"},{"text":"E.","section":"End"}]}`,
			Options{}, `p="T\n\nA.\n\nB.\n\nC.\n\nD.\n\nE." title "T" title:"T" abstract:"A.\n\nB." Intro:"C.\n\nD." End:"E."`, nil},
		{"b.jsonl", `{"paper_id":"p","metadata":{"title":"T"},"pdf_parse":{"abstract":[],"body_text":[{"text":"C."}]}}`, Options{}, `p="T\n\nC." title "T" title:"T"`, nil},
		{"b.jsonl", `{"corpusid":9,"content":{"text":"Tμ𝛽\nHead\nBody","annotations":{"title":"[{\"start\":0,\"end\":3}]","sectionheader":"[{\"start\":4,\"end\":\"8\"}]"}}}`,
			Options{}, `9="Tμ𝛽\nHead\nBody" title "Tμ𝛽" title:"Tμ𝛽" Head:"Head\nBody"`, nil},
		{"b.jsonl", "{\"text\":\"One\"}\n{\"text\":\n{\"text\":\"Three\"}\n[1]\n{\"x\":1}", Options{}, "b-1=\"One\"\nb-3=\"Three\"", []string{
			`b.jsonl:2: not JSON: unexpected end of JSON input; a line must be one record, such as {"id": "1", "text": "..."}`,
			`b.jsonl:4: not JSON: array where a record is wanted; a line must be one record, such as {"id": "1", "text": "..."}`,
			`b.jsonl:5: a record without text: its keys are "x"; a record has text, or title, abstract or body_text`}},
		{"b.jsonl", `{"text":"\ud835"}` + "\n" + `{"text":"\ud835\udefd \\ud835"}`, Options{}, `b-2="𝛽 \\ud835"`, []string{
			`b.jsonl:1: half of a surrogate pair, such as \ud835 alone, is no character; write the record anew, or read it with --invalid replace`}},
		{"b.jsonl", `{"text":"One", "x":{"text":":","y":[{"z":1}]}, "\\":2}` + "\n" + `{"text":"One", "te\u0078t":"Two"}`, Options{}, `b-1="One"`, []string{
			`b.jsonl:2: a record that has a key twice; leave one of them; its keys are "text"`}},
		{"b.jsonl", "{" + strings.Repeat(`"k":1,`, 5000) + `"text":"One"}`, Options{}, "", []string{
			`b.jsonl:1: a record of 5001 keys, at most 4096 are read; a line must be one record, such as {"id": "1", "text": "..."}`}},
		{"b.jsonl", `{"id":"e","text":""}`, Options{}, "", []string{`b.jsonl:1: document "e" has no text; leave it out, or look why it is empty`}},
		{"b.jsonl", "{\"text\":\"0123456789\"}\n{\"text\":\"1\"}", Options{MaxBytes: 16}, `b-2="1"`, []string{"b.jsonl:1: a line of more than 16 bytes; divide it, or raise --max-document"}},
		{"b.json", "{\n \"text\": \"One\"\n}", Options{}, `b="One"`, nil},
		{"b", "{\n \"text\": \"One\"\n}", Options{}, `b="One"`, nil},
		{"b.json", "[{\"text\": \"One\"},\n{\"id\":\"x\",\"text\": \"Two\"}\n,{\"y\":1}]", Options{}, "b-1=\"One\"\nx=\"Two\"", []string{
			`b.json:3: a record without text: its keys are "y"; a record has text, or title, abstract or body_text`}},

		{"b.csv", "id,Text,label\r\n1,\"a, \"\"b\"\"\r\nc\",x\r\n\r\n,d,\r\n", Options{}, "1=\"a, \\\"b\\\"\\r\\nc\"\nb-5=\"d\"", nil},
		{"b.csv", "\ufeffabstract\nOne", Options{}, `b-2="One"`, nil},
		{"b.csv", "a,b\n1,2\n", Options{TextColumn: "b", IDColumn: "a"}, `1="2"`, nil},
		{"b.csv", "a,b\n1,2\n", Options{}, "", []string{`b.csv:1: no column text, abstract, sentence, content, body, document, paragraph among "a", "b"; the first row must name the columns; say which is the text by --text-column`}},
		{"b.csv", strings.Repeat("name,", 1000) + "\n", Options{}, "", []string{`b.csv:1: no column text, abstract, sentence, content, body, document, paragraph among ` + strings.Repeat(`"name", `, 12) + `...; the first row must name the columns; say which is the text by --text-column`}},
		{"b.csv", "text\none\n\"two\na\x00\"\n", Options{Kind: CSV}, `b-2="one"`, []string{"b.csv:4: a NUL byte; the file is not text, or is damaged"}},
		{"b.csv", "text\n" + strings.Repeat(",", 1<<16) + "\none\n", Options{}, `b-3="one"`, []string{"b.csv:2: a row of more than 65536 columns; is it a table, and a comma or a tab between its columns?"}},
		{"b.tsv", "text\n" + strings.Repeat("\t", 1<<16) + "\none\n", Options{}, `b-3="one"`, []string{"b.tsv:2: a row of more than 65536 columns; is it a table, and a comma or a tab between its columns?"}},
		{"b.csv", "text,x\n1\n2,y\n", Options{}, `b-3="2"`, []string{"b.csv:2: 1 columns, the first row has 2; is a quotation mark missing, or a comma too many?"}},
		{"b.csv", "text\n\"open\nmore\n", Options{}, "", []string{"b.csv:2: a field whose quotation mark is not closed, or is followed by more; double the quotation marks inside a field, or close the field"}},
		{"b.tsv", "doc\tsentence\nx\t\"a\n", Options{}, `x="\"a"`, nil},
		{"b.csv", "text\n" + strings.Repeat("x", 100) + "\ny\n", Options{MaxBytes: 50}, "", []string{"b.csv:2: a row of more than 50 bytes; divide it, or raise --max-document"}},
	} {
		docs, errs := collect(c.name, c.content, c.opt)
		if got := brief(docs); got != c.want {
			t.Errorf("%s %.40q:\n got %s\nwant %s", c.name, c.content, got, c.want)
		}
		if !slices.Equal(errs, c.errs) {
			t.Errorf("%s %.40q:\n got %q\nwant %q", c.name, c.content, errs, c.errs)
		}
		for _, d := range docs {
			checkSource(t, d, c.content)
		}
	}
}

// checkSource looks whether the characters of a text stand in the file where
// its places say.
func checkSource(t *testing.T, d Document, source string) {
	t.Helper()
	if !utf8.ValidString(d.Text) {
		t.Errorf("%s: not UTF-8", d.ID)
	}
	for _, s := range d.Sections {
		if s.Start < 0 || s.End > len(d.Text) || s.Start >= s.End {
			t.Errorf("%s: section %v of %d bytes", d.ID, s, len(d.Text))
		}
	}
	at := 0
	for _, p := range d.Places {
		if p.Text.Start < at || p.Text.End <= p.Text.Start || p.Text.End > len(d.Text) || p.Source.End > len(source) {
			t.Fatalf("%s: place %v", d.ID, p)
		}
		at = p.Text.End
		if text := d.Text[p.Text.Start:p.Text.End]; p.Text.End-p.Text.Start == p.Source.End-p.Source.Start && source[p.Source.Start:p.Source.End] != text {
			t.Errorf("%s: %q at %v is %q in the file", d.ID, text, p, source[p.Source.Start:p.Source.End])
		}
	}
}

func TestMojibake(t *testing.T) {
	const source = "The Î´ of 2.0Â\u00a0Î¼m, UVâ\u0080\u0093Vis and itâ€™s 204 Â± 22 eV; Ã–. Å“ is a word, DÜ–X and Ö too."
	docs, errs := collect("a.txt", source, Options{})
	if len(errs) > 0 || docs[0].Text != source || len(docs[0].Warnings) != 1 ||
		docs[0].Warnings[0].Error() != `a.txt:1: "Î´" stands for "δ": UTF-8 that was read as another encoding, 7 times; read it with --mojibake repair, or take the text from its source again` {
		t.Errorf("%v %v", docs, errs)
	}
	docs, _ = collect("a.txt", source, Options{RepairMojibake: true})
	d := docs[0]
	if want := "The δ of 2.0\u00a0μm, UV–Vis and it’s 204 ± 22 eV; Ö. Å“ is a word, DÜ–X and Ö too."; d.Text != want || len(d.Warnings) != 1 {
		t.Errorf("%q %v", d.Text, d.Warnings)
	}
	checkSource(t, d, source)
	for _, c := range [][2]string{{"δ", "Î´"}, {"μm", "Î¼m"}, {"–Vis", "â\u0080\u0093Vis"}, {"eV", "eV"}, {"it’s", "itâ€™s"}} {
		i := strings.Index(d.Text, c[0])
		s, ok := d.SourceSpan(Span{i, i + len(c[0])})
		if !ok || source[s.Start:s.End] != c[1] {
			t.Errorf("%q comes from %q", c[0], source[s.Start:s.End])
		}
	}
}

// TestGlass reads the abstracts of MatSciBERT's authors, many of which are
// mojibake.
func TestGlass(t *testing.T) {
	path := filepath.Join(sharedData, "glass_non_glass_train.csv.gz")
	if _, err := os.Stat(path); err != nil {
		t.Skipf("needs the shared data: %v", err)
	}
	n, odd, labels := 0, 0, map[string]int{}
	for d, err := range Files([]string{path}, Options{RepairMojibake: true}) {
		if err != nil {
			t.Fatal(err)
		}
		n++
		labels[d.Meta["label"]]++
		odd += len(d.Warnings)
		if m := mojibake(d.Text); len(m) > 0 {
			t.Errorf("%s: %q remains", d.ID, d.Text[m[0].Start:m[0].End])
		}
		if n == 1 && !strings.Contains(d.Text, "e.m. strength of the δ 0 ϵ A J") {
			t.Errorf("%q", d.Text)
		}
	}
	t.Logf("%d abstracts, %d of them with mojibake, labels %v", n, odd, labels)
	if n != 900 || odd < 100 || len(labels) != 2 {
		t.Errorf("%d abstracts, %d repaired, labels %v", n, odd, labels)
	}
}

func TestFiles(t *testing.T) {
	dir := t.TempDir()
	var packed bytes.Buffer
	z := gzip.NewWriter(&packed)
	if _, err := io.WriteString(z, `{"text":"Packed"}`); err != nil {
		t.Fatal(err)
	}
	if err := z.Close(); err != nil {
		t.Fatal(err)
	}
	for name, content := range map[string]string{
		"b.txt": "B", "a/c.txt": "C", "a/d.jsonl.gz": packed.String(), ".hidden/e.txt": "E", ".f.txt": "F", "g.jpg": "G", "h.txt": "\xff", "b.md": "B2",
		"i.txt.gz": packed.String()[:20], "j.txt": "",
	} {
		path := filepath.Join(dir, filepath.FromSlash(name))
		if err := os.MkdirAll(filepath.Dir(path), 0o777); err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(path, []byte(content), 0o666); err != nil {
			t.Fatal(err)
		}
	}
	var got, ignored []string
	for d, err := range Files([]string{dir, filepath.Join(dir, "b.txt"), filepath.Join(dir, "none.txt")}, Options{Ignored: func(p string) { ignored = append(ignored, filepath.Base(p)) }}) {
		var e *Error
		switch {
		case errors.As(err, &e):
			got = append(got, "error "+filepath.Base(e.File))
		case err != nil:
			t.Errorf("%T %v", err, err)
		default:
			got = append(got, d.ID+" "+d.Text)
		}
	}
	want := []string{"a/c C", "a/d-1 Packed", "b B2", "b~2 B", "error h.txt", "error i.txt.gz", "error j.txt", "b~3 B", "error none.txt"}
	if !slices.Equal(got, want) || !slices.Equal(ignored, []string{"g.jpg"}) {
		t.Errorf("got %q\nwant %q, ignored %q", got, want, ignored)
	}
	// The caller may stop.
	for range Files([]string{dir}, Options{}) {
		break
	}
	if _, errs := collectFiles(t.TempDir()); len(errs) != 1 || !strings.Contains(errs[0], "no file in the folder") {
		t.Error(errs)
	}
}

func collectFiles(dir string) (docs []Document, errs []string) {
	for d, err := range Files([]string{dir}, Options{}) {
		if err != nil {
			errs = append(errs, err.Error())
			continue
		}
		docs = append(docs, d)
	}
	return docs, errs
}

// A line of 50 MB is read, in memory that is a few times its length.
func TestLongLine(t *testing.T) {
	if testing.Short() {
		t.Skip("takes 300 MB of memory")
	}
	const n = 50 << 20
	line := io.MultiReader(strings.NewReader(`{"text":"`), &repeated{n: n}, strings.NewReader("\"}\n{\"text\":\"after\"}\n"))
	var before, after runtime.MemStats
	runtime.ReadMemStats(&before)
	var lengths []int
	for d, err := range Read(line, "a.jsonl", Options{}) {
		if err != nil {
			t.Fatal(err)
		}
		lengths = append(lengths, len(d.Text))
	}
	runtime.ReadMemStats(&after)
	t.Logf("%d MB were allocated", (after.TotalAlloc-before.TotalAlloc)>>20)
	if !slices.Equal(lengths, []int{n, len("after")}) || after.TotalAlloc-before.TotalAlloc > 16*n {
		t.Errorf("%v, %d MB", lengths, (after.TotalAlloc-before.TotalAlloc)>>20)
	}
	_, errs := collect("a.jsonl", strings.Repeat("x", 2000)+"\n{\"text\":\"after\"}", Options{MaxBytes: 1000})
	if len(errs) != 1 || !strings.HasPrefix(errs[0], "a.jsonl:1: a line of more than 1000 bytes") {
		t.Error(errs)
	}
}

// repeated yields "word " n times over.
type repeated struct{ n int }

func (r *repeated) Read(p []byte) (int, error) {
	if r.n == 0 {
		return 0, io.EOF
	}
	n := min(r.n, len(p))
	for i := range p[:n] {
		p[i] = "word "[(r.n-i)%5]
	}
	r.n -= n
	return n, nil
}

func FuzzRead(f *testing.F) {
	for _, s := range []string{"One.\r\n\r\nTwo", "\ufeffÎ¼ Â±", "a\xffb", `{"text":"a\ud835"}`, `{"title":"t","abstract":[{"text":"x","section":"y"}]}`,
		`{"content":{"text":"ab","annotations":{"title":"[{\"start\":0,\"end\":1}]"}}}`, `[{"text":"a"},{}]`, "text,id\n\"a\"\"b\n\",1\n", "id\ttext\n1\ta"} {
		for k := range byte(6) {
			f.Add([]byte(s), k)
		}
	}
	kinds := []Kind{Text, JSONL, JSON, CSV, TSV, ""}
	f.Fuzz(func(t *testing.T, data []byte, k byte) {
		o := Options{Kind: kinds[k%6], Unit: Unit(k / 6 % 3), ReplaceInvalid: k&64 != 0, RepairMojibake: k&128 != 0, MaxBytes: 1 << 16}
		if o.Kind == "" && bytes.Contains(data, []byte("%PDF-")) {
			return // not a process for each
		}
		for d, err := range Read(bytes.NewReader(data), "a", o) {
			var e *Error
			if err != nil {
				if !errors.As(err, &e) || e.What == "" {
					t.Fatalf("%T %v", err, err)
				}
				continue
			}
			if strings.TrimSpace(d.Text) == "" || d.ID == "" {
				t.Fatalf("%+v", d)
			}
			if o.Kind == Text {
				checkSource(t, d, string(data))
			}
		}
	})
}

func TestPoints(t *testing.T) {
	for _, text := range []string{"", "abc", "aμ𝛽é́", strings.Repeat("aμ𝛽é", 700), strings.Repeat("μ", 256) + "x"} {
		p := NewPoints(text)
		n := 0
		for b := range text {
			if got := p.Of(b); got != n {
				t.Fatalf("byte %d is point %d, want %d", b, got, n)
			}
			if got, ok := p.Byte(n); !ok || got != b {
				t.Fatalf("point %d is byte %d, %v; want %d", n, got, ok, b)
			}
			n++
		}
		if p.Of(len(text)) != n {
			t.Errorf("the end is point %d, want %d", p.Of(len(text)), n)
		}
		if b, ok := p.Byte(n); b != len(text) || !ok {
			t.Errorf("the end is byte %d, %v", b, ok)
		}
		if _, ok := p.Byte(n + 1); ok {
			t.Error("a point behind the end")
		}
		if _, ok := p.Byte(-1); ok {
			t.Error("a point before the start")
		}
	}
}

// A folder of all kinds, some of them damaged: what can be read is, and every
// text stands where its places say.
func TestFolderOfPapers(t *testing.T) {
	dir := t.TempDir()
	jats := "<?xml version=\"1.0\"?>\r\n<article><front><article-meta><title-group><article-title>Films of ZnO&#8322;</article-title></title-group>" +
		"<abstract><p>CO<sub>2</sub> &#x2212; 5&#160;&micro;m.</p></abstract></article-meta></front><body><sec><title>Results</title><p>It is A &amp; B.</p></sec></body></article>"
	files := map[string]string{
		"a.txt": "A text.", "b.xml": jats, "c.pdf": string(makePDF("Page one.", "Page two.")), "d.xml": strings.Replace(jats, "</p>", "", 1),
		"e.pdf": "%PDF-1.4 and no more", "f.xml": "<TEI><p>x</p></TEI>", "g.jsonl": "{\"text\":\"From JSON.\"}\n{",
	}
	for name, content := range files {
		if err := os.WriteFile(filepath.Join(dir, name), []byte(content), 0o666); err != nil {
			t.Fatal(err)
		}
	}
	var got []string
	for d, err := range Files([]string{dir}, Options{}) {
		var e *Error
		switch {
		case errors.As(err, &e) && strings.Contains(e.What, "not installed"):
			t.Skip(e)
		case errors.As(err, &e):
			got = append(got, fmt.Sprintf("%s:%d", filepath.Base(e.File), e.Line))
			continue
		case err != nil:
			t.Fatal(err)
		}
		name := filepath.Base(d.Source)
		got = append(got, fmt.Sprintf("%s %q", d.ID, d.Text))
		if strings.HasSuffix(name, ".xml") {
			if len(d.Places) == 0 || d.Title != "Films of ZnO₂" {
				t.Errorf("%+v", d)
			}
			checkSource(t, d, files[name])
			i := strings.Index(d.Text, "µm")
			if s, ok := d.SourceSpan(Span{i, i + len("µm")}); !ok || files[name][s.Start:s.End] != "&micro;m" {
				t.Errorf("%q", files[name][s.Start:s.End])
			}
		}
	}
	want := []string{`a "A text."`, "b \"Films of ZnO₂\\n\\nCO2 − 5\\u00a0µm.\\n\\nResults\\n\\nIt is A & B.\"", `c "Page one.\n\n\fPage two.\n\n\f"`, "d.xml:2", "e.pdf:0", "f.xml:1", `g-1 "From JSON."`, "g.jsonl:2"}
	if !slices.Equal(got, want) {
		t.Errorf("got  %q\nwant %q", got, want)
	}
}
