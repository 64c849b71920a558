package protein

import (
	"slices"

	"github.com/kiban-models/kiban/core/dataset"
)

const journalVersion = 1

// The phases that a journal knows, in their order.
const (
	phaseRead      = "read"      // the ledger is complete
	phaseDivided   = "divided"   // and the states
	phaseTokenizer = "tokenizer" // and the tokenizer's files
	phaseShard     = "shard"     // and a shard of a part
)

// journal is what of a preparation is finished.
type journal struct {
	*dataset.Journal[journalLine]
	summary *Summary // after the last phase; nil before the first
	done    map[string]bool
	shards  map[string][]dataset.Shard // by part
}

type journalLine struct {
	Phase   string         `json:"phase,omitempty"`
	Summary *Summary       `json:"summary,omitempty"`
	Part    string         `json:"part,omitempty"`
	Shard   *dataset.Shard `json:"shard,omitempty"`
}

func openJournal(dir string, settings map[string]string) (*journal, error) {
	j := &journal{done: map[string]bool{}, shards: map[string][]dataset.Shard{}}
	var err error
	j.Journal, err = dataset.OpenJournal(dir, journalVersion, settings, j.take)
	if err != nil {
		return nil, err
	}
	return j, nil
}

func (j *journal) take(l journalLine) {
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
	return j.Write(journalLine{Phase: phase, Summary: s})
}

func (j *journal) shard(part string, s dataset.Shard) error {
	return j.Write(journalLine{Phase: phaseShard, Part: part, Shard: &s})
}
