// Rows of a source into a cache (graph.CacheWriteAttr). Constants: p[0] Batch,
// p[1] Len, p[2] CacheLen, p[3] Offset, p[4] Width, p[5] columns of the source.
static void cache_write_task(void *arg, int64_t row, int thread) {
	const kb_step *s = arg;
	const int64_t *p = s->p;
	int64_t b = row / p[1], to = (int64_t)((const int32_t *)s->in[2].ptr)[b] + row % p[1];
	if (to < 0 || to >= p[2])
		return;
	memcpy(at_elem(&s->out[0], (b * p[2] + to) * p[4]), at_elem(&s->in[1], row * p[5] + p[3]),
		(size_t)p[4] * type_size(s->out[0].type));
}

static void cache_write(kb_machine *m, const kb_step *s) {
	int64_t rows = s->p[0] * s->p[1];
	if (rows * s->p[4] < TASK / 4)
		for (int64_t i = 0; i < rows; i++)
			cache_write_task((void *)s, i, 0);
	else
		kb_parallel(m, rows, cache_write_task, (void *)s);
}
