// Products of few rows, as in decoding: they read b once, as it lies in memory,
// and are bound by that, or by arithmetic from some 16 rows on. A row's sums are
// made in the same order for any number of rows.
//
// Units of k are multiplied: a float, or, as KB_PAIRS, two bf16 at once where
// both operands are bf16 and the processor has the instruction.
enum {
	SMALL_N = 8 * LANES, // columns of a task that reads b by columns
	AHEAD = 2048,        // bytes that it asks for beforehand
	STREAM_N = 2048,     // columns of a task that reads rows of b,
	STREAM_K = 8,        // units that it reads side by side,
	STREAM_SUMS = 4096,  // and sums that it adds to at a time, in the first cache
	KB_PAIRS = 64,       // beside the types of elements
};

#define UNIT(type) ((type) == KB_PAIRS ? 2 : 1)

#if PAIRS
typedef uint16_t vh __attribute__((vector_size(64)));
typedef uint16_t vhw __attribute__((vector_size(64), aligned(2), may_alias));
#define BY_UNIT(type, f, ...) \
	do { \
		if (type == KB_PAIRS) \
			f(__VA_ARGS__, KB_PAIRS); \
		else \
			BY_TYPE(type, f, __VA_ARGS__); \
	} while (0)
#else
#define BY_UNIT BY_TYPE
#endif

// unit_dot adds products of units to sum.
INLINE vf unit_dot(vf sum, vf x, vf y, int64_t type) {
#if PAIRS
	if (type == KB_PAIRS)
		return (vf)_mm512_dpbf16_ps((__m512)sum, (__m512bh)x, (__m512bh)y);
#endif
	return sum + x * y;
}

// unit_set repeats a unit of a.
INLINE vf unit_set(const void *a, int64_t i, int64_t type) {
	if (type != KB_PAIRS)
		return v_set(((const float *)a)[i]);
	uint32_t u;
	memcpy(&u, (const uint16_t *)a + i, 4);
	return (vf)((vu){0} + u);
}

// unit_load loads LANES units that lie side by side; unit_load_n n elements, and
// fills up with zeros.
INLINE vf unit_load(const void *p, int64_t i, int64_t type) {
	if (type == KB_PAIRS)
		return v_load((const float *)((const uint16_t *)p + i));
	return v_load_as(p, i, type);
}

INLINE vf unit_load_n(const void *p, int64_t i, int64_t n, int64_t type) {
	if (type != KB_PAIRS)
		return v_load_as_n(p, i, n, type);
	float t[LANES] = {0};
	memcpy(t, (const uint16_t *)p + i, (size_t)n * 2);
	return v_load(t);
}

// unit_rows loads the units of 2*LANES columns: of one row of b, or the elements
// of two side by side.
INLINE void unit_rows(const void *b, int64_t at, int64_t ld, vf *y, int64_t type) {
#if PAIRS
	if (type == KB_PAIRS) {
		vh x = *(const vhw *)((const uint16_t *)b + at), z = *(const vhw *)((const uint16_t *)b + at + ld);
		y[0] = (vf)__builtin_shufflevector(x, z, 0, 32, 1, 33, 2, 34, 3, 35, 4, 36, 5, 37, 6, 38, 7, 39, 8, 40, 9, 41,
			10, 42, 11, 43, 12, 44, 13, 45, 14, 46, 15, 47);
		y[1] = (vf)__builtin_shufflevector(x, z, 16, 48, 17, 49, 18, 50, 19, 51, 20, 52, 21, 53, 22, 54, 23, 55, 24, 56,
			25, 57, 26, 58, 27, 59, 28, 60, 29, 61, 30, 62, 31, 63);
		return;
	}
#endif
	y[0] = v_load_as(b, at, type);
	y[1] = v_load_as(b, at + LANES, type);
}

// dots computes MR x 4 sums of products of rows of a and rows of b, and asks for
// lines of memory from ahead on at each step.
#define DOTS(NAME, MR) \
	INLINE void NAME(const void *a, int64_t k, const void *b, int64_t at, float *c, const char *ahead, int lines, int64_t type) { \
		int64_t own = type == KB_PAIRS ? KB_PAIRS : KB_F32, step = LANES * UNIT(type), q = 0; \
		vf sum[MR][4]; \
		EACH(i, MR) EACH(j, 4) sum[i][j] = v_set(0); \
		for (; q + step <= k; q += step) { \
			vf x[MR]; \
			for (int n = 0; n < lines; n++, ahead += LANES * 4) \
				__builtin_prefetch(ahead, 0, 2); \
			EACH(i, MR) x[i] = unit_load(a, i * k + q, own); \
			EACH(j, 4) { \
				vf y = unit_load(b, at + j * k + q, type); \
				EACH(i, MR) sum[i][j] = unit_dot(sum[i][j], x[i], y, type); \
			} \
		} \
		DOTS_END(MR) \
	}

