// Cross-entropy of the product with the output embedding, a chunk of rows at a
// time (graph.LinearCrossEntropyAttr). Constants: p[0] Rows, p[1] Channels,
// p[2] Vocab, p[3] Chunk, p[4] NeedX, p[5] NeedW, p[6] Bias, p[7] NeedB, p[8]
// Scaled.
typedef struct {
	int64_t first, vocab;
	float *logits;            // of row first on
	const kb_operand *grad16; // takes the gradient of the logits in 16 bits
	const int32_t *labels;
	const float *d; // NULL in the forward kernel
	float *loss;
} loss_job;

static void loss_task(void *arg, int64_t task, int thread) {
	const loss_job *j = arg;
	int64_t row = j->first + task, v = j->vocab, label = j->labels[row];
	float *x = j->logits + task * v;
	if (label < 0 || label >= v) {
		j->loss[row] = 0;
		if (j->grad16)
			memset((uint16_t *)j->grad16->ptr + task * v, 0, (size_t)v * 2);
		else if (j->d)
			memset(x, 0, (size_t)v * 4);
	} else {
		float top = row_max(x, v), chosen = x[label], sum = row_exp(x, v, 1, top);
		j->loss[row] = top + logf(sum) - chosen;
		if (j->d) {
			float d = j->d[row], factor = d / sum;
			x[label] -= sum; // p - 1, times the sum
			for (int64_t i = 0; i < v; i += BLOCK) { // while it is in the first cache
				int64_t n = MIN(BLOCK, v - i);
				for (int64_t c = i; c < i + n; c++)
					x[c] *= factor;
				if (j->grad16)
					flush_row(j->grad16, task * v + i, n, x + i);
			}
		}
	}
}

typedef struct {
	kb_operand dlogits;
	int64_t rows, vocab;
	int add; // on to the sums
	float *sums;
} bias_job;

// bias_task adds up BLOCK columns of the gradient of a chunk of logits.
static void bias_task(void *arg, int64_t task, int thread) {
	const bias_job *j = arg;
	int64_t at = task * BLOCK, n = MIN(BLOCK, j->vocab - at);
	float buf[BLOCK], *restrict y = j->sums + at;
	if (!j->add)
		memset(y, 0, (size_t)n * 4);
	for (int64_t r = 0; r < j->rows; r++) {
		const float *x = load_row(&j->dlogits, r * j->vocab + at, n, buf);
		for (int64_t i = 0; i < n; i++)
			y[i] += x[i];
	}
}

// cross_entropy does both kernels: d and what follows are NULL in the forward
// one.
static void cross_entropy(kb_machine *m, const kb_step *s, const kb_operand *x, const kb_operand *w,
	const int32_t *labels, const float *scale, const float *bias, const float *d, const kb_operand *dx, const kb_operand *dw, float *db,
	float *loss, kb_operand logits, const kb_operand *grad16) {
	int64_t rows = s->p[0], c = s->p[1], v = s->p[2], chunk = s->p[3];
	for (int64_t first = 0; first < rows; first += chunk) {
		int64_t n = MIN(chunk, rows - first);
		kb_matrix xs = {at_elem(x, first * c), c, x->type, 0};
		product p = {.machine = m, .m = n, .n = v, .k = c, .a = xs, .b = dense(w, c, 1), .scale = scale, .bias = bias,
			.out = &logits};
		multiply(&p);
		loss_job j = {first, v, logits.ptr, grad16, labels, d, loss};
		kb_parallel(m, n, loss_task, &j);
		kb_matrix g = dense(grad16 ? grad16 : &logits, v, 0);
		if (dx) {
			kb_operand out = {at_elem(dx, first * c), n * c, dx->type};
			product q = {.machine = m, .m = n, .n = c, .k = v, .a = g, .b = dense(w, c, 0), .out = &out};
			multiply(&q);
		}
		if (dw) {
			g.trans = 1;
			product q = {.machine = m, .m = v, .n = c, .k = n, .a = g, .b = xs, .out = dw, .add = first > 0};
			multiply(&q);
		}
		if (db) {
			bias_job b = {grad16 ? *grad16 : logits, n, v, first > 0, db};
			kb_parallel(m, (v + BLOCK - 1) / BLOCK, bias_task, &b);
		}
	}
}

static void linear_cross_entropy(kb_machine *m, const kb_step *s) {
	const float *scale = s->p[8] ? s->in[3].ptr : NULL, *bias = s->p[6] ? s->in[s->nin - 1].ptr : NULL;
	cross_entropy(m, s, &s->in[0], &s->in[1], s->in[2].ptr, scale, bias, NULL, NULL, NULL, NULL,
		s->out[0].ptr, s->out[1], NULL);
}

static void linear_cross_entropy_grad(kb_machine *m, const kb_step *s) {
	const kb_operand *bias = s->p[6] ? &s->out[s->nout - 1] : NULL;
	cross_entropy(m, s, &s->in[1], &s->in[2], s->in[3].ptr, NULL, bias ? s->in[4].ptr : NULL, s->in[0].ptr,
		s->p[4] ? &s->out[0] : NULL, s->p[5] ? &s->out[1] : NULL, s->p[7] ? bias->ptr : NULL, s->out[2].ptr,
		s->out[3], s->in[1].type != KB_F32 ? &s->out[4] : NULL);
}
