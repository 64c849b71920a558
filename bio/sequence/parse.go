package sequence

import (
	"bytes"
	"fmt"
	"slices"
	"strconv"
	"strings"

	"github.com/kiban-models/kiban/core/dataset"
)

func (r *Reader) startLine() error {
	r.line++
	r.col = 0
	switch c := r.chunk[0]; {
	case c == '>':
		r.kind = headerLine
		r.open, r.skip, r.stops = true, false, 0
		r.header, r.residues = r.header[:0], r.residues[:0]
		r.rec = Record{Line: r.line, Index: r.index}
		r.index++
	case c == ';':
		r.kind = commentLine
	case r.open:
		r.kind = residueLine
	default:
		text := r.chunk
		if i := bytes.IndexAny(text, "\r\n"); i >= 0 {
			text = text[:i]
		}
		for i, c := range text {
			if cl := r.table.class[c]; cl == badByte {
				r.col = i
				return r.byteError(c)
			}
		}
		if len(bytes.TrimSpace(text)) > 0 {
			return &Error{File: r.name, Line: r.line, Column: 1,
				What:   fmt.Sprintf("text before the first header: %.30q", text),
				Remedy: "a FASTA record starts with a line >ID description"}
		}
		r.kind = residueLine // only blanks
	}
	return nil
}

// addHeader takes a piece of a header, the last one or not. A line in one piece is
// not put together first.
func (r *Reader) addHeader(piece []byte, last bool) error {
	if len(r.header)+len(piece) > maxHeader {
		return &Error{File: r.name, Line: r.line, What: fmt.Sprintf("header longer than %d bytes", maxHeader),
			Remedy: "a line break after the header is missing"}
	}
	n := plainText(piece)
	for i, c := range piece[n:] {
		if c < ' ' && c != '\t' && c != 1 || c == 0x7f {
			r.col += n + i
			return r.byteError(c)
		}
	}
	if last && len(r.header) == 0 {
		r.endHeader(piece)
		return nil
	}
	r.header = append(r.header, piece...)
	if last {
		r.endHeader(r.header)
	}
	return nil
}

func (r *Reader) endHeader(line []byte) {
	n := len(line)
	for line[n-1] == ' ' || line[n-1] == '\t' { // as far as '>'
		n--
	}
	line = line[1:n]
	i := 0
	for i < len(line) && line[i] != ' ' && line[i] != '\t' && line[i] != 1 {
		i++
	}
	if r.opts.NoDescriptions {
		r.rec.ID = r.keep(line[:i])
		return
	}
	text := r.keep(line)
	switch {
	case i == len(text):
		r.rec.ID = text
	case text[i] == 1: // the second entry of a joined header starts here
		r.rec.ID, r.rec.Description = text[:i], text[i:]
	default:
		r.rec.ID, r.rec.Description = text[:i], strings.TrimLeft(text[i:], " \t")
	}
}

// keep makes a string of a header. Headers of records that follow one another
// share an allocation.
func (r *Reader) keep(text []byte) string {
	if r.names.Cap()-r.names.Len() < len(text) {
		r.names.Reset()
		r.names.Grow(max(nameBytes, len(text)))
	}
	at := r.names.Len()
	r.names.Write(text)
	return r.names.String()[at:]
}

func (r *Reader) addResidues(piece []byte) error {
	if len(r.residues)+len(piece) > r.opts.MaxResidues {
		return r.recordError(&Error{Line: r.line, What: fmt.Sprintf("longer than %d residues", r.opts.MaxResidues),
			Remedy: "split it, or check that line breaks and headers are intact"})
	}
	if r.stops == 0 && r.addPlain(piece) {
		return nil
	}
	for i, c := range piece {
		var err error
		switch class := r.table.class[c]; {
		case class == upper:
			err = r.put(c)
		case class == lower:
			r.counts.LowerCase++
			err = r.put(r.table.upper[c])
		case class == blank:
		case class == gap && r.opts.Gaps == RemoveGaps:
			r.counts.Gaps++
		case class == stop:
			if r.stops == 0 {
				r.firstStop = &Error{Line: r.line, Column: r.col + i + 1, What: "'*' inside the sequence",
					Remedy: "cut the sequence at the stop, or use --invalid skip or x"}
			}
			r.stops++
		case class == badByte:
			r.col += i
			err = r.byteError(c)
		case c == '>':
			err = r.recordError(&Error{Line: r.line, Column: r.col + i + 1,
				What: "'>' inside a sequence line", Remedy: "the line break before a header is missing"})
		default:
			at := &Error{Line: r.line, Column: r.col + i + 1, What: fmt.Sprintf("%q is no residue", c),
				Remedy: "correct it, or use --invalid skip or x"}
			if class == gap {
				at.Remedy = "give unaligned sequences, or use --gaps remove"
			}
			if err = r.invalid(at); err == nil {
				err = r.put(r.opts.Type.Any())
			}
		}
		if err != nil {
			return err
		}
	}
	return nil
}

