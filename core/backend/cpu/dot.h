// Sum of products: partial sums over blocks of NORM_BLOCK elements, then their
// sum in order. out[0] is one element.
enum { NORM_BLOCK = 4096 };

typedef struct {
	const kb_step *s;
	float *partial;
} dot_job;

static void dot_task(void *arg, int64_t task, int thread) {
	dot_job *j = arg;
	int64_t i = task * NORM_BLOCK, n = MIN(NORM_BLOCK, j->s->in[0].len - i);
	j->partial[task] = row_dot((const float *)j->s->in[0].ptr + i, (const float *)j->s->in[1].ptr + i, n);
}

static void dot(kb_machine *m, const kb_step *s) {
	dot_job j = {s, kb_shared_scratch(m)};
	int64_t n = (s->in[0].len + NORM_BLOCK - 1) / NORM_BLOCK;
	kb_parallel(m, n, dot_task, &j);
	double sum = 0;
	for (int64_t i = 0; i < n; i++)
		sum += j.partial[i];
	*(float *)s->out[0].ptr = (float)sum;
}
