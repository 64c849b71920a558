package token

import "math"

// merge says that the tokens left and right, side by side, become to.
type merge struct{ left, right, to int32 }

const noRank = math.MaxUint32

// pairTable finds the rank of a pair of ids: a hash table with open addressing,
// several times quicker than a map, which is most of the time of encoding. A
// slot is one number, so that a table of thousands of merges stays in the cache.
type pairTable struct {
	slots []uint64 // pairKey << rankBits | rank, freeSlot if free
	shift uint
}

const (
	idBits   = 21 // of maxVocab and maxAdded
	rankBits = 21 // of maxMerges
	freeSlot = math.MaxUint64
)

func pairKey(left, right int32) uint64 { return uint64(uint32(left))<<32 | uint64(uint32(right)) }

func newPairTable(n int) pairTable {
	bits := uint(4)
	for 1<<bits < 2*n+2 {
		bits++
	}
	t := pairTable{make([]uint64, 1<<bits), 64 - bits}
	for i := range t.slots {
		t.slots[i] = freeSlot
	}
	return t
}

func slotKey(left, right int32) uint64 { return uint64(uint32(left))<<idBits | uint64(uint32(right)) }

func (t *pairTable) start(key uint64) uint64 { return key * 0x9e3779b97f4a7c15 >> t.shift }

// add is false if the pair is there already.
func (t *pairTable) add(left, right int32, rank uint32) bool {
	key := slotKey(left, right)
	for i := t.start(key); ; i = (i + 1) & uint64(len(t.slots)-1) {
		switch s := t.slots[i]; {
		case s == freeSlot:
			t.slots[i] = key<<rankBits | uint64(rank)
			return true
		case s>>rankBits == key:
			return false
		}
	}
}

func (t *pairTable) rank(left, right int32) uint32 {
	key := slotKey(left, right)
	for i := t.start(key); ; i = (i + 1) & uint64(len(t.slots)-1) {
		switch s := t.slots[i]; {
		case s>>rankBits == key:
			return uint32(s & (1<<rankBits - 1))
		case s == freeSlot:
			return noRank
		}
	}
}

// maxShort is the length up to which the first merge is found by looking at
// all pairs, in blocks whose best pair is known.
const (
	shortBits   = 7
	maxShort    = 1 << shortBits
	shortBlock  = 8
	shortBlocks = maxShort / shortBlock
)

// shortWord is a word of up to maxShort tokens: a linked list, and for each
// token the pair that it starts, as rank << shortBits | place, so that the
// smallest number is the next merge, the leftmost among equals.
type shortWord struct {
	ids        [maxShort]int32
	prev, next [maxShort]uint8
	pairs      [maxShort]uint32
	best       [shortBlocks]uint32 // of each block
}

func (b *BPE) appendShort(dst []int32, word []byte) []int32 {
	var w shortWord
	n := len(word)
	last := (n - 1) / shortBlock
	for i, c := range word {
		w.ids[i&(maxShort-1)] = b.byteID[c]
		w.prev[i&(maxShort-1)], w.next[i&(maxShort-1)] = uint8(i-1), uint8(i+1)
	}
	for i := range (last + 1) * shortBlock {
		key := uint32(noRank)
		if i+1 < n {
			if r := b.byteRanks[uint(word[i])<<8|uint(word[i+1])]; r != noRank {
				key = r<<shortBits | uint32(i)
			}
		}
		w.pairs[i&(maxShort-1)] = key
	}
	for k := range last + 1 {
		w.settle(k)
	}
	for {
		top := w.best[0]
		for _, k := range w.best[1 : last+1] {
			top = min(top, k)
		}
		if top == noRank {
			break
		}
		at := top & (maxShort - 1)
		id := b.merges[top>>shortBits].to
		right := w.next[at] & (maxShort - 1)
		after := w.next[right]
		w.ids[at], w.next[at] = id, after
		w.pairs[right], w.pairs[at] = noRank, noRank
		if int(after) < n {
			w.prev[after&(maxShort-1)] = uint8(at)
			if r := b.pairs.rank(id, w.ids[after&(maxShort-1)]); r != noRank {
				w.pairs[at] = r<<shortBits | at
			}
		}
		block := int(at) / shortBlock
		w.settle(block)
		if k := int(right) / shortBlock; k != block {
			w.settle(k)
		}
		if at > 0 {
			before := uint32(w.prev[at]) & (maxShort - 1)
			w.pairs[before] = noRank
			if r := b.pairs.rank(w.ids[before], id); r != noRank {
				w.pairs[before] = r<<shortBits | before
			}
			w.settle(int(before) / shortBlock)
		}
	}
	for at := 0; at < n; at = int(w.next[at&(maxShort-1)]) {
		dst = append(dst, w.ids[at&(maxShort-1)])
	}
	return dst
}

// settle finds the best pair of a block.
func (w *shortWord) settle(k int) {
	p := (*[shortBlock]uint32)(w.pairs[k*shortBlock:])
	w.best[k] = min(min(min(p[0], p[1]), min(p[2], p[3])), min(min(p[4], p[5]), min(p[6], p[7])))
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
