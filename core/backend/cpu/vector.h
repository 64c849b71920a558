// Vectors of the processor's own width through the compiler's vector extension.
// A level file (level_*.c) sets LANES and the instruction set, then includes all
// kernels, so that one source serves AVX-512, AVX2, SSE2 and NEON.
#ifndef KIBAN_CPU_VECTOR_H
#define KIBAN_CPU_VECTOR_H

#include <math.h>
#include <stdint.h>
#include <string.h>

#include "kernel.h"

#if defined(__x86_64__)
#include <immintrin.h>
#endif

// cgo's list of allowed flags lacks these two. Neither changes a result: they
// only say that nobody looks at errno or at floating-point exceptions.
#if defined(__GNUC__) && !defined(__clang__)
#pragma GCC optimize("O3", "no-math-errno", "no-trapping-math")
#endif

#define INLINE static inline __attribute__((always_inline, unused))

typedef float vf __attribute__((vector_size(LANES * 4)));
typedef float vfu __attribute__((vector_size(LANES * 4), aligned(4), may_alias));

INLINE vf v_load(const float *p) { return *(const vfu *)p; }
INLINE void v_store(float *p, vf x) { *(vfu *)p = x; }
// x - 0 is x in every case, and compilers make one broadcast of it.
INLINE vf v_set(float x) { return x - (vf){0}; }

// v_load_n loads n < LANES floats and fills up with zeros.
INLINE vf v_load_n(const float *p, int64_t n) {
	float t[LANES] = {0};
	memcpy(t, p, (size_t)n * 4);
	return v_load(t);
}

// v_sum and v_max join the lanes in a fixed order.
#if LANES == 16
#define FOLD(x, op) \
	x = op(x, __builtin_shufflevector(x, x, 8, 9, 10, 11, 12, 13, 14, 15, 0, 1, 2, 3, 4, 5, 6, 7)); \
	x = op(x, __builtin_shufflevector(x, x, 4, 5, 6, 7, 0, 1, 2, 3, 4, 5, 6, 7, 0, 1, 2, 3)); \
	x = op(x, __builtin_shufflevector(x, x, 2, 3, 0, 1, 2, 3, 0, 1, 2, 3, 0, 1, 2, 3, 0, 1));
#elif LANES == 8
#define FOLD(x, op) \
	x = op(x, __builtin_shufflevector(x, x, 4, 5, 6, 7, 0, 1, 2, 3)); \
	x = op(x, __builtin_shufflevector(x, x, 2, 3, 0, 1, 2, 3, 0, 1));
#else
#define FOLD(x, op) x = op(x, __builtin_shufflevector(x, x, 2, 3, 0, 1));
#endif

#define V_PLUS(a, b) ((a) + (b))
typedef int32_t vi __attribute__((vector_size(LANES * 4)));

// v_larger takes the larger of each lane, and b where either is NaN.
INLINE vf v_larger(vf a, vf b) {
	vi greater = a > b;
	return (vf)((greater & (vi)a) | (~greater & (vi)b));
}

INLINE float v_sum(vf x) {
	FOLD(x, V_PLUS)
	return x[0] + x[1];
}

// v_sums stores the sums of n vectors, each as v_sum has it.
INLINE void v_sums(const vf *x, int n, float *out) {
#if LANES == 16
	if (n == 4) { // halves of pairs, then quarters of all, at a time
		vf a = __builtin_shufflevector(x[0], x[1], 0, 1, 2, 3, 4, 5, 6, 7, 16, 17, 18, 19, 20, 21, 22, 23) +
			__builtin_shufflevector(x[0], x[1], 8, 9, 10, 11, 12, 13, 14, 15, 24, 25, 26, 27, 28, 29, 30, 31);
		vf b = __builtin_shufflevector(x[2], x[3], 0, 1, 2, 3, 4, 5, 6, 7, 16, 17, 18, 19, 20, 21, 22, 23) +
			__builtin_shufflevector(x[2], x[3], 8, 9, 10, 11, 12, 13, 14, 15, 24, 25, 26, 27, 28, 29, 30, 31);
		vf c = __builtin_shufflevector(a, b, 0, 1, 2, 3, 8, 9, 10, 11, 16, 17, 18, 19, 24, 25, 26, 27) +
			__builtin_shufflevector(a, b, 4, 5, 6, 7, 12, 13, 14, 15, 20, 21, 22, 23, 28, 29, 30, 31);
		c += __builtin_shufflevector(c, c, 2, 3, 0, 1, 6, 7, 4, 5, 10, 11, 8, 9, 14, 15, 12, 13);
		for (int i = 0; i < 4; i++)
			out[i] = c[4 * i] + c[4 * i + 1];
		return;
	}
#endif
	for (int i = 0; i < n; i++)
		out[i] = v_sum(x[i]);
}

INLINE float v_max(vf x) {
	FOLD(x, v_larger)
	return x[0] > x[1] ? x[0] : x[1];
}

