package packed

import (
	"bytes"
	"encoding/binary"
	"fmt"
	"io"
)

// maxXZDictionary is as much as a decoder of zstd may ask for too. xz itself
// makes files of at most 64 MiB unless it is told to.
const maxXZDictionary = 128 << 20

// xzChecked passes on the bytes of an xz file as long as no block asks for a
// dictionary above the limit: the decoder makes room for it, up to 4 GiB a
// block, before the first byte comes. It follows no more of the structure than
// leads to the next block; what makes no sense is left to the decoder, which
// sees the same bytes, to refuse.
type xzChecked struct {
	r    io.Reader
	part xzPart
	need int64  // bytes of the part that are still to come
	head []byte // the part, but for data
	size int64  // bytes of a block's chunks, or of an index, so far
	sum  int64  // bytes of the checksum after a block
	left uint64 // numbers in the index still to come
	err  error
}

type xzPart uint8

const (
	xzMagic      xzPart = iota // padding, or the start of a stream
	xzFlags                    // the rest of a stream's header
	xzHeaderSize               // of a block, or the start of the index
	xzHeader
	xzChunk // the first byte of a chunk
	xzChunkSize
	xzData
	xzBlockEnd
	xzIndexCount
	xzIndexNumber
	xzStreamEnd
	xzLost // not an xz file any more
)

func newXZChecked(r io.Reader) *xzChecked { return &xzChecked{r: r, need: 4} }

func (x *xzChecked) Read(p []byte) (int, error) {
	if x.err != nil {
		return 0, x.err
	}
	n, err := x.r.Read(p)
	if x.err = x.follow(p[:n]); x.err != nil {
		return 0, x.err // none of it must reach the decoder
	}
	return n, err
}

func (x *xzChecked) follow(p []byte) error {
	for len(p) > 0 && x.part != xzLost {
		n := min(int64(len(p)), x.need)
		if x.part != xzData {
			x.head = append(x.head, p[:n]...)
		}
		x.size += n
		p, x.need = p[n:], x.need-n
		for x.need == 0 && x.part != xzLost { // a part may be empty
			if err := x.next(); err != nil {
				return err
			}
		}
	}
	return nil
}

func (x *xzChecked) enter(p xzPart, n int64) { x.part, x.need, x.head = p, n, x.head[:0] }

// next goes on from a part that is whole.
func (x *xzChecked) next() error {
	h := x.head
	switch x.part {
	case xzMagic:
		if bytes.Equal(h, []byte{0, 0, 0, 0}) {
			x.enter(xzMagic, 4)
		} else {
			x.enter(xzFlags, 8)
		}
	case xzFlags:
		x.sum = 0
		if id := h[3] & 15; id > 0 { // 1 to 3 have 4 bytes, 4 to 6 have 8, and so on
			x.sum = 4 << ((id - 1) / 3)
		}
		x.enter(xzHeaderSize, 1)
	case xzHeaderSize:
		if h[0] == 0 {
			x.size = 1
			x.left = 0
			x.enter(xzIndexCount, 1)
		} else {
			x.enter(xzHeader, (int64(h[0])+1)*4-1)
		}
	case xzHeader:
		if n := xzDictionary(h); n > maxXZDictionary {
			return fmt.Errorf("a dictionary of %d bytes is above the limit of %d", n, maxXZDictionary)
		}
		x.size = 0
		x.enter(xzChunk, 1)
	case xzChunk:
		switch c := h[0]; {
		case c == 0: // the end: padding to four bytes, and the checksum
			x.enter(xzBlockEnd, -x.size&3+x.sum)
		case c < 3:
			x.need, x.part = 2, xzChunkSize
		case c >= 0x80:
			x.need, x.part = 4, xzChunkSize
		default:
			x.part = xzLost
		}
	case xzChunkSize: // head has the chunk's first byte still
		n := int64(binary.BigEndian.Uint16(h[len(h)-2:])) + 1
		if h[0] >= 0xc0 { // new settings of the coder
			n++
		}
		x.enter(xzData, n)
	case xzData:
		x.enter(xzChunk, 1)
	case xzBlockEnd:
		x.enter(xzHeaderSize, 1)
	case xzIndexCount, xzIndexNumber:
		if h[len(h)-1] >= 0x80 && len(h) < binary.MaxVarintLen64 {
			x.need = 1
			return nil
		}
		if x.part == xzIndexCount {
			n, _ := binary.Uvarint(h)
			x.left = min(n, 1<<62) * 2 // each block has two numbers
		} else {
			x.left--
		}
		if x.left == 0 { // padding, checksum, and the footer of 12 bytes
			x.enter(xzStreamEnd, -x.size&3+4+12)
		} else {
			x.enter(xzIndexNumber, 1)
		}
	case xzStreamEnd:
		x.enter(xzMagic, 4)
	}
	return nil
}

// xzDictionary returns the dictionary that the header of a block, without its
// first byte, asks for; 0 if it says nothing of the kind.
func xzDictionary(h []byte) int64 {
	flags, h := h[0], h[1:]
	for _, bit := range []byte{0x40, 0x80} { // sizes that may be there
		if flags&bit != 0 {
			_, n := binary.Uvarint(h)
			h = h[max(n, 0):]
		}
	}
	// LZMA2 has one byte of settings. The decoder knows no other filter.
	if len(h) < 3 || h[0] != 0x21 || h[1] != 1 {
		return 0
	}
	if h[2] >= 40 {
		return 1<<32 - 1
	}
	return int64(2|h[2]&1) << (h[2]/2 + 11)
}
