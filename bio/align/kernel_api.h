// The interface of the loops in kernel.h.
#ifndef KIBAN_ALIGN_H
#define KIBAN_ALIGN_H

#include <stdint.h>

// Codes of letters; the last pads targets that end before others.
enum { AL_CODES = 28, AL_LANES = 16 };

// al_scores writes the best local score of a query with each of AL_LANES
// targets, to best[lane]. Both are codes; targets is [columns, AL_LANES], one
// residue of each after another, an even number. table is the score by two codes, open what a gap
// of one residue costs and extend each one after it. scratch has room for
// 2 * rows * AL_LANES numbers. No score may reach 32,700.
void al_scores(const uint8_t *query, int64_t rows, const uint8_t *targets, int64_t columns,
	const int8_t table[AL_CODES][AL_CODES], int16_t open, int16_t extend, int16_t *scratch, int16_t *best);

#endif
