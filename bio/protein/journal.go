package protein

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

// The phases that a journal knows, in their order.
const (
	phaseRead      = "read"      // the ledger is complete
	phaseDivided   = "divided"   // and the states
	phaseTokenizer = "tokenizer" // and the tokenizer's files
	phaseShard     = "shard"     // and a shard of a part
)

// journal remembers on disk what of a preparation is finished, a line each, so
// that a later run goes on there. What it lists is on disk before the line is.
type journal struct {
	f       *os.File
	summary *Summary // after the last phase; nil before the first
	done    map[string]bool
	shards  map[string][]dataset.Shard // by part
}

type journalLine struct {
	Version  int               `json:"version,omitempty"`
	Settings map[string]string `json:"settings,omitempty"`
	Phase    string            `json:"phase,omitempty"`
	Summary  *Summary          `json:"summary,omitempty"`
	Part     string            `json:"part,omitempty"`
	Shard    *dataset.Shard    `json:"shard,omitempty"`
}

// openJournal reads what an earlier run wrote and makes sure that it was asked
// for the same, or begins a journal.
func openJournal(dir string, settings map[string]string) (*journal, error) {
	path := filepath.Join(dir, journalFile)
	j := &journal{done: map[string]bool{}, shards: map[string][]dataset.Shard{}}
	old, err := os.ReadFile(path)
	if err != nil && !errors.Is(err, os.ErrNotExist) {
		return nil, err
	}
	// The last line may be torn: its phase is done again.
	old = old[:bytes.LastIndexByte(old, '\n')+1]
	for number, line := range slices.Collect(bytes.Lines(old)) {
		var l journalLine
		if err := json.Unmarshal(line, &l); err != nil {
			return nil, fmt.Errorf("%s:%d: %v; start again with --overwrite", path, number+1, err)
		}
		if number == 0 {
			if l.Version != journalVersion {
				return nil, fmt.Errorf("%s:1: version %d, want %d; start again with --overwrite", path, l.Version, journalVersion)
			}
			if err := sameSettings(l.Settings, settings); err != nil {
				return nil, err
			}
		}
		j.apply(l)
	}
	if j.f, err = os.OpenFile(path, os.O_WRONLY|os.O_CREATE, 0o666); err != nil {
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
		j.f.Close()
		return nil, err
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
	return fmt.Errorf("the interrupted run cannot go on: %s; give what it was given, or start again with --overwrite", strings.Join(changed, ", "))
}

func orNone(s string) string {
	if s == "" {
		return "not given"
	}
	return s
}

func (j *journal) apply(l journalLine) {
	switch l.Phase {
	case "":
	case phaseShard: // one that was made once more replaces those from there on
		old := j.shards[l.Part]
		if k := slices.IndexFunc(old, func(s dataset.Shard) bool { return s.File == l.Shard.File }); k >= 0 {
			old = old[:k]
		}
		j.shards[l.Part] = append(old, *l.Shard)
	default:
		j.done[l.Phase] = true
		j.summary = l.Summary
	}
}

// finished records that a phase is done.
func (j *journal) finished(phase string, s *Summary) error {
	return j.write(journalLine{Phase: phase, Summary: s})
}

func (j *journal) shard(part string, s dataset.Shard) error {
	return j.write(journalLine{Phase: phaseShard, Part: part, Shard: &s})
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
