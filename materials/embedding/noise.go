package embedding

import (
	"math"

	"github.com/kiban-models/kiban/core/graph"
)

// cellCount is how many cells the vocabulary is dealt into, and groupCount how
// many groups the cells of a round make: so many blocks may run at once.
const (
	cellCount  = 64
	groupCount = 8
	// smallVocabulary is dealt into one cell: groups of so few words would be
	// poor noise.
	smallVocabulary = 1024
)

// noiseTable draws words by their frequency to the power 0.75, cell by cell.
type noiseTable struct {
	words  []int32
	keep   []float32
	other  []int32
	start  []int32
	cell   []int32   // of each word
	weight []float64 // of each cell
}

// newNoise deals words, most frequent first, to cells: of each 64 words that
// follow one another every cell gets one, so that all cells are alike.
func newNoise(counts []int64, seed uint64) *noiseTable {
	cells := cellCount
	if len(counts) < smallVocabulary {
		cells = 1
	}
	t := &noiseTable{cell: make([]int32, len(counts)), start: []int32{0}}
	order := identity(cells)
	lists := make([][]int32, cells)
	for i := range counts {
		if i%cells == 0 {
			shuffle(order, seed, streamCells, uint64(i))
		}
		c := order[i%cells]
		t.cell[i] = c
		lists[c] = append(lists[c], int32(i))
	}
	for _, words := range lists {
		w, sum := make([]float64, len(words)), 0.0
		for i, word := range words {
			w[i] = math.Pow(float64(counts[word]), 0.75)
			sum += w[i]
		}
		keep, other := alias(w)
		t.words, t.keep, t.other = append(t.words, words...), append(t.keep, keep...), append(t.other, other...)
		t.start = append(t.start, int32(len(t.words)))
		t.weight = append(t.weight, sum)
	}
	return t
}

// group is cells that are trained together.
type group struct {
	cells []int32
	keep  []float32
	other []int32
}

func (t *noiseTable) group(cells []int32) *group {
	w := make([]float64, len(cells))
	for i, c := range cells {
		w[i] = t.weight[c]
	}
	keep, other := alias(w)
	return &group{cells, keep, other}
}

// alias makes the tables of A. J. Walker's method by M. D. Vose's (IEEE Trans.
// Softw. Eng. 17 (1991) 972).
func alias(w []float64) (keep []float32, other []int32) {
	n, sum := len(w), 0.0
	for _, x := range w {
		sum += x
	}
	keep, other = make([]float32, n), make([]int32, n)
	p := make([]float64, n)
	var small, large []int32
	for i, x := range w {
		p[i] = x * float64(n) / sum
		keep[i], other[i] = 1, int32(i)
		if p[i] < 1 {
			small = append(small, int32(i))
		} else {
			large = append(large, int32(i))
		}
	}
	for len(small) > 0 && len(large) > 0 {
		s, l := small[len(small)-1], large[len(large)-1]
		small = small[:len(small)-1]
		keep[s], other[s] = float32(p[s]), l
		if p[l] -= 1 - p[s]; p[l] < 1 {
			large = large[:len(large)-1]
			small = append(small, l)
		}
	}
	return keep, other
}

// Streams of random numbers: what they are for.
const (
	streamInit = iota + 1
	streamCells
	streamRounds
	streamWords
	streamNoise
)

// random are four numbers that depend on the seed, what they are for, and a place.
func random(seed uint64, stream uint32, place uint64, part uint32) [4]uint32 {
	return graph.PhiloxBlock(uint32(place), part, stream|uint32(place>>32)<<4, uint32(seed), uint32(seed>>32))
}

func identity(n int) []int32 {
	s := make([]int32, n)
	for i := range s {
		s[i] = int32(i)
	}
	return s
}

func shuffle(s []int32, seed uint64, stream uint32, place uint64) {
	for i := len(s) - 1; i > 0; i-- {
		r := random(seed, stream, place, uint32(i))
		j := int((uint64(r[0])*uint64(i+1) + uint64(r[1])*uint64(i+1)>>32) >> 32)
		s[i], s[j] = s[j], s[i]
	}
}
