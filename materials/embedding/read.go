package embedding

import (
	"bufio"
	"bytes"
	"compress/gzip"
	"encoding/binary"
	"errors"
	"fmt"
	"io"
	"math"
	"os"
	"strconv"
	"strings"
	"unicode/utf8"
)

// Limits of files that are read.
const (
	maxRows   = 100_000_000
	maxDim    = 16384
	maxWord   = 4096 // bytes
	maxHeader = 64
)

// Open reads a file of vectors, text or binary, gzipped or not.
func Open(path string) (*Vectors, error) {
	f, err := os.Open(path)
	if err != nil {
		return nil, err
	}
	defer f.Close()
	return Read(path, f)
}

// Read reads word2vec's text or binary form, told apart by the first row, and
// either gzipped. name is the file in errors. What the first line says of sizes
// is believed only as far as rows come: memory grows with them.
func Read(name string, r io.Reader) (*Vectors, error) {
	in := bufio.NewReaderSize(r, 1<<17)
	if m, _ := in.Peek(2); bytes.Equal(m, []byte{0x1f, 0x8b}) {
		z, err := gzip.NewReader(in)
		if err != nil {
			return nil, fmt.Errorf("%s: %w", name, err)
		}
		in = bufio.NewReaderSize(z, 1<<17)
	}
	head, err := in.Peek(maxHeader)
	end := bytes.IndexByte(head, '\n')
	if end < 0 {
		if err != nil && !errors.Is(err, io.EOF) {
			return nil, fmt.Errorf("%s: %w", name, err)
		}
		return nil, fmt.Errorf("%s:1: no line \"words dimensions\" at the start; give a word2vec file", name)
	}
	fields := strings.Fields(string(head[:end]))
	var rows, dim int
	if len(fields) == 2 {
		rows, dim = size(fields[0], maxRows), size(fields[1], maxDim)
	}
	if rows < 0 || dim < 1 {
		return nil, fmt.Errorf("%s:1: %q is not \"words dimensions\" of up to %d words and %d dimensions; give a word2vec file", name, head[:end], maxRows, maxDim)
	}
	in.Discard(end + 1)
	t := &table{name: name, in: in, rows: rows, dim: dim, index: map[string]int32{}}
	if t.isText() {
		err = t.text()
	} else {
		err = t.binary()
	}
	if err != nil {
		return nil, err
	}
	v, err := New(t.words, dim, t.data)
	if err != nil {
		return nil, fmt.Errorf("%s: %w", name, err)
	}
	v.Duplicates = t.duplicates
	return v, nil
}

// size is a whole number up to a limit, -1 for anything else.
func size(s string, limit int) int {
	n, err := strconv.Atoi(s)
	if err != nil || n < 0 || n > limit {
		return -1
	}
	return n
}

type table struct {
	name       string
	in         *bufio.Reader
	rows, dim  int
	words      []string
	data       []float32
	index      map[string]int32
	duplicates int
}

// isText tells whether the first row is a line of numbers: a line that the
// buffer does not hold is told by its start.
func (t *table) isText() bool {
	if t.rows == 0 {
		return true
	}
	b, _ := t.in.Peek(1 << 16)
	line, _, whole := bytes.Cut(b, []byte{'\n'})
	fields := strings.Split(strings.TrimRight(string(line), " \r"), " ")
	if len(fields) < 2 {
		return false
	}
	if whole && len(fields) != t.dim+1 {
		// A row of the wrong length, if it is numbers and not chance.
		whole = false
	}
	for _, f := range fields[1 : len(fields)-1] {
		if _, err := strconv.ParseFloat(f, 32); err != nil && !errors.Is(err, strconv.ErrRange) {
			return false
		}
	}
	last := fields[len(fields)-1]
	_, err := strconv.ParseFloat(last, 32)
	return err == nil || errors.Is(err, strconv.ErrRange) || !whole && len(fields) > 2
}

