package sequence

import (
	"bytes"
	"fmt"
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

func (r *Reader) addHeader(piece []byte) error {
	if len(r.header)+len(piece) > maxHeader {
		return &Error{File: r.name, Line: r.line, What: fmt.Sprintf("header longer than %d bytes", maxHeader),
			Remedy: "a line break after the header is missing"}
	}
	for i, c := range piece {
		if c < ' ' && c != '\t' && c != 1 || c == 0x7f {
			r.col += i
			return r.byteError(c)
		}
	}
	r.header = append(r.header, piece...)
	return nil
}

func (r *Reader) endHeader() {
	text := strings.TrimRight(string(r.header[1:]), " \t")
	i := strings.IndexAny(text, " \t\x01")
	switch {
	case i < 0:
		r.rec.ID = text
	case text[i] == 1: // the second entry of a joined header starts here
		r.rec.ID, r.rec.Description = text[:i], text[i:]
	default:
		r.rec.ID, r.rec.Description = text[:i], strings.TrimLeft(text[i:], " \t")
	}
}

func (r *Reader) addResidues(piece []byte) error {
	if len(r.residues)+len(piece) > r.opts.MaxResidues {
		return r.recordError(&Error{Line: r.line, What: fmt.Sprintf("longer than %d residues", r.opts.MaxResidues),
			Remedy: "split it, or check that line breaks and headers are intact"})
	}
	// The usual line is nothing but upper-case residues.
	least := upper
	for _, c := range piece {
		least = min(least, r.table.class[c])
	}
	if least == upper && r.stops == 0 {
		r.residues = append(r.residues, piece...)
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
		r.endHeader()
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
	for _, c := range r.residues {
		r.counts.Letters[c]++
	}
	r.counts.Nonstandard = 0
	for _, c := range []byte(Nonstandard) {
		r.counts.Nonstandard += r.counts.Letters[c]
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
