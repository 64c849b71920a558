// Attention by heads (graph.AttentionAttr). A task is a block of queries of one
// head: its scores against all visible keys exist at a time. Constants of both
// kernels: p[0] Batch, p[1] QueryLen, p[2] KeyLen, p[3] Heads, p[4] KVHeads,
// p[5] Width, p[6..11] Offset and Stride of q, k, v, p[12] Causal, p[13]
// HasStart, p[14] HasKeys, p[15..17] columns of q, k, v, p[18..20] Out, p[21]
// outputs to clear (one bit each), p[22] below which 16 random bits drop a
// probability, 0 without dropout, p[23] Salt, p[24] Places, p[25] BiasGrad, f[0]
// Scale, f[1] what the probabilities that stay are multiplied by.
enum { QUERY_BLOCK = 64, FEW_QUERIES = 16 };

typedef struct {
	kb_machine *m;
	const kb_step *s;
	int64_t ql, kl, heads, group, width; // group: query heads to a key head
	kb_operand q, k, v;
	const int32_t *start, *keys;
	const float *bias; // NULL without one
	int64_t places;    // of each head's bias
	const uint32_t *seed; // NULL without dropout
	int64_t ld;      // of the scores
	int64_t blocks;  // of queries
	int narrow;      // probabilities are multiplied in bf16
	float *delta;    // of the gradient
	float *dbias;    // of each sequence and head; NULL where it is not wanted
} heads;

static heads heads_of(kb_machine *m, const kb_step *s, int first) {
	const int64_t *p = s->p;
	heads h = {m, s, p[1], p[2], p[3], p[3] / p[4], p[5], s->in[first], s->in[first + 1], s->in[first + 2]};
	int64_t next = first == 0 ? 3 : 6;
	if (p[13])
		h.start = s->in[next++].ptr;
	if (p[14])
		h.keys = s->in[next++].ptr;
	if (p[24])
		h.bias = s->in[next++].ptr;
	h.places = p[24];
	if (p[22])
		h.seed = s->in[next].ptr;
	h.ld = (h.kl + 15) / 16 * 16;
	h.blocks = (h.ql + QUERY_BLOCK - 1) / QUERY_BLOCK;
	h.narrow = h.q.type == KB_BF16 && kb_machine_library(m)->bgemm != NULL;
	return h;
}

// visible is the number of keys that query t of sequence b sees.
INLINE int64_t visible(const heads *h, int64_t b, int64_t t) {
	int64_t n = h->keys ? MIN(h->kl, h->keys[b]) : h->kl;
	if (h->s->p[12])
		n = MIN(n, t + (h->start ? h->start[b] : 0) + 1);
	return MAX(n, 0);
}

// piece is the matrix of a head's columns, from a row on. i is 0, 1, 2 for q,
// k, v.
INLINE kb_matrix piece(const heads *h, const kb_operand *x, int i, int64_t row, int64_t head) {
	const int64_t *p = h->s->p;
	int64_t ld = p[15 + i];
	return (kb_matrix){at_elem(x, row * ld + p[6 + 2 * i] + head * p[7 + 2 * i]), ld, x->type, 0};
}

// places says of the first n keys of row (b*Heads+head)*QueryLen+t of the scores
// which bias they have (graph.AttentionAttr.Place): those before lo the first of
// the head's, those from hi on the last, and key j between them bias j - shift.
typedef struct { int64_t first, shift, lo, hi; } places;

INLINE places places_of(const heads *h, int64_t row, int64_t n) {
	int64_t b = row / h->ql / h->heads, shift = row % h->ql + (h->start ? h->start[b] : 0) - h->places / 2;
	return (places){row / h->ql % h->heads * h->places, shift, MIN(MAX(shift, 0), n), MIN(MAX(shift + h->places, 0), n)};
}

// bias_row makes scores of products: scale·x + bias. It stays apart, so that the
// loops about it are as fast without a bias.
static __attribute__((noinline)) void bias_row(const heads *h, int64_t row, int64_t n, float scale, float *restrict x) {
	places p = places_of(h, row, n);
	const float *restrict bias = h->bias + p.first;
	for (int64_t j = 0; j < p.lo; j++)
		x[j] = scale * x[j] + bias[0];
	for (int64_t j = p.lo; j < p.hi; j++)
		x[j] = scale * x[j] + bias[j - p.shift];
	for (int64_t j = p.hi; j < n; j++)
		x[j] = scale * x[j] + bias[h->places - 1];
}

