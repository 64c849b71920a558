// Reductions over a row of floats, and running an elementwise kernel in blocks.
#ifndef KIBAN_CPU_ROWS_H
#define KIBAN_CPU_ROWS_H

INLINE float row_sum(const float *x, int64_t n) {
	vf s = v_set(0), t = v_set(0);
	int64_t i = 0;
	for (; i + 2 * LANES <= n; i += 2 * LANES) {
		s += v_load(x + i);
		t += v_load(x + i + LANES);
	}
	for (; i + LANES <= n; i += LANES)
		s += v_load(x + i);
	if (i < n)
		s += v_load_n(x + i, n - i);
	return v_sum(s + t);
}

INLINE float row_dot(const float *x, const float *y, int64_t n) {
	vf s = v_set(0), t = v_set(0);
	int64_t i = 0;
	for (; i + 2 * LANES <= n; i += 2 * LANES) {
		s += v_load(x + i) * v_load(y + i);
		t += v_load(x + i + LANES) * v_load(y + i + LANES);
	}
	for (; i + LANES <= n; i += LANES)
		s += v_load(x + i) * v_load(y + i);
	if (i < n)
		s += v_load_n(x + i, n - i) * v_load_n(y + i, n - i);
	return v_sum(s + t);
}

// row_max is -Inf for an empty row.
INLINE float row_max(const float *x, int64_t n) {
	vf m = v_set(-INFINITY);
	int64_t i = 0;
	for (; i + LANES <= n; i += LANES)
		m = v_larger(m, v_load(x + i));
	float r = v_max(m);
	for (; i < n; i++)
		r = r > x[i] ? r : x[i];
	return r;
}

// row_exp replaces x by exp(scale·x - shift) and returns the sum.
INLINE float row_exp(float *restrict x, int64_t n, float scale, float shift) {
	for (int64_t i = 0; i < n; i++)
		x[i] = exp_f(scale * x[i] - shift);
	return row_sum(x, n);
}

// each runs a task for every TASK elements.
INLINE void each(kb_machine *m, int64_t n, kb_task task, const kb_step *s) {
	kb_parallel(m, (n + TASK - 1) / TASK, task, (void *)s);
}

// IN_PLACE says of a loop that its output is an operand's memory or apart from
// it, never shifted.
#if defined(__clang__)
#define IN_PLACE
#else
#define IN_PLACE _Pragma("GCC ivdep")
#endif

// ELEMENTS goes through the elements of a task by blocks: i is the first of a
// block and n its length.
#define ELEMENTS(total, task, i, n) \
	for (int64_t i = (task)*TASK, n; i < MIN((total), ((task) + 1) * (int64_t)TASK) && \
		(n = MIN(BLOCK, MIN((total), ((task) + 1) * (int64_t)TASK) - i), 1); i += BLOCK)

// ROW_TASK is how many rows of c elements make a task.
INLINE int64_t row_task(int64_t c) { return MAX(1, TASK / MAX(c, 1)); }

#endif
