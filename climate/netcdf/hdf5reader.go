package netcdf

import (
	"fmt"
	"io"
	"math"
)

// hdf5Reader reads the structures of an HDF5 file.
type hdf5Reader struct {
	r        io.ReaderAt
	size     int64
	base     int64 // where addresses count from
	offsets  int   // bytes of an address
	lengths  int   // and of a length
	consumed int64
}

// mostStructure is how much of a file may be structure: more is read only where
// structures overlap or lead in circles.
const mostStructure = 256 << 20

// broken says that something is not as it should be.
func (w *hdf5Reader) broken(what string, at int64) error {
	if at > 0 {
		return fmt.Errorf("%s at byte %d is not as HDF5 has it; %s", what, w.base+at, damaged)
	}
	return fmt.Errorf("%s is not as HDF5 has it; %s", what, damaged)
}

// bytes are n of the file from an address.
func (w *hdf5Reader) bytes(at, n int64) ([]byte, error) {
	if at < 0 || n < 0 || at > w.size-w.base || n > w.size-w.base-at {
		return nil, fmt.Errorf("a structure of %d bytes at byte %d is outside of the file of %d; %s", n, w.base+at, w.size, damaged)
	}
	if w.consumed += n + 64; w.consumed > mostStructure {
		return nil, fmt.Errorf("its structures are larger than they can be; %s", damaged)
	}
	b := make([]byte, n)
	if _, err := w.r.ReadAt(b, w.base+at); err != nil {
		return nil, err
	}
	return b, nil
}

// cursor takes a structure apart. After its end it gives zeros, and is short.
type cursor struct {
	b     []byte
	short bool
}

func (c *cursor) take(n int) []byte {
	if n < 0 || n > len(c.b) {
		c.short, c.b = true, nil
		return nil
	}
	b := c.b[:n]
	c.b = c.b[n:]
	return b
}

func (c *cursor) skip(n int) { c.take(n) }

func (c *cursor) byte() byte { return byte(c.number(1)) }

// number is little-endian, of at most 8 bytes.
func (c *cursor) number(bytes int) uint64 {
	x := uint64(0)
	for i, b := range c.take(bytes) {
		x |= uint64(b) << (8 * i)
	}
	return x
}

// address is -1 where there is nothing.
func (w *hdf5Reader) address(c *cursor) int64 {
	x := c.number(w.offsets)
	if x > math.MaxInt64 || w.offsets == 4 && x == math.MaxUint32 {
		return -1
	}
	return int64(x)
}

func (w *hdf5Reader) length(c *cursor) int64 { return int64(min(c.number(w.lengths), math.MaxInt64)) }

// The kinds of messages that are looked at.
const (
	messageLinkInfo     = 0x02
	messageLink         = 0x06
	messageExternal     = 0x07
	messageLayout       = 0x08
	messageFilters      = 0x0b
	messageContinuation = 0x10
	messageSymbolTable  = 0x11
)

// message is a part of the header of an object.
type message struct {
	kind   int
	shared bool // the body says where the message is
	body   []byte
}

const mostMessages = 1 << 17

// messages are those of the object at an address.
func (w *hdf5Reader) messages(at int64) ([]message, error) {
	b, err := w.bytes(at, min(32, w.size-w.base-at))
	if err != nil {
		return nil, err
	}
	o := objectHeader{hdf5Reader: w, at: at}
	c := cursor{b: b}
	if string(c.take(4)) == "OHDR" {
		version, flags := c.byte(), c.byte()
		o.newer, o.ordered = true, flags&4 != 0
		head := int64(6)
		if flags&0x20 != 0 {
			c.skip(16)
			head += 16
		}
		if flags&0x10 != 0 {
			c.skip(4)
			head += 4
		}
		width := 1 << (flags & 3)
		n := c.number(width)
		if version != 2 || c.short || n > math.MaxInt32 {
			return nil, w.broken("header of an object", at)
		}
		o.pending = []extent{{at + head + int64(width), int64(n)}}
	} else {
		c = cursor{b: b}
		version := c.byte()
		c.skip(7)
		n := c.number(4)
		if version != 1 || c.short {
			return nil, w.broken("header of an object", at)
		}
		o.pending = []extent{{at + 16, int64(n)}}
	}
	for len(o.pending) > 0 {
		next := o.pending[0]
		o.pending = o.pending[1:]
		if err := o.block(next); err != nil {
			return nil, err
		}
	}
	return o.all, nil
}

type extent struct{ at, n int64 }

type objectHeader struct {
	*hdf5Reader
	at      int64
	newer   bool // of version 2
	ordered bool // messages have an order of creation
	pending []extent
	all     []message
	blocks  int
}

func (o *objectHeader) block(e extent) error {
	b, err := o.bytes(e.at, e.n)
	if err != nil {
		return err
	}
	c := cursor{b: b}
	head := 8
	if o.newer {
		if head = 4; o.ordered {
			head = 6
		}
	}
	for len(c.b) >= head {
		m := message{}
		size := 0
		if o.newer {
			m.kind, size = int(c.byte()), int(c.number(2))
			m.shared = c.byte()&2 != 0
			if o.ordered {
				c.skip(2)
			}
		} else {
			m.kind, size = int(c.number(2)), int(c.number(2))
			m.shared = c.byte()&2 != 0
			c.skip(3)
		}
		m.body = c.take(size)
		if c.short {
			return o.broken("message in the header of the object", o.at)
		}
		if m.kind == messageContinuation {
			if err := o.further(m.body); err != nil {
				return err
			}
			continue
		}
		if o.all = append(o.all, m); len(o.all) > mostMessages {
			return fmt.Errorf("an object has too many messages in its header; %s", damaged)
		}
	}
	return nil
}

// further is a block of messages elsewhere.
func (o *objectHeader) further(body []byte) error {
	c := cursor{b: body}
	e := extent{o.address(&c), o.length(&c)}
	if o.blocks++; c.short || o.blocks > 10_000 {
		return o.broken("header of an object", o.at)
	}
	if o.newer { // a signature before, a checksum behind
		b, err := o.bytes(e.at, 4)
		if err != nil {
			return err
		}
		if string(b) != "OCHK" || e.n < 8 {
			return o.broken("header of an object", e.at)
		}
		e.at, e.n = e.at+4, e.n-8
	}
	o.pending = append(o.pending, e)
	return nil
}
