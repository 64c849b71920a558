package netcdf

import (
	"errors"
	"io"
	"os"
	"slices"
)

// classicFile reads the values of a classic file.
type classicFile struct {
	f         *os.File
	variables []Variable
	places    []classicPlace
	record    int // bytes from one record to the next
}

var classicFormats = map[byte]string{1: "classic", 2: "64-bit offset", 5: "64-bit data"}

// content is what the header says of the file.
func (h *classicHeader) content() content {
	root := Group{Dimensions: h.dimensions, Variables: h.variables, Attributes: h.attributes}
	if root.Dimensions == nil {
		root.Dimensions = []Dimension{}
	}
	if root.Variables == nil {
		root.Variables = []Variable{}
	}
	return content{classicFormats[h.version], root}
}

func (c *classicFile) close() error { return c.f.Close() }

const (
	classicPiece  = 256 << 10 // read and turned at once, while it is in the cache
	classicWindow = 1 << 20   // read at once for many short runs
	shortRun      = 16 << 10
)

// read fills into with a hyperslab, run by run of neighbours in the file.
func (c *classicFile) read(at int, start, count []int, into []byte) error {
	v, p := c.variables[at], c.places[at]
	// Of the dimensions along which there is more than one value, from the last.
	var strides, counts []int
	step, offset, run := p.size, p.begin, p.size
	for i := len(count) - 1; i >= 0; i-- {
		if i == 0 && p.onRecord {
			step = c.record
		}
		offset += start[i] * step
		switch {
		case count[i] == 1:
		case len(counts) == 0 && step == run:
			run *= count[i]
		default:
			strides, counts = append(strides, step), append(counts, count[i])
		}
		step *= v.Shape[i]
	}
	slices.Reverse(strides)
	slices.Reverse(counts)
	r := runs{f: c.f, size: p.size, run: run, into: into}
	if k := len(counts); k > 0 {
		r.windowed = run < shortRun && strides[k-1] <= max(4096, 8*run)
	}
	err := r.each(offset, strides, counts)
	if errors.Is(err, io.EOF) {
		return errors.New("the file is shorter than when it was opened; " + damaged)
	}
	return err
}

// runs reads equal runs of bytes one after another.
type runs struct {
	f    *os.File
	size int // bytes of a value
	run  int
	into []byte // what is not read yet
	// Short runs close to one another come out of a window on the file, which
	// begins at begin.
	windowed bool
	window   []byte
	begin    int
}

func (r *runs) each(offset int, stride, count []int) error {
	if len(count) == 0 {
		return r.one(offset)
	}
	last := len(count) == 1
	for i := range count[0] {
		if last && r.windowed {
			left := stride[0]*(count[0]-1-i) + r.run
			if err := r.advance(offset, left); err != nil {
				return err
			}
		}
		if err := r.each(offset, stride[1:], count[1:]); err != nil {
			return err
		}
		offset += stride[0]
	}
	return nil
}

// advance makes sure that the window has the run at an offset, and more of the
// left bytes that are wanted.
func (r *runs) advance(offset, left int) error {
	if offset >= r.begin && offset+r.run <= r.begin+len(r.window) {
		return nil
	}
	n := min(left, classicWindow)
	if cap(r.window) < n {
		r.window = make([]byte, n)
	}
	r.window, r.begin = r.window[:n], offset
	if _, err := r.f.ReadAt(r.window, int64(offset)); err != nil {
		r.window = nil
		return err
	}
	return nil
}

func (r *runs) one(offset int) error {
	b := r.into[:r.run]
	r.into = r.into[r.run:]
	if r.windowed {
		copy(b, r.window[offset-r.begin:])
		fromBigEndian(b, r.size)
		return nil
	}
	for len(b) > 0 {
		n := min(len(b), classicPiece)
		if _, err := r.f.ReadAt(b[:n], int64(offset)); err != nil {
			return err
		}
		fromBigEndian(b[:n], r.size)
		b, offset = b[n:], offset+n
	}
	return nil
}
