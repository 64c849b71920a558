// Package strictjson reads JSON from files that nobody vouches for. Unlike
// encoding/json it refuses duplicate keys, matches names exactly, keeps no
// replacement for invalid UTF-8, and takes only plain whole numbers where a
// whole number is wanted. It pulls: the caller says what must come next, so
// depth and size are bounded by the caller's own code.
package strictjson

import (
	"fmt"
	"math"
	"unicode/utf16"
	"unicode/utf8"
)

// Error says what is wrong at which byte of the text.
type Error struct {
	Offset int
	Msg    string
}

func (e *Error) Error() string { return fmt.Sprintf("byte %d: %s", e.Offset, e.Msg) }

// Reader reads one JSON text.
type Reader struct {
	data []byte
	pos  int
}

// NewReader reads from data, which must not change meanwhile.
func NewReader(data []byte) *Reader { return &Reader{data: data} }

// Errorf returns an *Error at the current position.
func (r *Reader) Errorf(format string, args ...any) error {
	return &Error{r.pos, fmt.Sprintf(format, args...)}
}

// Peek returns the first byte of the next value or punctuation without taking
// it, 0 at the end of the text: '{', '[', '"', a digit, '-', 't', 'f' or 'n'
// tell the kind of value.
func (r *Reader) Peek() byte {
	for r.pos < len(r.data) {
		switch c := r.data[r.pos]; c {
		case ' ', '\t', '\n', '\r':
			r.pos++
		default:
			return c
		}
	}
	return 0
}

func (r *Reader) want(c byte) error {
	if got := r.Peek(); got != c {
		return r.found(fmt.Sprintf("%q", c))
	}
	r.pos++
	return nil
}

func (r *Reader) found(want string) error {
	if r.pos >= len(r.data) {
		return r.Errorf("found the end, want %s", want)
	}
	return r.Errorf("found %q, want %s", r.data[r.pos], want)
}

// Object reads an object and calls f for each key; f must read the value. A
// key that comes twice is an error.
func (r *Reader) Object(f func(key string) error) error {
	if err := r.want('{'); err != nil {
		return err
	}
	var few [8]string // most objects are small and need no map
	var many map[string]struct{}
	for n := 0; ; n++ {
		if n == 0 && r.Peek() == '}' {
			r.pos++
			return nil
		}
		r.Peek()
		at := r.pos
		key, err := r.String()
		if err != nil {
			return err
		}
		dup := false
		if many != nil {
			_, dup = many[key]
		} else {
			for _, k := range few[:n] {
				dup = dup || k == key
			}
		}
		if dup {
			return &Error{at, fmt.Sprintf("key %.80q comes twice", key)}
		}
		switch {
		case n < len(few):
			few[n] = key
		case many == nil:
			many = make(map[string]struct{}, 64)
			for _, k := range few {
				many[k] = struct{}{}
			}
			fallthrough
		default:
			many[key] = struct{}{}
		}
		if err := r.want(':'); err != nil {
			return err
		}
		if err := f(key); err != nil {
			return err
		}
		switch r.Peek() {
		case ',':
			r.pos++
		case '}':
			r.pos++
			return nil
		default:
			return r.found("',' or '}'")
		}
	}
}

// Array reads an array and calls f for each element; f must read it.
func (r *Reader) Array(f func(i int) error) error {
	if err := r.want('['); err != nil {
		return err
	}
	if r.Peek() == ']' {
		r.pos++
		return nil
	}
	for i := 0; ; i++ {
		if err := f(i); err != nil {
			return err
		}
		switch r.Peek() {
		case ',':
			r.pos++
		case ']':
			r.pos++
			return nil
		default:
			return r.found("',' or ']'")
		}
	}
}

// String reads a string. Lone surrogates and invalid UTF-8 are errors.
func (r *Reader) String() (string, error) {
	if r.Peek() != '"' {
		return "", r.found("a string")
	}
	r.pos++
	start := r.pos
	for r.pos < len(r.data) { // the common case: nothing escaped
		c := r.data[r.pos]
		if c == '"' {
			s := r.data[start:r.pos]
			if !utf8.Valid(s) {
				r.pos = start
				return "", r.Errorf("string is not valid UTF-8")
			}
			r.pos++
			return string(s), nil
		}
		if c == '\\' || c < 0x20 {
			break
		}
		r.pos++
	}
	buf := append([]byte(nil), r.data[start:r.pos]...)
	for r.pos < len(r.data) {
		switch c := r.data[r.pos]; {
		case c == '"':
			if !utf8.Valid(buf) {
				r.pos = start
				return "", r.Errorf("string is not valid UTF-8")
			}
			r.pos++
			return string(buf), nil
		case c < 0x20:
			return "", r.Errorf("bare control character %#02x in a string", c)
		case c == '\\':
			var err error
			if buf, err = r.escape(buf); err != nil {
				return "", err
			}
		default:
			buf = append(buf, c)
			r.pos++
		}
	}
	return "", r.Errorf("string does not end")
}

const shortFrom, shortTo = `"\/bfnrt`, "\"\\/\b\f\n\r\t"

