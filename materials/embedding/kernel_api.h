// What the loops of kernel.h work on.
#ifndef KIBAN_W2V_H
#define KIBAN_W2V_H

#include <stdint.h>

enum { W2V_SIGMOID = 1000, W2V_NEGATIVE = 64 };

typedef struct {
	float *in, *out; // [words, stride]
	const float *sigmoid; // [W2V_SIGMOID + 1] over -6…6
	int32_t stride, negative;
} w2v_weights;

// Noise words lie cell by cell; each cell has its alias table.
typedef struct {
	const int32_t *words; // [vocabulary]
	const float *keep;
	const int32_t *other;
	const int32_t *start; // [cells + 1]
} w2v_noise;

// A group is some cells, with an alias table of their weights.
typedef struct {
	const int32_t *cells;
	const float *keep;
	const int32_t *other;
	int32_t n;
} w2v_group;

#define W2V_LEVEL(level) \
	void w2v_skipgram_##level(const w2v_weights *, const w2v_noise *, const w2v_group *, const int32_t *, int64_t, float, uint64_t, float *); \
	void w2v_cbow_##level(const w2v_weights *, const w2v_noise *, const w2v_group *, const int32_t *, int64_t, float, uint64_t, float *); \
	void w2v_scores_##level(const float *, const double *, int64_t, int64_t, const float *, int64_t, float *);

W2V_LEVEL(base)
W2V_LEVEL(v3)
W2V_LEVEL(v4)

// What the processor runs.
void w2v_skipgram(const w2v_weights *, const w2v_noise *, const w2v_group *, const int32_t *, int64_t, float, uint64_t, float *);
void w2v_cbow(const w2v_weights *, const w2v_noise *, const w2v_group *, const int32_t *, int64_t, float, uint64_t, float *);
void w2v_scores(const float *, const double *, int64_t, int64_t, const float *, int64_t, float *);

#endif
