package pickle

import (
	"bufio"
	"encoding/binary"
	"errors"
	"fmt"
	"io"
	"math"
	"strings"
	"unicode/utf8"
)

// Limits. Real files stay far below them: Python writes lists and dicts in
// pieces of a thousand, and a tensor takes about 60 bytes of pickle.
const (
	MaxSize   = 64 << 20 // bytes of a pickle
	maxOps    = 50_000_000
	maxStack  = 1_000_000
	maxMarks  = 256
	maxDepth  = 64
	maxMemo   = 10_000_000
	maxString = 1 << 20
	maxGlobal = 256

	// Memory is limited by what was read so far: a hostile pickle makes a
	// container with every byte, a real one needs about 8 bytes for each.
	freeMemory    = 16 << 20
	memoryPerByte = 16
)

// Error says what is wrong with a pickle, and where.
type Error struct {
	Offset int64 // of the opcode, from the start of the pickle
	Msg    string
}

func (e *Error) Error() string { return fmt.Sprintf("pickle: byte %d: %s", e.Offset, e.Msg) }

func errorf(format string, args ...any) error { return &Error{Msg: fmt.Sprintf(format, args...)} }

// Read reads one pickle of protocol 2 from r, whose buffer may hold bytes that
// follow it. It returns the value and the number of bytes that the pickle
// takes, 0 with an error. The error is an *Error unless reading r failed.
func Read(r *bufio.Reader) (Value, int64, error) {
	m := machine{r: r, memo: map[uint32]Value{}}
	at := int64(0)
	for ops := 0; ; ops++ {
		at = m.n
		v, stop, err := m.step(ops)
		if err == nil && stop {
			err = check(v)
		}
		if err != nil {
			var bad *Error
			if errors.As(err, &bad) {
				bad.Offset = at
			}
			return nil, 0, err
		}
		if stop {
			return v, m.n, nil
		}
	}
}

// machine is a stack machine that only moves data about.
type machine struct {
	r      *bufio.Reader
	n      int64
	stack  []Value
	marks  []int // lengths of the stack
	memo   map[uint32]Value
	memory int64
}

func (m *machine) bytes(n int) ([]byte, error) {
	if m.n += int64(n); m.n > MaxSize {
		return nil, errorf("the pickle is longer than %d bytes", MaxSize)
	}
	b := make([]byte, n)
	if _, err := io.ReadFull(m.r, b); err == io.EOF || err == io.ErrUnexpectedEOF {
		return nil, errorf("the pickle ends in the middle")
	} else if err != nil {
		return nil, err
	}
	return b, nil
}

// uint reads a little-endian number of size bytes, at most 8.
func (m *machine) uint(size int) (uint64, error) {
	if m.n += int64(size); m.n > MaxSize {
		return 0, errorf("the pickle is longer than %d bytes", MaxSize)
	}
	v := uint64(0)
	for i := range size {
		b, err := m.r.ReadByte()
		if err == io.EOF {
			return 0, errorf("the pickle ends in the middle")
		} else if err != nil {
			return 0, err
		}
		v |= uint64(b) << (8 * i)
	}
	return v, nil
}

func (m *machine) text(n uint64) (string, error) {
	if n > maxString {
		return "", errorf("a text of %d bytes is above the limit of %d", n, maxString)
	}
	b, err := m.bytes(int(n))
	if err == nil && !utf8.Valid(b) {
		err = errorf("a text is not UTF-8")
	}
	return string(b), err
}

// line reads up to a newline, which is not returned.
func (m *machine) line() (string, error) {
	var b strings.Builder
	for {
		c, err := m.uint(1)
		switch {
		case err != nil:
			return "", err
		case c == '\n':
			return b.String(), nil
		case b.Len() == maxGlobal || c <= ' ' || c > '~':
			return "", errorf("the name of a global is too long or has odd characters: %.60q", b.String()+string(rune(c)))
		}
		b.WriteByte(byte(c))
	}
}