INLINE float bits_float(uint32_t u) {
	float f;
	memcpy(&f, &u, 4);
	return f;
}

INLINE uint32_t float_bits(float f) {
	uint32_t u;
	memcpy(&u, &f, 4);
	return u;
}

// exp_f is eˣ to 2 ulp: 0 below -86.6, where the result leaves the normal
// numbers, and infinity above 88.72; NaN stays NaN.
INLINE float exp_f(float x) {
	float c = x < -87.0f ? -87.0f : x;
	c = c > 89.0f ? 89.0f : c;
	float shifted = c * 1.44269504f + 12582912.0f; // rounds to an integer
	float n = shifted - 12582912.0f;
	float r = c - n * 0.693145752f;
	r = r - n * 1.42860677e-6f;
	float p = 1.0f / 5040;
	p = p * r + 1.0f / 720;
	p = p * r + 1.0f / 120;
	p = p * r + 1.0f / 24;
	p = p * r + 1.0f / 6;
	p = p * r + 0.5f;
	p = p * r + 1.0f;
	p = p * r + 1.0f;
	// 2^n as 2·2^(n-1), so that n = 128 is in range.
	float scale = bits_float((float_bits(shifted) + 126u) << 23);
	float y = p * scale * 2.0f;
	y = x < -86.6f ? 0.0f : y;
	return x > 88.72283f ? INFINITY : y;
}

INLINE float sigmoid_f(float x) { return 1.0f / (1.0f + exp_f(-x)); }

INLINE float from_bf16(uint16_t h) { return bits_float((uint32_t)h << 16); }

INLINE uint16_t to_bf16(float f) {
	uint32_t b = float_bits(f);
	uint32_t rounded = (b + 0x7fffu + ((b >> 16) & 1u)) >> 16;
	uint32_t nan = (b >> 16) | 0x40u;
	return (uint16_t)((b & 0x7fffffffu) > 0x7f800000u ? nan : rounded);
}

INLINE float from_f16(uint16_t h) {
	uint32_t sign = (uint32_t)(h & 0x8000u) << 16, rest = h & 0x7fffu;
	// Subnormals are integers times 2^-24.
	float small = (float)(int32_t)rest * (1.0f / (1 << 24));
	uint32_t normal = (rest << 13) + (112u << 23);
	normal = rest >= 0x7c00u ? normal + (112u << 23) : normal;
	uint32_t u = rest < 0x400u ? float_bits(small) : normal;
	return bits_float(u | sign);
}

INLINE uint16_t to_f16(float f) {
	uint32_t b = float_bits(f), sign = (b >> 16) & 0x8000u;
	b &= 0x7fffffffu;
	uint32_t small = float_bits(bits_float(b) + 0.5f) - 0x3f000000u; // the hardware rounds
	uint32_t normal = (b + 0xfffu + ((b >> 13) & 1u) - 0x38000000u) >> 13;
	uint32_t r = b < 0x38800000u ? small : normal;
	r = b >= 0x47800000u ? 0x7c00u : r;
	r = b > 0x7f800000u ? 0x7e00u : r;
	return (uint16_t)(r | sign);
}

typedef uint16_t vhu __attribute__((vector_size(LANES * 2), aligned(2), may_alias));
typedef uint32_t vu __attribute__((vector_size(LANES * 4)));

INLINE vu v_widen(const uint16_t *h) {
#if LANES == 16 // compilers make two halves of it
	return (vu)_mm512_cvtepu16_epi32(_mm256_loadu_si256((const __m256i *)h));
#else
	return __builtin_convertvector(*(const vhu *)h, vu);
#endif
}

typedef int8_t vbu __attribute__((vector_size(LANES), aligned(1), may_alias));

INLINE vf v_bytes(const int8_t *b) {
#if LANES == 16 // here, too
	return (vf)_mm512_cvtepi32_ps(_mm512_cvtepi8_epi32(_mm_loadu_si128((const __m128i *)b)));
#elif LANES == 8
	return (vf)_mm256_cvtepi32_ps(_mm256_cvtepi8_epi32(_mm_loadl_epi64((const __m128i *)b)));
#else
	return __builtin_convertvector(*(const vbu *)b, vf);
#endif
}

// v_load_as loads LANES elements of a type. With a constant type it is one or two
// instructions.
INLINE vf v_load_as(const void *p, int64_t i, int64_t type) {
	if (type == KB_F32)
		return v_load((const float *)p + i);
	if (type == KB_I8)
		return v_bytes((const int8_t *)p + i);
	const uint16_t *h = (const uint16_t *)p + i;
	if (type == KB_BF16) {
		return (vf)(v_widen(h) << 16);
	}
	// As from_f16.
	vu u = v_widen(h), sign = (u & 0x8000u) << 16, rest = u & 0x7fffu;
	vu small = (vu)(__builtin_convertvector((vi)rest, vf) * (1.0f / (1 << 24)));
	vu normal = (rest << 13) + (112u << 23) + ((vu)(rest >= 0x7c00u) & (112u << 23));
	vu tiny = (vu)(rest < 0x400u);
	return (vf)((tiny & small) | (~tiny & normal) | sign);
}