// in_order_dots does so column after column: for so few rows memory is all that
// counts, and it is fastest in order.
#define IN_ORDER_DOTS(NAME, MR) \
	INLINE void NAME(const void *a, int64_t k, const void *b, int64_t at, float *c, int64_t type) { \
		int64_t own = type == KB_PAIRS ? KB_PAIRS : KB_F32, step = LANES * UNIT(type), q = 0; \
		vf sum[MR][4]; \
		EACH(i, MR) EACH(j, 4) sum[i][j] = v_set(0); \
		EACH(j, 4) for (q = 0; q + step <= k; q += step) { \
			__builtin_prefetch((const char *)b + (at + j * k + q) * (int64_t)type_size(type) + AHEAD, 0, 2); \
			vf y = unit_load(b, at + j * k + q, type); \
			EACH(i, MR) sum[i][j] = unit_dot(sum[i][j], unit_load(a, i * k + q, own), y, type); \
		} \
		DOTS_END(MR) \
	}

#define DOTS_END(MR) \
	if (q < k) \
		for (int j = 0; j < 4; j++) { \
			vf y = unit_load_n(b, at + j * k + q, k - q, type); \
			for (int i = 0; i < MR; i++) \
				sum[i][j] = unit_dot(sum[i][j], unit_load_n(a, i * k + q, k - q, own), y, type); \
		} \
	EACH(i, MR) v_sums(sum[i], 4, c + i * SMALL_N);

DOTS(dots_4, 4)
DOTS(dots_2, 2)
DOTS(dots_1, 1)
IN_ORDER_DOTS(in_order_2, 2)
IN_ORDER_DOTS(in_order_1, 1)

// small_dot is one sum.
INLINE float small_dot(const void *a, int64_t k, const void *b, int64_t at, int64_t type) {
	int64_t own = type == KB_PAIRS ? KB_PAIRS : KB_F32, step = LANES * UNIT(type), q = 0;
	vf sum = v_set(0);
	for (; q + step <= k; q += step)
		sum = unit_dot(sum, unit_load(a, q, own), unit_load(b, at + q, type), type);
	if (q < k)
		sum = unit_dot(sum, unit_load_n(a, q, k - q, own), unit_load_n(b, at + q, k - q, type), type);
	return v_sum(sum);
}

// small_nt: b is stored [N, K], without gaps.
INLINE void small_nt(const product *p, int64_t j0, int64_t j1, float *c, int64_t type) {
	const char *a = p->small_a;
	const void *b = p->b.ptr;
	int64_t j = j0, k = p->k, row = k * (UNIT(type) == 2 ? 2 : 4), m = p->m, size = (int64_t)type_size(type);
	int most = LANES == 16 ? 4 : 2; // rows of a that the registers hold
	int64_t blocks = (m + most - 1) / most, steps = k / (LANES * UNIT(type));
	int lines = (int)((4 * k * size / (LANES * 4) + blocks * steps - 1) / MAX(1, blocks * steps));
	for (; j + 4 <= j1; j += 4, c += 4) {
		int64_t i = 0, at = j * k;
		if (m == 1)
			in_order_1(a, k, b, at, c, type);
		else if (m == 2)
			in_order_2(a, k, b, at, c, type);
		else {
			const char *ahead = (const char *)b + (at + 4 * k) * size;
			for (; LANES == 16 && i + 4 <= m; i += 4, ahead += lines * steps * LANES * 4)
				dots_4(a + i * row, k, b, at, c + i * SMALL_N, ahead, lines, type);
			for (; i + 2 <= m; i += 2, ahead += lines * steps * LANES * 4)
				dots_2(a + i * row, k, b, at, c + i * SMALL_N, ahead, lines, type);
			for (; i < m; i++)
				dots_1(a + i * row, k, b, at, c + i * SMALL_N, ahead, lines, type);
		}
	}
	for (; j < j1; j++, c++)
		for (int64_t i = 0; i < m; i++)
			c[i * SMALL_N] = small_dot(a + i * row, k, b, j * k, type);
}

