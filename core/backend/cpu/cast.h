// Change of storage type.
static void cast_task(void *arg, int64_t task, int thread) {
	const kb_step *s = arg;
	float a[BLOCK];
	ELEMENTS(s->out[0].len, task, i, n) {
		const float *x = load_row(&s->in[0], i, n, a);
		if (s->out[0].type == KB_F32)
			memcpy((float *)s->out[0].ptr + i, x, (size_t)n * 4);
		else
			flush_row(&s->out[0], i, n, x);
	}
}

static void cast(kb_machine *m, const kb_step *s) { each(m, s->out[0].len, cast_task, s); }
