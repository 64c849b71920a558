package sequence

import (
	"bytes"
	"io"
	"sync"
)

// blockBytes is the size of the buffers that a file is read into.
const blockBytes = 1 << 18

// blocks cuts a file into blocks of whole lines.
type blocks struct {
	src  io.Reader
	rest []byte // what was read of the line after the last block
}

// next reads a block into buf: the lines that have come, at least one, or a part
// of one that is longer than buf. At the end of the file it gives what is left,
// and io.EOF. Before another error it leaves out what the last line began with.
func (b *blocks) next(buf []byte) ([]byte, error) {
	n := copy(buf, b.rest)
	b.rest = b.rest[:0]
	for empty := 0; ; {
		k, err := b.src.Read(buf[n:])
		end := n + bytes.LastIndexByte(buf[n:n+k], '\n') + 1
		whole := end > n
		n += k
		switch {
		case err == io.EOF:
			return buf[:n], err
		case whole:
			b.rest = append(b.rest, buf[end:n]...)
			return buf[:end], err
		case err != nil:
			return nil, err
		case n == len(buf):
			return buf, nil
		case k > 0:
			empty = 0
		default:
			if empty++; empty == 100 {
				return nil, io.ErrNoProgress
			}
		}
	}
}

// ahead reads blocks while those before are parsed.
type ahead struct {
	free chan []byte
	full chan block
	now  []byte // the buffer of the block that was given last
	once sync.Once
}

type block struct {
	buf, lines []byte // lines lie in buf
	err        error
}

func readAhead(b *blocks, buf []byte) *ahead {
	const buffers = 3
	a := &ahead{free: make(chan []byte, buffers), full: make(chan block, buffers), now: buf}
	for range buffers - 1 {
		a.free <- make([]byte, len(buf))
	}
	go func() {
		defer close(a.full)
		for buf := range a.free {
			lines, err := b.next(buf)
			a.full <- block{buf, lines, err}
			if err != nil {
				return
			}
		}
	}()
	return a
}

// next gives the next block; what the one before is in is read into again.
func (a *ahead) next() ([]byte, error) {
	a.free <- a.now
	b := <-a.full
	a.now = b.buf
	return b.lines, b.err
}

// stop waits until nothing is read any more.
func (a *ahead) stop() {
	a.once.Do(func() { close(a.free) })
	for range a.full {
	}
}
