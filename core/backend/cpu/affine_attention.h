// Attention of one query to tokens that are affine functions of a few numbers,
// and its gradient (graph.AffineAttention). Constants of both: p[0] places N,
// p[1] tokens T, p[2] numbers of a token K, p[3] heads H, p[4] width of a head,
// p[5] whether dx is wanted; f[0] the scale. A table has the rows of w, then
// those of c.
typedef struct {
	kb_machine *m;
	const kb_step *s;
	const float *w, *c, *q;
	const float *scores; // of rows, [T*K+T, H]
	float *dscores;
} affine_job;

enum { AFFINE_ROWS = 16, AFFINE_BLOCK = 128 }; // places of a task, and of a partial sum

// affine_open finds the tables, as floats: 16-bit ones are widened into shared
// memory.
INLINE affine_job affine_open(kb_machine *m, const kb_step *s, int64_t first) {
	affine_job j = {.m = m, .s = s};
	float *to = kb_shared_scratch(m);
	const float *got[3];
	for (int64_t i = 0; i < 3; i++) {
		const kb_operand *o = &s->in[first + 1 + i];
		got[i] = load_row(o, 0, o->len, to);
		to += o->len;
	}
	j.w = got[0];
	j.c = got[1];
	j.q = got[2];
	return j;
}

// affine_row is row r of the table.
INLINE const float *affine_row(const affine_job *j, int64_t r) {
	int64_t first = j->s->p[1] * j->s->p[2], columns = 3 * j->s->p[3] * j->s->p[4];
	return r < first ? j->w + r * columns : j->c + (r - first) * columns;
}

static void affine_attention_task(void *arg, int64_t task, int thread) {
	const affine_job *job = arg;
	const kb_step *s = job->s;
	int64_t tokens = s->p[1], numbers = s->p[2], heads = s->p[3], width = s->p[4], c = heads * width, given = tokens * numbers;
	float *xbuf = kb_thread_scratch(job->m, thread), *to = xbuf + given, *top = to + c, *sum = top + heads;
	for (int64_t n = task * AFFINE_ROWS; n < MIN(s->p[0], (task + 1) * AFFINE_ROWS); n++) {
		const float *x = load_row(&s->in[0], n * given, given, xbuf);
		float *p = (float *)s->out[1].ptr + n * tokens * heads;
		for (int64_t h = 0; h < heads; h++) {
			top[h] = -INFINITY;
			sum[h] = 0;
		}
		for (int64_t t = 0; t < tokens; t++) {
			float *restrict row = p + t * heads;
			memcpy(row, job->scores + (given + t) * heads, (size_t)heads * 4);
			for (int64_t k = 0; k < numbers; k++) {
				const float *restrict score = job->scores + (t * numbers + k) * heads;
				float v = x[t * numbers + k];
				for (int64_t h = 0; h < heads; h++)
					row[h] += v * score[h];
			}
			for (int64_t h = 0; h < heads; h++)
				top[h] = top[h] > row[h] ? top[h] : row[h];
		}
		for (int64_t t = 0; t < tokens; t++)
			for (int64_t h = 0; h < heads; h++)
				sum[h] += p[t * heads + h] = exp_f(p[t * heads + h] - top[h]);
		float *restrict y = store_row(&s->out[0], n * c, to);
		memset(y, 0, (size_t)c * 4);
		for (int64_t t = 0; t < tokens; t++)
			for (int64_t h = 0; h < heads; h++)
				p[t * heads + h] /= sum[h];
		for (int64_t t = 0; t < tokens; t++)
			for (int64_t k = 0; k <= numbers; k++) {
				const float *restrict value = affine_row(job, k < numbers ? t * numbers + k : given + t) + 2 * c;
				float v = k < numbers ? x[t * numbers + k] : 1;
				for (int64_t h = 0; h < heads; h++) {
					float by = v * p[t * heads + h];
					for (int64_t i = h * width; i < (h + 1) * width; i++)
						y[i] += by * value[i];
				}
			}
		flush_row(&s->out[0], n * c, c, to);
	}
}

static void affine_attention(kb_machine *m, const kb_step *s) {
	affine_job j = affine_open(m, s, 0);
	int64_t tokens = s->p[1], heads = s->p[3], width = s->p[4];
	float *scores = s->out[2].ptr;
	for (int64_t r = 0; r < tokens * (s->p[2] + 1); r++)
		for (int64_t h = 0; h < heads; h++)
			scores[r * heads + h] = s->f[0] * row_dot(affine_row(&j, r) + (heads + h) * width, j.q + h * width, width);
	j.scores = scores;
	kb_parallel(m, (s->p[0] + AFFINE_ROWS - 1) / AFFINE_ROWS, affine_attention_task, &j);
}

