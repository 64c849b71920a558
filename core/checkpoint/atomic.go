package checkpoint

import (
	"bufio"
	"crypto/rand"
	"encoding/hex"
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
)

// WriteFile gives path the bytes that write writes, in one step: a reader, or a
// restart after a crash, finds the old file or all of the new one. The data are
// on disk when it returns. On error path is as it was, and no temporary file
// stays behind; the error names path. What is there already must be a regular
// file: a device or directory is not replaced.
func WriteFile(path string, write func(w io.Writer) error) error {
	if st, err := os.Stat(path); err == nil && !st.Mode().IsRegular() {
		return fmt.Errorf("checkpoint: writing %s: it is no regular file but %v; give another name", path, st.Mode().Type())
	}
	return writeFile(osFS{}, path, write)
}

func writeFile(fsys fileSystem, path string, write func(w io.Writer) error) error {
	dir, base := filepath.Split(path)
	if dir == "" {
		dir = "."
	}
	// Beside the target: a rename is one step only within a file system.
	temp := filepath.Join(dir, "."+base+tempMark())
	if err := writeTemp(fsys, temp, write); err != nil {
		return fmt.Errorf("checkpoint: writing %s: %w", path, errors.Join(err, removeIfThere(fsys, temp)))
	}
	if err := fsys.Rename(temp, path); err != nil {
		return fmt.Errorf("checkpoint: writing %s: %w", path, errors.Join(err, removeIfThere(fsys, temp)))
	}
	if err := fsys.SyncDir(dir); err != nil {
		return fmt.Errorf("checkpoint: writing %s: %w", path, err)
	}
	return nil
}

func writeTemp(fsys fileSystem, temp string, write func(w io.Writer) error) error {
	f, err := fsys.Create(temp)
	if err != nil {
		return err
	}
	w := bufio.NewWriterSize(f, 1<<16)
	err = write(w)
	if err == nil {
		err = w.Flush()
	}
	if err == nil {
		// Only once: after a failed sync the kernel may forget the lost pages
		// and a second call would succeed.
		err = f.Sync()
	}
	return errors.Join(err, f.Close())
}

func removeIfThere(fsys fileSystem, path string) error {
	if err := fsys.Remove(path); err != nil && !errors.Is(err, os.ErrNotExist) {
		return err
	}
	return nil
}

// tempMark ends the name of something unfinished: whose it is, and a random
// part.
func tempMark() string {
	var b [6]byte
	rand.Read(b[:])
	return fmt.Sprintf(".tmp-%d-%s", os.Getpid(), hex.EncodeToString(b[:]))
}
