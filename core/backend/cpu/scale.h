// Product with a factor: f[0], or the f32 element in[1] if there is one.
static void scale_task(void *arg, int64_t task, int thread) {
	const kb_step *s = arg;
	float a[BLOCK], c[BLOCK];
	ELEMENTS(s->out[0].len, task, i, n) {
		float factor = s->nin > 1 ? s->f[0] * *(const float *)s->in[1].ptr : s->f[0];
		const float *x = load_row(&s->in[0], i, n, a);
		float *y = store_row(&s->out[0], i, c);
		IN_PLACE
		for (int64_t j = 0; j < n; j++)
			y[j] = x[j] * factor;
		flush_row(&s->out[0], i, n, c);
	}
}

static void scale(kb_machine *m, const kb_step *s) { each(m, s->out[0].len, scale_task, s); }
