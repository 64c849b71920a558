package corpus

import (
	"bufio"
	"bytes"
	"errors"
	"io"
	"unicode/utf8"
)

// text reads plain text: the file, each of its lines or each of its
// paragraphs. The text is the file's own, line ends included, but for a byte
// order mark at its start, which is left out and not counted in offsets.
func (f *file) text(r *bufio.Reader) {
	offset := 0
	if head, _ := r.Peek(3); bytes.Equal(head, []byte("\xef\xbb\xbf")) {
		if _, err := r.Discard(3); err != nil {
			f.ioError(err)
			return
		}
		offset = 3
	}
	if f.opt.Unit == File {
		b, ok := f.whole(r)
		if ok {
			f.plain(b, f.id, offset, 1)
		}
		return
	}
	in := &lines{r: r, max: f.opt.maxBytes()}
	var unit []byte
	from, start := 0, 0 // the unit's first line and byte
	flush := func() {
		if len(bytes.TrimSpace(unit)) > 0 {
			f.plain(bytes.TrimRight(unit, "\r\n"), f.numbered(from), start, from)
		}
		unit = unit[:0]
	}
	for !f.stopped {
		line, err := in.next()
		if errors.Is(err, io.EOF) {
			flush()
			return
		}
		if err != nil {
			f.ioError(err)
			return
		}
		if in.over || int64(len(unit)+len(line)) > in.max {
			// Nothing behind it could be placed in the file.
			f.tooLong(in.n, "a line or paragraph")
			return
		}
		blank := len(bytes.TrimSpace(line)) == 0
		if !blank || len(unit) > 0 {
			if len(unit) == 0 {
				from, start = in.n, offset
			}
			unit = append(unit, line...)
		}
		offset += len(line)
		if blank || f.opt.Unit == Line {
			flush()
		}
	}
}

// plain yields a stretch of a file as a document.
func (f *file) plain(b []byte, id string, offset, line int) {
	if i := bytes.IndexByte(b, 0); i >= 0 {
		f.fail(line+bytes.Count(b[:i], []byte("\n")), "a NUL byte", "the file is not plain text, or is damaged", nil)
		return
	}
	d := Document{ID: id, Text: string(b), Meta: map[string]string{}}
	d.Places = []Place{{Span{0, len(b)}, Span{offset, offset + len(b)}}}
	if !utf8.Valid(b) {
		if !f.opt.ReplaceInvalid {
			f.invalidUTF8(line, b)
			return
		}
		at := firstInvalid(b)
		d.Warnings = append(d.Warnings, f.replaced(line+bytes.Count(b[:at], []byte("\n")), countInvalid(b)))
		var edits []edit
		for i := at; i < len(b); {
			r, n := utf8.DecodeRune(b[i:])
			if r == utf8.RuneError && n == 1 {
				edits = append(edits, edit{Span{i, i + 1}, "\ufffd"})
			}
			i += n
		}
		d.apply(edits)
	}
	f.emit(d, line)
}
