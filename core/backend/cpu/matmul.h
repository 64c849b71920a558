// Matrix products on all threads (graph.MatMulAttr). Constants of "matmul":
// p[0] M, p[1] N, p[2] K, p[3] TransA, p[4] TransB, p[5] Bias, p[6] Act, p[7]
// Pre, p[8] Residual, p[9] Scaled.
//
// The output is cut into tiles by its shape alone; each is multiplied by one
// thread and finished while it is in the cache. Fewer than SMALL rows, as in
// decoding, take kernels that read b once. So the bits of a row are the same for
// any number of rows below SMALL, and the same for any from SMALL on.
enum {
	SMALL = 17,
	TILES = 8, // so many at least, if there is work for them
};

typedef struct {
	kb_machine *machine;
	int64_t m, n, k;
	kb_matrix a, b;
	int add; // on to the f32 out
	const float *scale, *bias; // of columns; NULL if there is none
	int64_t act;
	const kb_operand *out, *pre, *residual; // [m, n]; the last two may be NULL
	int64_t rows, cols;                     // of tiles
	const void *small_a;                    // [m, k], of few rows,
	int64_t small_type;                     // how their products are made,
	float *partial;                         // and their sums [parts, m, n]; see stream_task
	int64_t parts;
} product;

// finish turns n sums of row i, from column j on, into what is stored.
static void finish(const product *p, float *sum, int64_t i, int64_t j, int64_t n) {
	float buf[BLOCK], rbuf[BLOCK];
	for (int64_t at = 0; at < n; at += BLOCK) {
		int64_t w = MIN(BLOCK, n - at), place = i * p->n + j + at;
		float *restrict x = sum + at;
		if (p->scale) {
			const float *restrict by = p->scale + j + at;
			for (int64_t c = 0; c < w; c++)
				x[c] *= by[c];
		}
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
	if (direct && !p->scale && !p->bias && !p->pre && !p->act && !p->residual)
		return;
	for (int64_t i = i0; i < i1; i++)
		finish(p, c + (i - i0) * ldc, i, j0, j1 - j0);
}

#include "few_rows.h"

static void multiply(product *p) {
	if (p->m <= 0 || p->n <= 0)
		return;
	if (p->m < SMALL) {
		multiply_few(p);
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
	if (s->p[9])
		p.scale = s->in[next++].ptr;
	if (s->p[5])
		p.bias = s->in[next++].ptr;
	if (s->p[8])
		p.residual = &s->in[next];
	if (s->p[7])
		p.pre = &s->out[1];
	multiply(&p);
}
