package dataset

import (
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"syscall"

	"github.com/gofrs/flock"
)

// WorkspaceOptions say what OpenWorkspace does with what it finds.
type WorkspaceOptions struct {
	Overwrite bool // replace an earlier result; without Resume, clear what an interrupted run left
	Resume    bool // go on with what an interrupted run left
	// Unlocked, if set, is told that the file system has no locks, after which
	// nothing keeps two runs apart. Without it, that is an error.
	Unlocked func(err error)
}

// Workspace is a directory beside a result in the making, found again by the
// next run when this one is killed. Only one process has it at a time. The
// result is written to Out and published in one step.
type Workspace struct {
	dir    string
	lock   *flock.Flock
	result Staging
}

const (
	lockFile       = ".lock"
	publishingFile = ".publishing" // the result is complete
)

// OpenWorkspace makes or finds the workspace of final, with its parents. As
// with NewStaging, an existing final is an error unless opts say to overwrite
// it and it holds marker. What an interrupted run left is an error unless
// opts say what to do with it.
func OpenWorkspace(final, marker string, opts WorkspaceOptions) (*Workspace, error) {
	final = filepath.Clean(final)
	parent, base := filepath.Split(final)
	w := &Workspace{dir: filepath.Join(parent, "."+base+".unfinished")}
	w.result = Staging{final: final, temp: filepath.Join(w.dir, "result"), marker: marker, overwrite: opts.Overwrite}
	if !opts.Resume || !w.Published() {
		if err := w.result.checkFinal(); err != nil {
			return nil, err
		}
	}
	if err := w.enter(opts.Unlocked); err != nil {
		return nil, err
	}
	left, err := w.leftover()
	switch {
	case err != nil:
	case left && !opts.Resume && !opts.Overwrite:
		err = fmt.Errorf("%s: an interrupted run left %s; go on with --resume, or start again with --overwrite", final, w.dir)
	case !opts.Resume:
		err = w.Clear()
	}
	if err != nil {
		w.Close()
		return nil, err
	}
	return w, nil
}

// enter makes the directory and locks it.
func (w *Workspace) enter(unlocked func(error)) error {
	for {
		if err := os.MkdirAll(w.dir, 0o777); err != nil {
			return fmt.Errorf("dataset: %w", err)
		}
		path := filepath.Join(w.dir, lockFile)
		w.lock = flock.New(path)
		locked, err := w.lock.TryLock()
		switch {
		case errors.Is(err, os.ErrNotExist): // it has just been published or removed
			continue
		case unlocked != nil && (errors.Is(err, syscall.ENOSYS) || errors.Is(err, syscall.EOPNOTSUPP) || errors.Is(err, syscall.ENOLCK)):
			unlocked(err)
			return nil
		case err != nil:
			return fmt.Errorf("dataset: locking %s: %w", w.dir, err)
		case !locked:
			w.lock.Close()
			return fmt.Errorf("%s: another process is making it; wait for it, or choose another name", w.result.final)
		}
		// The file may have gone, with its directory, before it was locked.
		held, err := w.lock.Stat()
		if err == nil {
			if now, err := os.Stat(path); err == nil && os.SameFile(held, now) {
				return nil
			}
		}
		w.lock.Close()
	}
}

// leftover tells whether anything but the lock is there.
func (w *Workspace) leftover() (bool, error) {
	entries, err := os.ReadDir(w.dir)
	if err != nil {
		return false, fmt.Errorf("dataset: %w", err)
	}
	for _, e := range entries {
		if e.Name() != lockFile {
			return true, nil
		}
	}
	return false, nil
}

// Dir returns the directory for what is not part of the result.
func (w *Workspace) Dir() string { return w.dir }

// Out returns the directory of the result, which the caller makes.
func (w *Workspace) Out() string { return w.result.temp }

// Published tells whether the result has its name already: an earlier run was
// killed between publishing and the end.
func (w *Workspace) Published() bool {
	_, complete := os.Stat(filepath.Join(w.dir, publishingFile))
	_, gone := os.Stat(w.result.temp)
	_, there := os.Stat(filepath.Join(w.result.final, w.result.marker))
	return complete == nil && errors.Is(gone, os.ErrNotExist) && there == nil
}

// Clear removes everything but the lock.
func (w *Workspace) Clear() error {
	entries, err := os.ReadDir(w.dir)
	if err != nil {
		return fmt.Errorf("dataset: %w", err)
	}
	for _, e := range entries {
		if e.Name() != lockFile {
			if err := os.RemoveAll(filepath.Join(w.dir, e.Name())); err != nil {
				return fmt.Errorf("dataset: %w", err)
			}
		}
	}
	return nil
}

// Publish syncs the result and gives it its final name.
func (w *Workspace) Publish() error {
	f, err := os.Create(filepath.Join(w.dir, publishingFile))
	if err == nil {
		err = errors.Join(f.Sync(), f.Close(), syncPath(w.dir))
	}
	if err != nil {
		return fmt.Errorf("dataset: publishing %s: %w", w.result.final, err)
	}
	return w.result.Publish()
}

// Close leaves the workspace for a later run.
func (w *Workspace) Close() error { return w.lock.Close() }

// Discard removes the workspace.
func (w *Workspace) Discard() error { return errors.Join(os.RemoveAll(w.dir), w.lock.Close()) }
