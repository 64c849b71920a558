package checkpoint

import (
	"errors"
	"fmt"
	"path/filepath"
)

// WriteDir gives path the directory that fill fills, in one step: fill gets a
// temporary directory beside it, whose name becomes path when all of it is on
// disk. Directories above are made. A directory that is there already is
// removed, with all that is in it, when the new one is in its place: whether it
// may be is up to the caller. On error path is as it was.
func WriteDir(path string, fill func(dir string) error) error {
	return writeDir(osFS{}, filepath.Clean(path), fill)
}

func writeDir(fsys fileSystem, path string, fill func(dir string) error) error {
	if err := makeParent(fsys, filepath.Dir(path)); err != nil {
		return fmt.Errorf("checkpoint: writing %s: %w", path, err)
	}
	temp := filepath.Join(filepath.Dir(path), "."+filepath.Base(path)+tempMark())
	err := fsys.Mkdir(temp)
	if err == nil {
		err = fill(temp)
	}
	if err == nil {
		err = syncTree(fsys, temp)
	}
	if err == nil {
		err = publish(fsys, temp, path)
	}
	if err != nil {
		return fmt.Errorf("checkpoint: writing %s: %w", path, errors.Join(err, fsys.RemoveAll(temp)))
	}
	return nil
}

func syncTree(fsys fileSystem, dir string) error {
	files, dirs, err := listFiles(fsys, dir)
	if err != nil {
		return err
	}
	for _, name := range files {
		if err := fsys.SyncFile(filepath.Join(dir, filepath.FromSlash(name))); err != nil {
			return err
		}
	}
	for _, name := range dirs {
		if err := fsys.SyncDir(filepath.Join(dir, filepath.FromSlash(name))); err != nil {
			return err
		}
	}
	return nil
}
