package checkpoint

import (
	"errors"
	"io"
	"io/fs"
	"os"
	"runtime"
	"syscall"
)

// fileSystem is everything that saving does to a disk, one method a step, so
// that a test can make any step fail.
type fileSystem interface {
	Create(path string) (outFile, error) // fails if path exists
	Mkdir(path string) error
	MkdirAll(path string) error
	SyncFile(path string) error
	SyncDir(path string) error
	Rename(from, to string) error
	Remove(path string) error
	RemoveAll(path string) error
	Open(path string) (io.ReadCloser, error)
	Lstat(path string) (fs.FileInfo, error)
	ReadDir(path string) ([]fs.DirEntry, error)
}

type outFile interface {
	io.WriteCloser
	Sync() error
}

type osFS struct{}

func (osFS) Create(path string) (outFile, error) {
	return os.OpenFile(path, os.O_WRONLY|os.O_CREATE|os.O_EXCL, 0o666)
}
func (osFS) Mkdir(path string) error                    { return os.Mkdir(path, 0o777) }
func (osFS) MkdirAll(path string) error                 { return os.MkdirAll(path, 0o777) }
func (osFS) Rename(from, to string) error               { return os.Rename(from, to) }
func (osFS) Remove(path string) error                   { return os.Remove(path) }
func (osFS) RemoveAll(path string) error                { return os.RemoveAll(path) }
func (osFS) Open(path string) (io.ReadCloser, error)    { return os.Open(path) }
func (osFS) Lstat(path string) (fs.FileInfo, error)     { return os.Lstat(path) }
func (osFS) ReadDir(path string) ([]fs.DirEntry, error) { return os.ReadDir(path) }

func (osFS) SyncFile(path string) error {
	f, err := os.OpenFile(path, os.O_RDWR, 0)
	if errors.Is(err, fs.ErrPermission) { // written read-only; Linux syncs it all the same
		f, err = os.Open(path)
	}
	if err != nil {
		return err
	}
	return errors.Join(f.Sync(), f.Close())
}

// SyncDir makes the names in a directory durable. Windows has no such call, and
// some network file systems refuse it because they need none.
func (osFS) SyncDir(path string) error {
	if runtime.GOOS == "windows" {
		return nil
	}
	d, err := os.Open(path)
	if err != nil {
		return err
	}
	err = d.Sync()
	if errors.Is(err, syscall.EINVAL) || errors.Is(err, errors.ErrUnsupported) {
		err = nil
	}
	return errors.Join(err, d.Close())
}
