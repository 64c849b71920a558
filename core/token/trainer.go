package token

import (
	"math"
	"strings"
	"unicode/utf8"
)

// maxTrainBytes keeps positions within 31 bits.
const maxTrainBytes = 1 << 30

// trainer keeps, for each pair of neighbouring tokens, how often it occurs and
// in which words, and updates both when a merge changes some words.
type trainer struct {
	opt   TrainOptions
	vocab []string
	ids   map[string]int32

	prefix string // of tokens that go on a word, in WordPiece

	symbols []int32 // all words, one after the other
	words   []trainWord

	counts map[uint64]int64 // by pairKey; none for 0
	where  []int32          // words of the candidates, back to back
	queue  []candidate      // a heap
	merges []merge

	lengths []int32 // of tokens, in bytes
	before  side
	after   side
}

type trainWord struct {
	start, n int32
	count    int64
}

// candidate is a pair in the queue, with its count when it was last looked at
// and the words where it came into being.
type candidate struct {
	key        uint64
	count      int64
	start, end int // in where
}

// first reports whether a is merged before b: the more frequent pair, then the
// one with the smaller ids.
func (a *candidate) first(b *candidate) bool {
	if a.count != b.count {
		return a.count > b.count
	}
	return a.key < b.key
}

func (t *trainer) run() {
	for _, s := range t.vocab {
		t.lengths = append(t.lengths, int32(utf8.RuneCountInString(s)))
	}
	t.countPairs()
	for len(t.vocab) < t.opt.VocabSize && len(t.queue) > 0 {
		top := t.queue[0]
		if now := t.counts[top.key]; now != top.count {
			// Counts fall while a pair waits; it waits on in its right place.
			if now < 1 {
				t.pop()
			} else {
				t.queue[0].count = now
				t.down()
			}
			continue
		}
		if top.count < t.opt.MinFrequency {
			break
		}
		t.pop()
		t.apply(top)
	}
}

// countPairs fills the queue with the pairs of bytes.
func (t *trainer) countPairs() {
	t.counts = map[uint64]int64{}
	lists := map[uint64][]int32{}
	for w, word := range t.words {
		s := t.symbols[word.start : word.start+word.n]
		for i := 1; i < len(s); i++ {
			key := pairKey(s[i-1], s[i])
			t.counts[key] += word.count
			list := lists[key]
			if len(list) == 0 || list[len(list)-1] != int32(w) {
				lists[key] = append(list, int32(w))
			}
		}
	}
	for key, list := range lists {
		start := len(t.where)
		t.where = append(t.where, list...)
		t.push(candidate{key, t.counts[key], start, len(t.where)})
	}
}

// apply merges a pair in all its words and updates the counts around it.
func (t *trainer) apply(c candidate) {
	m := merge{left: int32(c.key >> 32), right: int32(uint32(c.key))}
	token := t.vocab[m.left] + strings.TrimPrefix(t.vocab[m.right], t.prefix)
	id, ok := t.ids[token] // there already if it grew from other parts before
	if !ok {
		id = t.add(token)
		t.lengths = append(t.lengths, t.lengths[m.left]+t.lengths[m.right])
	}
	m.to = id
	t.merges = append(t.merges, m)
	t.before.grow(len(t.vocab))
	t.after.grow(len(t.vocab))
	for _, w := range t.where[c.start:c.end] {
		t.mergeWord(w, m)
	}
	t.settle(&t.before, func(n int32) (lost, won uint64) { return pairKey(n, m.left), pairKey(n, id) })
	t.settle(&t.after, func(n int32) (lost, won uint64) { return pairKey(m.right, n), pairKey(id, n) })
	t.enqueue(&t.before, func(n int32) uint64 { return pairKey(n, id) })
	t.enqueue(&t.after, func(n int32) uint64 { return pairKey(id, n) })
}

