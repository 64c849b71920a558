package netcdf

import (
	"errors"
	"math/bits"
)

// dense goes through the links of a group that has many: a heap holds them, and
// a tree of version 2 says where in it.
func (w *hdf5Reader) dense(heap, index int64, each func(link []byte) error) error {
	h, err := w.heap(heap)
	if err != nil {
		return err
	}
	t, err := w.tree(index)
	if err != nil {
		return err
	}
	return t.each(t.root, t.rootRecords, t.depth, func(record []byte) error {
		skip := 4 // a hash of the name
		if t.kind == 6 {
			skip = 8 // the order of creation
		}
		if len(record) < skip+h.idSize {
			return w.broken("index of links", index)
		}
		link, err := h.get(record[skip:][:h.idSize])
		if err != nil {
			return err
		}
		return each(link)
	})
}

// fractalHeap holds objects in blocks of growing size.
type fractalHeap struct {
	*hdf5Reader
	at                  int64
	idSize              int
	width               uint64 // blocks of a row
	first, largest      uint64 // sizes of direct blocks
	addressBytes, bytes int    // of an object in its name
	root                int64
	rows                int // of the root, 0 when it is a direct block
}

func (w *hdf5Reader) heap(at int64) (*fractalHeap, error) {
	b, err := w.bytes(at, int64(22+12*w.lengths+3*w.offsets))
	if err != nil {
		return nil, err
	}
	c := cursor{b: b}
	if string(c.take(4)) != "FRHP" || c.byte() != 0 {
		return nil, w.broken("heap of links", at)
	}
	h := &fractalHeap{hdf5Reader: w, at: at, idSize: int(c.number(2))}
	filters := c.number(2)
	c.skip(1)
	most := c.number(4)
	c.skip(w.lengths + w.offsets + w.lengths + w.offsets + 8*w.lengths)
	h.width, h.first, h.largest = c.number(2), c.number(w.lengths), c.number(w.lengths)
	size := int(c.number(2))
	c.skip(2)
	h.root, h.rows = w.address(&c), int(c.number(2))
	if filters != 0 {
		return nil, errors.New("the links of a group are compressed; rewrite the file with nccopy")
	}
	power := func(x uint64) bool { return x != 0 && x&(x-1) == 0 && x < 1<<40 }
	if c.short || !power(h.width) || !power(h.first) || !power(h.largest) || h.largest < h.first || size == 0 || size > 64 || most == 0 || h.root < 0 {
		return nil, w.broken("heap of links", at)
	}
	h.addressBytes = (size + 7) / 8
	h.bytes = min((bits.Len64(h.largest)-1+7)/8, (bits.Len64(most)-1)/8+1)
	if h.idSize < 1+h.addressBytes+h.bytes {
		return nil, w.broken("heap of links", at)
	}
	return h, nil
}

// get is the object of a name.
func (h *fractalHeap) get(id []byte) ([]byte, error) {
	c := cursor{b: id}
	switch c.byte() >> 4 {
	case 0: // in a block
	case 2: // in the name itself
		n := int(id[0]&15) + 1
		if b := c.take(n); !c.short {
			return b, nil
		}
		return nil, h.broken("heap of links", h.at)
	default:
		return nil, errors.New("a link of a group is too long; rewrite the file with nccopy")
	}
	offset, n := c.number(h.addressBytes), c.number(h.bytes)
	at, left, err := h.find(offset)
	if err != nil {
		return nil, err
	}
	if n > left {
		return nil, h.broken("heap of links", h.at)
	}
	return h.hdf5Reader.bytes(at, int64(n))
}

