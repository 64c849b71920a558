// One step of AdamW (graph.AdamW). Constants: p[0] whether weight decay applies.
// Operands: param, grad, m, v, hyper, norm; outputs: param, m, v, in place.

// v_sqrt is a square root to the last bit or two: an estimate of 1/√x by the
// exponent, refined by Newton's rule. x is not negative.
INLINE vf v_sqrt(vf x) {
	vf y = (vf)(0x5f375a86 - ((vi)x >> 1)), half = 0.5f * x;
	for (int i = 0; i < 3; i++)
		y = y * (1.5f - half * y * y);
	vf r = x * y;
	r += 0.5f * y * (x - r * r);
	vi huge = x > 3e38f, nan = x != x; // infinity stays what it is
	vi keep = huge | nan;
	return (vf)((keep & (vi)x) | (~keep & (vi)r));
}

static void adamw_task(void *arg, int64_t task, int thread) {
	const kb_step *s = arg;
	const float *h = s->in[4].ptr, factor = ((const float *)s->in[5].ptr)[1];
	if (factor < 0) // the gradient is not finite
		return;
	const float lr = h[0], b1 = 1 - h[1], b2 = h[2], c2 = 1 - h[2], eps = h[3];
	const float keep = s->p[0] ? 1 - lr * h[6] : 1, step = lr / h[4], root = 1 / sqrtf(h[5]);
	int64_t end = MIN(s->out[0].len, (task + 1) * (int64_t)TASK);
	float *P = s->out[0].ptr, *M = s->out[1].ptr, *V = s->out[2].ptr;
	const float *G = s->in[1].ptr;
	for (int64_t i = task * (int64_t)TASK; i < end; i += LANES) {
		float tail[4][LANES] = {{0}};
		float *p = P + i, *m = M + i, *v = V + i;
		const float *gr = G + i;
		int64_t n = MIN(LANES, end - i);
		if (n < LANES) {
			memcpy(tail[0], p, (size_t)n * 4);
			memcpy(tail[1], m, (size_t)n * 4);
			memcpy(tail[2], v, (size_t)n * 4);
			memcpy(tail[3], gr, (size_t)n * 4);
			p = tail[0], m = tail[1], v = tail[2], gr = tail[3];
		}
		vf g = v_load(gr) * factor;
		vf m1 = v_load(m), v1 = v_load(v) * b2 + c2 * g * g;
		m1 += (g - m1) * b1;
		vf p1 = v_load(p) * keep - step * m1 / (v_sqrt(v1) * root + eps);
		v_store(m, m1);
		v_store(v, v1);
		v_store(p, p1);
		if (n < LANES) {
			memcpy(P + i, p, (size_t)n * 4);
			memcpy(M + i, m, (size_t)n * 4);
			memcpy(V + i, v, (size_t)n * 4);
		}
	}
}

static void adamw(kb_machine *m, const kb_step *s) { each(m, s->out[0].len, adamw_task, s); }
