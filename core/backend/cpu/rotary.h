// Rotary positions (graph.Rotary). Constants: p[0] rows, p[1] columns, p[2] Len,
// p[3] Heads, p[4] Offset, p[5] Stride, p[6] Turned, p[7] Places, p[8] Back;
// in[2] is start if there is one. Thread scratch: 2 rows.
typedef struct {
	kb_machine *m;
	const kb_step *s;
} rotary_job;

static void rotary_task(void *arg, int64_t task, int thread) {
	rotary_job *job = arg;
	const kb_step *s = job->s;
	const int64_t *p = s->p;
	int64_t c = p[1], h = p[6] / 2, rows = row_task(c), end = MIN(p[0], (task + 1) * rows);
	float *from = kb_thread_scratch(job->m, thread), *to = from + c, sign = p[8] ? -1 : 1;
	for (int64_t r = task * rows; r < end; r++) {
		int64_t place = r % p[2];
		if (s->nin > 2)
			place += ((const int32_t *)s->in[2].ptr)[r / p[2]];
		place = MAX(0, MIN(place, p[7] - 1));
		const float *restrict cosine = (const float *)s->in[1].ptr + place * p[6], *restrict sine = cosine + h;
		const float *restrict x = load_row(&s->in[0], r * c, c, from);
		float *restrict y = store_row(&s->out[0], r * c, to);
		memcpy(y, x, (size_t)c * sizeof *y);
		for (int64_t head = 0; head < p[3]; head++) {
			const float *restrict a = x + p[4] + head * p[5], *restrict b = a + h;
			float *restrict ya = y + (a - x), *restrict yb = ya + h;
			for (int64_t i = 0; i < h; i++) {
				float sn = sign * sine[i];
				ya[i] = a[i] * cosine[i] - b[i] * sn;
				yb[i] = b[i] * cosine[i] + a[i] * sn;
			}
		}
		flush_row(&s->out[0], r * c, c, to);
	}
}

static void rotary(kb_machine *m, const kb_step *s) {
	rotary_job j = {m, s};
	int64_t rows = row_task(s->p[1]);
	kb_parallel(m, (s->p[0] + rows - 1) / rows, rotary_task, &j);
}
