// Norm of all gradients and the factor that clips it (graph.GradNorm). The last
// operand is the scale. f[0] is the largest norm. out[1] takes the partial sums.
typedef struct {
	const kb_step *s;
	const int64_t *first; // of each operand, its first block
	float *partial;
} grad_norm_job;

static void grad_norm_task(void *arg, int64_t task, int thread) {
	grad_norm_job *j = arg;
	int64_t low = 0, high = j->s->nin - 2;
	while (low < high) { // the last operand whose first block is not beyond
		int64_t mid = (low + high + 1) / 2;
		if (j->first[mid] <= task)
			low = mid;
		else
			high = mid - 1;
	}
	const kb_operand *x = &j->s->in[low];
	int64_t i = (task - j->first[low]) * NORM_BLOCK, n = MIN(NORM_BLOCK, x->len - i);
	const float *p = (const float *)x->ptr + i;
	j->partial[task] = row_dot(p, p, n);
}

static void grad_norm(kb_machine *m, const kb_step *s) {
	int64_t *first = kb_shared_scratch(m), n = 0;
	for (int64_t k = 0; k < s->nin - 1; k++) {
		first[k] = n;
		n += (s->in[k].len + NORM_BLOCK - 1) / NORM_BLOCK;
	}
	grad_norm_job j = {s, first, s->out[1].ptr};
	kb_parallel(m, n, grad_norm_task, &j);
	double sum = 0;
	for (int64_t i = 0; i < n; i++)
		sum += j.partial[i];
	const float scale = *(const float *)s->in[s->nin - 1].ptr;
	float root = (float)sqrt(sum), norm = root / scale, factor = 1, *out = s->out[0].ptr;
	if (s->f[0] > 0)
		factor = MIN(1.0f, s->f[0] / (norm + 1e-6f));
	out[0] = norm;
	out[1] = isfinite(root) ? factor / scale : -1;
}
