// Matrix products on all threads (graph.MatMulAttr). Constants of "matmul":
// p[0] M, p[1] N, p[2] K, p[3] TransA, p[4] TransB, p[5] Bias, p[6] Act, p[7]
// Pre, p[8] Residual.
//
// The output is cut into tiles by its shape alone; each is multiplied by one
// thread and finished while it is in the cache. Fewer than SMALL rows, as in
// decoding, are bound by reading b, and take kernels that read it once.
// So the bits of a row are the same for any number of rows below SMALL, and
// the same for any from SMALL on.
enum {
	SMALL = 16,
	SMALL_N = 8 * LANES, // columns of a task with few rows
	TILES = 8,           // so many at least, if there is work for them
	STREAM_N = 2048,     // columns of a task that reads rows of b, and
	STREAM_K = 8,        // rows that it reads side by side
};

typedef struct {
	kb_machine *machine;
	int64_t m, n, k;
	kb_matrix a, b;
	int add; // on to the f32 out
	const float *bias;
	int64_t act;
	const kb_operand *out, *pre, *residual; // [m, n]; the last two may be NULL
	int64_t rows, cols;                     // of tiles
	const float *small_a;                   // [m, k], of few rows
	float *partial;                         // [parts, m, n] of few rows, see stream_task
	int64_t parts;
} product;

// finish turns n sums of row i, from column j on, into what is stored.
static void finish(const product *p, float *sum, int64_t i, int64_t j, int64_t n) {
	float buf[BLOCK], rbuf[BLOCK];
	for (int64_t at = 0; at < n; at += BLOCK) {
		int64_t w = MIN(BLOCK, n - at), place = i * p->n + j + at;
		float *restrict x = sum + at;
		if (p->bias) {
			const float *restrict b = p->bias + j + at;
			for (int64_t c = 0; c < w; c++)
				x[c] += b[c];
		}
		if (p->pre) {
			float *y = store_row(p->pre, place, buf);
			memcpy(y, x, (size_t)w * 4);
			flush_row(p->pre, place, w, y);
		}
		activate_in_place(x, w, p->act);
		if (p->residual) {
			const float *r = load_row(p->residual, place, w, rbuf);
			for (int64_t c = 0; c < w; c++)
				x[c] += r[c];
		}
		if (p->out->type != KB_F32)
			flush_row(p->out, place, w, x);
		else if (x != (float *)p->out->ptr + place)
			memcpy((float *)p->out->ptr + place, x, (size_t)w * 4);
	}
}

static void tile_task(void *arg, int64_t task, int thread) {
	const product *p = arg;
	int64_t ti = task % p->rows, tj = task / p->rows;
	int64_t i0 = ti * p->m / p->rows, i1 = (ti + 1) * p->m / p->rows;
	int64_t width = ((p->n + p->cols - 1) / p->cols + 15) / 16 * 16;
	int64_t j0 = tj * width, j1 = MIN(p->n, j0 + width);
	if (j0 >= j1)
		return;
	float *scratch = kb_thread_scratch(p->machine, thread), *c = scratch + GEMM_SCRATCH;
	int64_t ldc = TILE_N;
	int direct = p->out->type == KB_F32;
	if (direct) {
		c = (float *)p->out->ptr + i0 * p->n + j0;
		ldc = p->n;
	}
	kb_matrix a = p->a, b = p->b;
	a.ptr = part(a, i0, 0);
	b.ptr = part(b, 0, j0);
	gemm(p->machine, i1 - i0, j1 - j0, p->k, a, b, p->add, c, ldc, scratch);
	if (direct && !p->bias && !p->pre && !p->act && !p->residual)
		return;
	for (int64_t i = i0; i < i1; i++)
		finish(p, c + (i - i0) * ldc, i, j0, j1 - j0);
}

// dots computes MR x NC sums of products of rows of a and rows of b.
#define DOTS(NAME, MR_, NC_) \
	INLINE void NAME(const float *a, int64_t k, const void *b, int64_t at, int64_t ldb, float *c, int64_t type) { \
		vf sum[MR_][NC_]; \
		EACH(i, MR_) EACH(j, NC_) sum[i][j] = v_set(0); \
		int64_t q = 0; \
		for (; q + LANES <= k; q += LANES) { \
			vf x[MR_]; \
			EACH(i, MR_) x[i] = v_load(a + i * k + q); \
			EACH(j, NC_) { \
				__builtin_prefetch((const char *)b + (size_t)(at + (NC_ + j) * ldb + q) * type_size(type)); \
				vf y = v_load_as(b, at + j * ldb + q, type); \
				EACH(i, MR_) sum[i][j] += x[i] * y; \
			} \
		} \
		if (q < k) \
			for (int j = 0; j < NC_; j++) { \
				vf y = v_load_as_n(b, at + j * ldb + q, k - q, type); \
				for (int i = 0; i < MR_; i++) \
					sum[i][j] += v_load_n(a + i * k + q, k - q) * y; \
			} \
		EACH(i, MR_) EACH(j, NC_) c[i * SMALL_N + j] = v_sum(sum[i][j]); \
	}
