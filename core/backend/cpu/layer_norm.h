// Layer norm and its gradients (graph.LayerNorm). Constants: p[0] rows, p[1]
// columns, p[2] whether a residual follows, f[0] Eps. Thread scratch: 4 rows.
typedef struct {
	kb_machine *m;
	const kb_step *s;
	float *partial;
	int64_t blocks;
} norm_job;

static void layer_norm_task(void *arg, int64_t task, int thread) {
	norm_job *job = arg;
	const kb_step *s = job->s;
	int64_t c = s->p[1], rows = row_task(c), end = MIN(s->p[0], (task + 1) * rows);
	float *buf = kb_thread_scratch(job->m, thread), *to = buf + c;
	const float *restrict w = s->in[1].ptr, *restrict b = s->in[2].ptr;
	float *stats = s->out[1].ptr;
	for (int64_t r = task * rows; r < end; r++) {
		const float *restrict x = load_row(&s->in[0], r * c, c, buf);
		float mean = row_sum(x, c) / (float)c;
		vf sq = v_set(0), mv = v_set(mean);
		int64_t i = 0;
		for (; i + LANES <= c; i += LANES) {
			vf d = v_load(x + i) - mv;
			sq += d * d;
		}
		float var = 0;
		for (; i < c; i++)
			var += (x[i] - mean) * (x[i] - mean);
		var = (var + v_sum(sq)) / (float)c;
		float rstd = 1.0f / sqrtf(var + s->f[0]);
		float *restrict y = store_row(&s->out[0], r * c, to);
		for (int64_t k = 0; k < c; k++)
			y[k] = (x[k] - mean) * rstd * w[k] + b[k];
		flush_row(&s->out[0], r * c, c, to);
		stats[2 * r] = mean;
		stats[2 * r + 1] = rstd;
	}
}

static void layer_norm(kb_machine *m, const kb_step *s) {
	norm_job j = {m, s, 0, 0};
	int64_t rows = row_task(s->p[1]);
	kb_parallel(m, (s->p[0] + rows - 1) / rows, layer_norm_task, &j);
}

static void layer_norm_grad_x_task(void *arg, int64_t task, int thread) {
	norm_job *job = arg;
	const kb_step *s = job->s;
	int64_t c = s->p[1], rows = row_task(c), end = MIN(s->p[0], (task + 1) * rows);
	float *dbuf = kb_thread_scratch(job->m, thread), *xbuf = dbuf + c, *to = xbuf + c, *rbuf = to + c;
	const float *restrict w = s->in[2].ptr, *stats = s->in[3].ptr;
	for (int64_t r = task * rows; r < end; r++) {
		const float *restrict d = load_row(&s->in[0], r * c, c, dbuf);
		const float *restrict x = load_row(&s->in[1], r * c, c, xbuf);
		float mean = stats[2 * r], rstd = stats[2 * r + 1];
		vf se = v_set(0), sx = v_set(0), mv = v_set(mean);
		int64_t i = 0;
		for (; i + LANES <= c; i += LANES) {
			vf e = v_load(d + i) * v_load(w + i);
			se += e;
			sx += e * (v_load(x + i) - mv);
		}
		float sum_e = v_sum(se), sum_x = v_sum(sx);
		for (; i < c; i++) {
			sum_e += d[i] * w[i];
			sum_x += d[i] * w[i] * (x[i] - mean);
		}
		float me = sum_e / (float)c, mx = sum_x * rstd * rstd / (float)c;
		float *restrict y = store_row(&s->out[0], r * c, to);
		if (s->p[2]) {
			const float *z = load_row(&s->in[4], r * c, c, rbuf);
			for (int64_t k = 0; k < c; k++)
				y[k] = rstd * (d[k] * w[k] - me - (x[k] - mean) * mx) + z[k];
		} else
			for (int64_t k = 0; k < c; k++)
				y[k] = rstd * (d[k] * w[k] - me - (x[k] - mean) * mx);
		flush_row(&s->out[0], r * c, c, to);
	}
}

static void layer_norm_grad_x(kb_machine *m, const kb_step *s) {
	norm_job j = {m, s, 0, 0};
	int64_t rows = row_task(s->p[1]);
	kb_parallel(m, (s->p[0] + rows - 1) / rows, layer_norm_grad_x_task, &j);
}

static void layer_norm_grad_w_task(void *arg, int64_t task, int thread) {
	norm_job *job = arg;
	const kb_step *s = job->s;
	int64_t c = s->p[1], end = MIN(s->p[0], (task + 1) * SUM_BLOCK);
	float *dbuf = kb_thread_scratch(job->m, thread), *xbuf = dbuf + c;
	float *restrict dw = job->partial + task * c, *restrict db = job->partial + (job->blocks + task) * c;
	const float *stats = s->in[2].ptr;
	memset(dw, 0, (size_t)c * 4);
	memset(db, 0, (size_t)c * 4);
	for (int64_t r = task * SUM_BLOCK; r < end; r++) {
		const float *d = load_row(&s->in[0], r * c, c, dbuf), *x = load_row(&s->in[1], r * c, c, xbuf);
		float mean = stats[2 * r], rstd = stats[2 * r + 1];
		for (int64_t k = 0; k < c; k++) {
			dw[k] += d[k] * ((x[k] - mean) * rstd);
			db[k] += d[k];
		}
	}
}

static void layer_norm_grad_w(kb_machine *m, const kb_step *s) {
	int64_t blocks = (s->p[0] + SUM_BLOCK - 1) / SUM_BLOCK;
	norm_job j = {m, s, kb_shared_scratch(m), blocks};
	kb_parallel(m, blocks, layer_norm_grad_w_task, &j);
	for (int k = 0; k < 2; k++) {
		sum_job sum = {s, j.partial + k * blocks * s->p[1], s->out[k].ptr, blocks, s->p[1]};
		join(m, &sum);
	}
}