func (t *trainer) mergeWord(w int32, m merge) {
	word := &t.words[w]
	s := t.symbols[word.start : word.start+word.n]
	limit := int32(math.MaxInt32)
	if t.opt.MaxTokenLength > 0 {
		limit = int32(min(t.opt.MaxTokenLength, math.MaxInt32)) - t.lengths[m.to]
	}
	out := 0
	for i := 0; i < len(s); {
		if s[i] != m.left || i+1 == len(s) || s[i+1] != m.right {
			s[out] = s[i]
			out++
			i++
			continue
		}
		if out > 0 {
			n := s[out-1]
			t.before.lose(n, word.count)
			if t.lengths[n] < limit {
				t.before.win(n, w, word.count)
			}
		}
		s[out] = m.to
		out++
		i += 2
		if i < len(s) {
			n := s[i]
			t.after.lose(n, word.count)
			if t.lengths[n] < limit {
				if n == m.to { // the same pair as with n on the left
					t.before.win(n, w, word.count)
				} else {
					t.after.win(n, w, word.count)
				}
			}
		}
	}
	word.n = int32(out)
}

// settle books the changed counts.
func (t *trainer) settle(s *side, keys func(n int32) (lost, won uint64)) {
	for _, n := range s.touched {
		lost, won := keys(n)
		t.addCount(lost, -s.minus[n])
		t.addCount(won, s.plus[n])
		s.minus[n], s.plus[n] = 0, 0
	}
}

func (t *trainer) addCount(key uint64, n int64) {
	if n == 0 {
		return
	}
	if n += t.counts[key]; n == 0 {
		delete(t.counts, key) // most pairs vanish again: memory follows those alive
	} else {
		t.counts[key] = n
	}
}

// enqueue puts the pairs that a step brought forth into the queue, each with
// its words.
func (t *trainer) enqueue(s *side, key func(n int32) uint64) {
	start := len(t.where)
	t.where = append(t.where, make([]int32, len(s.seen))...)
	at := start
	for _, n := range s.touched { // words becomes the place for the next one
		if size := int(s.words[n]); size > 0 {
			if count := t.counts[key(n)]; count > 0 {
				t.push(candidate{key(n), count, at, at + size})
			}
			s.words[n] = int32(at - start)
			at += size
		}
	}
	for _, o := range s.seen {
		t.where[start+int(s.words[o.id])] = o.word
		s.words[o.id]++
	}
	for _, n := range s.touched {
		s.words[n], s.last[n] = 0, 0
	}
	s.touched, s.seen = s.touched[:0], s.seen[:0]
}

// learned returns the merges in order. When a token grows from several pairs,
// its own pairs can come up more than once; the last time is the one that the
// tokenizers library keeps.
func (t *trainer) learned() []merge {
	last := make(map[uint64]int, len(t.merges))
	for i, m := range t.merges {
		last[pairKey(m.left, m.right)] = i
	}
	var kept []merge
	for i, m := range t.merges {
		if last[pairKey(m.left, m.right)] == i {
			kept = append(kept, m)
		}
	}
	return kept
}

func (t *trainer) push(c candidate) {
	q := append(t.queue, c)
	for i := len(q) - 1; i > 0; {
		up := (i - 1) / 2
		if !q[i].first(&q[up]) {
			break
		}
		q[i], q[up] = q[up], q[i]
		i = up
	}
	t.queue = q
}

func (t *trainer) pop() {
	last := len(t.queue) - 1
	t.queue[0] = t.queue[last]
	t.queue = t.queue[:last]
	t.down()
}

// down lets the top of the queue sink to its place.
func (t *trainer) down() {
	q := t.queue
	for i := 0; ; {
		best := i
		for c := 2*i + 1; c <= 2*i+2 && c < len(q); c++ {
			if q[c].first(&q[best]) {
				best = c
			}
		}
		if best == i {
			return
		}
		q[i], q[best] = q[best], q[i]
		i = best
	}
}