DOTS(dots_4x4, 4, 4)
DOTS(dots_2x4, 2, 4)
DOTS(dots_1x4, 1, 4)
DOTS(dots_1x1, 1, 1)

// small_nt: b is stored [N, K].
INLINE void small_nt(const product *p, int64_t j0, int64_t j1, float *c, int64_t type) {
	const float *a = p->small_a;
	int64_t j = j0, k = p->k, ld = p->b.ld;
	for (; j + 4 <= j1; j += 4) {
		int64_t i = 0;
		if (LANES == 16)
			for (; i + 4 <= p->m; i += 4)
				dots_4x4(a + i * k, k, p->b.ptr, j * ld, ld, c + i * SMALL_N + j - j0, type);
		for (; i + 2 <= p->m; i += 2)
			dots_2x4(a + i * k, k, p->b.ptr, j * ld, ld, c + i * SMALL_N + j - j0, type);
		for (; i < p->m; i++)
			dots_1x4(a + i * k, k, p->b.ptr, j * ld, ld, c + i * SMALL_N + j - j0, type);
	}
	for (; j < j1; j++)
		for (int64_t i = 0; i < p->m; i++)
			dots_1x1(a + i * k, k, p->b.ptr, j * ld, ld, c + i * SMALL_N + j - j0, type);
}

// axpys adds up MR rows of NV_ vectors of sums.
#define AXPYS(NAME, MR_, NV_) \
	INLINE void NAME(const float *a, int64_t k, const void *b, int64_t at, int64_t ldb, float *c, int64_t type) { \
		vf sum[MR_][NV_]; \
		EACH(i, MR_) EACH(j, NV_) sum[i][j] = v_set(0); \
		for (int64_t q = 0; q < k; q++, at += ldb) { \
			vf x[MR_]; \
			EACH(i, MR_) x[i] = v_set(a[i * k + q]); \
			EACH(j, NV_) { \
				__builtin_prefetch((const char *)b + (size_t)(at + 12 * ldb + j * LANES) * type_size(type)); \
				vf y = v_load_as(b, at + j * LANES, type); \
				EACH(i, MR_) sum[i][j] += x[i] * y; \
			} \
		} \
		EACH(i, MR_) EACH(j, NV_) v_store(c + i * SMALL_N + j * LANES, sum[i][j]); \
	}
AXPYS(axpys_1, 1, 8)
AXPYS(axpys_4, 4, 4)

// small_nn: b is stored [K, N].
INLINE void small_nn(const product *p, int64_t j0, int64_t j1, float *c, int64_t type) {
	int64_t k = p->k, ld = p->b.ld, i = 0;
	if (j1 - j0 == SMALL_N) {
		for (; LANES == 16 && i + 4 <= p->m; i += 4)
			for (int64_t half = 0; half < SMALL_N; half += SMALL_N / 2)
				axpys_4(p->small_a + i * k, k, p->b.ptr, j0 + half, ld, c + i * SMALL_N + half, type);
		for (; i < p->m; i++)
			axpys_1(p->small_a + i * k, k, p->b.ptr, j0, ld, c + i * SMALL_N, type);
		return;
	}
	memset(c, 0, (size_t)(p->m * SMALL_N) * 4);
	float row[SMALL_N] = {0};
	for (int64_t q = 0; q < k; q++) {
		for (int64_t j = j0; j < j1; j++)
			row[j - j0] = load_as(p->b.ptr, q * ld + j, type);
		for (int64_t i = 0; i < p->m; i++) {
			vf x = v_set(p->small_a[i * k + q]);
			for (int64_t j = 0; j < SMALL_N; j += LANES)
				v_store(c + i * SMALL_N + j, v_load(c + i * SMALL_N + j) + x * v_load(row + j));
		}
	}
}

// stream_rows adds R_ rows of b, each times its number of every row of a, to the
// sums [m, width] of the columns from j0 on. b is read as it lies in memory.
#define STREAM(NAME, R_) \
	INLINE void NAME(const product *p, int64_t q, int64_t j0, int64_t width, float *c, int64_t type) { \
		int64_t k = p->k, ld = p->b.ld, m = p->m, n = p->n, at = q * ld + j0, j = 0; \
		const float *a = p->small_a + q; \
		for (; j + LANES <= width; j += LANES) { \
			vf y[R_]; \
			EACH(r, R_) y[r] = v_load_as(p->b.ptr, at + r * ld + j, type); \
			for (int64_t i = 0; i < m; i++) { \
				vf sum = v_load(c + i * n + j); \
				EACH(r, R_) sum += v_set(a[i * k + r]) * y[r]; \
				v_store(c + i * n + j, sum); \
			} \
		} \
		for (; j < width; j++) \
			for (int64_t i = 0; i < m; i++) \
				for (int r = 0; r < R_; r++) \
					c[i * n + j] += a[i * k + r] * load_as(p->b.ptr, at + r * ld + j, type); \
	}
