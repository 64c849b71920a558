package pretrain

import (
	"slices"

	"github.com/kiban-models/kiban/core/dataset"
)

const journalVersion = 1

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

// journal is what of a preparation is finished.
type journal struct {
	*dataset.Journal[journalLine]
	tokenizer bool // its files are complete
	shards    map[string][]finished
}

// finished is a shard of a part, and where the part stood then.
type finished struct {
	Shard dataset.Shard `json:"shard"`
	At    position      `json:"at"`
}

type journalLine struct {
	Tokenizer bool      `json:"tokenizer,omitempty"`
	Part      string    `json:"part,omitempty"`
	Finished  *finished `json:"finished,omitempty"`
}

func openJournal(dir string, settings map[string]string) (*journal, error) {
	j := &journal{shards: map[string][]finished{}}
	var err error
	j.Journal, err = dataset.OpenJournal(dir, journalVersion, settings, j.take)
	if err != nil {
		return nil, err
	}
	return j, nil
}

func (j *journal) take(l journalLine) {
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
