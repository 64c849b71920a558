package store

import "github.com/kiban-models/kiban/core/dataset"

const journalVersion = 2

// journal has the shards that are finished, a line each. A shard is on disk
// before its line is.
type journal struct {
	*dataset.Journal[shardLine]
	shards []shardLine
}

// shardLine is a finished shard. Next is the time of the plan that comes after
// it, Dropped those before that were left out since this shard began.
type shardLine struct {
	Shard
	Next    int   `json:"next"`
	Dropped []int `json:"dropped,omitempty"`
}

func openJournal(dir string, settings map[string]string) (*journal, error) {
	j := &journal{}
	var err error
	if j.Journal, err = dataset.OpenJournal(dir, journalVersion, settings, func(l shardLine) { j.shards = append(j.shards, l) }); err != nil {
		return nil, err
	}
	return j, nil
}

// again forgets the shards from number n on, which are made once more.
func (j *journal) again(n int) error {
	j.shards = j.shards[:n:n]
	return j.Again(j.shards)
}
