package novelty

import (
	"slices"
	"sync"
	"sync/atomic"

	"github.com/kiban-models/kiban/bio/align"
)

const (
	// seedLetters are the residues of which words are made; rarer ones are taken
	// for the likest of them. A word with any other letter is no seed.
	seedLetters = "ACDEFGHIKLMNPQRSTVWY"
	// seedScore is the least that two words score in BLOSUM62 to be a seed. On
	// natural proteins, of 179 with a relative, 142 find the nearest at 18, 149
	// at 17 and 154 at 16, with 12, 22 and 38 entries a residue in the index; the
	// time is made of these.
	seedScore = 17
	// seedStrong is what a seed scores that is looked at without another.
	seedStrong = 22
	// seedRepeats is how often one query may have the same word in the index: in
	// a repeat the first ones find every relative.
	seedRepeats = 8

	seedSpan  = 5
	seedPairs = 20 * 20
	seedCodes = seedPairs * seedPairs
)

// seedLetter is the number of a letter, and -1 of X and others.
var seedLetter = func() (t [256]int8) {
	for i := range t {
		t[i] = -1
	}
	for i := range len(seedLetters) {
		t[seedLetters[i]] = int8(i)
	}
	for i, c := range "BZJUO" {
		t[c] = t["DELCK"[i]]
	}
	return t
}()

func appendLetters(l []int8, s []byte) []int8 {
	for _, c := range s {
		l = append(l, seedLetter[c])
	}
	return l
}

// seedCode of the word that begins a slice of at least seedSpan letters;
// negative where one is no residue. The gap makes neighbouring words less alike,
// which finds more relatives at the same cost.
func seedCode(l []int8) int {
	_ = l[seedSpan-1]
	a, b, c, d := l[0], l[1], l[3], l[4]
	if a|b|c|d < 0 {
		return -1
	}
	return ((int(a)*20+int(b))*20+int(c))*20 + int(d)
}

// likePair is a pair of residues and what it scores with another.
type likePair struct {
	code  uint16
	score int16
}

// likePairs are, for every pair, all pairs, the likest first.
var likePairs = sync.OnceValue(func() *[seedPairs][seedPairs]likePair {
	t := new([seedPairs][seedPairs]likePair)
	for a := range t {
		for b := range t {
			s := align.Score(seedLetters[a/20], seedLetters[b/20]) + align.Score(seedLetters[a%20], seedLetters[b%20])
			t[a][b] = likePair{uint16(b), int16(s)}
		}
		slices.SortStableFunc(t[a][:], func(x, y likePair) int { return int(y.score) - int(x.score) })
	}
	return t
})

// eachLike visits the words that are seeds with one, and always itself.
func eachLike(pairs *[seedPairs][seedPairs]likePair, code int, visit func(like int, strong bool)) {
	first, second := &pairs[code/seedPairs], &pairs[code%seedPairs]
	if first[0].score+second[0].score < seedScore {
		visit(code, false)
	}
	for _, a := range first {
		if a.score+second[0].score < seedScore {
			return
		}
		for _, b := range second {
			s := a.score + b.score
			if s < seedScore {
				break
			}
			visit(int(a.code)*seedPairs+int(b.code), s >= seedStrong)
		}
	}
}

// queries are the sequences looked for, one after another, with their seeds.
type queries struct {
	residues []byte  // of all
	start    []int32 // of each query in residues, and the end
	of       []int32 // query of each residue
	blocks   []block
}

// blockResidues is meant to keep the diagonals of a block in a core's cache; what it
// gains has not been measured.
const blockResidues = 128 << 10

// block is a run of queries and the index of their seeds.
type block struct {
	first, end int      // queries
	heads      []int32  // by word: its first entry in places, and the end
	places     []uint32 // where in residues words lie that are like it
}

// strong marks a place where the seed scores at least seedStrong.
const strong = 1 << 31

func newQueries(seqs [][]byte, threads int) *queries {
	q := &queries{start: make([]int32, 1, len(seqs)+1)}
	first := 0
	for i, s := range seqs {
		q.residues = append(q.residues, s...)
		for range s {
			q.of = append(q.of, int32(i))
		}
		q.start = append(q.start, int32(len(q.residues)))
		if len(q.residues)-int(q.start[first]) >= blockResidues || i == len(seqs)-1 {
			q.blocks = append(q.blocks, block{first: first, end: i + 1})
			first = i + 1
		}
	}
	var next atomic.Int64
	var workers sync.WaitGroup
	for range threads {
		workers.Go(func() {
			for i := int(next.Add(1) - 1); i < len(q.blocks); i = int(next.Add(1) - 1) {
				q.index(&q.blocks[i])
			}
		})
	}
	workers.Wait()
	return q
}

// index fills a block.
func (q *queries) index(b *block) {
	words, pairs := q.words(b), likePairs()
	b.heads = make([]int32, seedCodes+1)
	for _, w := range words {
		eachLike(pairs, w.code, func(like int, _ bool) { b.heads[like+1]++ })
	}
	for i := range seedCodes {
		b.heads[i+1] += b.heads[i]
	}
	b.places = make([]uint32, b.heads[seedCodes])
	next := slices.Clone(b.heads[:seedCodes])
	for _, w := range words {
		eachLike(pairs, w.code, func(like int, good bool) {
			at := w.at
			if good {
				at |= strong
			}
			b.places[next[like]] = at
			next[like]++
		})
	}
}

type word struct {
	code int
	at   uint32
}

// words lists those of a block in order.
func (q *queries) words(b *block) (all []word) {
	seen := map[int]int{}
	var l []int8
	for i := b.first; i < b.end; i++ {
		clear(seen)
		l = appendLetters(l[:0], q.sequence(i))
		for at := 0; at+seedSpan <= len(l); at++ {
			code := seedCode(l[at:])
			if code < 0 {
				continue
			}
			if seen[code]++; seen[code] <= seedRepeats {
				all = append(all, word{code, uint32(q.start[i]) + uint32(at)})
			}
		}
	}
	return all
}

func (q *queries) sequence(i int) []byte { return q.residues[q.start[i]:q.start[i+1]] }

func (q *queries) len() int { return len(q.start) - 1 }
