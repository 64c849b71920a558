package graph

import (
	"math"

	"github.com/kiban-models/kiban/core/tensor"
)

// DropoutAttr holds the constants of "dropout". Salt tells apart the places of
// a model that share a seed. Span elements, one after the other, share a
// number; 0 is 1.
type DropoutAttr struct {
	P    float32
	Salt uint32
	Span int
}

// Dropout zeroes each element of x with probability p and scales the others by
// 1/(1-p). seed is i32 [2]; element i is dropped when the uniform number of
// counter (i, salt) under key seed (see Philox) is below p. The gradient drops
// the same elements.
func Dropout(x, seed *Node, p float32, salt uint32) *Node {
	return dropout(x, seed, DropoutAttr{P: p, Salt: salt})
}

// DropPath is Dropout of whole samples: x is rows by sample, and all elements
// of a sample are zeroed or scaled together (stochastic depth: Huang et al.
// 2016, arXiv:1603.09382). Sample b is dropped by the number of counter
// (b, salt).
func DropPath(x, seed *Node, samples int, p float32, salt uint32) *Node {
	if samples <= 0 || x.Len()%samples != 0 {
		return x.g.bad(x.dtype, x.shape, "drop path: %v is not %d samples", x, samples)
	}
	return dropout(x, seed, DropoutAttr{P: p, Salt: salt, Span: x.Len() / samples})
}

func dropout(x, seed *Node, at DropoutAttr) *Node {
	if at.P == 0 {
		return x
	}
	if seed.dtype != tensor.I32 || seed.Len() != 2 || !(at.P > 0 && at.P < 1) || at.Span < 0 || at.Span > math.MaxInt32 {
		return x.g.bad(x.dtype, x.shape, "dropout: p=%g of spans of %d with seed %v, wanted 0 <= p < 1, fewer than 2^31 elements, i32[2]", at.P, at.Span, seed)
	}
	return x.g.op("dropout", at, x.dtype, x.shape, x, seed)
}

func gradDropout(n, d *Node, _ []bool) []*Node {
	return []*Node{dropout(d, n.in[1], n.attr.(DropoutAttr)), nil}
}

// Philox returns the first word of PhiloxBlock.
func Philox(c0, c1, c2, k0, k1 uint32) uint32 { return PhiloxBlock(c0, c1, c2, k0, k1)[0] }

// PhiloxBlock returns the block of Philox 4x32-10 (Salmon et al. 2011) with
// counter (c0, c1, c2, 0) and key (k0, k1). Every backend draws its random
// numbers from it, so that they depend on nothing but their place.
func PhiloxBlock(c0, c1, c2, k0, k1 uint32) [4]uint32 {
	c := [4]uint32{c0, c1, c2, 0}
	for range 10 {
		p0, p1 := uint64(0xD2511F53)*uint64(c[0]), uint64(0xCD9E8D57)*uint64(c[2])
		c = [4]uint32{uint32(p1>>32) ^ c[1] ^ k0, uint32(p1), uint32(p0>>32) ^ c[3] ^ k1, uint32(p0)}
		k0 += 0x9E3779B9
		k1 += 0xBB67AE85
	}
	return c
}

// Uniform maps 32 random bits to a number in [0, 1): the upper 24 bits times
// 2^-24, exact in f32.
func Uniform(bits uint32) float32 { return float32(bits>>8) * (1.0 / (1 << 24)) }