// addPlain appends a piece that is nothing but upper-case residues, as most are.
// It reports false of another.
func (r *Reader) addPlain(piece []byte) bool {
	if r.table.letters {
		r.residues = slices.Grow(r.residues, len(piece))
		n := copyLetters(r.residues[len(r.residues):cap(r.residues)], piece)
		if n < len(piece) {
			return false
		}
		r.residues = r.residues[:len(r.residues)+n]
		return true
	}
	least := upper
	for _, c := range piece {
		least = min(least, r.table.class[c])
	}
	if least == upper {
		r.residues = append(r.residues, piece...)
	}
	return least == upper
}

// plainLines takes lines of nothing but upper-case residues as long as they
// follow one another, which saves looking for their ends. It leaves every other
// line to advance.
func (r *Reader) plainLines() {
	if !r.open || r.kind != lineStart || r.stops > 0 || !r.table.letters {
		return
	}
	r.residues = slices.Grow(r.residues, len(r.ahead))
	room, lines, n := r.residues[:cap(r.residues)], r.ahead, len(r.residues)
	for len(lines) > 0 {
		k := copyLetters(room[n:], lines)
		if k == len(lines) || lines[k] != '\n' || n+k > r.opts.MaxResidues {
			break
		}
		lines, n = lines[k+1:], n+k
		r.line++
	}
	r.ahead, r.residues = lines, room[:n]
}

// put appends a residue, and before it the '*' that turn out to be inside.
func (r *Reader) put(c byte) error {
	for ; r.stops > 0; r.stops-- {
		if err := r.invalid(r.firstStop); err != nil {
			return err
		}
		r.residues = append(r.residues, r.opts.Type.Any())
	}
	r.residues = append(r.residues, c)
	return nil
}

// invalid applies the policy to a letter that is no residue.
func (r *Reader) invalid(e *Error) error {
	switch r.opts.Invalid {
	case SkipInvalid:
		r.skip = true
	case ReplaceInvalid:
		r.counts.Replaced++
	default:
		return r.recordError(e)
	}
	return nil
}

// finish closes the open record and reports whether to yield it.
func (r *Reader) finish() (bool, error) {
	if r.kind == headerLine { // the file ended inside the header
		r.endHeader(r.header)
		r.kind = lineStart
	}
	r.open = false
	r.rec.Residues = r.residues
	if r.skip {
		r.counts.Invalid++
		return false, nil
	}
	if len(r.residues) == 0 {
		if r.opts.Empty == SkipEmpty {
			r.counts.Empty++
			return false, nil
		}
		return false, r.recordError(&Error{Line: r.rec.Line, What: "no residues after the header",
			Remedy: "remove the record, or use --empty skip"})
	}
	if ok, err := r.checkID(); !ok || err != nil {
		return false, err
	}
	if r.stops > 0 {
		r.counts.Stops++
	}
	if r.pairs != nil {
		r.pairs.add(r.residues, &r.counts.Letters)
	}
	r.counts.Records++
	r.counts.Residues += int64(len(r.residues))
	r.last = r.rec.ID
	return true, nil
}

func (r *Reader) checkID() (bool, error) {
	if r.seen == nil {
		return true, nil
	}
	key := dataset.DigestOf([]byte(r.rec.ID))
	if r.seen.Add(key) {
		return true, nil
	}
	switch r.opts.Duplicates {
	case FirstDuplicate:
		r.counts.Duplicates++
		return false, nil
	case RenameDuplicates:
		r.counts.Duplicates++
		id := r.rec.ID
		for { // a name like ID_2 may be taken already
			r.copies[key]++
			r.rec.ID = id + "_" + strconv.Itoa(r.copies[key]+1)
			if r.seen.Add(dataset.DigestOf([]byte(r.rec.ID))) {
				return true, nil
			}
		}
	}
	return false, r.recordError(&Error{Line: r.rec.Line, What: "an earlier record has the same ID",
		Remedy: "make IDs unique, or use --duplicates first or rename"})
}
