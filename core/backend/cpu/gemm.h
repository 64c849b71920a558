// Matrix multiplication on one thread: by oneDNN, or by blocked kernels of our
// own, which also serve the types that the library lacks.
#include "machine.h"
#include "sizes.h"
#include "vector.h"

// The micro-kernel multiplies a packed panel of MR rows by one of NR columns
// and leaves MR x NR sums, to be added to c. The sizes are constants, so that
// the compiler keeps the sums in registers.
#if LANES == 16
enum { MR = 12, NV = 2 };
#elif LANES == 8 || defined(__aarch64__)
enum { MR = 6, NV = LANES == 8 ? 2 : 4 };
#else
enum { MR = 4, NV = 2 };
#endif
enum { NR = NV * LANES };

#define EACH(i, n) _Pragma("GCC unroll 16") for (int i = 0; i < n; i++)

static void micro(int64_t k, const float *restrict a, const float *restrict b, float *restrict c) {
	vf sum[MR][NV];
	EACH(i, MR) EACH(j, NV) sum[i][j] = v_set(0);
	for (int64_t p = 0; p < k; p++, a += MR, b += NR) {
		vf col[NV];
		EACH(j, NV) col[j] = v_load(b + j * LANES);
		EACH(i, MR) {
			vf x = v_set(a[i]);
			EACH(j, NV) sum[i][j] += x * col[j];
		}
	}
	EACH(i, MR) EACH(j, NV) v_store(c + (i * NV + j) * LANES, sum[i][j]);
}

// pack copies a [k, width] block into panels of w columns: panel, k, column;
// the last panel is filled up with zeros. along says that the width is
// contiguous in memory, else k is.
static void pack(const void *x, int64_t type, int64_t ld, int along, int64_t k, int64_t width, int w,
	float *restrict out) {
	float buf[MAX(KC, NC)];
	kb_operand row = {0, 0, type};
	int64_t panels = (width + w - 1) / w, tail = width - (panels - 1) * w;
	if (tail < w) {
		float *last = out + (panels - 1) * w * k;
		for (int64_t i = 0; i < w * k; i++)
			last[i] = 0;
	}
	if (along) {
		for (int64_t p = 0; p < k; p++) {
			row.ptr = (char *)x + (size_t)(p * ld) * type_size(type);
			const float *r = load_row(&row, 0, width, buf);
			for (int64_t j = 0; j < panels; j++) {
				float *o = out + (j * k + p) * w;
				int64_t n = j + 1 < panels ? w : tail;
				for (int64_t i = 0; i < n; i++)
					o[i] = r[j * w + i];
			}
		}
		return;
	}
	for (int64_t c = 0; c < width; c++) {
		row.ptr = (char *)x + (size_t)(c * ld) * type_size(type);
		const float *r = load_row(&row, 0, k, buf);
		float *o = out + c / w * w * k + c % w;
		for (int64_t p = 0; p < k; p++)
			o[p * w] = r[p];
	}
}

static void merge(const float *t, int nr, int64_t m, int64_t n, int add, float *c, int64_t ldc) {
	for (int64_t i = 0; i < m; i++, t += nr, c += ldc)
		if (add)
			for (int64_t j = 0; j < n; j++)
				c[j] += t[j];
		else
			for (int64_t j = 0; j < n; j++)
				c[j] = t[j];
}

// part returns the address of element (i, p) of an operand as the product
// sees it.
INLINE const void *part(kb_matrix x, int64_t row, int64_t col) {
	int64_t i = x.trans ? col * x.ld + row : row * x.ld + col;
	return (const char *)x.ptr + (size_t)i * type_size(x.type);
}

static void own_gemm(int64_t m, int64_t n, int64_t k, kb_matrix a, kb_matrix b, int add, float *c,
	int64_t ldc, float *scratch) {
	float *pa = scratch, *pb = scratch + (MC + 16) * KC, tile[MR * NR];
	if (k == 0 && !add)
		for (int64_t i = 0; i < m; i++)
			memset(c + i * ldc, 0, (size_t)n * 4);
	for (int64_t j0 = 0; j0 < n; j0 += NC)
		for (int64_t p0 = 0; p0 < k; p0 += KC) {
			int64_t nb = MIN(NC, n - j0), kb = MIN(KC, k - p0);
			pack(part(b, p0, j0), b.type, b.ld, !b.trans, kb, nb, NR, pb);
			for (int64_t i0 = 0; i0 < m; i0 += MC) {
				int64_t mb = MIN(MC, m - i0);
				pack(part(a, i0, p0), a.type, a.ld, a.trans, kb, mb, MR, pa);
				for (int64_t j = 0; j < nb; j += NR)
					for (int64_t i = 0; i < mb; i += MR) {
						micro(kb, pa + i * kb, pb + j * kb, tile);
						merge(tile, NR, MIN(MR, mb - i), MIN(NR, nb - j), add || p0 > 0,
							c + (i0 + i) * ldc + j0 + j, ldc);
					}
			}
		}
}

// as_f32 copies a block of rows x cols, as it lies in memory, to floats.
static void as_f32(const void *x, int64_t type, int64_t ld, int64_t rows, int64_t cols, float *restrict out) {
	for (int64_t i = 0; i < rows; i++) {
		kb_operand row = {(char *)x + (size_t)(i * ld) * type_size(type), 0, type};
		const float *r = load_row(&row, 0, cols, out + i * cols);
		if (r != out + i * cols)
			memcpy(out + i * cols, r, (size_t)cols * 4);
	}
}

