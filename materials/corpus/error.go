package corpus

import (
	"errors"
	"fmt"
	"strings"
)

// Error is a problem in a file that was read.
type Error struct {
	File   string
	Line   int    // from 1; 0 if there is none
	What   string // what is wrong
	Remedy string // what to do
	Err    error  // cause, may be nil
}

// Error returns "<file>:<line>: <what>; <remedy>".
func (e *Error) Error() string {
	var b strings.Builder
	b.WriteString(e.File)
	if e.Line > 0 {
		fmt.Fprintf(&b, ":%d", e.Line)
	}
	b.WriteString(": " + e.What)
	if e.Remedy != "" {
		b.WriteString("; " + e.Remedy)
	}
	return b.String()
}

// Unwrap returns the cause.
func (e *Error) Unwrap() error { return e.Err }

// ErrEmpty is the cause of an [Error] of a document without any text.
var ErrEmpty = errors.New("no text")
