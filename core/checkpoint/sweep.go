package checkpoint

import (
	"errors"
	"fmt"
	"io/fs"
	"path/filepath"
	"regexp"
	"strconv"
)

// tempFile is the name of a file that WriteFile has not finished.
var tempFile = regexp.MustCompile(`^\..+\.tmp-[1-9][0-9]*-[0-9a-f]{12}$`)

// Sweep removes what saves and writes that were killed have left in a
// directory: unfinished checkpoints, half-removed ones, temporary files of
// WriteFile, and checkpoints that stepped aside for one that is whole now. The
// caller makes sure, by a lock, that no other process writes there; Prune,
// which cannot know, leaves alone what is younger than a day. A directory that
// does not exist has nothing to sweep.
func Sweep(dir string) error {
	if err := sweep(osFS{}, dir); err != nil {
		return fmt.Errorf("checkpoint: sweeping %s: %w", dir, err)
	}
	return nil
}

func sweep(fsys fileSystem, dir string) error {
	entries, err := fsys.ReadDir(dir)
	if err != nil {
		return ignoreMissing(err)
	}
	var errs []error
	for _, e := range entries {
		path := filepath.Join(dir, e.Name())
		step, part, _, ok := parseName(e.Name())
		switch {
		case ok && part == tempPart && e.IsDir():
			errs = append(errs, fsys.RemoveAll(path))
		case ok && part == replacedPart && e.IsDir():
			successor := found{filepath.Join(dir, dirPrefix+strconv.Itoa(step)), step, false}
			if verifyStep(fsys, successor, true) == nil {
				errs = append(errs, fsys.RemoveAll(path))
			}
		case e.Type() == fs.FileMode(0) && tempFile.MatchString(e.Name()):
			errs = append(errs, removeIfThere(fsys, path))
		}
	}
	return errors.Join(errs...)
}
