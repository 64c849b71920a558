package novelty

import (
	"bytes"
	"cmp"
	"slices"
	"strings"
	"sync"
	"sync/atomic"

	"github.com/kiban-models/kiban/bio/sequence"
	"github.com/kiban-models/kiban/core/dataset"
)

// sample keeps the sequences whose digests are lowest: as good as a random
// choice, and the same for any order of arrival.
type sample struct {
	limit int
	mu    sync.Mutex
	full  atomic.Pointer[dataset.Digest] // the largest digest kept, once there are enough
	kept  []sampled
}

type sampled struct {
	digest dataset.Digest
	index  int64
	record sequence.Record
}

func (a sampled) compare(b sampled) int {
	return cmp.Or(bytes.Compare(a.digest[:], b.digest[:]), cmp.Compare(a.index, b.index))
}

// Choose returns n of the records, or all when there are no more, as Search
// chooses its sample: by content, in their order.
func Choose(records []sequence.Record, n int) []sequence.Record {
	if len(records) <= n {
		return records
	}
	s := sample{limit: n}
	for i, r := range records {
		s.offer(r.ID, int64(i), r.Residues)
	}
	return s.records()
}

func (s *sample) offer(id string, index int64, residues []byte) {
	if s.limit <= 0 {
		return
	}
	d := dataset.DigestOf(residues)
	if worst := s.full.Load(); worst != nil && bytes.Compare(d[:], worst[:]) > 0 {
		return
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	s.kept = append(s.kept, sampled{d, index, sequence.Record{ID: strings.Clone(id), Residues: bytes.Clone(residues), Index: int(index)}})
	if len(s.kept) >= 2*s.limit {
		s.trim()
	}
}

func (s *sample) trim() {
	slices.SortFunc(s.kept, sampled.compare)
	if len(s.kept) >= s.limit {
		clear(s.kept[s.limit:])
		s.kept = s.kept[:s.limit]
		worst := s.kept[s.limit-1].digest
		s.full.Store(&worst)
	}
}

// records in the order of the training data.
func (s *sample) records() []sequence.Record {
	if s.limit <= 0 {
		return nil
	}
	s.trim()
	slices.SortFunc(s.kept, func(a, b sampled) int { return cmp.Compare(a.index, b.index) })
	out := make([]sequence.Record, len(s.kept))
	for i, k := range s.kept {
		out[i] = k.record
	}
	return out
}
