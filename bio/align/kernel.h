// Smith-Waterman with affine gaps for one query and 16 targets, a lane each
// (T. Rognes, BMC Bioinformatics 12:221, 2011): no cell waits for another lane,
// as the lanes of one alignment would. For one instruction set: a level file sets
// WIDTH, the lanes of a register, and LEVEL, and includes this.
#include <string.h>

#include "kernel_api.h"

#if defined(__x86_64__)
#include <immintrin.h>
#endif

#if defined(__GNUC__) && !defined(__clang__)
#pragma GCC optimize("O3")
#endif

#define INLINE static inline __attribute__((always_inline, unused))

typedef int16_t lanes __attribute__((vector_size(2 * WIDTH)));
typedef int16_t stored __attribute__((vector_size(2 * WIDTH), aligned(2), may_alias));

INLINE lanes larger(lanes a, lanes b) {
#if defined(__x86_64__) && WIDTH == 16
	return (lanes)_mm256_max_epi16((__m256i)a, (__m256i)b);
#elif defined(__x86_64__) && WIDTH == 8
	return (lanes)_mm_max_epi16((__m128i)a, (__m128i)b);
#else
	lanes greater = a > b;
	return (greater & a) | (~greater & b);
#endif
}

INLINE lanes set(int16_t x) { return x - (lanes){0}; }

// fill sets score[a] to what code a scores with each lane's residue.
INLINE void fill(lanes score[AL_CODES], const uint8_t *column, const int8_t table[AL_CODES][AL_CODES]) {
	for (int l = 0; l < WIDTH; l++)
		for (int a = 0; a < AL_CODES; a++) ((int16_t *)(score + a))[l] = table[column[l]][a];
}

// cell returns the best that ends in a pair or a gap, from the best that end a
// row and a column before, and in gaps of either kind, which it moves on. A gap
// right after the other's needs no care: opening costs more.
INLINE lanes cell(lanes before, lanes score, lanes *across, lanes *down, lanes open, lanes extend) {
	lanes h = larger(larger(before + score, (lanes){0}), *across);
	lanes start = h - open;
	h = larger(h, *down);
	*down = larger(*down - extend, start);
	*across = larger(*across - extend, h - open);
	return h;
}

// part is al_scores of the WIDTH lanes from `first` on, two columns at a time.
INLINE void part(const uint8_t *query, int64_t rows, const uint8_t *targets, int64_t columns,
	const int8_t table[AL_CODES][AL_CODES], int16_t open_, int16_t extend_, stored *scratch, int16_t *best, int first) {
	const lanes open = set(open_), extend = set(extend_);
	lanes top = {0}, left[AL_CODES], right[AL_CODES];
	// By row, of the column before: the best that ends there, and the best that
	// ends in a gap of the query.
	stored *ends = scratch, *gaps = scratch + rows;
	memset(scratch, 0, (size_t)rows * 2 * sizeof(lanes));
	for (int64_t j = 0; j < columns; j += 2) {
		fill(left, targets + j * AL_LANES + first, table);
		fill(right, targets + (j + 1) * AL_LANES + first, table);
		lanes before = {0}, middle = {0}, down1 = {0}, down2 = {0};
		for (int64_t i = 0; i < rows; i++) {
			lanes across = gaps[i], end = ends[i];
			lanes h1 = cell(before, left[query[i]], &across, &down1, open, extend);
			lanes h2 = cell(middle, right[query[i]], &across, &down2, open, extend);
			before = end, middle = h1;
			ends[i] = h2, gaps[i] = across;
			top = larger(top, larger(h1, h2));
		}
	}
	memcpy(best + first, &top, sizeof top);
}

void LEVEL(al_scores)(const uint8_t *query, int64_t rows, const uint8_t *targets, int64_t columns,
	const int8_t table[AL_CODES][AL_CODES], int16_t open, int16_t extend, int16_t *scratch, int16_t *best) {
	for (int first = 0; first < AL_LANES; first += WIDTH)
		part(query, rows, targets, columns, table, open, extend, (stored *)scratch, best, first);
}