INLINE float load_as(const void *p, int64_t i, int64_t type) {
	if (type == KB_F32)
		return ((const float *)p)[i];
	if (type == KB_I8)
		return ((const int8_t *)p)[i];
	uint16_t h = ((const uint16_t *)p)[i];
	return type == KB_BF16 ? from_bf16(h) : from_f16(h);
}

// v_load_as_n loads n < LANES elements and fills up with zeros.
INLINE vf v_load_as_n(const void *p, int64_t i, int64_t n, int64_t type) {
	float t[LANES] = {0};
	for (int64_t j = 0; j < n; j++)
		t[j] = load_as(p, i + j, type);
	return v_load(t);
}

// BY_TYPE calls f with the type as a constant, so that the compiler makes a
// loop for each.
#define BY_TYPE(type, f, ...) \
	do { \
		switch (type) { \
		case KB_F32: f(__VA_ARGS__, KB_F32); break; \
		case KB_BF16: f(__VA_ARGS__, KB_BF16); break; \
		case KB_I8: f(__VA_ARGS__, KB_I8); break; \
		default: f(__VA_ARGS__, KB_F16); \
		} \
	} while (0)

// v_mul_wide gives the halves of the 64-bit products of 32-bit
// integers.
INLINE void v_mul_wide(vu x, uint32_t by, vu *high, vu *low) {
#if LANES == 16
	__m512i a = (__m512i)x, b = _mm512_set1_epi32((int)by);
	__m512i even = _mm512_mul_epu32(a, b), odd = _mm512_mul_epu32(_mm512_srli_epi64(a, 32), b);
	*low = (vu)_mm512_mask_blend_epi32(0xaaaa, even, _mm512_slli_epi64(odd, 32));
	*high = (vu)_mm512_mask_blend_epi32(0xaaaa, _mm512_srli_epi64(even, 32), odd);
#elif LANES == 8
	__m256i a = (__m256i)x, b = _mm256_set1_epi32((int)by);
	__m256i even = _mm256_mul_epu32(a, b), odd = _mm256_mul_epu32(_mm256_srli_epi64(a, 32), b);
	*low = (vu)_mm256_blend_epi32(even, _mm256_slli_epi64(odd, 32), 0xaa);
	*high = (vu)_mm256_blend_epi32(_mm256_srli_epi64(even, 32), odd, 0xaa);
#else
	for (int i = 0; i < LANES; i++) {
		uint64_t p = (uint64_t)x[i] * by;
		(*high)[i] = (uint32_t)(p >> 32);
		(*low)[i] = (uint32_t)p;
	}
#endif
}

// load_row returns n elements of x from offset on as floats: the memory itself
// when it holds floats, else converted into buf.
INLINE const float *load_row(const kb_operand *x, int64_t at, int64_t n, float *restrict buf) {
	if (x->type == KB_F32)
		return (const float *)x->ptr + at;
	if (x->type == KB_I8) {
		const int8_t *restrict b = (const int8_t *)x->ptr + at;
		for (int64_t i = 0; i < n; i++)
			buf[i] = b[i];
		return buf;
	}
	const uint16_t *restrict h = (const uint16_t *)x->ptr + at;
	if (x->type == KB_BF16)
		for (int64_t i = 0; i < n; i++)
			buf[i] = from_bf16(h[i]);
	else
		for (int64_t i = 0; i < n; i++)
			buf[i] = from_f16(h[i]);
	return buf;
}

// store_row returns where to write n floats that shall go to x at an offset;
// flush_row then puts them there.
INLINE float *store_row(const kb_operand *x, int64_t at, float *buf) {
	return x->type == KB_F32 ? (float *)x->ptr + at : buf;
}

INLINE void flush_row(const kb_operand *x, int64_t at, int64_t n, const float *restrict buf) {
	if (x->type == KB_F32)
		return;
	uint16_t *restrict h = (uint16_t *)x->ptr + at;
	if (x->type == KB_BF16)
		for (int64_t i = 0; i < n; i++)
			h[i] = to_bf16(buf[i]);
	else
		for (int64_t i = 0; i < n; i++)
			h[i] = to_f16(buf[i]);
}

INLINE size_t type_size(int64_t type) { return type == KB_F32 || type == KB_I32 ? 4 : type == KB_I8 ? 1 : 2; }

INLINE char *at_elem(const kb_operand *x, int64_t i) { return (char *)x->ptr + (size_t)i * type_size(x->type); }

#define MIN(a, b) ((a) < (b) ? (a) : (b))
#define MAX(a, b) ((a) > (b) ? (a) : (b))

// BLOCK is how many elements an elementwise kernel takes through the first
// cache at a time; TASK how many make a task.
enum { BLOCK = 1024, TASK = 32 * BLOCK };

#endif
