package pretrain

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

	"github.com/kiban-models/kiban/core/dataset"
)

const (
	journalFile    = "journal.jsonl"
	journalVersion = 1
)

// position is where a part stood when a shard was finished: within document
// Doc of the part, counted from 0, after Rows rows that came out of it. Open is
// the row that was being filled when it began, and Counts those of the
// documents before it.
type position struct {
	Doc    int64   `json:"document"`
	Rows   int     `json:"rows"`
	Open   []int32 `json:"open,omitempty"`
	Counts counts  `json:"counts"`
}

// journal remembers on disk what of a preparation is finished, a line each, so
// that a later run goes on there. What it lists is on disk before the line is.
type journal struct {
	f         *os.File
	tokenizer bool // its files are complete
	shards    map[string][]finished
}

// finished is a shard of a part, and where the part stood then.
type finished struct {
	Shard dataset.Shard `json:"shard"`
	At    position      `json:"at"`
}

type journalLine struct {
	Version   int               `json:"version,omitempty"`
	Settings  map[string]string `json:"settings,omitempty"`
	Tokenizer bool              `json:"tokenizer,omitempty"`
	Part      string            `json:"part,omitempty"`
	Finished  *finished         `json:"finished,omitempty"`
}

// openJournal reads what an earlier run wrote and makes sure that it was asked
// for the same, or begins a journal.
func openJournal(dir string, settings map[string]string) (*journal, error) {
	path := filepath.Join(dir, journalFile)
	j := &journal{shards: map[string][]finished{}}
	old, err := os.ReadFile(path)
	if err != nil && !errors.Is(err, os.ErrNotExist) {
		return nil, err
	}
	old = old[:bytes.LastIndexByte(old, '\n')+1] // the last line may be torn
	for number, line := range slices.Collect(bytes.Lines(old)) {
		var l journalLine
		if err := json.Unmarshal(line, &l); err != nil {
			return nil, fmt.Errorf("%s:%d: %v; start again with --overwrite", path, number+1, err)
		}
		if number == 0 {
			if l.Version != journalVersion {
				return nil, fmt.Errorf("%s:1: version %d, want %d; start again with --overwrite", path, l.Version, journalVersion)
			}
			if s := changed(l.Settings, settings); s != "" {
				return nil, fmt.Errorf("%s: the preparation that was broken off cannot go on: %s; give what it was given, or start again with --overwrite", path, s)
			}
		}
		j.apply(l)
	}
	if j.f, err = os.OpenFile(path, os.O_WRONLY|os.O_CREATE, 0o666); err != nil {
		return nil, err
	}
	if err = j.f.Truncate(int64(len(old))); err == nil {
		_, err = j.f.Seek(int64(len(old)), 0)
	}
	if err == nil && len(old) == 0 {
		err = j.write(journalLine{Version: journalVersion, Settings: settings})
	}
	if err != nil {
		j.f.Close()
		return nil, err
	}
	return j, nil
}

// changed says which settings differ.
func changed(old, now map[string]string) string {
	names := map[string]bool{}
	for _, m := range []map[string]string{old, now} {
		for name := range m {
			names[name] = true
		}
	}
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

func (j *journal) apply(l journalLine) {
	if l.Tokenizer {
		j.tokenizer = true
	}
	if l.Finished != nil { // one that was made once more replaces those from there on
		old := j.shards[l.Part]
		if k := slices.IndexFunc(old, func(f finished) bool { return f.Shard.File == l.Finished.Shard.File }); k >= 0 {
			old = old[:k]
		}
		j.shards[l.Part] = append(old, *l.Finished)
	}
}

func (j *journal) write(l journalLine) error {
	b, err := json.Marshal(l)
	if err != nil {
		return err
	}
	if _, err := j.f.Write(append(b, '\n')); err != nil {
		return err
	}
	j.apply(l)
	return j.f.Sync()
}

func (j *journal) close() error { return j.f.Close() }