// The gradients of the scores, and dx, by places.
static void affine_attention_grad_task(void *arg, int64_t task, int thread) {
	const affine_job *job = arg;
	const kb_step *s = job->s;
	int64_t tokens = s->p[1], numbers = s->p[2], heads = s->p[3], width = s->p[4], c = heads * width, given = tokens * numbers;
	float *xbuf = kb_thread_scratch(job->m, thread), *dbuf = xbuf + given, *to = dbuf + c, *mean = to + given, *g = mean + heads;
	for (int64_t n = task * AFFINE_ROWS; n < MIN(s->p[0], (task + 1) * AFFINE_ROWS); n++) {
		const float *x = load_row(&s->in[1], n * given, given, xbuf), *d = load_row(&s->in[0], n * c, c, dbuf);
		const float *p = (const float *)s->in[5].ptr + n * tokens * heads;
		float *ds = (float *)s->out[3].ptr + n * tokens * heads;
		memset(mean, 0, (size_t)heads * 4);
		for (int64_t t = 0; t < tokens; t++) {
			float *row = ds + t * heads;
			memset(row, 0, (size_t)heads * 4);
			for (int64_t k = 0; k <= numbers; k++) {
				int64_t r = k < numbers ? t * numbers + k : given + t;
				const float *value = affine_row(job, r) + 2 * c;
				float v = k < numbers ? x[r] : 1;
				for (int64_t h = 0; h < heads; h++) {
					g[r * heads + h] = row_dot(d + h * width, value + h * width, width);
					row[h] += v * g[r * heads + h];
				}
			}
			for (int64_t h = 0; h < heads; h++)
				mean[h] += p[t * heads + h] * row[h];
		}
		for (int64_t t = 0; t < tokens; t++)
			for (int64_t h = 0; h < heads; h++)
				ds[t * heads + h] = p[t * heads + h] * (ds[t * heads + h] - mean[h]);
		if (!s->p[5])
			continue;
		float *dx = store_row(&s->out[5], n * given, to);
		for (int64_t r = 0; r < given; r++) {
			int64_t t = r / numbers;
			dx[r] = row_dot(ds + t * heads, job->scores + r * heads, heads) + row_dot(p + t * heads, g + r * heads, heads);
		}
		flush_row(&s->out[5], n * given, given, to);
	}
}

// A token's rows of the table: sums over blocks of places, then their sum.
static void affine_attention_grad_table_task(void *arg, int64_t t, int thread) {
	const affine_job *job = arg;
	const kb_step *s = job->s;
	int64_t tokens = s->p[1], numbers = s->p[2], heads = s->p[3], width = s->p[4], c = heads * width, given = tokens * numbers;
	int64_t each = c + heads, all = (numbers + 1) * each; // of a row: its value's gradient, its scores'
	float *sum = kb_thread_scratch(job->m, thread), *part = sum + all, *dbuf = part + MAX(all, 3 * c), *xbuf = dbuf + c;
	memset(sum, 0, (size_t)all * 4);
	for (int64_t from = 0; from < s->p[0]; from += AFFINE_BLOCK) {
		memset(part, 0, (size_t)all * 4);
		for (int64_t n = from; n < MIN(s->p[0], from + AFFINE_BLOCK); n++) {
			const float *restrict d = load_row(&s->in[0], n * c, c, dbuf), *x = load_row(&s->in[1], n * given + t * numbers, numbers, xbuf);
			const float *p = (const float *)s->in[5].ptr + (n * tokens + t) * heads;
			const float *ds = (const float *)s->out[3].ptr + (n * tokens + t) * heads;
			for (int64_t k = 0; k <= numbers; k++) {
				float v = k < numbers ? x[k] : 1, *restrict to = part + k * each;
				for (int64_t h = 0; h < heads; h++) {
					float by = v * p[h];
					for (int64_t i = h * width; i < (h + 1) * width; i++)
						to[i] += by * d[i];
					to[c + h] += v * ds[h];
				}
			}
		}
		for (int64_t i = 0; i < all; i++)
			sum[i] += part[i];
	}
	for (int64_t k = 0; k <= numbers; k++) {
		const float *value = sum + k * each, *score = value + c;
		int64_t r = k < numbers ? t * numbers + k : given + t;
		const kb_operand *out = &s->out[k < numbers ? 0 : 1];
		int64_t at = 3 * c * (k < numbers ? r : t);
		memcpy(job->dscores + r * heads, score, (size_t)heads * 4);
		float *y = store_row(out, at, part); // part has 3c floats, see lowerAffineAttention
		memset(y, 0, (size_t)c * 4);
		for (int64_t i = 0; i < c; i++)
			y[c + i] = s->f[0] * score[i / width] * job->q[i];
		memcpy(y + 2 * c, value, (size_t)c * 4);
		flush_row(out, at, 3 * c, part);
	}
}

static void affine_attention_grad(kb_machine *m, const kb_step *s) {
	affine_job j = affine_open(m, s, 1);
	int64_t tokens = s->p[1], heads = s->p[3], width = s->p[4], c = heads * width;
	j.scores = s->in[6].ptr;
	j.dscores = s->out[4].ptr;
	kb_parallel(m, (s->p[0] + AFFINE_ROWS - 1) / AFFINE_ROWS, affine_attention_grad_task, &j);
	kb_parallel(m, tokens, affine_attention_grad_table_task, &j);
	float *buf = kb_thread_scratch(m, 0), *dq = store_row(&s->out[2], 0, buf);
	memset(dq, 0, (size_t)(3 * c) * 4);
	for (int64_t r = 0; r < tokens * (s->p[2] + 1); r++) {
		const float *restrict key = affine_row(&j, r) + c;
		for (int64_t h = 0; h < heads; h++) {
			float by = s->f[0] * j.dscores[r * heads + h];
			for (int64_t i = h * width; i < (h + 1) * width; i++)
				dq[i] += by * key[i];
		}
	}
	flush_row(&s->out[2], 0, 3 * c, buf);
}
