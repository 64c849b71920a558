package checkpoint

import (
	"cmp"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"syscall"
	"time"
)

const (
	dirPrefix    = "checkpoint-"
	tempPart     = ".tmp-"
	replacedPart = ".replaced-"
	staleAge     = 24 * time.Hour
	minKeep      = 2
)

// Save makes the checkpoint directory parent/checkpoint-<step>. It calls write
// with a temporary directory to put files in, syncs them, adds a manifest with
// the size and SHA-256 of each, and publishes the directory by renaming it. A
// crash or error at any moment leaves the checkpoints before as they were.
// A checkpoint of the same step is replaced.
//
// Save removes nothing else; call [Prune] after it has returned.
func Save(parent string, step int, write func(dir string) error) error {
	return save(osFS{}, parent, step, write)
}

func save(fsys fileSystem, parent string, step int, write func(dir string) error) error {
	final := filepath.Join(parent, dirPrefix+strconv.Itoa(step))
	if step < 0 {
		return fmt.Errorf("checkpoint: saving %s: step is negative", final)
	}
	if err := makeParent(fsys, parent); err != nil {
		return fmt.Errorf("checkpoint: saving %s: %w", final, err)
	}
	temp := final + tempMark()
	err := fill(fsys, temp, step, write)
	if err == nil {
		err = publish(fsys, temp, final)
	}
	if err != nil {
		// After a successful rename temp is gone and this does nothing.
		return fmt.Errorf("checkpoint: saving %s: %w", final, errors.Join(err, fsys.RemoveAll(temp)))
	}
	return nil
}

func makeParent(fsys fileSystem, parent string) error {
	_, err := fsys.Lstat(parent)
	if !errors.Is(err, fs.ErrNotExist) {
		return err
	}
	if err := fsys.MkdirAll(parent); err != nil {
		return err
	}
	return fsys.SyncDir(filepath.Dir(parent))
}

// fill makes temp and brings all of it to disk, the manifest last.
func fill(fsys fileSystem, temp string, step int, write func(dir string) error) error {
	if err := fsys.Mkdir(temp); err != nil {
		return err
	}
	if err := write(temp); err != nil {
		return err
	}
	files, dirs, err := listFiles(fsys, temp)
	if err != nil {
		return err
	}
	m := manifest{Version: manifestVersion, Step: step}
	for _, name := range files {
		if name == manifestFile {
			return fmt.Errorf("%s is a name of the checkpoint itself", manifestFile)
		}
		full := filepath.Join(temp, filepath.FromSlash(name))
		if err := fsys.SyncFile(full); err != nil {
			return err
		}
		size, sum, err := digest(fsys, full)
		if err != nil {
			return err
		}
		m.Files = append(m.Files, manifestItem{name, size, sum})
	}
	for _, d := range dirs {
		if err := fsys.SyncDir(filepath.Join(temp, filepath.FromSlash(d))); err != nil {
			return err
		}
	}
	return writeFile(fsys, filepath.Join(temp, manifestFile), m.encode)
}

// publish renames temp to final. A directory cannot be renamed over another, so
// a checkpoint of the same step steps aside first, under a name that Latest
// still finds, and goes when its successor is safe.
func publish(fsys fileSystem, temp, final string) error {
	old := ""
	if _, err := fsys.Lstat(final); err == nil {
		old = final + strings.Replace(tempMark(), tempPart, replacedPart, 1)
		if err := fsys.Rename(final, old); err != nil {
			return err
		}
	} else if !errors.Is(err, fs.ErrNotExist) {
		return err
	}
	if err := fsys.Rename(temp, final); err != nil {
		if old != "" {
			err = errors.Join(err, fsys.Rename(old, final))
		}
		return err
	}
	if err := fsys.SyncDir(filepath.Dir(final)); err != nil {
		return err
	}
	return removeReplaced(fsys, final)
}

// replacedDir ends the name of what stepped aside.
var replacedDir = regexp.MustCompile(`^[1-9][0-9]*-[0-9a-f]{12}$`)

