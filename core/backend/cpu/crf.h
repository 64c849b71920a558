// A linear-chain conditional random field and its gradient (graph.CRF). A task
// is a sequence. Constants of both: p[0] Batch, p[1] Len, p[2] Labels.
typedef struct {
	kb_machine *m;
	const kb_step *s;
} crf_job;

INLINE int64_t crf_length(const kb_step *s, const kb_operand *lengths, int64_t b) {
	return MAX(0, MIN(s->p[1], ((const int32_t *)lengths->ptr)[b]));
}

// crf_reach is, by label j, log Σ exp(alpha[i] + transitions[i, j]) over the
// labels i before; buf has 2 rows.
INLINE void crf_reach(const float *alpha, const float *transitions, int64_t l, float *restrict reach, float *restrict buf) {
	float *restrict top = buf, *restrict sum = buf + l;
	for (int64_t j = 0; j < l; j++) {
		top[j] = -INFINITY;
		sum[j] = 0;
	}
	for (int64_t i = 0; i < l; i++) {
		const float *restrict way = transitions + i * l;
		float a = alpha[i];
		for (int64_t j = 0; j < l; j++)
			top[j] = top[j] > a + way[j] ? top[j] : a + way[j];
	}
	for (int64_t i = 0; i < l; i++) {
		const float *restrict way = transitions + i * l;
		float a = alpha[i];
		for (int64_t j = 0; j < l; j++)
			sum[j] += exp_f(a + way[j] - top[j]);
	}
	for (int64_t j = 0; j < l; j++)
		reach[j] = top[j] + logf(sum[j]);
}

static void crf_task(void *arg, int64_t b, int thread) {
	const crf_job *job = arg;
	const kb_step *s = job->s;
	int64_t len = s->p[1], l = s->p[2], n = crf_length(s, &s->in[5], b);
	const float *e = (const float *)s->in[0].ptr + b * len * l;
	const float *transitions = s->in[1].ptr, *start = s->in[2].ptr, *end = s->in[3].ptr;
	const int32_t *labels = (const int32_t *)s->in[4].ptr + b * len;
	float *loss = (float *)s->out[0].ptr + b, *alpha = (float *)s->out[1].ptr + b * len * l;
	float *reach = (float *)s->out[2].ptr + b * len * l, *buf = kb_thread_scratch(job->m, thread);
	memset(alpha + n * l, 0, (size_t)((len - n) * l) * 4);
	memset(reach + n * l, 0, (size_t)((len - n) * l) * 4);
	*loss = 0;
	double sum = 0; // of what is small at each place, so that long sequences lose nothing
	for (int64_t t = 0; t < n; t++) {
		const float *restrict x = e + t * l;
		float *restrict a = alpha + t * l, *restrict r = reach + t * l;
		if (labels[t] < 0 || labels[t] >= l) {
			*loss = NAN;
			sum = NAN;
		}
		if (t == 0)
			memcpy(r, start, (size_t)l * 4);
		else
			crf_reach(a - l, transitions, l, r, buf);
		float most = row_max(x, l);
		for (int64_t j = 0; j < l; j++)
			a[j] = x[j] - most + r[j];
		float top = row_max(a, l);
		for (int64_t j = 0; j < l; j++)
			a[j] -= top;
		if (sum == sum) {
			sum += (double)(most - x[labels[t]]) + top;
			sum -= t == 0 ? start[labels[0]] : transitions[labels[t - 1] * l + labels[t]];
		}
	}
	if (n == 0 || sum != sum)
		return;
	for (int64_t j = 0; j < l; j++)
		buf[j] = alpha[(n - 1) * l + j] + end[j];
	float top = row_max(buf, l);
	*loss = (float)(sum + top - end[labels[n - 1]] + logf(row_exp(buf, l, 1, top)));
}

static void crf(kb_machine *m, const kb_step *s) {
	crf_job j = {m, s};
	kb_parallel(m, s->p[0], crf_task, &j);
}

// The sums of a sequence stand in the scratch output: transitions, start, end.
static void crf_grad_task(void *arg, int64_t b, int thread) {
	const crf_job *job = arg;
	const kb_step *s = job->s;
	int64_t len = s->p[1], l = s->p[2], n = crf_length(s, &s->in[4], b), width = l * (l + 2);
	const float *transitions = s->in[1].ptr, *end = s->in[2].ptr;
	float d = ((const float *)s->in[0].ptr)[b], *buf = kb_thread_scratch(job->m, thread), *before = buf + l;
	const int32_t *labels = (const int32_t *)s->in[3].ptr + b * len;
	const float *alpha = (const float *)s->in[5].ptr + b * len * l, *reach = (const float *)s->in[6].ptr + b * len * l;
	float *grad = (float *)s->out[0].ptr + b * len * l, *pairs = (float *)s->out[4].ptr + b * width;
	float *first = pairs + l * l, *last = first + l, *restrict p = buf;
	memset(grad + n * l, 0, (size_t)((len - n) * l) * 4);
	memset(pairs, 0, (size_t)width * 4);
	if (n == 0)
		return;
	for (int64_t j = 0; j < l; j++)
		p[j] = alpha[(n - 1) * l + j] + end[j];
	float inverse = 1 / row_exp(p, l, 1, row_max(p, l));
	for (int64_t j = 0; j < l; j++)
		last[j] = p[j] *= inverse;
	for (int64_t t = n - 1;; t--) {
		memcpy(grad + t * l, p, (size_t)l * 4);
		int known = labels[t] >= 0 && labels[t] < l;
		if (known)
			grad[t * l + labels[t]] -= 1;
		if (t == 0)
			break;
		const float *restrict r = reach + t * l;
		for (int64_t i = 0; i < l; i++) {
			const float *restrict way = transitions + i * l;
			float *restrict pair = pairs + i * l, a = alpha[(t - 1) * l + i];
			float *restrict w = before + l;
			for (int64_t j = 0; j < l; j++) {
				w[j] = p[j] * exp_f(a + way[j] - r[j]);
				pair[j] += w[j];
			}
			before[i] = row_sum(w, l);
		}
		if (known && labels[t - 1] >= 0 && labels[t - 1] < l)
			pairs[labels[t - 1] * l + labels[t]] -= 1;
		memcpy(p, before, (size_t)l * 4);
	}
	memcpy(first, grad, (size_t)l * 4);
	if (labels[n - 1] >= 0 && labels[n - 1] < l)
		last[labels[n - 1]] -= 1;
	for (int64_t i = 0; i < n * l; i++)
		grad[i] *= d;
	for (int64_t i = 0; i < width; i++)
		pairs[i] *= d;
}

static void crf_grad(kb_machine *m, const kb_step *s) {
	crf_job job = {m, s};
	kb_parallel(m, s->p[0], crf_grad_task, &job);
	int64_t l = s->p[2], width = l * (l + 2);
	float *restrict to = kb_shared_scratch(m);
	memset(to, 0, (size_t)width * 4);
	for (int64_t b = 0; b < s->p[0]; b++) {
		const float *restrict from = (const float *)s->out[4].ptr + b * width;
		for (int64_t i = 0; i < width; i++)
			to[i] += from[i];
	}
	memcpy(s->out[1].ptr, to, (size_t)(l * l) * 4);
	memcpy(s->out[2].ptr, to + l * l, (size_t)l * 4);
	memcpy(s->out[3].ptr, to + l * l + l, (size_t)l * 4);
}
