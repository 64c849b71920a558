package token

import "math"

// merge says that the tokens left and right, side by side, become to.
type merge struct{ left, right, to int32 }

const noRank = math.MaxUint32

// pairTable finds the rank of a pair of ids: a hash table with open addressing,
// several times quicker than a map, which is most of the time of encoding.
type pairTable struct {
	slots []pairSlot
	shift uint
}

type pairSlot struct {
	key  uint64 // the pair plus one, 0 if free
	rank uint32
}

func pairKey(left, right int32) uint64 { return uint64(uint32(left))<<32 | uint64(uint32(right)) }

func newPairTable(n int) pairTable {
	bits := uint(4)
	for 1<<bits < 2*n+2 {
		bits++
	}
	return pairTable{make([]pairSlot, 1<<bits), 64 - bits}
}

func hashPair(key uint64) uint64 {
	key ^= key >> 29
	return key * 0x9e3779b97f4a7c15
}

// add is false if the pair is there already.
func (t *pairTable) add(left, right int32, rank uint32) bool {
	key := pairKey(left, right) + 1
	for i := hashPair(key) >> t.shift; ; i = (i + 1) & uint64(len(t.slots)-1) {
		switch s := &t.slots[i]; s.key {
		case 0:
			*s = pairSlot{key, rank}
			return true
		case key:
			return false
		}
	}
}

func (t *pairTable) rank(left, right int32) uint32 {
	key := pairKey(left, right) + 1
	for i := hashPair(key) >> t.shift; ; i = (i + 1) & uint64(len(t.slots)-1) {
		switch s := &t.slots[i]; s.key {
		case key:
			return s.rank
		case 0:
			return noRank
		}
	}
}

// maxShort is the length up to which looking at all pairs for the first merge
// beats keeping them in order.
const maxShort = 128

func (b *BPE) appendShort(dst []int32, word []byte) []int32 {
	var idArray [maxShort]int32
	var rankArray [maxShort]uint32
	ids := idArray[:len(word)]
	ranks := rankArray[:len(word)-1] // of the pair that starts at i
	for i, c := range word {
		ids[i] = b.byteID[c]
	}
	for i := range ranks {
		ranks[i] = b.pairs.rank(ids[i], ids[i+1])
	}
	for len(ranks) > 0 {
		best, at := ranks[0], 0
		for i, r := range ranks {
			if r < best {
				best, at = r, i
			}
		}
		if best == noRank {
			break
		}
		ids[at] = b.merges[best].to
		copy(ids[at+1:], ids[at+2:])
		ids = ids[:len(ids)-1]
		copy(ranks[at:], ranks[at+1:])
		ranks = ranks[:len(ranks)-1]
		if at > 0 {
			ranks[at-1] = b.pairs.rank(ids[at-1], ids[at])
		}
		if at < len(ranks) {
			ranks[at] = b.pairs.rank(ids[at], ids[at+1])
		}
	}
	return append(dst, ids...)
}

// longWord is the memory for encoding a long word: a linked list of tokens and
// a heap of the pairs that can merge. Finding the next merge costs the
// logarithm of the word's length, where looking at all pairs would take hours
// for a word of millions of letters.
type longWord struct {
	ids        []int32 // -1 where merged into the one before
	prev, next []int32
	heap       []uint64 // rank << 32 | position; smallest first, so leftmost among equals
}

// keepLong is the longest word whose memory is kept for the next.
const keepLong = 1 << 18

// maxLong keeps positions within 31 bits; a longer word is cut there.
const maxLong = 1 << 30

func (b *BPE) appendLong(dst []int32, word []byte) []int32 {
	for len(word) > maxLong {
		dst = b.appendLong(dst, word[:maxLong])
		word = word[maxLong:]
	}
	w := b.long.Get().(*longWord)
	w.start(b, word)
	for len(w.heap) > 0 {
		top := w.pop()
		at := int32(uint32(top))
		if w.ids[at] < 0 {
			continue
		}
		right := w.next[at]
		// Entries are not taken out when their pair goes; they show by the rank.
		if right < 0 || b.pairs.rank(w.ids[at], w.ids[right]) != uint32(top>>32) {
			continue
		}
		w.ids[at] = b.merges[top>>32].to
		w.ids[right] = -1
		after := w.next[right]
		w.next[at] = after
		if after >= 0 {
			w.prev[after] = at
			w.push(b.pairs.rank(w.ids[at], w.ids[after]), at)
		}
		if before := w.prev[at]; before >= 0 {
			w.push(b.pairs.rank(w.ids[before], w.ids[at]), before)
		}
	}
	for at := int32(0); at >= 0; at = w.next[at] {
		dst = append(dst, w.ids[at])
	}
	if len(word) <= keepLong {
		b.long.Put(w)
	}
	return dst
}

func (w *longWord) start(b *BPE, word []byte) {
	n := len(word)
	if cap(w.ids) < n {
		w.ids, w.prev, w.next = make([]int32, n), make([]int32, n), make([]int32, n)
		w.heap = make([]uint64, 0, n)
	}
	w.ids, w.prev, w.next, w.heap = w.ids[:n], w.prev[:n], w.next[:n], w.heap[:0]
	for i, c := range word {
		w.ids[i] = b.byteID[c]
		w.prev[i], w.next[i] = int32(i-1), int32(i+1)
	}
	w.next[n-1] = -1
	for i := range n - 1 {
		if r := b.pairs.rank(w.ids[i], w.ids[i+1]); r != noRank {
			w.heap = append(w.heap, uint64(r)<<32|uint64(i))
		}
	}
	for i := (len(w.heap)+heapArity-2)/heapArity - 1; i >= 0; i-- { // parents, last first
		w.down(i)
	}
}

// Four children lie in one cache line, which matters in a heap of megabytes.
const heapArity = 4

func (w *longWord) push(rank uint32, at int32) {
	if rank == noRank {
		return
	}
	h := append(w.heap, uint64(rank)<<32|uint64(uint32(at)))
	for i := len(h) - 1; i > 0; {
		up := (i - 1) / heapArity
		if h[up] <= h[i] {
			break
		}
		h[up], h[i] = h[i], h[up]
		i = up
	}
	w.heap = h
}

func (w *longWord) pop() uint64 {
	h := w.heap
	top := h[0]
	h[0] = h[len(h)-1]
	w.heap = h[:len(h)-1]
	if len(w.heap) > 0 {
		w.down(0)
	}
	return top
}

func (w *longWord) down(i int) {
	h := w.heap
	x := h[i]
	for {
		first := heapArity*i + 1
		if first >= len(h) {
			break
		}
		least := first
		for c := first + 1; c < min(first+heapArity, len(h)); c++ {
			if h[c] < h[least] {
				least = c
			}
		}
		if h[least] >= x {
			break
		}
		h[i] = h[least]
		i = least
	}
	h[i] = x
}
