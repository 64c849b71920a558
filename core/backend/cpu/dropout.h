// Dropout (graph.Dropout). Constants: p[0] Salt, f[0] P; in[1] is the seed.
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

// philox_lanes is philox of LANES counters from c0 on.
INLINE vu philox_lanes(vu c0, uint32_t c1_, uint32_t c2_, uint32_t k0, uint32_t k1) {
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
	return c0;
}

static void dropout_task(void *arg, int64_t task, int thread) {
	const kb_step *s = arg;
	float a[BLOCK], c[BLOCK];
	const uint32_t *seed = s->in[1].ptr, salt = (uint32_t)s->p[0], k0 = seed[0], k1 = seed[1];
	const float drop = s->f[0], factor = 1.0f / (1.0f - drop);
	ELEMENTS(s->out[0].len, task, i, n) {
		// A block does not cross a multiple of 2^32.
		const float *x = load_row(&s->in[0], i, n, a);
		float *y = store_row(&s->out[0], i, c);
		uint32_t low = (uint32_t)i, high = (uint32_t)((uint64_t)i >> 32);
		float u[BLOCK];
		uint32_t bits[BLOCK];
		vu lanes;
		for (uint32_t j = 0; j < LANES; j++)
			lanes[j] = low + j;
		for (int64_t j = 0; j < n; j += LANES, lanes += LANES) {
			vu r = philox_lanes(lanes, high, salt, k0, k1);
			memcpy(bits + j, &r, sizeof r);
		}
		for (int64_t j = 0; j < n; j++)
			u[j] = uniform(bits[j]);
		IN_PLACE
		for (int64_t j = 0; j < n; j++)
			y[j] = u[j] < drop ? 0 : x[j] * factor;
		flush_row(&s->out[0], i, n, c);
	}
}

static void dropout(kb_machine *m, const kb_step *s) { each(m, s->out[0].len, dropout_task, s); }