func (r *Reader) escape(buf []byte) ([]byte, error) {
	if r.pos+1 >= len(r.data) {
		return nil, r.Errorf("string does not end")
	}
	e := r.data[r.pos+1]
	for i := range len(shortFrom) {
		if shortFrom[i] == e {
			r.pos += 2
			return append(buf, shortTo[i]), nil
		}
	}
	u, ok := r.hex4()
	if !ok {
		return nil, r.Errorf("bad escape in a string")
	}
	at := r.pos
	r.pos += 6
	if utf16.IsSurrogate(u) {
		lo, ok := r.hex4()
		if u = utf16.DecodeRune(u, lo); !ok || u == utf8.RuneError {
			return nil, &Error{at, "lone surrogate in a string"}
		}
		r.pos += 6
	}
	return utf8.AppendRune(buf, u), nil
}

// hex4 reads the \uXXXX at the current position without moving.
func (r *Reader) hex4() (rune, bool) {
	if r.pos+6 > len(r.data) || r.data[r.pos] != '\\' || r.data[r.pos+1] != 'u' {
		return 0, false
	}
	var u rune
	for _, c := range r.data[r.pos+2 : r.pos+6] {
		switch {
		case '0' <= c && c <= '9':
			u = u<<4 | rune(c-'0')
		case 'a' <= c && c <= 'f':
			u = u<<4 | rune(c-'a'+10)
		case 'A' <= c && c <= 'F':
			u = u<<4 | rune(c-'A'+10)
		default:
			return 0, false
		}
	}
	return u, true
}

// Uint reads a whole number of 0 to 2^63-1 written in plain digits: no sign,
// point or exponent.
func (r *Reader) Uint() (int64, error) {
	if c := r.Peek(); c < '0' || c > '9' {
		return 0, r.found("a whole number")
	}
	start := r.pos
	var n int64
	for r.pos < len(r.data) && '0' <= r.data[r.pos] && r.data[r.pos] <= '9' {
		d := int64(r.data[r.pos] - '0')
		if n > (math.MaxInt64-d)/10 {
			return 0, r.Errorf("number is too large")
		}
		n = n*10 + d
		r.pos++
	}
	if r.data[start] == '0' && r.pos > start+1 {
		r.pos = start
		return 0, r.Errorf("number starts with 0")
	}
	if r.pos < len(r.data) {
		switch r.data[r.pos] {
		case '.', 'e', 'E':
			return 0, r.Errorf("number is not written as a whole number")
		}
	}
	return n, nil
}

// Bool reads true or false.
func (r *Reader) Bool() (bool, error) {
	switch {
	case r.Peek() == 't' && r.literal("true"):
		return true, nil
	case r.Peek() == 'f' && r.literal("false"):
		return false, nil
	}
	return false, r.found("true or false")
}

// Null reads null.
func (r *Reader) Null() error {
	if r.Peek() != 'n' || !r.literal("null") {
		return r.found("null")
	}
	return nil
}

func (r *Reader) literal(s string) bool {
	if len(r.data)-r.pos < len(s) || string(r.data[r.pos:r.pos+len(s)]) != s {
		return false
	}
	r.pos += len(s)
	return true
}

// Skip reads past any value nested at most depth deep (a scalar is depth 0),
// checking its syntax.
func (r *Reader) Skip(depth int) error {
	switch c := r.Peek(); {
	case (c == '{' || c == '[') && depth <= 0:
		return r.Errorf("nested too deep")
	case c == '{':
		return r.Object(func(string) error { return r.Skip(depth - 1) })
	case c == '[':
		return r.Array(func(int) error { return r.Skip(depth - 1) })
	case c == '"':
		_, err := r.String()
		return err
	case c == 't' || c == 'f':
		_, err := r.Bool()
		return err
	case c == 'n':
		return r.Null()
	case c == '-' || '0' <= c && c <= '9':
		return r.skipNumber()
	}
	return r.found("a value")
}

func (r *Reader) skipNumber() error {
	digits := func() bool {
		start := r.pos
		for r.pos < len(r.data) && '0' <= r.data[r.pos] && r.data[r.pos] <= '9' {
			r.pos++
		}
		return r.pos > start
	}
	at := func(set string) bool {
		for i := range len(set) {
			if r.pos < len(r.data) && r.data[r.pos] == set[i] {
				r.pos++
				return true
			}
		}
		return false
	}
	at("-")
	if !at("0") && !digits() {
		return r.Errorf("bad number")
	}
	if at(".") && !digits() {
		return r.Errorf("bad number")
	}
	if at("eE") {
		at("+-")
		if !digits() {
			return r.Errorf("bad number")
		}
	}
	return nil
}

// Rest returns what follows the last value read.
func (r *Reader) Rest() []byte { return r.data[r.pos:] }

// End is an error unless only white space is left.
func (r *Reader) End() error {
	if r.Peek() != 0 || r.pos < len(r.data) {
		return r.found("the end")
	}
	return nil
}

// AppendString appends s, which must be valid UTF-8, as a JSON string, escaped
// no more than JSON asks for.
func AppendString(dst []byte, s string) []byte {
	const hex = "0123456789abcdef"
	dst = append(dst, '"')
next:
	for i := range len(s) {
		c := s[i]
		if c >= 0x20 && c != '"' && c != '\\' {
			dst = append(dst, c)
			continue
		}
		for j := range len(shortTo) {
			if shortTo[j] == c {
				dst = append(dst, '\\', shortFrom[j])
				continue next
			}
		}
		dst = append(dst, '\\', 'u', '0', '0', hex[c>>4], hex[c&15])
	}
	return append(dst, '"')
}
