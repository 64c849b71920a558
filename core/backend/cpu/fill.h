// A constant: f[0].
static void fill_task(void *arg, int64_t task, int thread) {
	const kb_step *s = arg;
	float c[BLOCK];
	ELEMENTS(s->out[0].len, task, i, n) {
		float *y = store_row(&s->out[0], i, c);
		IN_PLACE
		for (int64_t j = 0; j < n; j++)
			y[j] = s->f[0];
		flush_row(&s->out[0], i, n, c);
	}
}

static void fill(kb_machine *m, const kb_step *s) { each(m, s->out[0].len, fill_task, s); }
