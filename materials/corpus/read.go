package corpus

import (
	"bufio"
	"bytes"
	"errors"
	"fmt"
	"io"
	"iter"
	"os"
	"path"
	"strings"
	"time"
	"unicode/utf8"

	"github.com/kiban-models/kiban/core/packed"
)

// Options says how documents are read; the zero value suits most files.
type Options struct {
	// Kind is that of the files, "" to tell it by their first bytes and suffix.
	Kind Kind
	// Unit is what a document is in plain text.
	Unit Unit
	// TextColumn and IDColumn name columns of CSV and TSV files; "" looks for
	// the usual names.
	TextColumn, IDColumn string
	// ReplaceInvalid puts U+FFFD for bytes that are not UTF-8, with a warning,
	// where they are an error otherwise.
	ReplaceInvalid bool
	// RepairMojibake mends UTF-8 that was read as another encoding, of which
	// there is but a warning otherwise. Offsets are those of the mended text.
	RepairMojibake bool
	// MaxBytes bounds a document, a line and a file of XML or JSON; 0 is 64 MiB.
	MaxBytes int64
	// PDFTime bounds the time that pdftotext takes; 0 is a minute.
	PDFTime time.Duration
	// Ignored, if not nil, is told of files in folders that are of no kind that
	// is read.
	Ignored func(path string)
}

// Unit is what a document is in plain text.
type Unit uint8

// The units of plain text.
const (
	File Unit = iota
	Line
	Paragraph // parted by blank lines
)

const defaultMaxBytes = 64 << 20

func (o Options) maxBytes() int64 {
	if o.MaxBytes <= 0 {
		return defaultMaxBytes
	}
	return o.MaxBytes
}

// Kind is a kind of file.
type Kind string

// The kinds that are read.
const (
	Text  Kind = "text"
	JSONL Kind = "jsonl"
	JSON  Kind = "json" // a record, or a list of them
	CSV   Kind = "csv"
	TSV   Kind = "tsv"
	XML   Kind = "xml" // JATS or Elsevier
	PDF   Kind = "pdf"
)

// suffixes tell the files of a folder that are read.
var suffixes = map[string]Kind{
	".txt": Text, ".text": Text, ".md": Text, ".jsonl": JSONL, ".ndjson": JSONL, ".json": JSON, ".csv": CSV, ".tsv": TSV, ".tab": TSV,
	".xml": XML, ".nxml": XML, ".pdf": PDF,
}

// bySuffix returns the kind that a name says, and the name without suffixes.
func bySuffix(name string) (Kind, string) {
	for _, s := range []string{".gz", ".zst", ".bz2", ".xz"} {
		name = strings.TrimSuffix(name, s)
	}
	ext := path.Ext(name)
	if kind, ok := suffixes[strings.ToLower(ext)]; ok {
		return kind, strings.TrimSuffix(name, ext)
	}
	return "", name
}

// Read yields the documents of one file, plain or compressed; name is used in
// errors, for the kind, and for IDs. An error, an [*Error], concerns one
// document or, as the last, the rest of the file. Memory is a few times the
// longest document, Options.MaxBytes at most.
func Read(r io.Reader, name string, o Options) iter.Seq2[Document, error] {
	return func(yield func(Document, error) bool) {
		_, id := bySuffix(path.Base(name))
		f := &file{name: name, id: id, opt: o, yield: yield}
		f.read(r)
	}
}

// file is one that is being read.
type file struct {
	name, id string
	opt      Options
	yield    func(Document, error) bool
	stopped  bool
}

// fail yields an error.
func (f *file) fail(line int, what, remedy string, cause error) {
	if !f.stopped {
		f.stopped = !f.yield(Document{}, &Error{File: f.name, Line: line, What: what, Remedy: remedy, Err: cause})
	}
}

// emit yields a document, whose text may yet have mojibake or nothing in it.
func (f *file) emit(d Document, line int) {
	if f.stopped {
		return
	}
	d.Source = f.name
	if strings.TrimSpace(d.Text) == "" {
		what := "no text"
		if d.ID != "" && d.ID != f.id {
			what = fmt.Sprintf("document %q has no text", d.ID)
		}
		f.fail(line, what, "leave it out, or look why it is empty", ErrEmpty)
		return
	}
	d.Line = line
	d.lookForMojibake(max(line, 1), f.opt.RepairMojibake)
	f.stopped = !f.yield(d, nil)
}

// numbered is the ID of a document that stands at a line.
func (f *file) numbered(line int) string { return fmt.Sprintf("%s-%d", f.id, line) }

func (f *file) read(r io.Reader) {
	p, err := packed.NewReader(r)
	if err != nil {
		f.ioError(err)
		return
	}
	defer p.Close()
	b := bufio.NewReaderSize(p, 64<<10)
	head, err := b.Peek(4 << 10)
	if err != nil && !errors.Is(err, io.EOF) {
		f.ioError(err)
		return
	}
	kind := f.opt.Kind
	if kind == "" {
		if kind = f.detect(head); kind == "" {
			return
		}
	}
	switch kind {
	case Text:
		f.text(b)
	case JSONL:
		f.jsonLines(b)
	case JSON:
		f.json(b)
	case CSV:
		f.table(b, ',')
	case TSV:
		f.table(b, '\t')
	case XML:
		f.xml(b)
	case PDF:
		f.pdf(b)
	default:
		f.fail(0, fmt.Sprintf("the kind %q is not known", kind), "use text, jsonl, json, csv, tsv, xml or pdf", nil)
	}
}

