package embedding

import (
	"bufio"
	"encoding/binary"
	"errors"
	"fmt"
	"io"
	"os"
)

// spool is a corpus as numbers of words on disk, so that every epoch reads it
// at the disk's speed and memory does not depend on its size. -1 ends a
// sentence.
type spool struct {
	f  *os.File
	in *bufio.Reader
}

// newSpool writes the words of the vocabulary into a file in dir that is gone
// when the program ends. Sentences of fewer than two words teach nothing.
func newSpool(corpus Corpus, v *vocabulary, dir string) (s *spool, err error) {
	f, err := os.CreateTemp(dir, "kiban-words-*.tmp")
	if err != nil {
		return nil, err
	}
	defer func() {
		if err != nil {
			f.Close()
			os.Remove(f.Name())
		}
	}()
	out := bufio.NewWriterSize(f, 1<<18)
	var b [4]byte
	put := func(n int32) {
		binary.LittleEndian.PutUint32(b[:], uint32(n))
		out.Write(b[:]) // an error is kept for Flush
	}
	written := int64(0)
	for words, err := range corpus() {
		if err != nil {
			return nil, err
		}
		n := 0
		for _, w := range words {
			i, ok := v.index[w]
			if !ok {
				continue
			}
			if n == maxSentence {
				put(-1)
				n = 0
			}
			put(i)
			n++
			written++
		}
		if n > 0 {
			put(-1)
		}
	}
	if err := out.Flush(); err != nil {
		return nil, fmt.Errorf("%s: %w", f.Name(), err)
	}
	if written < v.total { // pruned counts may be too low, never too high
		return nil, fmt.Errorf("embedding: the corpus gave %d words and then %d; it must be the same each time", v.total, written)
	}
	v.total = written
	return &spool{f: f, in: bufio.NewReaderSize(f, 1<<18)}, nil
}

func (s *spool) Close() error {
	return errors.Join(s.f.Close(), os.Remove(s.f.Name()))
}

func (s *spool) rewind() error {
	_, err := s.f.Seek(0, io.SeekStart)
	s.in.Reset(s.f)
	return err
}

// chunk reads whole sentences of at least n words into c, with their -1; what
// it returns is empty at the end.
func (s *spool) chunk(c []int32, n int) ([]int32, error) {
	c = c[:0]
	for {
		b, err := s.in.Peek(4)
		if errors.Is(err, io.EOF) && len(b) == 0 {
			return c, nil
		}
		if err != nil {
			return nil, fmt.Errorf("%s: %w", s.f.Name(), err)
		}
		w := int32(binary.LittleEndian.Uint32(b))
		s.in.Discard(4)
		if c = append(c, w); w < 0 && len(c) >= n {
			return c, nil
		}
	}
}
