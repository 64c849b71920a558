// Dropout (graph.Dropout). Constants: p[0] Salt, p[1] Span, 0 for none, f[0] P;
// in[1] is the seed.

// dropout_spans is a block of elements that share numbers.
static void dropout_spans(const kb_step *s, int64_t i, int64_t n, const float *x, float *y) {
	const uint32_t *seed = s->in[1].ptr;
	const float drop = s->f[0], factor = 1.0f / (1.0f - drop);
	for (int64_t j = 0; j < n;) {
		int64_t span = (i + j) / s->p[1], end = MIN(n, (span + 1) * s->p[1] - i);
		int zero = uniform(philox((uint32_t)span, (uint32_t)((uint64_t)span >> 32), (uint32_t)s->p[0], seed[0], seed[1])) < drop;
		IN_PLACE
		for (int64_t k = j; k < end; k++)
			y[k] = zero ? 0 : x[k] * factor;
		j = end;
	}
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
		if (s->p[1]) {
			dropout_spans(s, i, n, x, y);
			flush_row(&s->out[0], i, n, c);
			continue;
		}
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