// removeReplaced removes what stepped aside for final, which is safe now: also
// what did when an earlier save was killed.
func removeReplaced(fsys fileSystem, final string) error {
	dir, base := filepath.Dir(final), filepath.Base(final)
	entries, err := fsys.ReadDir(dir)
	if err != nil {
		return err
	}
	for _, e := range entries {
		mark, ok := strings.CutPrefix(e.Name(), base+replacedPart)
		if ok && e.IsDir() && replacedDir.MatchString(mark) {
			if err := fsys.RemoveAll(filepath.Join(dir, e.Name())); err != nil {
				return err
			}
		}
	}
	return nil
}

// found is a directory that bears a checkpoint's name.
type found struct {
	path     string
	step     int
	replaced bool
}

// parseName takes apart checkpoint-<step>[.tmp-<pid>-<rand>|.replaced-…]; ok is
// false for any other name.
func parseName(name string) (step int, part string, pid int, ok bool) {
	rest, ok := strings.CutPrefix(name, dirPrefix)
	if !ok {
		return 0, "", 0, false
	}
	digits := rest
	for _, p := range []string{tempPart, replacedPart} {
		if before, after, cut := strings.Cut(rest, p); cut {
			owner, _, _ := strings.Cut(after, "-")
			n, err := strconv.Atoi(owner)
			if err != nil || n <= 0 {
				return 0, "", 0, false
			}
			digits, part, pid = before, p, n
			break
		}
	}
	step, err := strconv.Atoi(digits)
	if err != nil || strconv.Itoa(step) != digits || step < 0 { // not 007 and not +7
		return 0, "", 0, false
	}
	return step, part, pid, true
}

// list returns the checkpoints of parent, newest step first, not looking into
// them.
func list(fsys fileSystem, parent string) ([]found, error) {
	entries, err := fsys.ReadDir(parent)
	if err != nil {
		return nil, err
	}
	var all []found
	for _, e := range entries {
		step, part, _, ok := parseName(e.Name())
		if ok && part != tempPart && e.IsDir() {
			all = append(all, found{filepath.Join(parent, e.Name()), step, part == replacedPart})
		}
	}
	slices.SortFunc(all, func(a, b found) int {
		if c := cmp.Compare(b.step, a.step); c != 0 || a.replaced == b.replaced {
			return cmp.Or(c, strings.Compare(a.path, b.path))
		}
		if a.replaced {
			return 1
		}
		return -1
	})
	return all, nil
}

// Latest returns the newest checkpoint of parent whose files all have the
// checksums of its manifest. Each newer one that does not is named in warnings,
// with the reason: show them. If there is no checkpoint at all, the error wraps
// fs.ErrNotExist; if there are some and none is good, it does not, so that a
// run does not start anew over damaged ones unasked.
func Latest(parent string) (dir string, step int, warnings []string, err error) {
	return latest(osFS{}, parent)
}

func latest(fsys fileSystem, parent string) (string, int, []string, error) {
	all, err := list(fsys, parent)
	if err != nil {
		return "", 0, nil, fmt.Errorf("checkpoint: %w", err)
	}
	var warnings []string
	for _, c := range all {
		if err := verifyStep(fsys, c, true); err != nil {
			warnings = append(warnings, fmt.Sprintf("%s: %v; falling back to the one before", c.path, err))
			continue
		}
		return c.path, c.step, warnings, nil
	}
	if len(all) == 0 {
		return "", 0, nil, fmt.Errorf("checkpoint: %s: no checkpoint: %w", parent, fs.ErrNotExist)
	}
	return "", 0, warnings, fmt.Errorf("checkpoint: %s: none of %d checkpoints is good:\n  %s", parent, len(all), strings.Join(warnings, "\n  "))
}

func verifyStep(fsys fileSystem, c found, deep bool) error {
	step, err := verify(fsys, c.path, deep)
	if err == nil && step != c.step {
		err = fmt.Errorf("its manifest is of step %d", step)
	}
	return err
}

// Verify reports whether a directory made by Save is as it was saved, down to
// the last bit.
func Verify(dir string) error {
	if _, err := verify(osFS{}, dir, true); err != nil {
		return fmt.Errorf("checkpoint: %s: %w", dir, err)
	}
	return nil
}