STREAM(stream_many, STREAM_K)
STREAM(stream_one, 1)

INLINE void stream(const product *p, int64_t q0, int64_t q1, int64_t j0, int64_t width, float *c, int64_t type) {
	int64_t q = q0;
	for (; q + STREAM_K <= q1; q += STREAM_K)
		stream_many(p, q, j0, width, c, type);
	for (; q < q1; q++)
		stream_one(p, q, j0, width, c, type);
}

// stream_task sums a part of the rows of b, in columns that lie side by side:
// memory is fastest when it is read in order.
static void stream_task(void *arg, int64_t task, int thread) {
	const product *p = arg;
	int64_t part = task % p->parts, j0 = task / p->parts * STREAM_N, width = MIN(STREAM_N, p->n - j0);
	float *c = p->partial + part * p->m * p->n + j0;
	for (int64_t i = 0; i < p->m; i++)
		memset(c + i * p->n, 0, (size_t)width * 4);
	int64_t blocks = p->k / STREAM_K, q0 = part * blocks / p->parts * STREAM_K;
	int64_t q1 = part + 1 == p->parts ? p->k : (part + 1) * blocks / p->parts * STREAM_K;
	BY_TYPE(p->b.type, stream, p, q0, q1, j0, width, c);
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
		finish(p, sum, i, j0, width);
	}
}

static void small_task(void *arg, int64_t task, int thread) {
	const product *p = arg;
	float c[SMALL * SMALL_N];
	int64_t j0 = task * SMALL_N, j1 = MIN(p->n, j0 + SMALL_N);
	if (p->b.trans)
		BY_TYPE(p->b.type, small_nt, p, j0, j1, c);
	else
		BY_TYPE(p->b.type, small_nn, p, j0, j1, c);
	for (int64_t i = 0; i < p->m; i++) {
		float *sum = c + i * SMALL_N;
		if (p->add)
			for (int64_t j = j0; j < j1; j++)
				sum[j - j0] += ((const float *)p->out->ptr)[i * p->n + j];
		finish(p, sum, i, j0, j1 - j0);
	}
}

static void multiply(product *p) {
	if (p->m <= 0 || p->n <= 0)
		return;
	if (p->m < SMALL) {
		float *a = kb_shared_scratch(p->machine);
		for (int64_t i = 0; i < p->m; i++)
			if (p->a.trans)
				for (int64_t q = 0; q < p->k; q++)
					a[i * p->k + q] = load_as(p->a.ptr, q * p->a.ld + i, p->a.type);
			else {
				kb_operand row = {(void *)part(p->a, i, 0), 0, p->a.type};
				const float *r = load_row(&row, 0, p->k, a + i * p->k);
				if (r != a + i * p->k)
					memcpy(a + i * p->k, r, (size_t)p->k * 4);
			}
		p->small_a = a;
		if (p->partial) {
			int64_t chunks = (p->n + STREAM_N - 1) / STREAM_N;
			p->parts = MAX(1, MIN(TILES / chunks, p->k / STREAM_K));
			kb_parallel(p->machine, chunks * p->parts, stream_task, p);
			kb_parallel(p->machine, (p->n + SMALL_N - 1) / SMALL_N, join_parts, p);
			return;
		}
		kb_parallel(p->machine, (p->n + SMALL_N - 1) / SMALL_N, small_task, p);
		return;
	}
	p->rows = (p->m + TILE_M - 1) / TILE_M;
	p->cols = (p->n + TILE_N - 1) / TILE_N;
	double work = (double)p->m * (double)p->n * (double)p->k;
	while (p->rows * p->cols < TILES && work / (double)(p->rows * p->cols) > 4e6) {
		if (p->n / p->cols > p->m / p->rows && p->n / p->cols >= 128)
			p->cols *= 2;
		else if (p->m / p->rows >= 128)
			p->rows *= 2;
		else
			break;
	}
	kb_parallel(p->machine, p->rows * p->cols, tile_task, p);
}

static kb_matrix dense(const kb_operand *x, int64_t cols, int64_t trans) {
	return (kb_matrix){x->ptr, cols, x->type, (int)trans};
}

static void matmul(kb_machine *machine, const kb_step *s) {
	int64_t m = s->p[0], n = s->p[1], k = s->p[2], next = 2;
	product p = {.machine = machine, .m = m, .n = n, .k = k, .act = s->p[6], .out = &s->out[0]};
	p.a = dense(&s->in[0], s->p[3] ? m : k, s->p[3]);
	p.b = dense(&s->in[1], s->p[4] ? k : n, s->p[4]);
	if (s->p[5])
		p.bias = s->in[next++].ptr;
	if (s->p[8])
		p.residual = &s->in[next];
	if (s->p[7])
		p.pre = &s->out[1];
	if (!p.b.trans)
		p.partial = (float *)kb_shared_scratch(machine) + SMALL * k;
	multiply(&p);
}
