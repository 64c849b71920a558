package vector

import (
	"bufio"
	"encoding/binary"
	"fmt"
	"io"
	"math"
	"strings"
)

// NPY writes a matrix of f32, a row a text, in NumPy's format 1.0
// (numpy.lib.format). The number of rows, which stands at the front, is put
// there by Close.
type NPY struct {
	file  io.WriteSeeker
	w     *bufio.Writer
	width int
	rows  int64
	row   []byte
}

// npyHeader is the size of the header: a multiple of 64, with room for any
// number of rows.
const npyHeader = 128

// NewNPY begins a file of vectors of the given width. It stands at the start of
// the file.
func NewNPY(file io.WriteSeeker, width int) (*NPY, error) {
	n := &NPY{file: file, w: bufio.NewWriterSize(file, 1<<16), width: width, row: make([]byte, 4*width)}
	_, err := n.w.Write(n.header())
	return n, err
}

func (n *NPY) header() []byte {
	text := fmt.Sprintf("{'descr': '<f4', 'fortran_order': False, 'shape': (%d, %d), }", n.rows, n.width)
	const before = 10 // magic, version and the length of the rest
	b := append([]byte("\x93NUMPY\x01\x00"), 0, 0)
	binary.LittleEndian.PutUint16(b[8:], npyHeader-before)
	return append(b, text+strings.Repeat(" ", npyHeader-before-len(text)-1)+"\n"...)
}

// Write adds a row.
func (n *NPY) Write(v []float32) error {
	if len(v) != n.width {
		return fmt.Errorf("vector: %d numbers for a row of %d", len(v), n.width)
	}
	for i, x := range v {
		binary.LittleEndian.PutUint32(n.row[4*i:], math.Float32bits(x))
	}
	n.rows++
	_, err := n.w.Write(n.row)
	return err
}

// Close makes the file whole. It stays open.
func (n *NPY) Close() error {
	if err := n.w.Flush(); err != nil {
		return err
	}
	if _, err := n.file.Seek(0, io.SeekStart); err != nil {
		return err
	}
	if _, err := n.file.Write(n.header()); err != nil {
		return err
	}
	_, err := n.file.Seek(0, io.SeekEnd)
	return err
}
