// The loops of word2vec over rows of floats, for one instruction set: a level
// file sets LANES and LEVEL and includes this. Rows are padded with zeros to a
// multiple of 16 floats. Sums have 16 lanes on every level.
#include <math.h>
#include <stdint.h>
#include <string.h>

#include "kernel_api.h"

#if defined(__GNUC__) && !defined(__clang__)
#pragma GCC optimize("O3", "no-math-errno", "no-trapping-math")
#endif

#define INLINE static inline __attribute__((always_inline, unused))

typedef float v16 __attribute__((vector_size(64)));
typedef float v16u __attribute__((vector_size(64), aligned(4), may_alias));

INLINE v16 load(const float *p) { return *(const v16u *)p; }
INLINE void store(float *p, v16 x) { *(v16u *)p = x; }

INLINE float sum16(v16 x) {
	float t[16];
	memcpy(t, &x, 64);
	for (int w = 8; w; w /= 2)
		for (int i = 0; i < w; i++) t[i] += t[i + w];
	return t[0];
}

INLINE float dot(const float *a, const float *b, int n) {
	v16 s = {0}, t = {0};
	int i = 0;
	for (; i + 32 <= n; i += 32) {
		s += load(a + i) * load(b + i);
		t += load(a + i + 16) * load(b + i + 16);
	}
	if (i < n) s += load(a + i) * load(b + i);
	return sum16(s + t);
}

INLINE uint64_t next(uint64_t *state) { // splitmix64
	uint64_t z = *state += 0x9e3779b97f4a7c15u;
	z = (z ^ z >> 30) * 0xbf58476d1ce4e5b9u;
	z = (z ^ z >> 27) * 0x94d049bb133111ebu;
	return z ^ z >> 31;
}

// pick draws from n weights in O(1) (A. J. Walker, Electron. Lett. 10 (1974) 127).
INLINE int32_t pick(const float *keep, const int32_t *other, int32_t n, uint64_t r) {
	int32_t i = (int32_t)((r >> 32) * (uint64_t)n >> 32);
	return (float)(uint32_t)(r & 0xffffff) * 0x1p-24f < keep[i] ? i : other[i];
}

// noise draws a word: a cell of the group by its weight, then a word of it.
INLINE int32_t noise(const w2v_noise *t, const w2v_group *g, uint64_t *state) {
	int32_t c = g->cells[g->n == 1 ? 0 : pick(g->keep, g->other, g->n, next(state))];
	int32_t from = t->start[c];
	return t->words[from + pick(t->keep + from, t->other + from, t->start[c + 1] - from, next(state))];
}

// learn trains one output row for the input x: error += g·row, row += g·x.
// Beyond ±6 the sigmoid is flat, and the original program learns nothing.
INLINE void learn(const w2v_weights *m, const float *x, float *error, int32_t word, float label, float rate) {
	float *row = m->out + (int64_t)word * m->stride;
	int n = m->stride;
	float f = dot(x, row, n);
	if (!(f > -6.0f && f < 6.0f)) return;
	float g = (label - m->sigmoid[(int)((f + 6.0f) * (W2V_SIGMOID / 12.0f))]) * rate;
	for (int i = 0; i < n; i += 16) {
		v16 r = load(row + i);
		store(error + i, load(error + i) + r * g);
		store(row + i, r + load(x + i) * g);
	}
}

INLINE int targets(const w2v_weights *m, const w2v_noise *t, const w2v_group *g, int32_t word, uint64_t *state, int32_t *all) {
	int n = 0;
	for (int i = 0; i < m->negative; i++) {
		int32_t w = noise(t, g, state);
		if (w == word) continue;
		all[n++] = w;
		for (int k = 0; k < m->stride; k += 16) __builtin_prefetch(m->out + (int64_t)w * m->stride + k, 1);
	}
	return n;
}

void LEVEL(w2v_skipgram)(const w2v_weights *m, const w2v_noise *t, const w2v_group *g, const int32_t *pairs, int64_t n, float rate, uint64_t state, float *error) {
	int32_t all[W2V_NEGATIVE];
	for (int64_t p = 0; p < n; p++) {
		float *x = m->in + (int64_t)pairs[2 * p] * m->stride;
		int32_t word = pairs[2 * p + 1];
		int k = targets(m, t, g, word, &state, all);
		memset(error, 0, (size_t)m->stride * 4);
		learn(m, x, error, word, 1, rate);
		for (int i = 0; i < k; i++) learn(m, x, error, all[i], 0, rate);
		for (int i = 0; i < m->stride; i += 16) store(x + i, load(x + i) + load(error + i));
	}
}

// Items are [word, number of context words, context words…], n ints in all.
void LEVEL(w2v_cbow)(const w2v_weights *m, const w2v_noise *t, const w2v_group *g, const int32_t *items, int64_t n, float rate, uint64_t state, float *error) {
	int32_t all[W2V_NEGATIVE];
	float *x = error + m->stride;
	for (const int32_t *it = items; it < items + n; it += 2 + it[1]) {
		int count = it[1], k = targets(m, t, g, it[0], &state, all);
		memset(error, 0, (size_t)m->stride * 8);
		for (int c = 0; c < count; c++) {
			const float *row = m->in + (int64_t)it[2 + c] * m->stride;
			for (int i = 0; i < m->stride; i += 16) store(x + i, load(x + i) + load(row + i));
		}
		float share = 1.0f / (float)count;
		for (int i = 0; i < m->stride; i += 16) store(x + i, load(x + i) * share);
		learn(m, x, error, it[0], 1, rate);
		for (int i = 0; i < k; i++) learn(m, x, error, all[i], 0, rate);
		for (int c = 0; c < count; c++) {
			float *row = m->in + (int64_t)it[2 + c] * m->stride;
			for (int i = 0; i < m->stride; i += 16) store(row + i, load(row + i) + load(error + i));
		}
	}
}

// scores are out[q][i] = row i · question q · inverse[i]; rows of dim floats are
// not padded, so the rest of one is summed by itself.
void LEVEL(w2v_scores)(const float *rows, const double *inverse, int64_t n, int64_t dim, const float *questions, int64_t q, float *out) {
	int64_t whole = dim / 16 * 16;
	for (int64_t i = 0; i < n; i++) {
		const float *row = rows + i * dim;
		for (int64_t k = 0; k < q; k++) {
			const float *x = questions + k * dim;
			float s = dot(row, x, (int)whole);
			for (int64_t d = whole; d < dim; d++) s += row[d] * x[d];
			out[k * n + i] = (float)(s * inverse[i]);
		}
	}
}