func (t *table) add(word string, place string, row []float32) error {
	if !utf8.ValidString(word) {
		return fmt.Errorf("%s:%s: the word %q is not UTF-8; write the vectors anew from text that is", t.name, place, word)
	}
	for _, x := range row {
		if math.IsNaN(float64(x)) || math.IsInf(float64(x), 0) {
			return fmt.Errorf("%s:%s: the vector of %q holds %v; take the word out or train anew", t.name, place, word, x)
		}
	}
	if _, ok := t.index[word]; ok {
		t.duplicates++
		return nil
	}
	t.index[word] = int32(len(t.words))
	t.words = append(t.words, word)
	t.data = append(t.data, row...)
	return nil
}

func (t *table) text() error {
	row := make([]float32, t.dim)
	limit := maxWord + 32*t.dim
	var line []byte
	for i := range t.rows {
		place := strconv.Itoa(i + 2)
		line = line[:0]
		for {
			part, err := t.in.ReadSlice('\n')
			if line = append(line, part...); len(line) > limit {
				return fmt.Errorf("%s:%s: a line of more than %d bytes; the file is damaged", t.name, place, limit)
			}
			if err == nil || errors.Is(err, io.EOF) && len(line) > 0 {
				break
			}
			if errors.Is(err, io.EOF) {
				return t.short(i)
			}
			if !errors.Is(err, bufio.ErrBufferFull) {
				return fmt.Errorf("%s: %w", t.name, err)
			}
		}
		word, rest, _ := strings.Cut(strings.TrimRight(string(line), " \r\n"), " ")
		if word == "" || len(word) > maxWord {
			return fmt.Errorf("%s:%s: no word of up to %d bytes at the start of the line; the file is damaged", t.name, place, maxWord)
		}
		n := 0
		for f := range strings.SplitSeq(rest, " ") {
			x, err := strconv.ParseFloat(f, 32)
			if err != nil && !errors.Is(err, strconv.ErrRange) {
				return fmt.Errorf("%s:%s: %q is no number; the file is damaged", t.name, place, f)
			}
			if n < t.dim {
				row[n] = float32(x)
			}
			n++
		}
		if n != t.dim {
			return fmt.Errorf("%s:%s: %d numbers, wanted the %d of the first line", t.name, place, n, t.dim)
		}
		if err := t.add(word, place, row); err != nil {
			return err
		}
	}
	if rest, _ := t.in.Peek(1); len(rest) > 0 {
		return fmt.Errorf("%s:%d: more rows than the %d of the first line; correct it", t.name, t.rows+2, t.rows)
	}
	return nil
}

func (t *table) short(i int) error {
	return fmt.Errorf("%s: ends after %d of %d words; the file is cut short, or its first line is wrong", t.name, i, t.rows)
}

func (t *table) binary() error {
	raw, row := make([]byte, 4*t.dim), make([]float32, t.dim)
	for i := range t.rows {
		place := fmt.Sprintf("word %d", i+1)
		var word []byte
		for {
			c, err := t.in.ReadByte()
			if errors.Is(err, io.EOF) {
				return t.short(i)
			}
			if err != nil {
				return fmt.Errorf("%s: %w", t.name, err)
			}
			if c == ' ' {
				break
			}
			if c == '\n' && len(word) == 0 { // the original program ends rows with one
				continue
			}
			if word = append(word, c); len(word) > maxWord {
				return fmt.Errorf("%s:%s: no blank within %d bytes; the file is damaged, or has other than %d dimensions", t.name, place, maxWord, t.dim)
			}
		}
		if len(word) == 0 {
			return fmt.Errorf("%s:%s: the word is empty; the file is damaged", t.name, place)
		}
		if _, err := io.ReadFull(t.in, raw); err != nil {
			if errors.Is(err, io.EOF) || errors.Is(err, io.ErrUnexpectedEOF) {
				return t.short(i)
			}
			return fmt.Errorf("%s: %w", t.name, err)
		}
		for k := range row {
			row[k] = math.Float32frombits(binary.LittleEndian.Uint32(raw[4*k:]))
		}
		if err := t.add(string(word), place, row); err != nil {
			return err
		}
	}
	rest, _ := t.in.Peek(2)
	if len(bytes.TrimLeft(rest, "\n")) > 0 {
		return fmt.Errorf("%s: more bytes than the %d words of the first line; it is damaged or the line is wrong", t.name, t.rows)
	}
	return nil
}
