// Rows of a table by id, and the gradient of the table. Constants: p[0] rows of
// the table, p[1] columns, p[2] number of ids, p[3] Scaled.
static void embed_task(void *arg, int64_t task, int thread) {
	const kb_step *s = arg;
	float a[BLOCK], c[BLOCK];
	int64_t cols = s->p[1], rows = row_task(cols), end = MIN(s->p[2], (task + 1) * rows);
	for (int64_t r = task * rows; r < end; r++) {
		int64_t id = ((const int32_t *)s->in[1].ptr)[r];
		for (int64_t i = 0; i < cols; i += BLOCK) {
			int64_t n = MIN(BLOCK, cols - i), to = r * cols + i;
			float *y = store_row(&s->out[0], to, c);
			if (id < 0 || id >= s->p[0])
				memset(y, 0, (size_t)n * 4);
			else {
				const float *x = load_row(&s->in[0], id * cols + i, n, a);
				memcpy(y, x, (size_t)n * 4);
				if (s->p[3]) {
					float by = ((const float *)s->in[2].ptr)[id];
					for (int64_t j = 0; j < n; j++)
						y[j] *= by;
				}
			}
			flush_row(&s->out[0], to, n, c);
		}
	}
}

static void embed(kb_machine *m, const kb_step *s) {
	int64_t rows = row_task(s->p[1]);
	kb_parallel(m, (s->p[2] + rows - 1) / rows, embed_task, (void *)s);
}

// The gradient first lists the places of each id, in order; then every row of
// the table is zeroed and summed by one task.
typedef struct {
	const kb_step *s;
	int32_t *start, *place;
} embed_job;

static void embed_grad_task(void *arg, int64_t task, int thread) {
	embed_job *j = arg;
	const kb_step *s = j->s;
	float a[BLOCK];
	int64_t cols = s->p[1], rows = row_task(cols), end = MIN(s->p[0], (task + 1) * rows);
	for (int64_t id = task * rows; id < end; id++)
		for (int64_t i = 0; i < cols; i += BLOCK) {
			int64_t n = MIN(BLOCK, cols - i);
			float *restrict y = (float *)s->out[0].ptr + id * cols + i;
			memset(y, 0, (size_t)n * 4);
			for (int32_t k = j->start[id]; k < j->start[id + 1]; k++) {
				const float *x = load_row(&s->in[0], j->place[k] * cols + i, n, a);
				for (int64_t c = 0; c < n; c++)
					y[c] += x[c];
			}
		}
}

static void embed_grad_table(kb_machine *m, const kb_step *s) {
	int64_t v = s->p[0], n = s->p[2], rows = row_task(s->p[1]);
	const int32_t *ids = s->in[1].ptr;
	embed_job j = {s, kb_shared_scratch(m), (int32_t *)kb_shared_scratch(m) + v + 2};
	memset(j.start, 0, (size_t)(v + 2) * 4);
	for (int64_t i = 0; i < n; i++)
		if (ids[i] >= 0 && ids[i] < v)
			j.start[ids[i] + 2]++;
	for (int64_t i = 0; i < v; i++)
		j.start[i + 2] += j.start[i + 1];
	for (int64_t i = 0; i < n; i++) // start[id+1] moves from the id's first place to its end
		if (ids[i] >= 0 && ids[i] < v)
			j.place[j.start[ids[i] + 1]++] = (int32_t)i;
	kb_parallel(m, (v + rows - 1) / rows, embed_grad_task, &j);
}
