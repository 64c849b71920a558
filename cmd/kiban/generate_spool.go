package main

import (
	"os"
	"time"

	"github.com/kiban-models/kiban/bio/protein"
)

// spool keeps sequences for output that cannot be resumed: in memory while they
// are few, then in a temporary file without a name.
type spool struct {
	memory []byte
	file   *os.File
}

// maxSpool is what a spool holds in memory, in bytes.
const maxSpool = 1 << 20

// newSpool is a journal over a spool.
func newSpool(prompts int) *journal {
	return &journal{path: "the sequences so far", file: &spool{}, at: make([]protein.Position, prompts), sync: time.Now()}
}

func (s *spool) WriteAt(b []byte, at int64) (int, error) {
	if s.file == nil && at+int64(len(b)) > maxSpool {
		if err := s.spill(); err != nil {
			return 0, err
		}
	}
	if s.file != nil {
		return s.file.WriteAt(b, at)
	}
	if grow := int(at) + len(b) - len(s.memory); grow > 0 {
		s.memory = append(s.memory, make([]byte, grow)...)
	}
	return copy(s.memory[at:], b), nil
}

func (s *spool) spill() error {
	f, err := os.CreateTemp("", "kiban-*.journal")
	if err != nil {
		return err
	}
	err = os.Remove(f.Name())
	if err == nil {
		_, err = f.Write(s.memory)
	}
	if err != nil {
		f.Close()
		return err
	}
	s.file, s.memory = f, nil
	return nil
}

func (s *spool) ReadAt(b []byte, at int64) (int, error) {
	if s.file != nil {
		return s.file.ReadAt(b, at)
	}
	return copy(b, s.memory[at:]), nil // of what was written, whole
}

func (s *spool) Truncate(size int64) error {
	if s.file != nil {
		return s.file.Truncate(size)
	}
	s.memory = s.memory[:size]
	return nil
}

func (s *spool) Sync() error { return nil } // it does not outlive the process

func (s *spool) Close() error {
	if s.file != nil {
		return s.file.Close()
	}
	return nil
}
