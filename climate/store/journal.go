package store

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

const (
	journalFile    = "journal.jsonl"
	journalVersion = 1
)

// journal remembers on disk which shards are finished, a line each, so that a
// later run goes on there. A shard is on disk before its line is.
type journal struct {
	f      *os.File
	path   string
	shards []shardLine
}

type journalLine struct {
	Version  int               `json:"version,omitempty"`
	Settings map[string]string `json:"settings,omitempty"`
	Shard    *shardLine        `json:"shard,omitempty"`
}

// shardLine is a finished shard. Next is the time of the plan that comes after
// it, Dropped those before that were left out since this shard began.
type shardLine struct {
	Shard
	Next    int   `json:"next"`
	Dropped []int `json:"dropped,omitempty"`
}

// openJournal reads what an earlier run wrote and makes sure that it was asked
// for the same, or begins a journal.
func openJournal(dir string, settings map[string]string) (*journal, error) {
	j := &journal{path: filepath.Join(dir, journalFile)}
	old, err := os.ReadFile(j.path)
	if err != nil && !errors.Is(err, os.ErrNotExist) {
		return nil, err
	}
	// The last line may be torn: its shard is made again.
	old = old[:bytes.LastIndexByte(old, '\n')+1]
	for number, line := range slices.Collect(bytes.Lines(old)) {
		var l journalLine
		if err := json.Unmarshal(line, &l); err != nil {
			return nil, fmt.Errorf("%s:%d: %v; start again with --overwrite", j.path, number+1, err)
		}
		switch {
		case number > 0 && l.Shard != nil:
			j.shards = append(j.shards, *l.Shard)
		case number > 0 || l.Version != journalVersion:
			return nil, fmt.Errorf("%s:%d: is no line of version %d; start again with --overwrite", j.path, number+1, journalVersion)
		default:
			if err := sameSettings(l.Settings, settings); err != nil {
				return nil, err
			}
		}
	}
	if j.f, err = os.OpenFile(j.path, os.O_WRONLY|os.O_CREATE, 0o666); err != nil {
		return nil, err
	}
	err = j.f.Truncate(int64(len(old)))
	if err == nil {
		_, err = j.f.Seek(int64(len(old)), 0)
	}
	if err == nil && len(old) == 0 {
		err = j.write(journalLine{Version: journalVersion, Settings: settings})
	}
	if err != nil {
		return nil, errors.Join(err, j.f.Close())
	}
	return j, nil
}

// sameSettings says what has changed since the run that is to go on.
func sameSettings(old, now map[string]string) error {
	var changed []string
	for _, name := range slices.Sorted(maps.Keys(now)) {
		if old[name] != now[name] {
			changed = append(changed, fmt.Sprintf("%s was %s and is %s", name, orNone(old[name]), now[name]))
		}
	}
	for _, name := range slices.Sorted(maps.Keys(old)) {
		if _, ok := now[name]; !ok {
			changed = append(changed, fmt.Sprintf("%s was %s", name, old[name]))
		}
	}
	if len(changed) == 0 {
		return nil
	}
	return fmt.Errorf("%w: %s; give what it was given, or start again with --overwrite", errOtherRun, strings.Join(changed, ", "))
}

// errOtherRun is that what was left is of a run with other settings: it stays.
var errOtherRun = errors.New("the interrupted run cannot go on")

func orNone(s string) string {
	if s == "" {
		return "not given"
	}
	return s
}

func (j *journal) shard(s shardLine) error {
	j.shards = append(j.shards, s)
	return j.write(journalLine{Shard: &s})
}

// again forgets the shards from number n on, which are made once more.
func (j *journal) again(settings map[string]string, n int) error {
	kept := slices.Clone(j.shards[:n])
	j.shards = nil
	if err := j.f.Truncate(0); err != nil {
		return err
	}
	if _, err := j.f.Seek(0, 0); err != nil {
		return err
	}
	if err := j.write(journalLine{Version: journalVersion, Settings: settings}); err != nil {
		return err
	}
	for _, s := range kept {
		if err := j.shard(s); err != nil {
			return err
		}
	}
	return nil
}

func (j *journal) write(l journalLine) error {
	b, err := json.Marshal(l)
	if err != nil {
		return err
	}
	if _, err := j.f.Write(append(b, '\n')); err != nil {
		return err
	}
	return j.f.Sync()
}

func (j *journal) close() error { return j.f.Close() }
