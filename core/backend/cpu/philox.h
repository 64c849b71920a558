// Random numbers by place: Philox 4x32-10 (graph.PhiloxBlock).
#ifndef KIBAN_CPU_PHILOX_H
#define KIBAN_CPU_PHILOX_H

INLINE uint32_t philox(uint32_t c0, uint32_t c1, uint32_t c2, uint32_t k0, uint32_t k1) {
	uint32_t c3 = 0;
	for (int r = 0; r < 10; r++) {
		uint64_t p0 = (uint64_t)0xD2511F53u * c0, p1 = (uint64_t)0xCD9E8D57u * c2;
		c0 = (uint32_t)(p1 >> 32) ^ c1 ^ k0;
		c1 = (uint32_t)p1;
		c2 = (uint32_t)(p0 >> 32) ^ c3 ^ k1;
		c3 = (uint32_t)p0;
		k0 += 0x9E3779B9u;
		k1 += 0xBB67AE85u;
	}
	return c0;
}

INLINE float uniform(uint32_t bits) { return (float)(int32_t)(bits >> 8) * (1.0f / (1 << 24)); }

// philox_blocks gives the four words of the blocks of LANES counters c0.
INLINE void philox_blocks(vu c0, uint32_t c1_, uint32_t c2_, uint32_t k0, uint32_t k1, vu word[4]) {
	vu zero = {0}, c1 = zero + c1_, c2 = zero + c2_, c3 = zero;
	for (int r = 0; r < 10; r++) {
		vu h0, l0, h1, l1;
		v_mul_wide(c0, 0xD2511F53u, &h0, &l0);
		v_mul_wide(c2, 0xCD9E8D57u, &h1, &l1);
		c0 = h1 ^ c1 ^ k0;
		c1 = l1;
		c2 = h0 ^ c3 ^ k1;
		c3 = l0;
		k0 += 0x9E3779B9u;
		k1 += 0xBB67AE85u;
	}
	word[0] = c0;
	word[1] = c1;
	word[2] = c2;
	word[3] = c3;
}

// philox_lanes is philox of LANES counters c0.
INLINE vu philox_lanes(vu c0, uint32_t c1, uint32_t c2, uint32_t k0, uint32_t k1) {
	vu word[4];
	philox_blocks(c0, c1, c2, k0, k1, word);
	return word[0];
}

#endif