// find is the address of a place in the heap, and what is left of its block.
func (h *fractalHeap) find(offset uint64) (at int64, left uint64, err error) {
	block, rows := h.root, h.rows
	if rows == 0 {
		return h.inBlock(block, offset, h.first)
	}
	direct := bits.Len64(h.largest) - bits.Len64(h.first) + 2 // rows of direct blocks
	for range 16 {
		row, start, size := 0, uint64(0), h.first
		if q := offset / (h.width * h.first); q > 0 {
			row = bits.Len64(q)
			start, size = h.width*h.first<<(row-1), h.first<<(row-1)
		}
		column := (offset - start) / size
		if row >= rows || column >= h.width || row > 50 {
			break
		}
		head := int64(4 + 1 + h.offsets + h.addressBytes)
		entry := head + int64(uint64(row)*h.width+column)*int64(h.offsets)
		b, err := h.hdf5Reader.bytes(block, head)
		if err != nil {
			return 0, 0, err
		}
		if string(b[:4]) != "FHIB" {
			break
		}
		if b, err = h.hdf5Reader.bytes(block+entry, int64(h.offsets)); err != nil {
			return 0, 0, err
		}
		c := cursor{b: b}
		block = h.address(&c)
		offset -= start + column*size
		if row < direct {
			return h.inBlock(block, offset, size)
		}
		rows = bits.Len64(size) - bits.Len64(h.first*h.width) + 1
	}
	return 0, 0, h.broken("heap of links", h.at)
}

func (h *fractalHeap) inBlock(block int64, offset, size uint64) (int64, uint64, error) {
	b, err := h.hdf5Reader.bytes(block, 4)
	if err != nil {
		return 0, 0, err
	}
	if string(b) != "FHDB" || offset >= size {
		return 0, 0, h.broken("heap of links", h.at)
	}
	return block + int64(offset), size - offset, nil
}

// tree2 is a tree of version 2 with records of one size.
type tree2 struct {
	*hdf5Reader
	kind        byte
	recordSize  int
	depth       int
	root        int64
	rootRecords int
	counted     int   // bytes of the number of records in a node
	below       []int // bytes of the number of records below a node, by depth
}

func (w *hdf5Reader) tree(at int64) (*tree2, error) {
	b, err := w.bytes(at, int64(18+w.offsets+w.lengths))
	if err != nil {
		return nil, err
	}
	c := cursor{b: b}
	if string(c.take(4)) != "BTHD" || c.byte() != 0 {
		return nil, w.broken("index of links", at)
	}
	t := &tree2{hdf5Reader: w, kind: c.byte()}
	node := int(c.number(4))
	t.recordSize, t.depth = int(c.number(2)), int(c.number(2))
	c.skip(2)
	t.root, t.rootRecords = w.address(&c), int(c.number(2))
	if t.kind != 5 && t.kind != 6 || t.recordSize == 0 || node < 64 || node > 1<<24 || t.depth > 16 || c.short {
		return nil, w.broken("index of links", at)
	}
	// How wide the counts are follows from how many records could be there.
	const frame = 10 // signature, version, kind, checksum
	most := (node - frame) / t.recordSize
	wide := func(n int) int { return (bits.Len(uint(n))-1)/8 + 1 }
	if most < 1 {
		return nil, w.broken("index of links", at)
	}
	t.counted, t.below = wide(most), []int{0}
	all := most
	for range t.depth {
		pointer := w.offsets + t.counted + t.below[len(t.below)-1]
		n := (node - frame - pointer) / (t.recordSize + pointer)
		if n < 1 || all > 1<<50 {
			return nil, w.broken("index of links", at)
		}
		all = (n+1)*all + n
		t.below = append(t.below, wide(all))
	}
	return t, nil
}

func (t *tree2) each(at int64, records, depth int, visit func([]byte) error) error {
	if t.root < 0 || records == 0 {
		return nil
	}
	n := 6 + int64(records*t.recordSize)
	pointer := 0
	if depth > 0 {
		pointer = t.offsets + t.counted + t.below[depth-1]
		n += int64((records + 1) * pointer)
	}
	b, err := t.bytes(at, n)
	if err != nil {
		return err
	}
	c := cursor{b: b}
	signature := "BTLF"
	if depth > 0 {
		signature = "BTIN"
	}
	if string(c.take(4)) != signature || c.byte() != 0 || c.byte() != t.kind {
		return t.broken("index of links", at)
	}
	for range records {
		if err := visit(c.take(t.recordSize)); err != nil {
			return err
		}
	}
	if depth == 0 {
		return nil
	}
	for range records + 1 {
		child, n := t.address(&c), int(c.number(t.counted))
		c.skip(t.below[depth-1])
		if err := t.each(child, n, depth-1, visit); err != nil {
			return err
		}
	}
	return nil
}
