// Pointwise functions and their derivatives, numbered like graph.Activation.
// Constants: p[0] the function.
enum { IDENTITY, GELU_TANH, GELU_ERF, RELU, SILU, TANH };

// normal_f is Φ, the distribution function of the normal distribution, with a
// small relative error in both tails: erfc(z) = t·P(t)·exp(-z²), t = 1/(1+pz)
// (Abramowitz & Stegun 7.1.26, to 1.5e-7 of exp(-z²)).
INLINE float normal_f(float x) {
	float z = fabsf(x) * 0.707106781f;
	float t = 1.0f / (1.0f + 0.3275911f * z);
	float p = 1.061405429f;
	p = p * t - 1.453152027f;
	p = p * t + 1.421413741f;
	p = p * t - 0.284496736f;
	p = p * t + 0.254829592f;
	float tail = 0.5f * t * p * exp_f(-z * z);
	return x < 0 ? tail : 1.0f - tail;
}

// tanh_f has a small relative error at 0 as well: there it is a fraction of
// polynomials (Lambert's), elsewhere it comes from the exponential.
INLINE float tanh_f(float x) {
	float a = fabsf(x), s = x * x;
	float near = x * (10395.0f + s * (1260.0f + s * 21.0f)) / (10395.0f + s * (4725.0f + s * (210.0f + s)));
	float e = exp_f(-2.0f * a), far = (1.0f - e) / (1.0f + e);
	return a < 0.5f ? near : x < 0 ? -far : far;
}

// 0.5(1+tanh(u)) is sigmoid(2u).
INLINE float gelu_tanh_u2(float x) { return 1.5957691216f * (x + 0.044715f * x * x * x); }

INLINE void activate(float *restrict y, const float *restrict x, int64_t n, int64_t act) {
	switch (act) {
	case GELU_TANH:
		for (int64_t i = 0; i < n; i++)
			y[i] = x[i] * sigmoid_f(gelu_tanh_u2(x[i]));
		break;
	case GELU_ERF:
		for (int64_t i = 0; i < n; i++)
			y[i] = x[i] * normal_f(x[i]);
		break;
	case RELU:
		for (int64_t i = 0; i < n; i++)
			y[i] = x[i] < 0 ? 0 : x[i];
		break;
	case SILU:
		for (int64_t i = 0; i < n; i++)
			y[i] = x[i] * sigmoid_f(x[i]);
		break;
	case TANH:
		for (int64_t i = 0; i < n; i++)
			y[i] = tanh_f(x[i]);
		break;
	default:
		for (int64_t i = 0; i < n; i++)
			y[i] = x[i];
	}
}

INLINE void activate_in_place(float *y, int64_t n, int64_t act) {
	float t[BLOCK];
	for (int64_t i = 0; act != IDENTITY && i < n; i += BLOCK) {
		int64_t b = MIN(BLOCK, n - i);
		memcpy(t, y + i, (size_t)b * 4);
		activate(y + i, t, b, act);
	}
}

static void activation_task(void *arg, int64_t task, int thread) {
	const kb_step *s = arg;
	float a[BLOCK], b[BLOCK];
	ELEMENTS(s->out[0].len, task, i, n) {
		activate(b, load_row(&s->in[0], i, n, a), n, s->p[0]);
		float *y = store_row(&s->out[0], i, b);
		if (y != b)
			memcpy(y, b, (size_t)n * 4);
		flush_row(&s->out[0], i, n, b);
	}
}

static void activation(kb_machine *m, const kb_step *s) { each(m, s->out[0].len, activation_task, s); }

INLINE void activation_slope(float *restrict y, const float *restrict d, const float *restrict x, int64_t n,
	int64_t act) {
	switch (act) {
	case GELU_TANH: // s + x·s(1-s)·u', where s = sigmoid(2u)
		for (int64_t i = 0; i < n; i++) {
			float v = x[i], s = sigmoid_f(gelu_tanh_u2(v));
			y[i] = d[i] * (s + v * s * (1 - s) * 1.5957691216f * (1 + 0.134145f * v * v));
		}
		break;
	case GELU_ERF: // Φ + x·φ
		for (int64_t i = 0; i < n; i++) {
			float v = x[i];
			y[i] = d[i] * (normal_f(v) + v * 0.398942280f * exp_f(-0.5f * v * v));
		}
		break;
	case RELU:
		for (int64_t i = 0; i < n; i++)
			y[i] = x[i] > 0 ? d[i] : 0;
		break;
	case SILU:
		for (int64_t i = 0; i < n; i++) {
			float v = x[i], s = sigmoid_f(v);
			y[i] = d[i] * s * (1 + v * (1 - s));
		}
		break;
	case TANH:
		for (int64_t i = 0; i < n; i++) {
			float t = tanh_f(x[i]);
			y[i] = d[i] * (1 - t) * (1 + t);
		}
		break;
	default:
		for (int64_t i = 0; i < n; i++)
			y[i] = d[i];
	}
}

static void activation_grad_task(void *arg, int64_t task, int thread) {
	const kb_step *s = arg;
	float a[BLOCK], b[BLOCK], c[BLOCK];
	ELEMENTS(s->out[0].len, task, i, n) {
		activation_slope(c, load_row(&s->in[0], i, n, a), load_row(&s->in[1], i, n, b), n, s->p[0]);
		float *y = store_row(&s->out[0], i, c);
		if (y != c)
			memcpy(y, c, (size_t)n * 4);
		flush_row(&s->out[0], i, n, c);
	}
}

static void activation_grad(kb_machine *m, const kb_step *s) { each(m, s->out[0].len, activation_grad_task, s); }