static void small_task(void *arg, int64_t task, int thread) {
	const product *p = arg;
	float c[SMALL * SMALL_N];
	int64_t j0 = task * SMALL_N, j1 = MIN(p->n, j0 + SMALL_N);
	BY_UNIT(p->small_type, small_nt, p, j0, j1, c);
	for (int64_t i = 0; i < p->m; i++) {
		float *sum = c + i * SMALL_N;
		if (p->add)
			for (int64_t j = j0; j < j1; j++)
				sum[j - j0] += ((const float *)p->out->ptr)[i * p->n + j];
		finish(p, sum, i, j0, j1 - j0);
	}
}

// prefetch brings n elements into the second cache: rows may be too short for the
// processor to see where reading goes on.
INLINE void prefetch(const void *b, int64_t i, int64_t n, int64_t type) {
	for (int64_t at = 0; at < n * (int64_t)type_size(type); at += 64)
		__builtin_prefetch((const char *)b + i * (int64_t)type_size(type) + at, 0, 2);
}

// stream_tile adds r units of 2*LANES columns, each times its unit of mr rows of
// a, to sums.
INLINE void stream_tile(int mr, int r, const void *a, const vf y[][2], float *c, int64_t width, int64_t type) {
	vf sum[4][2];
	EACH(i, mr) EACH(v, 2) sum[i][v] = v_load(c + i * width + v * LANES);
	EACH(q, r) EACH(i, mr) {
		vf x = unit_set(a, (i * r + q) * UNIT(type), type == KB_PAIRS ? KB_PAIRS : KB_F32);
		EACH(v, 2) sum[i][v] = unit_dot(sum[i][v], x, y[q][v], type);
	}
	EACH(i, mr) EACH(v, 2) v_store(c + i * width + v * LANES, sum[i][v]);
}

// stream_rows adds r units of rows of b, each times its unit of every row of a,
// to the sums [m, width] of the columns from j0 on. a has the units [m, r].
INLINE void stream_rows(const product *p, int r, const void *a, int64_t q, int64_t j0, int64_t width, float *c, int64_t type) {
	int64_t ld = p->b.ld, m = p->m, u = UNIT(type), at = q * ld + j0, j = 0;
	int64_t size = u == 2 ? 2 : 4; // of a's elements
	const char *from = a;
	int64_t tiles = LANES == 16 ? m / 4 + m % 4 : m, share = (r * u + tiles - 1) / tiles;
	for (; j + 2 * LANES <= width; j += 2 * LANES) {
		vf y[STREAM_K][2];
		int64_t row = at + j, i = 0;
		EACH(k, r) {
			unit_rows(p->b.ptr, row, ld, y[k], type);
			row += u * ld;
			__asm__("" : "+r"(row)); // else compilers keep an address for each row, and not in registers
		}
		for (int64_t k = 0; i < m;) {
			for (int64_t n = 0; n < share && k < r * u; n++, k++, row += ld)
				prefetch(p->b.ptr, row, 2 * LANES, type);
			if (LANES == 16 && i + 4 <= m) {
				stream_tile(4, r, from + i * r * u * size, y, c + i * width + j, width, type);
				i += 4;
			} else {
				stream_tile(1, r, from + i * r * u * size, y, c + i * width + j, width, type);
				i++;
			}
		}
	}
	for (; j < width; j++)
		for (int64_t i = 0; i < m; i++)
			for (int k = 0; k < r * u; k++)
				c[i * width + j] += load_as(a, i * r * u + k, u == 2 ? KB_BF16 : KB_F32) * load_as(p->b.ptr, at + k * ld + j, p->b.type);
}

// stream goes through the rows q0 to q1 of b.
INLINE void stream(const product *p, int64_t q0, int64_t q1, int64_t j0, int64_t width, float *c, int64_t type) {
	int64_t q = q0, step = STREAM_K * UNIT(type), size = UNIT(type) == 2 ? 2 : 4;
	for (; q + step <= q1; q += step)
		stream_rows(p, STREAM_K, (const char *)p->small_a + q * p->m * size, q, j0, width, c, type);
	for (; q < q1; q += UNIT(type))
		stream_rows(p, 1, (const char *)p->small_a + q * p->m * size, q, j0, width, c, type);
}

