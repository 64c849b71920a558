package embedding

import (
	"bufio"
	"encoding/binary"
	"fmt"
	"io"
	"math"
	"strconv"
	"strings"
	"unicode"
)

// WriteText writes the text form of word2vec: a line "words dimensions", then a
// line a word, numbers with as many digits as bring the same number back.
func (v *Vectors) WriteText(w io.Writer) error {
	return v.write(w, func(b []byte, row []float32) []byte {
		for _, x := range row {
			b = strconv.AppendFloat(append(b, ' '), float64(x), 'g', -1, 32)
		}
		return append(b, '\n')
	})
}

// WriteBinary writes the binary form: the same first line, then for each word
// its bytes, a blank, and little-endian float32s.
func (v *Vectors) WriteBinary(w io.Writer) error {
	return v.write(w, func(b []byte, row []float32) []byte {
		b = append(b, ' ')
		for _, x := range row {
			b = binary.LittleEndian.AppendUint32(b, math.Float32bits(x))
		}
		return b
	})
}

func (v *Vectors) write(w io.Writer, row func([]byte, []float32) []byte) error {
	out := bufio.NewWriterSize(w, 1<<16)
	fmt.Fprintf(out, "%d %d\n", len(v.Words), v.Dim)
	var b []byte
	for i, word := range v.Words {
		if word == "" || len(word) > maxWord || strings.IndexFunc(word, unicode.IsSpace) >= 0 {
			return fmt.Errorf("embedding: the word %q cannot be written: the format parts words by blanks and has room for %d bytes", word, maxWord)
		}
		b = row(append(b[:0], word...), v.Row(i))
		if _, err := out.Write(b); err != nil {
			return err
		}
	}
	return out.Flush()
}
