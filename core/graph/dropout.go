package graph

import "github.com/kiban-models/kiban/core/tensor"

// DropoutAttr holds the constants of "dropout". Salt tells apart the places of
// a model that share a seed.
type DropoutAttr struct {
	P    float32
	Salt uint32
}

// Dropout zeroes each element of x with probability p and scales the others by
// 1/(1-p). seed is i32 [2]; element i is dropped when the uniform number of
// counter (i, salt) under key seed (see Philox) is below p. The gradient drops
// the same elements.
func Dropout(x, seed *Node, p float32, salt uint32) *Node {
	if p == 0 {
		return x
	}
	if seed.dtype != tensor.I32 || seed.Len() != 2 || p < 0 || p >= 1 {
		return x.g.bad(x.dtype, x.shape, "dropout: p=%g with seed %v, wanted 0 <= p < 1 and i32[2]", p, seed)
	}
	return x.g.op("dropout", DropoutAttr{p, salt}, x.dtype, x.shape, x, seed)
}

func gradDropout(n, d *Node, _ []bool) []*Node {
	at := n.attr.(DropoutAttr)
	return []*Node{Dropout(d, n.in[1], at.P, at.Salt), nil}
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
