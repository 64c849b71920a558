package novelty

import (
	"bytes"
	"hash/maphash"
	"math/bits"
	"strings"
	"sync"
	"sync/atomic"
)

// MinMatch is the shortest exact match that is reported: any two proteins share
// shorter ones.
const MinMatch = 6

// Match is the longest run of residues that a query has in common with any
// training sequence: of several the one in the earliest training sequence, and
// there the leftmost in the query. Length is 0 where none reaches MinMatch. An
// X matches nothing.
type Match struct {
	Length      int
	Target      string // its ID
	TargetIndex int64  // its number in the training data, from 0
	QueryStart  int    // from 0
	TargetStart int    // from 0

	Copy      bool   // a training sequence equals the whole query
	CopyID    string // of the earliest such
	CopyIndex int64
}

// before is the order of matches; it is total for one query and target.
func (m *Match) before(o *Match) bool {
	switch {
	case m.Length != o.Length:
		return m.Length > o.Length
	case m.TargetIndex != o.TargetIndex:
		return m.TargetIndex < o.TargetIndex
	case m.QueryStart != o.QueryStart:
		return m.QueryStart < o.QueryStart
	}
	return m.TargetStart < o.TargetStart
}

// words indexes every run of MinMatch residues of the queries.
type words struct {
	q      *queries
	shift  uint
	heads  []int32 // by bucket
	places []int32

	seed   maphash.Seed
	whole  map[uint64][]int32 // queries by hash of all their residues
	locks  []sync.Mutex       // of a match each
	longer []atomic.Int32     // length of the match so far
	found  []Match
}

func newWords(q *queries) *words {
	n := len(q.residues)
	w := &words{q: q, seed: maphash.MakeSeed(), whole: map[uint64][]int32{},
		locks: make([]sync.Mutex, q.len()), longer: make([]atomic.Int32, q.len()), found: make([]Match, q.len())}
	size := max(10, bits.Len(uint(4*n)))
	w.shift = uint(64 - size)
	w.heads = make([]int32, 1<<size+1)
	each := func(visit func(bucket uint64, at int32)) {
		for i := range q.len() {
			s := q.sequence(i)
			eachWord(s, func(code uint64, at int) { visit(w.bucket(code), q.start[i]+int32(at)) })
		}
	}
	each(func(b uint64, _ int32) { w.heads[b+1]++ })
	for i := range 1 << size {
		w.heads[i+1] += w.heads[i]
	}
	w.places = make([]int32, w.heads[1<<size])
	next := append([]int32(nil), w.heads[:1<<size]...)
	each(func(b uint64, at int32) {
		w.places[next[b]] = at
		next[b]++
	})
	for i := range q.len() {
		h := maphash.Bytes(w.seed, q.sequence(i))
		w.whole[h] = append(w.whole[h], int32(i))
	}
	return w
}

func (w *words) bucket(code uint64) uint64 { return code * 0x9e3779b97f4a7c15 >> w.shift }

// eachWord visits the words without X; 5 bits a letter.
func eachWord(s []byte, visit func(code uint64, at int)) {
	const mask = 1<<(5*MinMatch) - 1
	code, run := uint64(0), 0
	for i, c := range s {
		if c == 'X' {
			run = 0
			continue
		}
		code = (code<<5 | uint64(c&31)) & mask
		if run++; run >= MinMatch {
			visit(code, i-MinMatch+1)
		}
	}
}

// matcher looks for the words in one target after another. One for each
// goroutine.
type matcher struct {
	w    *words
	done []uint32 // as in prefilter
	base uint32
}

func (m *matcher) run(id string, index int64, target []byte) {
	w, n := m.w, len(target)
	if need := len(w.q.residues) + n; len(m.done) < need || m.base > 1<<31 {
		m.done, m.base = make([]uint32, need+need/4), 0
	}
	eachWord(target, func(code uint64, t int) {
		b := w.bucket(code)
		for _, at := range w.places[w.heads[b]:w.heads[b+1]] {
			diagonal := int(at) - t + n
			if m.done[diagonal] > m.base+uint32(t) {
				continue
			}
			query := w.q.of[at]
			end := int(w.q.start[query+1])
			length := common(w.q.residues[at:end], target[t:])
			if length < MinMatch {
				continue // another word in the same bucket
			}
			// A match is met at its first word, so it begins here.
			m.done[diagonal] = m.base + uint32(t+length)
			if int32(length) < w.longer[query].Load() {
				continue
			}
			w.offer(query, Match{Length: length, Target: id, TargetIndex: index,
				QueryStart: int(at - w.q.start[query]), TargetStart: t})
		}
	})
	m.base += uint32(n) + 1
	for _, query := range w.whole[maphash.Bytes(w.seed, target)] {
		if bytes.Equal(w.q.sequence(int(query)), target) {
			w.copied(query, id, index)
		}
	}
}

// common is how many residues from the start are equal, and no X.
func common(a, b []byte) int {
	n := min(len(a), len(b))
	for i := range n {
		if a[i] != b[i] || a[i] == 'X' {
			return i
		}
	}
	return n
}

func (w *words) offer(query int32, m Match) {
	w.locks[query].Lock()
	defer w.locks[query].Unlock()
	if have := &w.found[query]; have.Length == 0 || m.before(have) {
		m.Copy, m.CopyID, m.CopyIndex = have.Copy, have.CopyID, have.CopyIndex
		m.Target = strings.Clone(m.Target) // IDs share memory with headers near by
		*have = m
		w.longer[query].Store(int32(m.Length))
	}
}

func (w *words) copied(query int32, id string, index int64) {
	w.locks[query].Lock()
	defer w.locks[query].Unlock()
	if m := &w.found[query]; !m.Copy || index < m.CopyIndex {
		m.Copy, m.CopyID, m.CopyIndex = true, strings.Clone(id), index
	}
}
