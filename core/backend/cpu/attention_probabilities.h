// The probabilities of attention (graph.AttentionProbabilities), from its
// log-sum-exp. A task is a block of queries of one head, whose scores are made
// where the probabilities go. Constants: see attention; v is not there.
static void attention_probabilities_task(void *arg, int64_t task, int thread) {
	const heads *h = arg;
	int64_t block = task % h->blocks, head = task / h->blocks % h->heads, b = task / h->blocks / h->heads;
	int64_t t0 = block * h->ql / h->blocks, rows = (block + 1) * h->ql / h->blocks - t0;
	int64_t row = (b * h->heads + head) * h->ql + t0;
	const float *lse = (const float *)h->s->in[2].ptr + row;
	float *to = (float *)h->s->out[0].ptr + row * h->kl;
	kb_matrix q = piece(h, &h->q, 0, b * h->ql + t0, head), k = piece(h, &h->k, 1, b * h->kl, head / h->group);
	k.trans = 1;
	gemm(h->m, rows, visible(h, b, t0 + rows - 1), h->width, q, k, 0, to, h->kl, kb_thread_scratch(h->m, thread));
	for (int64_t r = 0; r < rows; r++) {
		float *restrict x = to + r * h->kl, scale = h->s->f[0], shift = lse[r];
		int64_t seen = visible(h, b, t0 + r);
		if (h->bias) {
			bias_row(h, row + r, seen, scale, x);
			scale = 1;
		}
		for (int64_t j = 0; j < seen; j++)
			x[j] = exp_f(scale * x[j] - shift);
		memset(x + seen, 0, (size_t)(h->kl - seen) * 4);
	}
}

static void attention_probabilities(kb_machine *m, const kb_step *s) {
	heads h = heads_of(m, s, 0);
	kb_parallel(m, s->p[0] * h.heads * h.blocks, attention_probabilities_task, &h);
}
