// What the variants of matmul share: constants, operands, and the end of a
// result's computation.
#ifndef MATMUL_GLSL
#define MATMUL_GLSL
#extension GL_EXT_control_flow_attributes : require
#include "dtype.glsl"
#include "int8.glsl"
#include "activation.glsl"

layout(constant_id = 0) const uint TYPE = F32;     // of a and, unless INT8, of b
layout(constant_id = 1) const uint OUT_TYPE = F32; // of y, pre and residual
layout(constant_id = 2) const bool TRANS_A = false; // a is stored [K, M]
layout(constant_id = 3) const bool TRANS_B = false; // b is stored [N, K]
layout(constant_id = 4) const bool BIAS = false;
layout(constant_id = 5) const uint ACT = IDENTITY;
layout(constant_id = 6) const bool PRE = false;
layout(constant_id = 7) const bool RESIDUAL = false;
layout(constant_id = 8) const bool ACCUMULATE = false; // y is added to
// Rows of the operand are a multiple of four elements long.
layout(constant_id = 9) const bool WIDE_A = false;
layout(constant_id = 10) const bool WIDE_B = false;
layout(constant_id = 11) const bool WIDE_Y = false;
layout(constant_id = 12) const bool INT8 = false;   // b is signed bytes
layout(constant_id = 13) const bool SCALED = false; // each column of the product by its scale

// A shader that has more of them defines PUSH, and AFTER as the name of a function
// that is given every element of y.
#ifndef PUSH
#define PUSH
#endif
layout(push_constant) uniform Push { uint M, N, K; PUSH };
FLOATS_IN(0, a, TYPE)
FLOATS_VIEWS(1, readonly, b)
BYTES_VIEWS(1, b)
FLOATS_IN(2, bias, F32)
FLOATS_IN(3, residual, OUT_TYPE)
FLOATS_INOUT(4, y, OUT_TYPE)
FLOATS_OUT(5, pre, OUT_TYPE)
FLOATS_IN(6, scale, F32)

float b_load(uint i) {
    if (INT8) { return from_byte(b_i8x4[i / 4], i % 4); }
    if (TYPE == F32) { return b_f32[i]; }
    return from_bits(TYPE, uint(b_u16[i]));
}

vec4 b_load4(uint i) {
    if (INT8) { return from_bytes(b_i8x4[i]); }
    if (TYPE == F32) { return b_f32x4[i]; }
    return from_bits4(TYPE, b_u16x4[i]);
}

uint a_at(uint m, uint k) { return TRANS_A ? k * M + m : m * K + k; }

uint b_at(uint k, uint n) { return TRANS_B ? n * K + k : k * N + n; }

#ifdef AFTER
void AFTER(uint m, uint n, float v);
#define AFTER4(M, N, V) [[unroll]] for (uint j = 0; j < 4; j++) { AFTER(M, N + j, V[j]); }
#else
#define AFTER(M, N, V)
#define AFTER4(M, N, V)
#endif

void finish(uint m, uint n, float v) {
    uint i = m * N + n;
    if (SCALED) { v *= scale_load(n); }
    if (BIAS) { v += bias_load(n); }
    if (PRE) { pre_store(i, v); }
    v = activate(ACT, v);
    if (RESIDUAL) { v += residual_load(i); }
    if (ACCUMULATE) { v += y_load(i); }
    y_store(i, v);
    AFTER(m, n, v);
}

// finish4 ends columns n to n+3 of row m, as far as they exist; n is a multiple
// of four.
void finish4(uint m, uint n, vec4 v) {
    if (!WIDE_Y) {
        [[unroll]] for (uint j = 0; j < 4; j++) {
            if (n + j < N) { finish(m, n + j, v[j]); }
        }
        return;
    }
    uint i = (m * N + n) / 4;
    if (SCALED) { v *= scale_load4(n / 4); }
    if (BIAS) { v += bias_load4(n / 4); }
    if (PRE) { pre_store4(i, v); }
    v = activate4(ACT, v);
    if (RESIDUAL) { v += residual_load4(i); }
    if (ACCUMULATE) { v += y_load4(i); }
    y_store4(i, v);
    AFTER4(m, n, v)
}

// Four elements of a along k or of b along n, by the direction in which they
// lie in memory; what is past the end is zero.
vec4 a_along_k(uint m, uint k) {
    if (WIDE_A && !TRANS_A) { return a_load4(a_at(m, k) / 4); }
    vec4 v = vec4(0);
    [[unroll]] for (uint j = 0; j < 4; j++) {
        if (k + j < K) { v[j] = a_load(a_at(m, k + j)); }
    }
    return v;
}

vec4 a_along_m(uint m, uint k) {
    if (WIDE_A && TRANS_A) { return a_load4(a_at(m, k) / 4); }
    vec4 v = vec4(0);
    [[unroll]] for (uint j = 0; j < 4; j++) {
        if (m + j < M) { v[j] = a_load(a_at(m + j, k)); }
    }
    return v;
}

vec4 b_along_k(uint k, uint n) {
    if (WIDE_B && TRANS_B) { return b_load4(b_at(k, n) / 4); }
    vec4 v = vec4(0);
    [[unroll]] for (uint j = 0; j < 4; j++) {
        if (k + j < K) { v[j] = b_load(b_at(k + j, n)); }
    }
    return v;
}

vec4 b_along_n(uint k, uint n) {
    if (WIDE_B && !TRANS_B) { return b_load4(b_at(k, n) / 4); }
    vec4 v = vec4(0);
    [[unroll]] for (uint j = 0; j < 4; j++) {
        if (n + j < N) { v[j] = b_load(b_at(k, n + j)); }
    }
    return v;
}
#endif
