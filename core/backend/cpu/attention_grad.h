// place_row adds the gradients of a row's scores to those of their biases.
static __attribute__((noinline)) void place_row(const heads *h, int64_t row, int64_t n, const float *restrict ds) {
	places p = places_of(h, row, n);
	float *restrict to = h->dbias + row / h->ql * h->places;
	to[0] += row_sum(ds, p.lo);
	for (int64_t j = p.lo; j < p.hi; j++)
		to[j - p.shift] += ds[j];
	to[h->places - 1] += row_sum(ds + p.hi, n - p.hi);
}

// The gradient of attention. A task is one key head of one sequence: it goes
// through the query heads and blocks in order, so that the sums over queries
// have one order. Constants: see attention.
static void attention_grad_task(void *arg, int64_t task, int thread) {
	const heads *h = arg;
	const kb_step *s = h->s;
	int64_t kvhead = task % s->p[4], b = task / s->p[4], d = h->width, kl = h->kl, block = QUERY_BLOCK * h->ld;
	float *scratch = kb_thread_scratch(h->m, thread), *p = scratch + GEMM_SCRATCH, *ds = p + block;
	float *narrow_p = ds + block, *narrow_ds = narrow_p + block / 2;
	float *dk = narrow_ds + block / 2, *dv = dk + kl * d, *dq = dv + kl * d, *buf = dq + QUERY_BLOCK * d;
	memset(dk, 0, (size_t)(2 * kl * d) * 4);
	if (h->dbias)
		memset(h->dbias + task * h->group * h->places, 0, (size_t)(h->group * h->places) * 4);
	kb_matrix k = piece(h, &h->k, 1, b * kl, kvhead), v = piece(h, &h->v, 2, b * kl, kvhead), kt = k, vt = v;
	kt.trans = vt.trans = 1;
	int64_t cols = h->heads * d;
	for (int64_t head = kvhead * h->group; head < (kvhead + 1) * h->group; head++)
		for (int64_t block = 0; block < h->blocks; block++) {
			int64_t t0 = block * h->ql / h->blocks, rows = (block + 1) * h->ql / h->blocks - t0;
			int64_t n = visible(h, b, t0 + rows - 1), at = (b * h->ql + t0) * cols + head * d;
			kb_matrix q = piece(h, &h->q, 0, b * h->ql + t0, head);
			kb_matrix dout = {at_elem(&s->in[0], at), cols, s->in[0].type, 0};
			int64_t stat = (b * h->heads + head) * h->ql + t0;
			const float *lse = (const float *)s->in[5].ptr + stat;
			gemm(h->m, rows, n, d, q, kt, 0, p, h->ld, scratch);
			gemm(h->m, rows, n, d, dout, vt, 0, ds, h->ld, scratch);
			for (int64_t r = 0; r < rows; r++) {
				const float *x = load_row(&s->in[0], at + r * cols, d, buf);
				const float *o = load_row(&s->in[4], at + r * cols, d, buf + d);
				float delta = row_dot(x, o, d), shift = lse[r], scale = s->f[0], factor = h->dbias ? 1 : scale;
				h->delta[stat + r] = delta;
				float *restrict pr = p + r * h->ld, *restrict dr = ds + r * h->ld;
				int64_t seen = visible(h, b, t0 + r);
				uint8_t *keep = (uint8_t *)(buf + 2 * d);
				if (h->seed) {
					keep_bits(h, stat + r, seen, keep);
					drop_row(dr, seen, keep, s->f[1]);
				}
				if (h->bias) {
					bias_row(h, stat + r, seen, scale, pr);
					scale = 1;
				}
				for (int64_t j = 0; j < seen; j++) {
					pr[j] = exp_f(scale * pr[j] - shift);
					dr[j] = pr[j] * (dr[j] - delta) * factor;
				}
				if (h->dbias) {
					place_row(h, stat + r, seen, dr);
					for (int64_t j = 0; j < seen; j++)
						dr[j] *= s->f[0];
				}
				if (h->seed)
					drop_row(pr, seen, keep, s->f[1]);
				memset(pr + seen, 0, (size_t)(n - seen) * 4);
				memset(dr + seen, 0, (size_t)(n - seen) * 4);
			}
			if (n == 0)
				memset(dq, 0, (size_t)(rows * d) * 4);
			else {
				kb_matrix mp = narrowed(h, p, rows, n, narrow_p), md = narrowed(h, ds, rows, n, narrow_ds);
				gemm(h->m, rows, d, n, md, k, 0, dq, d, scratch);
				mp.trans = md.trans = 1;
				gemm(h->m, n, d, rows, mp, dout, 1, dv, d, scratch);
				gemm(h->m, n, d, rows, md, q, 1, dk, d, scratch);
			}
			flush_rows(piece(h, &s->out[s->p[18]], 0, b * h->ql + t0, head), dq, rows, d);
		}
	flush_rows(piece(h, &s->out[s->p[19]], 1, b * kl, kvhead), dk, kl, d);
	flush_rows(piece(h, &s->out[s->p[20]], 2, b * kl, kvhead), dv, kl, d);
}

// The gradient of a head's bias sums those of the sequences in order.
static void attention_grad_bias_task(void *arg, int64_t head, int thread) {
	const heads *h = arg;
	const kb_step *s = h->s;
	float *restrict to = (float *)s->out[s->nout - 2].ptr + head * h->places;
	(void)thread;
	memset(to, 0, (size_t)h->places * 4);
	for (int64_t b = 0; b < s->p[0]; b++) {
		const float *restrict from = h->dbias + (b * h->heads + head) * h->places;
		for (int64_t i = 0; i < h->places; i++)
			to[i] += from[i];
	}
}

static void attention_grad(kb_machine *m, const kb_step *s) {
	heads h = heads_of(m, s, 1);
	h.delta = s->out[s->nout - 1].ptr;
	if (s->p[25])
		h.dbias = kb_shared_scratch(m);
	for (int64_t i = 0; i < s->nout - 1 - s->p[25]; i++)
		if (s->p[21] >> i & 1) // columns that no head reads have gradient zero
			memset(s->out[i].ptr, 0, (size_t)s->out[i].len * type_size(s->out[i].type));
	kb_parallel(m, s->p[0] * s->p[4], attention_grad_task, &h);
	if (h.dbias)
		kb_parallel(m, h.heads, attention_grad_bias_task, &h);
}
