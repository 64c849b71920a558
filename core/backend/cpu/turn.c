// Turning matrices.
#include "machine.h"

// Blocks of SIDE x SIDE elements stay in the first cache.
enum { SIDE = 32 };

typedef struct {
	char *to;
	const char *from;
	int64_t rows, cols, size;
} turning;

#define TURN(NAME, TYPE) \
	static void NAME(void *arg, int64_t task, int thread) { \
		const turning *t = arg; \
		TYPE *to = (TYPE *)t->to; \
		const TYPE *from = (const TYPE *)t->from; \
		int64_t c0 = task * SIDE, c1 = c0 + SIDE < t->cols ? c0 + SIDE : t->cols; \
		for (int64_t r0 = 0; r0 < t->rows; r0 += SIDE) { \
			int64_t r1 = r0 + SIDE < t->rows ? r0 + SIDE : t->rows; \
			for (int64_t c = c0; c < c1; c++) \
				for (int64_t r = r0; r < r1; r++) \
					to[c * t->rows + r] = from[r * t->cols + c]; \
		} \
	}
TURN(turn_8, uint8_t)
TURN(turn_16, uint16_t)
TURN(turn_32, uint32_t)

void kb_turn(kb_machine *m, void *to, const void *from, int64_t rows, int64_t cols, int64_t size) {
	turning t = {to, from, rows, cols, size};
	kb_parallel(m, (cols + SIDE - 1) / SIDE, size == 1 ? turn_8 : size == 2 ? turn_16 : turn_32, &t);
}
