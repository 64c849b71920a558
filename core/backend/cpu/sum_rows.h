// Column sums: partial sums over blocks of SUM_BLOCK rows, then their sum in
// order. Constants: p[0] rows, p[1] columns.
enum { SUM_BLOCK = 128, SUM_COLS = 1024 };

typedef struct {
	const kb_step *s;
	float *partial, *out;
	int64_t blocks, cols;
} sum_job;

static void sum_rows_task(void *arg, int64_t task, int thread) {
	sum_job *j = arg;
	float buf[SUM_COLS];
	int64_t c = j->cols, end = MIN(j->s->p[0], (task + 1) * SUM_BLOCK);
	for (int64_t c0 = 0; c0 < c; c0 += SUM_COLS) {
		int64_t n = MIN(SUM_COLS, c - c0);
		float *restrict to = j->partial + task * c + c0;
		memset(to, 0, (size_t)n * 4);
		for (int64_t r = task * SUM_BLOCK; r < end; r++) {
			const float *x = load_row(&j->s->in[0], r * c + c0, n, buf);
			for (int64_t i = 0; i < n; i++)
				to[i] += x[i];
		}
	}
}

// join adds the partial sums of SUM_COLS columns.
static void join_task(void *arg, int64_t task, int thread) {
	sum_job *j = arg;
	int64_t c0 = task * SUM_COLS, n = MIN(SUM_COLS, j->cols - c0);
	float *restrict to = j->out + c0;
	memset(to, 0, (size_t)n * 4);
	for (int64_t b = 0; b < j->blocks; b++) {
		const float *x = j->partial + b * j->cols + c0;
		for (int64_t i = 0; i < n; i++)
			to[i] += x[i];
	}
}

static void join(kb_machine *m, sum_job *j) { kb_parallel(m, (j->cols + SUM_COLS - 1) / SUM_COLS, join_task, j); }

static void sum_rows(kb_machine *m, const kb_step *s) {
	sum_job j = {s, kb_shared_scratch(m), s->out[0].ptr, (s->p[0] + SUM_BLOCK - 1) / SUM_BLOCK, s->p[1]};
	kb_parallel(m, j.blocks, sum_rows_task, &j);
	join(m, &j);
}