// converted multiplies 16-bit operands by the library's f32 product, a block
// at a time.
static void converted(kb_sgemm f, int64_t m, int64_t n, int64_t k, kb_matrix a, kb_matrix b, int add,
	float *c, int64_t ldc, float *scratch) {
	float *fa = scratch, *fb = scratch + MC * KC;
	for (int64_t j0 = 0; j0 < n; j0 += NC)
		for (int64_t p0 = 0; p0 < k; p0 += KC) {
			int64_t nb = MIN(NC, n - j0), kb = MIN(KC, k - p0);
			int64_t rows = b.trans ? nb : kb, cols = b.trans ? kb : nb;
			as_f32(part(b, p0, j0), b.type, b.ld, rows, cols, fb);
			int64_t blocks = (m + MC - 1) / MC; // even ones, so that none is below 16 rows
			for (int64_t t = 0; t < blocks; t++) {
				int64_t i0 = t * m / blocks, mb = (t + 1) * m / blocks - i0;
				int64_t arows = a.trans ? kb : mb, acols = a.trans ? mb : kb;
				as_f32(part(a, i0, p0), a.type, a.ld, arows, acols, fa);
				f(a.trans ? 'T' : 'N', b.trans ? 'T' : 'N', mb, nb, kb, 1, fa, acols, fb, cols,
					add || p0 > 0, c + i0 * ldc + j0, ldc);
			}
		}
}

// of_bytes multiplies a by a b in 8 bits, of which it makes a's type a block at a
// time. The library takes a as it is.
static void of_bytes(const kb_onednn *l, int64_t m, int64_t n, int64_t k, kb_matrix a, kb_matrix b, int add,
	float *c, int64_t ldc, float *scratch) {
	int bf16 = a.type == KB_BF16;
	int64_t most = bf16 ? 2 * KC : KC;
	for (int64_t j0 = 0; j0 < n; j0 += NC)
		for (int64_t p0 = 0; p0 < k; p0 += most) {
			int64_t nb = MIN(NC, n - j0), kb = MIN(most, k - p0);
			int64_t rows = b.trans ? nb : kb, cols = b.trans ? kb : nb;
			const int8_t *from = part(b, p0, j0);
			for (int64_t i = 0; i < rows; i++, from += b.ld)
				if (bf16) {
					uint16_t *restrict to = (uint16_t *)scratch + i * cols;
					for (int64_t j = 0; j < cols; j++) // no rounding: it holds them
						to[j] = (uint16_t)(float_bits(from[j]) >> 16);
				} else {
					float *restrict to = scratch + i * cols;
					for (int64_t j = 0; j < cols; j++)
						to[j] = from[j];
				}
			char ta = a.trans ? 'T' : 'N', tb = b.trans ? 'T' : 'N';
			const void *pa = part(a, 0, p0);
			float more = add || p0 > 0;
			if (bf16)
				l->bgemm(ta, tb, m, nb, kb, 1, pa, a.ld, (const uint16_t *)scratch, cols, more, c + j0, ldc);
			else
				l->sgemm(ta, tb, m, nb, kb, 1, pa, a.ld, scratch, cols, more, c + j0, ldc);
		}
}

// gemm computes c = a·b + (add ? c : 0) on the calling thread, c f32
// [m, n]. With m >= 16 a row of c has the same bits whatever m is. scratch has
// GEMM_SCRATCH floats.
static void gemm(kb_machine *mc, int64_t m, int64_t n, int64_t k, kb_matrix a, kb_matrix b, int add,
	float *c, int64_t ldc, float *scratch) {
	const kb_onednn *l = kb_machine_library(mc);
	if (m <= 0 || n <= 0)
		return;
	int f32 = a.type == KB_F32 && b.type == KB_F32, bf16 = a.type == KB_BF16 && b.type == KB_BF16 && l->bgemm;
	if (!l->sgemm || k == 0) {
		own_gemm(m, n, k, a, b, add, c, ldc, scratch);
		return;
	}
	if (b.type == KB_I8 && (a.type == KB_F32 || (a.type == KB_BF16 && l->bgemm))) {
		of_bytes(l, m, n, k, a, b, add, c, ldc, scratch);
		return;
	}
	if (!f32 && !bf16) {
		converted(l->sgemm, m, n, k, a, b, add, c, ldc, scratch);
		return;
	}
	// With a stored by columns, as for the gradients of weights, the library
	// is half as fast when k is long. With b stored by columns its f32 product
	// cuts a long k in a way that depends on m. And a factor other than 1 costs
	// it ten times as much in bf16, so that gemm has none.
	int64_t most = k;
	if (a.trans)
		most = f32 ? LIBRARY_K / 2 : LIBRARY_K;
	else if (b.trans && f32)
		most = LIBRARY_K;
	char ta = a.trans ? 'T' : 'N', tb = b.trans ? 'T' : 'N';
	for (int64_t p = 0; p < k; p += most, add = 1) {
		int64_t kb = MIN(most, k - p);
		const void *pa = part(a, 0, p), *pb = part(b, p, 0);
		if (f32)
			l->sgemm(ta, tb, m, n, kb, 1, pa, a.ld, pb, b.ld, (float)add, c, ldc);
		else
			l->bgemm(ta, tb, m, n, kb, 1, pa, a.ld, pb, b.ld, (float)add, c, ldc);
	}
}
