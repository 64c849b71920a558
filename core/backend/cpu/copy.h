// Copy of a value to a parameter or state of the same type.
static void copy_task(void *arg, int64_t task, int thread) {
	const kb_step *s = arg;
	ELEMENTS(s->out[0].len, task, i, n)
		memmove(at_elem(&s->out[0], i), at_elem(&s->in[0], i), (size_t)n * type_size(s->out[0].type));
}

static void copy(kb_machine *m, const kb_step *s) { each(m, s->out[0].len, copy_task, s); }