// keep_bits says of the first n keys of a row of probabilities which dropout
// lets stay (graph.AttentionAttr.Keep): bit j%8 of byte j/8. It writes whole
// vectors, LANES bytes at a time.
static void keep_bits(const heads *h, int64_t row, int64_t n, uint8_t *keep) {
	const vu least = (vu){0} + (uint32_t)h->s->p[22];
	vu block;
	for (uint32_t i = 0; i < LANES; i++)
		block[i] = i;
	for (int64_t i = 0; 8 * i < n; i += LANES, block += LANES) {
		vu word[4], bits = {0};
		philox_blocks(block, (uint32_t)row, (uint32_t)h->s->p[23], h->seed[0], h->seed[1], word);
		EACH(c, 4) {
			bits |= (vu)((word[c] & 0xffffu) >= least) & (1u << 2 * c);
			bits |= (vu)(word[c] >> 16 >= least) & (2u << 2 * c);
		}
		typedef uint8_t bytes __attribute__((vector_size(LANES)));
		bytes b = __builtin_convertvector(bits, bytes);
		memcpy(keep + i, &b, LANES);
	}
}

// drop_row multiplies n elements of x by factor where keep has a bit, else by 0.
// It reads and writes whole vectors.
INLINE void drop_row(float *x, int64_t n, const uint8_t *keep, float factor) {
	vu lane;
	for (uint32_t i = 0; i < LANES; i++)
		lane[i] = i;
	for (int64_t j = 0; j < n; j += LANES) {
		uint32_t bits = (uint32_t)keep[j / 8] >> (j % 8);
		if (LANES > 8)
			bits |= (uint32_t)keep[j / 8 + 1] << 8;
		vu on = -((((vu){0} + bits) >> lane) & 1u);
		v_store(x + j, (vf)((vu)v_load(x + j) & on) * factor);
	}
}

// one_query attends a single query, reading keys and values once: the case of
// decoding.
INLINE void one_query(const heads *h, kb_matrix q, kb_matrix k, kb_matrix v, int64_t n, float *score, float *out,
	float *lse, float *query, int64_t row, int64_t type) {
	int64_t d = h->width, j = 0;
	float scale = h->s->f[0];
	for (int64_t i = 0; i < d; i++)
		query[i] = load_as(q.ptr, i, type) * scale;
	for (; j + 4 <= n; j += 4) { // four at a time, each as below
		vf sum[4];
		EACH(c, 4) sum[c] = v_set(0);
		int64_t i = 0, at = j * k.ld;
		for (; i + LANES <= d; i += LANES)
			EACH(c, 4) {
				__builtin_prefetch((const char *)k.ptr + (size_t)(at + (8 + c) * k.ld + i) * type_size(type));
				__builtin_prefetch((const char *)v.ptr + (size_t)((j + c) * v.ld + i) * type_size(type));
				sum[c] += v_load(query + i) * v_load_as(k.ptr, at + c * k.ld + i, type);
			}
		if (i < d)
			EACH(c, 4) sum[c] += v_load_n(query + i, d - i) * v_load_as_n(k.ptr, at + c * k.ld + i, d - i, type);
		v_sums(sum, 4, score + j);
	}
	for (; j < n; j++) {
		vf sum = v_set(0);
		int64_t i = 0, at = j * k.ld;
		for (; i + LANES <= d; i += LANES)
			sum += v_load(query + i) * v_load_as(k.ptr, at + i, type);
		if (i < d)
			sum += v_load_n(query + i, d - i) * v_load_as_n(k.ptr, at + i, d - i, type);
		score[j] = v_sum(sum);
	}
	if (h->bias)
		bias_row(h, row, n, 1, score);
	float top = row_max(score, n), sum = row_exp(score, n, 1, top), inverse = n > 0 ? 1 / sum : 0;
	*lse = n > 0 ? top + logf(sum) : -INFINITY;
	if (h->seed) {
		uint8_t *keep = (uint8_t *)(query + d);
		keep_bits(h, row, n, keep);
		drop_row(score, n, keep, h->s->f[1]);
	}
	int64_t i = 0;
	for (; i + 4 * LANES <= d; i += 4 * LANES) {
		vf o[4];
		EACH(c, 4) o[c] = v_set(0);
		for (int64_t j = 0; j < n; j++) {
			vf p = v_set(score[j]);
			EACH(c, 4) o[c] += p * v_load_as(v.ptr, j * v.ld + i + c * LANES, type);
		}
		EACH(c, 4) v_store(out + i + c * LANES, o[c] * inverse);
	}
	for (; i < d; i += LANES) {
		vf o = v_set(0);
		int64_t w = MIN(LANES, d - i);
		for (int64_t j = 0; j < n; j++)
			o += score[j] * (w == LANES ? v_load_as(v.ptr, j * v.ld + i, type) : v_load_as_n(v.ptr, j * v.ld + i, w, type));
		o *= inverse;
		memcpy(out + i, &o, (size_t)w * 4);
	}
}

