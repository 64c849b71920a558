// Elementwise sum. The output may be an operand's memory.
static void add_task(void *arg, int64_t task, int thread) {
	const kb_step *s = arg;
	float a[BLOCK], b[BLOCK], c[BLOCK];
	ELEMENTS(s->out[0].len, task, i, n) {
		const float *x = load_row(&s->in[0], i, n, a), *z = load_row(&s->in[1], i, n, b);
		float *y = store_row(&s->out[0], i, c);
		IN_PLACE
		for (int64_t j = 0; j < n; j++)
			y[j] = x[j] + z[j];
		flush_row(&s->out[0], i, n, c);
	}
}

static void add(kb_machine *m, const kb_step *s) { each(m, s->out[0].len, add_task, s); }
