package sequence

import (
	"errors"
	"fmt"
	"io"
	"strings"

	"github.com/kiban-models/kiban/core/packed"
)

// Error is a problem in a FASTA file. Line, Column and Record are left out of
// the text when they are zero.
type Error struct {
	File   string
	Line   int    // from 1
	Column int    // in bytes, from 1
	Record string // ID of the record
	What   string // what is wrong
	Remedy string // what to do
	Err    error  // cause, may be nil
}

// Error returns "<file>:<line>: record <id>, column <n>: <what>; <remedy>".
func (e *Error) Error() string {
	var b strings.Builder
	b.WriteString(e.File)
	if e.Line > 0 {
		fmt.Fprintf(&b, ":%d", e.Line)
	}
	b.WriteString(": ")
	if e.Record != "" {
		fmt.Fprintf(&b, "record %s", e.Record)
	}
	if e.Column > 0 {
		if e.Record != "" {
			b.WriteString(", ")
		}
		fmt.Fprintf(&b, "column %d", e.Column)
	}
	if e.Record != "" || e.Column > 0 {
		b.WriteString(": ")
	}
	b.WriteString(e.What)
	if e.Remedy != "" {
		b.WriteString("; ")
		b.WriteString(e.Remedy)
	}
	return b.String()
}

// Unwrap returns the cause.
func (e *Error) Unwrap() error { return e.Err }

func (r *Reader) recordError(e *Error) *Error {
	e.File, e.Record = r.name, r.rec.ID
	if e.Record == "" {
		e.Record = fmt.Sprintf("number %d", r.rec.Index+1)
	}
	return e
}

func (r *Reader) byteError(c byte) *Error {
	e := &Error{File: r.name, Line: r.line, Column: r.col + 1}
	switch {
	case c == 0:
		e.What, e.Remedy = "NUL byte", "the file is binary or UTF-16: give FASTA text in ASCII or UTF-8"
	case c >= 0x80:
		e.What = fmt.Sprintf("byte 0x%02x, which is not ASCII", c)
		e.Remedy = "residues are ASCII letters: check the encoding"
	default:
		e.What = fmt.Sprintf("control byte 0x%02x", c)
		e.Remedy = "the file is not FASTA text, or is damaged"
	}
	if r.open && r.kind == residueLine {
		return r.recordError(e)
	}
	return e
}

func (r *Reader) ioError(err error, last string) *Error {
	kind := "input"
	if r.src != nil && r.src.Kind != "" {
		kind = r.src.Kind
	}
	e := &Error{File: r.name, Line: r.line, Err: err, Remedy: "copy or download it again"}
	if errors.Is(err, io.ErrUnexpectedEOF) {
		e.What = kind + " data is truncated"
	} else {
		e.What = kind + " data: " + err.Error()
	}
	if errors.Is(err, packed.ErrBomb) {
		e.Remedy = "decompress it yourself if you trust it"
	}
	if last != "" {
		e.What += fmt.Sprintf(" after record %d (%s)", r.counts.Records, last)
	} else {
		e.What += " before the first whole record"
	}
	return e
}
