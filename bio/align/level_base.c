// The loops for the instructions that every processor of the kind has, and the
// choice of a level.
#define WIDTH 8
#define LEVEL(name) name##_base
#include "kernel.h"

#if defined(__x86_64__)
void al_scores_v3(const uint8_t *query, int64_t rows, const uint8_t *targets, int64_t columns,
	const int8_t table[AL_CODES][AL_CODES], int16_t open, int16_t extend, int16_t *scratch, int16_t *best);
#endif

void al_scores(const uint8_t *query, int64_t rows, const uint8_t *targets, int64_t columns,
	const int8_t table[AL_CODES][AL_CODES], int16_t open, int16_t extend, int16_t *scratch, int16_t *best) {
#if defined(__x86_64__)
	__builtin_cpu_init();
	if (__builtin_cpu_supports("avx2")) {
		al_scores_v3(query, rows, targets, columns, table, open, extend, scratch, best);
		return;
	}
#endif
	al_scores_base(query, rows, targets, columns, table, open, extend, scratch, best);
}
