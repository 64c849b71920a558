// Choosing a token: logits_penalty, logits_filter and sample (graph/sample.go).
// Constants of all: p[0] batch, p[1] vocabulary, p[2] length of tokens.
static void logits_penalty_task(void *arg, int64_t b, int thread) {
	const kb_step *s = arg;
	int64_t v = s->p[1], length = s->p[2];
	const float *from = (const float *)s->in[0].ptr + b * v;
	float *to = (float *)s->out[0].ptr + b * v, penalty = ((const float *)s->in[3].ptr)[0];
	const int32_t *tokens = (const int32_t *)s->in[1].ptr + b * length;
	int64_t n = MIN(length, (int64_t)((const int32_t *)s->in[2].ptr)[b] + 1);
	memcpy(to, from, (size_t)v * 4);
	for (int64_t i = 0; i < n; i++) { // from the old value: twice is once
		int64_t id = tokens[i];
		if (id >= 0 && id < v)
			to[id] = from[id] > 0 ? from[id] / penalty : from[id] * penalty;
	}
}

static void logits_penalty(kb_machine *m, const kb_step *s) {
	kb_parallel(m, s->p[0], logits_penalty_task, (void *)s);
}

// sort_key orders floats as unsigned integers, the largest first.
INLINE uint32_t sort_key(float f) {
	uint32_t b = float_bits(f);
	return b & 0x80000000u ? b : ~b & 0x7fffffffu;
}

INLINE float key_float(uint32_t k) { return bits_float(k & 0x80000000u ? k : ~k & 0x7fffffffu); }

// sort_keys sorts by digits of 11 bits; t is as long. It returns where the
// sorted keys are.
static uint32_t *sort_keys(uint32_t *x, uint32_t *t, int64_t n) {
	for (int shift = 0; shift < 33; shift += 11) {
		uint32_t count[2048] = {0}, sum = 0;
		for (int64_t i = 0; i < n; i++)
			count[x[i] >> shift & 2047]++;
		for (int i = 0; i < 2048; i++) {
			uint32_t c = count[i];
			count[i] = sum;
			sum += c;
		}
		for (int64_t i = 0; i < n; i++)
			t[count[x[i] >> shift & 2047]++] = x[i];
		uint32_t *swap = x;
		x = t;
		t = swap;
	}
	return x;
}

// kth_key returns the k-th smallest key (k from 1): the digit that holds it,
// then only the keys with that digit.
static uint32_t kth_key(const uint32_t *x, int64_t n, int64_t k) {
	uint32_t prefix = 0, mask = 0;
	for (int shift = 22; shift >= 0; shift -= 11) {
		uint32_t count[2048] = {0};
		for (int64_t i = 0; i < n; i++)
			if ((x[i] & mask) == prefix)
				count[x[i] >> shift & 2047]++;
		uint32_t digit = 0;
		while (k > count[digit] && digit < 2047)
			k -= count[digit++];
		prefix |= digit << shift;
		mask |= 2047u << shift;
	}
	return prefix;
}

typedef struct {
	kb_machine *m;
	const kb_step *s;
} filter_job;

// drop_below makes -Inf of what is smaller than least.
INLINE void drop_below(float *restrict x, int64_t n, float least) {
	for (int64_t i = 0; i < n; i++)
		x[i] = x[i] < least ? -INFINITY : x[i];
}

static void logits_filter_task(void *arg, int64_t b, int thread) {
	const filter_job *j = arg;
	const kb_step *s = j->s;
	int64_t v = s->p[1];
	const float *knobs = s->in[1].ptr, *from = (const float *)s->in[0].ptr + b * v;
	float *to = (float *)s->out[0].ptr + b * v, temperature = knobs[1], top_p = knobs[3];
	int64_t k = (int64_t)knobs[2];
	if (temperature == 0) {
		int64_t best = 0;
		for (int64_t i = 1; i < v; i++)
			if (from[i] > from[best])
				best = i;
		float kept = from[best];
		for (int64_t i = 0; i < v; i++)
			to[i] = -INFINITY;
		to[best] = kept;
		return;
	}
	for (int64_t i = 0; i < v; i++)
		to[i] = from[i] / temperature;
	uint32_t *keys = (uint32_t *)kb_thread_scratch(j->m, thread);
	if (k > 0 && k < v) {
		for (int64_t i = 0; i < v; i++)
			keys[i] = sort_key(to[i]);
		drop_below(to, v, key_float(kth_key(keys, v, k)));
	}
	if (top_p >= 1)
		return;
	int64_t n = 0;
	for (int64_t i = 0; i < v; i++) {
		keys[n] = sort_key(to[i]);
		n += to[i] > -INFINITY;
	}
	if (n == 0)
		return;
	uint32_t *sorted = sort_keys(keys, keys + v, n);
	float top = key_float(sorted[0]), least = top;
	double all = 0, sum = 0;
	for (int64_t i = 0; i < n; i++)
		all += exp_f(key_float(sorted[i]) - top);
	for (int64_t i = 0; i < n; i++) {
		if (i > 0 && sorted[i] != sorted[i - 1] && sum >= top_p * all)
			break;
		least = key_float(sorted[i]);
		sum += exp_f(least - top);
	}
	drop_below(to, v, least);
}

static void logits_filter(kb_machine *m, const kb_step *s) {
	filter_job j = {m, s};
	kb_parallel(m, s->p[0], logits_filter_task, &j);
}

static void sample_task(void *arg, int64_t b, int thread) {
	const filter_job *j = arg;
	const kb_step *s = j->s;
	int64_t v = s->p[1];
	const float *x = (const float *)s->in[0].ptr + b * v;
	const uint32_t *seed = s->in[1].ptr, *stream = s->in[2].ptr, *pos = s->in[3].ptr;
	float u = uniform(philox(pos[b], stream[b], 0, seed[0], seed[1])), *p = kb_thread_scratch(j->m, thread);
	memcpy(p, x, (size_t)v * 4);
	row_exp(p, v, 1, row_max(x, v));
	double all = 0, sum = 0;
	for (int64_t i = 0; i < v; i++)
		all += p[i];
	int64_t drawn = 0;
	for (int64_t i = 0; i < v; i++) {
		if (!(p[i] > 0))
			continue;
		drawn = i; // stays, should rounding leave the sum below u
		sum += p[i];
		if (sum > u * all)
			break;
	}
	((int32_t *)s->out[0].ptr)[b] = (int32_t)drawn;
}

static void sample(kb_machine *m, const kb_step *s) {
	filter_job j = {m, s};
	kb_parallel(m, s->p[0], sample_task, &j);
}