// flush_rows stores m rows of a head's n columns, dense in x, to a matrix.
INLINE void flush_rows(kb_matrix to, const float *x, int64_t m, int64_t n) {
	for (int64_t i = 0; i < m; i++) {
		kb_operand row = {(char *)to.ptr + (size_t)(i * to.ld) * type_size(to.type), 0, to.type};
		if (to.type == KB_F32)
			memcpy(row.ptr, x + i * n, (size_t)n * 4);
		else
			flush_row(&row, 0, n, x + i * n);
	}
}

// narrowed returns the matrix of probabilities in the type they are multiplied
// in: itself, or rounded into memory at to.
INLINE kb_matrix narrowed(const heads *h, const float *x, int64_t m, int64_t n, float *to) {
	if (!h->narrow)
		return (kb_matrix){x, h->ld, KB_F32, 0};
	for (int64_t i = 0; i < m; i++) {
		kb_operand row = {(uint16_t *)to + i * h->ld, 0, KB_BF16};
		flush_row(&row, 0, n, x + i * h->ld);
	}
	return (kb_matrix){to, h->ld, KB_BF16, 0};
}

static void attention_task(void *arg, int64_t task, int thread) {
	const heads *h = arg;
	int64_t block = h->blocks - 1 - task % h->blocks, head = task / h->blocks % h->heads; // the longest first
	int64_t b = task / h->blocks / h->heads;
	int64_t t0 = block * h->ql / h->blocks, rows = (block + 1) * h->ql / h->blocks - t0, d = h->width;
	float *scratch = kb_thread_scratch(h->m, thread), *score = scratch + GEMM_SCRATCH;
	float *narrow = score + QUERY_BLOCK * h->ld, *o = narrow + QUERY_BLOCK * h->ld / 2;
	kb_matrix q = piece(h, &h->q, 0, b * h->ql + t0, head);
	kb_matrix k = piece(h, &h->k, 1, b * h->kl, head / h->group), v = piece(h, &h->v, 2, b * h->kl, head / h->group);
	int64_t stat = (b * h->heads + head) * h->ql + t0;
	float *lse = (float *)h->s->out[1].ptr + stat;
	int64_t cols = h->heads * d;
	kb_matrix out = {at_elem(&h->s->out[0], (b * h->ql + t0) * cols + head * d), cols, h->s->out[0].type, 0};
	if (rows < FEW_QUERIES) {
		for (int64_t r = 0; r < rows; r++) {
			kb_matrix row = q;
			row.ptr = part(q, r, 0);
			BY_TYPE(q.type, one_query, h, row, k, v, visible(h, b, t0 + r), score, o + r * d, lse + r, o + QUERY_BLOCK * d, stat + r);
		}
		flush_rows(out, o, rows, d);
		return;
	}
	int64_t n = visible(h, b, t0 + rows - 1);
	k.trans = 1;
	gemm(h->m, rows, n, d, q, k, 0, score, h->ld, scratch);
	float inverse[QUERY_BLOCK], scale = h->bias ? 1 : h->s->f[0];
	for (int64_t r = 0; r < rows; r++) {
		float *x = score + r * h->ld;
		int64_t seen = visible(h, b, t0 + r);
		if (h->bias)
			bias_row(h, stat + r, seen, h->s->f[0], x);
		else if (scale < 0) // the largest product is not that of the largest score
			for (int64_t j = 0; j < seen; j++)
				x[j] = -x[j];
		float top = fabsf(scale) * row_max(x, seen), sum = row_exp(x, seen, fabsf(scale), top);
		memset(x + seen, 0, (size_t)(n - seen) * 4);
		lse[r] = seen > 0 ? top + logf(sum) : -INFINITY;
		inverse[r] = seen > 0 ? 1 / sum : 0;
		if (h->seed) {
			uint8_t *keep = (uint8_t *)(o + (QUERY_BLOCK + 1) * d);
			keep_bits(h, stat + r, seen, keep);
			drop_row(x, seen, keep, h->s->f[1]);
		}
	}
	if (n == 0)
		memset(o, 0, (size_t)(rows * d) * 4);
	else
		gemm(h->m, rows, d, n, narrowed(h, score, rows, n, narrow), v, 0, o, d, scratch);
	for (int64_t r = 0; r < rows; r++)
		for (int64_t i = 0; i < d; i++)
			o[r * d + i] *= inverse[r];
	flush_rows(out, o, rows, d);
}

static void attention(kb_machine *m, const kb_step *s) {
	heads h = heads_of(m, s, 0);
	kb_parallel(m, s->p[0] * h.heads * h.blocks, attention_task, &h);
}
