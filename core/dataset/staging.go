package dataset

import (
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
)

// Staging is a directory that becomes visible under its final name in one
// step, complete and on disk, or not at all.
type Staging struct {
	final, temp, marker string
	overwrite           bool
}

// NewStaging makes a hidden directory beside final, and its parents. An
// existing final is an error unless overwrite is set; and even then, unless it
// holds the file marker, which shows that it is a former result and not
// somebody's other work.
func NewStaging(final, marker string, overwrite bool) (*Staging, error) {
	s := &Staging{final: filepath.Clean(final), marker: marker, overwrite: overwrite}
	if err := s.checkFinal(); err != nil {
		return nil, err
	}
	parent, base := filepath.Split(s.final)
	if parent != "" {
		if err := os.MkdirAll(parent, 0o777); err != nil {
			return nil, fmt.Errorf("dataset: %w", err)
		}
	}
	for n := 0; ; n++ {
		s.temp = filepath.Join(parent, fmt.Sprintf(".%s.tmp-%d-%d", base, os.Getpid(), n))
		err := os.Mkdir(s.temp, 0o777)
		if err == nil {
			return s, nil
		}
		if !errors.Is(err, os.ErrExist) || n == 100 {
			return nil, fmt.Errorf("dataset: %w", err)
		}
	}
}

func (s *Staging) checkFinal() error {
	info, err := os.Lstat(s.final)
	switch {
	case errors.Is(err, os.ErrNotExist):
		return nil
	case err != nil:
		return fmt.Errorf("dataset: %w", err)
	case !s.overwrite:
		return fmt.Errorf("%s: exists already; choose another name, or overwrite it with --overwrite", s.final)
	case !info.IsDir():
		return fmt.Errorf("%s: is not a directory; choose another name", s.final)
	}
	if _, err := os.Stat(filepath.Join(s.final, s.marker)); err != nil {
		return fmt.Errorf("%s: has no %s in it, so it will not be overwritten; choose another name or remove it yourself", s.final, s.marker)
	}
	return nil
}

// Dir returns the hidden directory to write into.
func (s *Staging) Dir() string { return s.temp }

// Publish syncs everything and gives the directory its final name.
func (s *Staging) Publish() error {
	if err := s.publish(); err != nil {
		return fmt.Errorf("dataset: publishing %s: %w", s.final, err)
	}
	return nil
}

func (s *Staging) publish() error {
	err := filepath.WalkDir(s.temp, func(path string, _ fs.DirEntry, err error) error {
		if err != nil {
			return err
		}
		return syncPath(path)
	})
	if err != nil {
		return err
	}
	if err := s.checkFinal(); err != nil { // it may have appeared meanwhile
		return err
	}
	old := s.temp + "-old"
	err = os.Rename(s.final, old)
	replaced := err == nil
	if err != nil && !errors.Is(err, os.ErrNotExist) {
		return err
	}
	if err := os.Rename(s.temp, s.final); err != nil {
		if replaced {
			err = errors.Join(err, os.Rename(old, s.final))
		}
		return err
	}
	if err := syncPath(filepath.Dir(s.final)); err != nil {
		return err
	}
	if replaced {
		return os.RemoveAll(old)
	}
	return nil
}

// Discard removes the hidden directory; after Publish it does nothing.
func (s *Staging) Discard() error { return os.RemoveAll(s.temp) }

func syncPath(path string) error {
	f, err := os.Open(path)
	if err != nil {
		return err
	}
	return errors.Join(f.Sync(), f.Close())
}
