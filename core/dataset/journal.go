package dataset

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"maps"
	"os"
	"path/filepath"
	"slices"
	"strings"
)

// JournalFile is the name of a journal in its directory.
const JournalFile = "journal.jsonl"

// Journal remembers on disk what of a preparation is finished, a line each, so
// that a later run goes on there. What a line tells must be on disk before the
// line is written.
type Journal[L any] struct {
	f    *os.File
	head heading
	take func(L)
}

// ErrOtherRun is in the chain of the error that what was left is of a run with
// other settings: it stays.
var ErrOtherRun = errors.New("the interrupted run cannot go on")

// heading is the first line.
type heading struct {
	Version  int               `json:"version"`
	Settings map[string]string `json:"settings,omitempty"`
}

// OpenJournal hands take the lines that an earlier run wrote, after making sure
// that it was asked for the same by the same version, or begins a journal. A
// last line that is torn is not there.
func OpenJournal[L any](dir string, version int, settings map[string]string, take func(L)) (*Journal[L], error) {
	path := filepath.Join(dir, JournalFile)
	old, err := os.ReadFile(path)
	if err != nil && !errors.Is(err, os.ErrNotExist) {
		return nil, err
	}
	old = old[:bytes.LastIndexByte(old, '\n')+1]
	for number, line := range slices.Collect(bytes.Lines(old)) {
		if number == 0 {
			err = checkHeading(path, line, version, settings)
		} else {
			var l L
			if err = json.Unmarshal(line, &l); err != nil {
				err = fmt.Errorf("%s:%d: %v; start again with --overwrite", path, number+1, err)
			} else {
				take(l)
			}
		}
		if err != nil {
			return nil, err
		}
	}
	j := &Journal[L]{take: take, head: heading{version, settings}}
	if j.f, err = os.OpenFile(path, os.O_WRONLY|os.O_CREATE, 0o666); err != nil {
		return nil, err
	}
	if err = j.f.Truncate(int64(len(old))); err == nil {
		_, err = j.f.Seek(int64(len(old)), 0)
	}
	if err == nil && len(old) == 0 {
		err = j.put(j.head)
	}
	if err != nil {
		j.f.Close()
		return nil, err
	}
	return j, nil
}

func checkHeading(path string, line []byte, version int, settings map[string]string) error {
	var h heading
	if err := json.Unmarshal(line, &h); err != nil {
		return fmt.Errorf("%s:1: %v; start again with --overwrite", path, err)
	}
	if h.Version != version {
		return fmt.Errorf("%s:1: version %d, want %d; start again with --overwrite", path, h.Version, version)
	}
	if s := Changed(h.Settings, settings); s != "" {
		return fmt.Errorf("%s: %w: %s; give what it was given, or start again with --overwrite", path, ErrOtherRun, s)
	}
	return nil
}

// Changed says which settings differ, "" for none.
func Changed(old, now map[string]string) string {
	names := maps.Clone(now)
	if names == nil {
		names = map[string]string{}
	}
	maps.Copy(names, old)
	orNone := func(s string) string {
		if s == "" {
			return "not given"
		}
		return s
	}
	var all []string
	for _, name := range slices.Sorted(maps.Keys(names)) {
		if old[name] != now[name] {
			all = append(all, fmt.Sprintf("%s was %s and is %s", name, orNone(old[name]), orNone(now[name])))
		}
	}
	return strings.Join(all, ", ")
}

// Write makes a line durable, and hands it to take.
func (j *Journal[L]) Write(l L) error {
	if err := j.put(l); err != nil {
		return err
	}
	j.take(l)
	return nil
}

func (j *Journal[L]) put(line any) error {
	b, err := json.Marshal(line)
	if err != nil {
		return err
	}
	if _, err := j.f.Write(append(b, '\n')); err != nil {
		return err
	}
	return j.f.Sync()
}

// Again begins the journal anew with these lines, which are not handed to take:
// what others told is not there any more.
func (j *Journal[L]) Again(lines []L) error {
	if err := j.f.Truncate(0); err != nil {
		return err
	}
	if _, err := j.f.Seek(0, 0); err != nil {
		return err
	}
	if err := j.put(j.head); err != nil {
		return err
	}
	for _, l := range lines {
		if err := j.put(l); err != nil {
			return err
		}
	}
	return nil
}

// Close closes the file, which stays.
func (j *Journal[L]) Close() error { return j.f.Close() }
