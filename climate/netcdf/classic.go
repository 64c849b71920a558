package netcdf

import (
	"bufio"
	"encoding/binary"
	"errors"
	"fmt"
	"io"
)

// classicHeader walks the header of a classic file (CDF-1, -2 or -5), to find
// where its data end before the C library trusts it: the library opens a header
// that stops in the middle, and reads zeros behind the end of the file.
type classicHeader struct {
	r       *bufio.Reader
	version byte
	err     error

	records  int
	shapes   []int // of the dimensions; 0 is the record dimension
	end      int   // of the data of the fixed-size variables
	onRecord []classicVariable
}

type classicVariable struct{ begin, bytes int } // bytes of one record

var errHeader = errors.New("header is not as NetCDF has it")

// endOfClassic is the size that a file of this header has at least.
func endOfClassic(r io.Reader) (int, error) {
	h := classicHeader{r: bufio.NewReader(r)}
	magic := make([]byte, 4)
	h.bytes(magic)
	h.version = magic[3]
	h.records = h.count()
	streaming := h.records == 1<<32-1 && h.version != 5 || h.records < 0
	h.list(10, maxDimensions, func() {
		h.skip(h.count())
		h.shapes = append(h.shapes, h.count())
	})
	h.attributes()
	h.list(11, maxVariables, h.variable)
	if h.err != nil {
		return 0, h.err
	}
	record := 0
	for _, v := range h.onRecord {
		n := v.bytes
		if len(h.onRecord) > 1 {
			n = padded(n)
		}
		record = add(record, n)
	}
	if h.records > 0 && !streaming {
		for _, v := range h.onRecord {
			h.end = max(h.end, add(add(v.begin, product(record, []int{h.records - 1})), v.bytes))
		}
	}
	return h.end, nil
}

func (h *classicHeader) variable() {
	h.skip(h.count())
	rank := h.count()
	if rank > maxRank || rank < 0 {
		h.fail(fmt.Errorf("variable of %d dimensions, more than %d", rank, maxRank))
		return
	}
	var shape []int
	onRecord := false
	for i := range rank {
		id := h.count()
		if id < 0 || id >= len(h.shapes) {
			h.fail(errHeader)
			return
		}
		if i == 0 && h.shapes[id] == 0 {
			onRecord = true
			continue
		}
		shape = append(shape, h.shapes[id])
	}
	h.attributes()
	size := h.typeSize()
	h.count() // the size in bytes, which does not hold for large variables
	begin := 0
	if h.version == 1 {
		begin = int(h.word())
	} else {
		begin = h.long()
	}
	if begin < 0 {
		h.fail(errHeader)
		return
	}
	bytes := product(size, shape)
	if onRecord {
		h.onRecord = append(h.onRecord, classicVariable{begin, bytes})
	} else if bytes > 0 {
		h.end = max(h.end, add(begin, bytes))
	}
}

func (h *classicHeader) attributes() {
	h.list(12, maxAttributes, func() {
		h.skip(h.count())
		size := h.typeSize()
		if n := h.count(); n >= 0 {
			h.skip(product(size, []int{n}))
		} else {
			h.fail(errHeader)
		}
	})
}

// list calls each for every element of a list; a list that is not there has
// tag and count 0.
func (h *classicHeader) list(tag uint32, most int, each func()) {
	got, n := h.word(), h.count()
	switch {
	case h.err != nil:
	case got != tag && (got != 0 || n != 0):
		h.fail(errHeader)
	case n < 0 || n > most:
		h.fail(fmt.Errorf("header lists %d elements, more than %d", n, most))
	}
	for i := 0; i < n && h.err == nil; i++ {
		each()
	}
}

func (h *classicHeader) typeSize() int {
	sizes := [...]int{0, 1, 1, 2, 4, 4, 8, 1, 2, 4, 8, 8}
	t := h.word()
	if t == 0 || int(min(t, 1<<20)) >= len(sizes) {
		h.fail(errHeader)
		return 0
	}
	return sizes[t]
}

func (h *classicHeader) fail(err error) {
	if h.err == nil {
		h.err = err
	}
}

func (h *classicHeader) bytes(b []byte) {
	if h.err != nil {
		return
	}
	if _, err := io.ReadFull(h.r, b); err == io.EOF || err == io.ErrUnexpectedEOF {
		h.err = errors.New("is truncated: it ends within its header")
	} else if err != nil {
		h.err = err
	}
}

func (h *classicHeader) word() uint32 {
	var b [4]byte
	h.bytes(b[:])
	return binary.BigEndian.Uint32(b[:])
}

// long is negative for what does not fit.
func (h *classicHeader) long() int {
	var b [8]byte
	h.bytes(b[:])
	return int(binary.BigEndian.Uint64(b[:]))
}

func (h *classicHeader) count() int {
	if h.version == 5 {
		return h.long()
	}
	return int(h.word())
}

// skip passes over n bytes and their padding.
func (h *classicHeader) skip(n int) {
	if n < 0 || n > maxAttributeBytes*8 {
		h.fail(errHeader)
	}
	if h.err != nil {
		return
	}
	if _, err := h.r.Discard(padded(n)); err == io.EOF {
		h.err = errors.New("is truncated: it ends within its header")
	} else if err != nil {
		h.err = err
	}
}

func padded(n int) int {
	if n > 1<<62 {
		return n
	}
	return (n + 3) &^ 3
}

// add is a sum that stops at the largest int.
func add(a, b int) int {
	if a > 1<<63-1-b {
		return 1<<63 - 1
	}
	return a + b
}
