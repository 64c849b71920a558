// The loops for the instructions that every processor of the kind has, and the
// choice of a level.
#define LEVEL(name) name##_base
#include "kernel.h"

#if defined(__x86_64__)
static int level(void) {
	static int found; // the same value whoever writes it
	if (!found) {
		__builtin_cpu_init();
		int v3 = __builtin_cpu_supports("avx2") && __builtin_cpu_supports("fma") && __builtin_cpu_supports("bmi2");
		int v4 = v3 && __builtin_cpu_supports("avx512f") && __builtin_cpu_supports("avx512bw") && __builtin_cpu_supports("avx512cd") &&
			__builtin_cpu_supports("avx512dq") && __builtin_cpu_supports("avx512vl");
		found = v4 ? 4 : v3 ? 3 : 1;
	}
	return found;
}
#define CHOOSE(name, ...) \
	switch (level()) { \
	case 4: name##_v4(__VA_ARGS__); break; \
	case 3: name##_v3(__VA_ARGS__); break; \
	default: name##_base(__VA_ARGS__); \
	}
#else
#define CHOOSE(name, ...) name##_base(__VA_ARGS__);
#endif

void w2v_skipgram(const w2v_weights *m, const w2v_noise *t, const w2v_group *g, const int32_t *pairs, int64_t n, float rate, uint64_t state, float *error) {
	CHOOSE(w2v_skipgram, m, t, g, pairs, n, rate, state, error)
}

void w2v_cbow(const w2v_weights *m, const w2v_noise *t, const w2v_group *g, const int32_t *items, int64_t n, float rate, uint64_t state, float *error) {
	CHOOSE(w2v_cbow, m, t, g, items, n, rate, state, error)
}

void w2v_scores(const float *rows, const double *inverse, int64_t n, int64_t dim, const float *questions, int64_t q, float *out) {
	CHOOSE(w2v_scores, rows, inverse, n, dim, questions, q, out)
}