// Step returns the step that the manifest of a directory made by Save says.
func Step(dir string) (int, error) {
	m, err := readManifest(osFS{}, dir)
	if err != nil {
		return 0, fmt.Errorf("checkpoint: %s: %w", dir, err)
	}
	return m.Step, nil
}

// Prune removes all but the newest keep checkpoints, which must be at least 2.
// A directory counts as one of them only if its manifest is there and all files
// have the right sizes; contents are not read, since that would take as long as
// a save. The directories in protect stay, such as the one being resumed from
// and the best so far. What interrupted saves left is removed too, if it is
// older than a day and the process that made it is gone.
func Prune(parent string, keep int, protect ...string) error {
	return prune(osFS{}, parent, keep, protect, time.Now(), alive)
}

func prune(fsys fileSystem, parent string, keep int, protect []string, now time.Time, alive func(pid int) bool) error {
	if keep < minKeep {
		return fmt.Errorf("checkpoint: pruning %s: cannot keep %d, want %d or more", parent, keep, minKeep)
	}
	all, err := list(fsys, parent)
	if err != nil {
		return fmt.Errorf("checkpoint: pruning: %w", err)
	}
	var errs []error
	good := 0
	for _, c := range all {
		if good < keep {
			if !c.replaced && verifyStep(fsys, c, false) == nil {
				good++
			}
			continue
		}
		if slices.ContainsFunc(protect, func(p string) bool { return filepath.Base(p) == filepath.Base(c.path) }) {
			continue
		}
		errs = append(errs, remove(fsys, c))
	}
	errs = append(errs, removeStale(fsys, parent, now, alive))
	if err := errors.Join(errs...); err != nil {
		return fmt.Errorf("checkpoint: pruning %s: %w", parent, err)
	}
	return nil
}

// Clear removes all checkpoints of parent, whole or not, oldest first: cut
// short, it leaves the newest. A parent that does not exist has none.
func Clear(parent string) error {
	fsys := osFS{}
	all, err := list(fsys, parent)
	if err != nil {
		if err = ignoreMissing(err); err != nil {
			err = fmt.Errorf("checkpoint: clearing: %w", err)
		}
		return err
	}
	for _, c := range slices.Backward(all) {
		if err := remove(fsys, c); err != nil {
			return fmt.Errorf("checkpoint: clearing %s: %w", parent, err)
		}
	}
	return nil
}

// remove removes a checkpoint, renamed first, so that a half-removed one never
// has a checkpoint's name. One that stepped aside has none, and parseName takes
// one mark only.
func remove(fsys fileSystem, c found) error {
	temp := c.path
	if !c.replaced {
		temp += tempMark()
		if err := fsys.Rename(c.path, temp); err != nil {
			return err
		}
	}
	return fsys.RemoveAll(temp)
}

func removeStale(fsys fileSystem, parent string, now time.Time, alive func(pid int) bool) error {
	entries, err := fsys.ReadDir(parent)
	if err != nil {
		return err
	}
	var errs []error
	for _, e := range entries {
		step, part, pid, ok := parseName(e.Name())
		if !ok || part == "" || !e.IsDir() {
			continue
		}
		path := filepath.Join(parent, e.Name())
		st, err := fsys.Lstat(path)
		if err != nil || now.Sub(st.ModTime()) < staleAge || alive(pid) {
			errs = append(errs, ignoreMissing(err))
			continue
		}
		if part == replacedPart { // only if what replaced it is good
			successor := found{filepath.Join(parent, dirPrefix+strconv.Itoa(step)), step, false}
			if verifyStep(fsys, successor, true) != nil {
				continue
			}
		}
		errs = append(errs, fsys.RemoveAll(path))
	}
	return errors.Join(errs...)
}

func ignoreMissing(err error) error {
	if errors.Is(err, fs.ErrNotExist) {
		return nil
	}
	return err
}

// alive reports whether a process exists, true in doubt.
func alive(pid int) bool {
	p, err := os.FindProcess(pid)
	if err != nil {
		return false
	}
	defer p.Release()
	return !errors.Is(p.Signal(syscall.Signal(0)), os.ErrProcessDone)
}
