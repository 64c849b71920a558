package protein

import (
	"math/bits"
	"slices"
)

// Similarity is measured by words of five residues: chance hardly gives two
// proteins one in common, and a change of one residue costs at most five. The
// words by which similar sequences find each other are longer, so that they
// are rare even among 10^8 sequences.
const (
	wordLength   = 5
	seedLength   = 10
	seedCount    = 16 // of a sequence
	contextWords = 6  // residues behind a seed
	letterBits   = 5
)

// seed is a long word of a sequence by its hash, and a hash of what follows it.
type seed struct {
	hash    uint64
	context uint16
}

// appendSeeds appends the seedCount different long words with the smallest
// hashes: similar sequences have most words in common, and so most of these.
// Words with X, which may stand for anything, do not count.
func appendSeeds(dst []seed, residues []byte) []seed {
	const mask = 1<<(seedLength*letterBits) - 1
	first := len(dst)
	var word uint64
	known := 0 // residues since the last X
	for i, c := range residues {
		word = (word<<letterBits | uint64(c&31)) & mask
		if known++; c == 'X' {
			known = 0
		}
		if known < seedLength {
			continue
		}
		h := mix(word)
		kept := dst[first:]
		if n := len(kept); n == seedCount && h >= kept[n-1].hash {
			continue
		}
		at := len(kept)
		for at > 0 && kept[at-1].hash >= h {
			at--
		}
		if at < len(kept) && kept[at].hash == h {
			continue
		}
		if len(kept) < seedCount {
			dst = append(dst, seed{})
			kept = dst[first:]
		}
		copy(kept[at+1:], kept[at:])
		kept[at] = seed{h, contextOf(residues[i+1:])}
	}
	return dst
}

func contextOf(rest []byte) uint16 {
	var word uint64
	for _, c := range rest[:min(contextWords, len(rest))] {
		word = word<<letterBits | uint64(c&31)
	}
	return uint16(mix(word) >> 48)
}

// appendWords appends the different words of a sequence, sorted. One that is
// shorter than a word is one of its own.
func appendWords(dst []uint32, residues []byte) []uint32 {
	const mask = 1<<(wordLength*letterBits) - 1
	first := len(dst)
	word := uint32(0)
	for i, c := range residues {
		word = (word<<letterBits | uint32(c&31)) & mask
		if i+1 >= wordLength || i+1 == len(residues) {
			dst = append(dst, word)
		}
	}
	slices.Sort(dst[first:])
	return dst[:first+len(slices.Compact(dst[first:]))]
}

// jaccard is the share of the words of two sequences that both have.
func jaccard(a, b []uint32) float64 {
	common := 0
	for i, j := 0, 0; i < len(a) && j < len(b); {
		switch x, y := a[i], b[j]; {
		case x < y:
			i++
		case x > y:
			j++
		default:
			common++
			i++
			j++
		}
	}
	return float64(common) / float64(max(1, len(a)+len(b)-common))
}

// mix spreads a number over 64 bits: both halves of its product with a
// constant, folded, as in wyhash.
func mix(x uint64) uint64 {
	hi, lo := bits.Mul64(x^0x9e3779b97f4a7c15, 0xa0761d6478bd642f)
	x = hi ^ lo
	hi, lo = bits.Mul64(x^0xe7037ed1a0b428db, 0x8ebc6af09c88c6e3)
	return hi ^ lo
}