// hold counts memory that a node takes, with what the garbage collector and
// growing slices add.
func (m *machine) hold(bytes int) error {
	if m.memory += int64(bytes); m.memory > freeMemory+memoryPerByte*m.n {
		return errorf("the pickle takes more memory than its size can justify")
	}
	return nil
}

func (m *machine) push(v Value) error {
	if len(m.stack) == maxStack {
		return errorf("more than %d values on the stack", maxStack)
	}
	m.stack = append(m.stack, v)
	return nil
}

// pop never goes below the last mark, as a well-formed pickle never does.
func (m *machine) pop() (Value, error) {
	bottom := 0
	if len(m.marks) > 0 {
		bottom = m.marks[len(m.marks)-1]
	}
	if len(m.stack) <= bottom {
		return nil, errorf("the stack is empty")
	}
	v := m.stack[len(m.stack)-1]
	m.stack = m.stack[:len(m.stack)-1]
	return v, nil
}

// popMark returns a copy of what lies above the last mark.
func (m *machine) popMark() ([]Value, error) {
	if len(m.marks) == 0 {
		return nil, errorf("there is no mark")
	}
	at := m.marks[len(m.marks)-1]
	m.marks = m.marks[:len(m.marks)-1]
	items := append([]Value(nil), m.stack[at:]...)
	m.stack = m.stack[:at]
	return items, m.hold(16 * len(items))
}

// top is the container that an opcode fills.
func (m *machine) top() (Value, error) {
	v, err := m.pop()
	if err == nil {
		m.stack = append(m.stack, v)
	}
	return v, err
}

// contain notes that items lie in n.
func (n *node) contain(items ...Value) error {
	for _, v := range items {
		if c, ok := v.(container); ok {
			n.depth = max(n.depth, c.meta().depth+1)
		}
	}
	if n.depth >= maxDepth {
		return errorf("containers are nested more than %d deep", maxDepth)
	}
	return nil
}

func (m *machine) tuple(items []Value) error {
	t := &Tuple{Items: items}
	if err := t.contain(items...); err != nil {
		return err
	}
	if err := m.hold(48); err != nil {
		return err
	}
	return m.push(t)
}

func (m *machine) add(items []Value) error {
	v, err := m.top()
	if err != nil {
		return err
	}
	l, ok := v.(*List)
	if !ok {
		return errorf("something is appended to what is no list")
	}
	l.Items = append(l.Items, items...)
	if err := m.hold(24 * len(items)); err != nil {
		return err
	}
	return l.contain(items...)
}

func (m *machine) set(items []Value) error {
	v, err := m.top()
	if err != nil {
		return err
	}
	d, ok := v.(*Dict)
	if !ok {
		return errorf("an item is set in what is no dict")
	}
	if len(items)%2 != 0 {
		return errorf("a key has no value")
	}
	if err := m.hold(64 * len(items)); err != nil {
		return err
	}
	for i := 0; i < len(items); i += 2 {
		if err := d.set(items[i], items[i+1]); err != nil {
			return err
		}
	}
	return nil
}

func (d *Dict) set(key, value Value) error {
	switch key.(type) {
	case string, int64:
	default:
		return errorf("a key of a dict is neither a text nor a whole number")
	}
	if _, twice := d.seen[key]; twice {
		return errorf("the key %.60v is in a dict twice", key)
	}
	if d.seen == nil {
		d.seen = map[Value]struct{}{}
	}
	d.seen[key] = struct{}{}
	d.Keys, d.Values = append(d.Keys, key), append(d.Values, value)
	return d.contain(value)
}

// long reads a two's complement number of up to 8 bytes.
func (m *machine) long() (int64, error) {
	n, err := m.uint(1)
	if err != nil || n == 0 {
		return 0, err
	}
	if n > 8 {
		return 0, errorf("a number of %d bytes is above the limit of 8", n)
	}
	v, err := m.uint(int(n))
	shift := 64 - 8*n
	return int64(v<<shift) >> shift, err
}

func (m *machine) float() (float64, error) {
	b, err := m.bytes(8)
	if err != nil {
		return 0, err
	}
	return math.Float64frombits(binary.BigEndian.Uint64(b)), nil
}