// stream_task sums a part of the rows of b, in columns that lie side by side:
// memory is fastest when it is read in order.
static void stream_task(void *arg, int64_t task, int thread) {
	const product *p = arg;
	float c[MAX(STREAM_SUMS, 2 * LANES * SMALL)] __attribute__((aligned(64)));
	int64_t part = task % p->parts, j0 = task / p->parts * STREAM_N, j1 = MIN(p->n, j0 + STREAM_N);
	int64_t step = STREAM_K * UNIT(p->small_type), blocks = p->k / step, q0 = part * blocks / p->parts * step;
	int64_t q1 = part + 1 == p->parts ? p->k : (part + 1) * blocks / p->parts * step;
	int64_t most = MAX(1, STREAM_SUMS / p->m / (2 * LANES)) * 2 * LANES;
	for (int64_t width; j0 < j1; j0 += width) {
		width = MIN(most, j1 - j0);
		memset(c, 0, (size_t)(p->m * width) * 4);
		BY_UNIT(p->small_type, stream, p, q0, q1, j0, width, c);
		for (int64_t i = 0; i < p->m; i++)
			memcpy(p->partial + (part * p->m + i) * p->n + j0, c + i * width, (size_t)width * 4);
	}
}

// join_parts adds up the parts of SMALL_N columns, in their order.
static void join_parts(void *arg, int64_t task, int thread) {
	const product *p = arg;
	int64_t j0 = task * SMALL_N, width = MIN(SMALL_N, p->n - j0);
	for (int64_t i = 0; i < p->m; i++) {
		float *restrict sum = p->partial + i * p->n + j0;
		for (int64_t part = 1; part < p->parts; part++) {
			const float *restrict x = sum + part * p->m * p->n;
			for (int64_t j = 0; j < width; j++)
				sum[j] += x[j];
		}
		if (p->add)
			for (int64_t j = 0; j < width; j++)
				sum[j] += ((const float *)p->out->ptr)[i * p->n + j0 + j];
		finish(p, sum, i, j0, width);
	}
}

// small_rows sets a's rows in the type that the kernels want: bf16 for pairs,
// else f32. Those for stream are cut into blocks of STREAM_K units.
static void small_rows(product *p) {
	kb_matrix a = p->a;
	p->small_type = p->b.type;
#if PAIRS
	if (a.type == KB_BF16 && p->b.type == KB_BF16 && p->k % 2 == 0)
		p->small_type = KB_PAIRS;
#endif
	int64_t unit = UNIT(p->small_type), want = unit == 2 ? KB_BF16 : KB_F32, k = p->k, m = p->m;
	int64_t block = p->b.trans ? k : STREAM_K * unit, size = (int64_t)type_size(want);
	p->small_a = a.ptr;
	if (!a.trans && a.type == want && a.ld == k && (m == 1 || p->b.trans))
		return;
	char *all = kb_shared_scratch(p->machine);
	p->small_a = all;
	for (int64_t q = 0; q < k; q += block) {
		if (q + block > k)
			block = unit;
		for (int64_t i = 0; i < m; i++, all += block * size) {
			kb_operand row = {(void *)part(a, i, q), 0, a.type};
			if (a.trans)
				for (int64_t r = 0; r < block; r++)
					if (unit == 2)
						((uint16_t *)all)[r] = ((const uint16_t *)row.ptr)[r * a.ld];
					else
						((float *)all)[r] = load_as(row.ptr, r * a.ld, a.type);
			else if (a.type == want)
				memcpy(all, row.ptr, (size_t)(block * size));
			else
				load_row(&row, 0, block, (float *)all);
		}
	}
}

static void multiply_few(product *p) {
	small_rows(p);
	int64_t tasks = (p->n + SMALL_N - 1) / SMALL_N;
	if (p->b.trans) {
		kb_parallel(p->machine, tasks, small_task, p);
		return;
	}
	int64_t chunks = (p->n + STREAM_N - 1) / STREAM_N;
	p->partial = (float *)kb_shared_scratch(p->machine) + (p->m * p->k + 15) / 16 * 16;
	p->parts = MAX(1, MIN(TILES / chunks, p->k / (STREAM_K * UNIT(p->small_type))));
	kb_parallel(p->machine, chunks * p->parts, stream_task, p);
	kb_parallel(p->machine, tasks, join_parts, p);
}
