// Package packed reads files that may be compressed: it knows gzip, zstd, bzip2
// and xz by their first bytes, and refuses what is packed twice or made to
// expand without end.
package packed

import (
	"bufio"
	"bytes"
	"compress/bzip2"
	"errors"
	"fmt"
	"io"

	"github.com/klauspost/compress/gzip"
	"github.com/klauspost/compress/zstd"
	"github.com/ulikunitz/xz"
)

var magics = []struct{ name, magic string }{
	{"gzip", "\x1f\x8b"},
	{"zstd", "\x28\xb5\x2f\xfd"},
	{"bzip2", "BZh"},
	{"xz", "\xfd7zXZ\x00"},
}

// KindOf returns "gzip", "zstd", "bzip2" or "xz" if a file that begins with head
// is one, else "".
func KindOf(head []byte) string {
	for _, m := range magics {
		if bytes.HasPrefix(head, []byte(m.magic)) {
			return m.name
		}
	}
	return ""
}

// A file that grows this much, and by this factor, is a bomb and no data set:
// text compresses two to five times, repeats a hundred times.
const (
	maxExpanded  = 16 << 30
	maxExpansion = 100
)

// ErrBomb is what a file gives that expands so.
var ErrBomb = errors.New("expands to more than 16 GiB and 100 times its size")

// Reader yields the plain bytes of a file.
type Reader struct {
	io.Reader
	Kind    string // of its packing, "" if it is plain
	In, Out int64  // bytes of the file, and of what was in it, if it is packed
	close   func()
}

// NewReader looks at the first bytes of src and returns what is in it.
func NewReader(src io.Reader) (*Reader, error) {
	d := &Reader{close: func() {}}
	raw := &counted{r: src, n: &d.In}
	br := bufio.NewReaderSize(raw, 1<<16)
	head, err := br.Peek(6)
	if err != nil && err != io.EOF {
		return nil, err
	}
	d.Kind = KindOf(head)
	var r io.Reader
	switch d.Kind {
	case "gzip":
		z, err := gzip.NewReader(br)
		if err != nil {
			return nil, err
		}
		r, d.close = z, func() { z.Close() }
	case "zstd":
		z, err := zstd.NewReader(br, zstd.WithDecoderConcurrency(1), zstd.WithDecoderMaxWindow(128<<20))
		if err != nil {
			return nil, err
		}
		r, d.close = z, z.Close
	case "bzip2":
		r = bzip2.NewReader(br)
	case "xz":
		z, err := xz.NewReader(newXZChecked(br))
		if err != nil {
			return nil, err
		}
		r = &xzWhole{z, raw}
	default:
		d.Reader = br
		return d, nil
	}
	plain := bufio.NewReaderSize(&guarded{r, d}, 1<<16)
	if head, _ := plain.Peek(6); KindOf(head) != "" {
		d.close()
		return nil, fmt.Errorf("compressed twice: %s inside %s", KindOf(head), d.Kind)
	}
	d.Reader = plain
	return d, nil
}

// Close lets go of what unpacks; src is the caller's.
func (d *Reader) Close() { d.close() }

type counted struct {
	r    io.Reader
	n    *int64
	tail [2]byte // the last bytes but for NUL, which may pad an xz file
}

func (c *counted) Read(p []byte) (int, error) {
	n, err := c.r.Read(p)
	*c.n += int64(n)
	for i := len(p[:n]) - 1; i >= 0; i-- {
		if p[i] != 0 {
			if i > 0 {
				c.tail[0] = p[i-1]
			} else {
				c.tail[0] = c.tail[1]
			}
			c.tail[1] = p[i]
			break
		}
	}
	return n, err
}

// xzWhole makes up for xz.Reader, which takes a stream cut between its parts
// for a finished one: every stream ends with the letters YZ.
type xzWhole struct {
	r   io.Reader
	raw *counted
}

func (x *xzWhole) Read(p []byte) (int, error) {
	n, err := x.r.Read(p)
	if err == io.EOF && x.raw.tail != [2]byte{'Y', 'Z'} {
		err = io.ErrUnexpectedEOF
	}
	return n, err
}

type guarded struct {
	r io.Reader
	d *Reader
}

func (g *guarded) Read(p []byte) (int, error) {
	n, err := g.r.Read(p)
	g.d.Out += int64(n)
	if g.d.Out > maxExpanded && g.d.Out/maxExpansion > g.d.In {
		return n, ErrBomb
	}
	return n, err
}