func (f *file) ioError(err error) {
	if errors.Is(err, packed.ErrBomb) {
		f.fail(0, err.Error(), "decompress it yourself if you trust it", err)
		return
	}
	f.fail(0, err.Error(), "copy or download it again", err)
}

// detect tells the kind by the first bytes, then by the suffix; "" after an
// error.
func (f *file) detect(head []byte) Kind {
	suffix, _ := bySuffix(f.name)
	text := bytes.TrimLeft(bytes.TrimPrefix(head, []byte("\xef\xbb\xbf")), " \t\r\n")
	lower := bytes.ToLower(text[:min(len(text), 256)])
	switch {
	case bytes.Contains(head[:min(len(head), 1024)], []byte("%PDF-")):
		return PDF
	case bytes.HasPrefix(head, []byte("PK\x03\x04")):
		f.fail(0, "a zip archive, as .docx, .odt and .epub files are", "save the document as plain text or PDF", nil)
		return ""
	case bytes.HasPrefix(lower, []byte("<!doctype html")), bytes.HasPrefix(lower, []byte("<html")):
		f.fail(1, "HTML, which is not read", "save the page as plain text, or take the XML or PDF file of the paper", nil)
		return ""
	case bytes.HasPrefix(text, []byte("<?xml")), bytes.HasPrefix(lower, []byte("<!doctype")), utf16Order(head) != 0 && looksLikeXML16(head):
		return XML
	case suffix == XML, len(text) > 2 && text[0] == '<' && (suffix == "" || suffix == Text) && bytes.Contains(text, []byte("<article")):
		return XML
	case utf16Order(head) != 0:
		f.fail(1, "UTF-16 text", "convert it: iconv -f UTF-16 -t UTF-8", nil)
		return ""
	case suffix == PDF:
		f.fail(0, "named as a PDF, but no PDF", "download it again; if it is text, name it .txt", nil)
		return ""
	case bytes.IndexByte(head, 0) >= 0:
		f.fail(0, "not text: it has NUL bytes", "give plain text, JSON, CSV, XML or PDF", nil)
		return ""
	case suffix == CSV, suffix == TSV, suffix == JSONL, suffix == JSON:
		return suffix
	case suffix == "" && len(text) > 0 && text[0] == '{':
		return JSONL
	}
	return Text
}

// invalidUTF8 is the error of bytes that are not UTF-8.
func (f *file) invalidUTF8(line int, b []byte) {
	at := firstInvalid(b)
	f.fail(line+bytes.Count(b[:at], []byte("\n")), fmt.Sprintf("byte 0x%02x is not UTF-8", b[at]),
		"convert the file, for instance by iconv -f WINDOWS-1252 -t UTF-8, or read it with --invalid replace", nil)
}

func firstInvalid(b []byte) int {
	for i := 0; i < len(b); {
		r, n := utf8.DecodeRune(b[i:])
		if r == utf8.RuneError && n == 1 {
			return i
		}
		i += n
	}
	return len(b)
}

// replaced is the warning of bytes that were replaced.
func (f *file) replaced(line, n int) *Error {
	return &Error{File: f.name, Line: line, What: fmt.Sprintf("%d bytes that are not UTF-8 were replaced by U+FFFD", n)}
}

// countInvalid counts bytes that are not UTF-8.
func countInvalid(b []byte) int {
	n := 0
	for len(b) > 0 {
		r, size := utf8.DecodeRune(b)
		if r == utf8.RuneError && size == 1 {
			n++
		}
		b = b[size:]
	}
	return n
}

// validLine returns a line as UTF-8, or false after an error; replaced is how
// many bytes were not.
func (f *file) validLine(line int, b []byte) (s []byte, replaced int, ok bool) {
	if utf8.Valid(b) {
		return b, 0, true
	}
	if !f.opt.ReplaceInvalid {
		f.invalidUTF8(line, b)
		return nil, 0, false
	}
	return bytes.ToValidUTF8(b, []byte("\ufffd")), countInvalid(b), true
}

// tooLong is the error of what is above the limit.
func (f *file) tooLong(line int, what string) {
	f.fail(line, fmt.Sprintf("%s of more than %d bytes", what, f.opt.maxBytes()), "divide it, or raise --max-document", nil)
}

// lines reads lines with their ends, up to a limit; the rest of a longer one is
// passed over.
type lines struct {
	r    *bufio.Reader
	max  int64
	n    int // the line, from 1
	over bool
}

// next returns io.EOF behind the last line. over says that the line was longer
// than the limit.
func (l *lines) next() ([]byte, error) {
	var line []byte
	l.over = false
	l.n++
	for {
		part, err := l.r.ReadSlice('\n')
		if int64(len(line)+len(part)) > l.max {
			l.over, line = true, nil
		} else if !l.over {
			line = append(line, part...)
		}
		switch {
		case err == nil:
			return line, nil
		case errors.Is(err, bufio.ErrBufferFull):
		case errors.Is(err, io.EOF) && (len(line) > 0 || l.over):
			return line, nil
		default:
			return nil, err
		}
	}
}

// whole reads all of a file up to the limit; false after an error.
func (f *file) whole(r io.Reader) ([]byte, bool) {
	b, err := io.ReadAll(io.LimitReader(r, f.opt.maxBytes()+1))
	switch {
	case err != nil:
		f.ioError(err)
	case int64(len(b)) > f.opt.maxBytes():
		f.tooLong(0, "a file")
	default:
		return b, true
	}
	return nil, false
}

// openFile opens what a path names; "-" is standard input.
func openFile(path string) (io.ReadCloser, error) {
	if path == "-" {
		return io.NopCloser(os.Stdin), nil
	}
	return os.Open(path)
}
