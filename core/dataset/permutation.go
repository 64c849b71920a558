package dataset

import "math/bits"

// Permutation puts the numbers 0 to n-1 in a pseudo-random order without
// storing it: a Feistel network over the next even power of two, walked until
// it falls below n, which takes four steps at most on average.
type Permutation struct {
	n    uint64
	half uint   // bits of one half
	mask uint64 // 1<<half - 1
	keys [6]uint64
}

// NewPermutation returns the order of n numbers that seed and epoch choose. It
// panics if n is negative.
func NewPermutation(n int64, seed uint64, epoch int64) Permutation {
	if n < 0 {
		panic("dataset: permutation of a negative number")
	}
	p := Permutation{n: uint64(n)}
	if n > 1 {
		p.half = uint(bits.Len64(p.n-1)+1) / 2
	}
	p.mask = 1<<p.half - 1
	k := mix(seed) ^ mix(mix(uint64(epoch)))
	for i := range p.keys {
		k = mix(k)
		p.keys[i] = k
	}
	return p
}

// At returns the number at place i, 0 <= i < n.
func (p *Permutation) At(i int64) int64 {
	if uint64(i) >= p.n {
		panic("dataset: place outside the permutation")
	}
	if p.n == 1 {
		return 0
	}
	x := uint64(i)
	for {
		l, r := x>>p.half, x&p.mask
		for _, k := range p.keys {
			l, r = r, l^mix(r^k)&p.mask
		}
		if x = l<<p.half | r; x < p.n {
			return int64(x)
		}
	}
}
