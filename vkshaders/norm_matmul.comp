// y = act(norm(x)·op(b)·scale + bias) + residual, norm(x) = (x - mean)/√(var + eps)·norm_w + norm_b by rows
// x [M, K], norm_w and norm_b [K], b [K, N] or [N, K], scale and bias [N], residual, y [M, N]; M at most ROWS
// cache_i[b, pos[b] + t] = y[b·LEN + t, offset_i:offset_i + width_i]; rows past len_i are dropped; cache_i [B, len_i, width_i], pos [B]
//
// Each workgroup norms the few rows for itself, and keeps them in shared memory as
// layer_norm would have stored them.
#version 450
#define PUSH float eps; uint len, len_0, offset_0, width_0, len_1, offset_1, width_1;
#define AFTER to_caches
#include "matmul_vec.glsl"

layout(constant_id = 18) const uint OWN = 1;    // pieces of x that an invocation has
layout(constant_id = 19) const uint PIECES = 1; // of all rows
layout(constant_id = 20) const uint CACHES = 0;

layout(std430, set = 0, binding = 0) readonly buffer a_b5 { uvec4 a_u16x8[]; };
EIGHT(a) // x
FLOATS_IN(7, norm_w, F32)
FLOATS_IN(8, norm_b, F32)
layout(std430, set = 0, binding = 9) readonly buffer Pos { int pos[]; }; // not read without caches
FLOATS_OUT(10, cache_0, OUT_TYPE)
FLOATS_OUT(11, cache_1, OUT_TYPE)

// A piece is 16 bytes of a normed row. Rows end with zeros at a multiple of eight
// elements.
const uint PIECE = TYPE == F32 ? 4 : 8;
shared uvec4 normed[PIECES];

uint row_pieces() { return (K + 7) / 8 * (8 / PIECE); }

Eight row_eight(uint m, uint k) {
    uint at = m * row_pieces() + k / PIECE;
    if (TYPE == F32) {
        return Eight(uintBitsToFloat(normed[at]), PER == 4 ? vec4(0) : uintBitsToFloat(normed[at + 1]));
    }
    uvec4 h = normed[at];
    return Eight(from_bits4(TYPE, h.xy), from_bits4(TYPE, h.zw));
}

vec4 row_four(uint m, uint k) {
    uvec4 h = normed[m * row_pieces() + k / PIECE];
    if (TYPE == F32) { return uintBitsToFloat(h); }
    return from_bits4(TYPE, k % 8 < 4 ? h.xy : h.zw);
}

// A row is shared by so many subgroups.
const uint SHARING = SUBGROUPS / ROWS;
shared float sums[2 * SUBGROUPS]; // of the values, and of the squares

float row_sum(uint which, float v) {
    v = subgroupAdd(v);
    if (gl_SubgroupInvocationID == 0) { sums[which * SUBGROUPS + gl_SubgroupID] = v; }
    barrier();
    float sum = 0;
    [[unroll]] for (uint i = 0; i < SHARING; i++) {
        sum += sums[which * SUBGROUPS + gl_SubgroupID / SHARING * SHARING + i];
    }
    return sum;
}

// VECTOR gives NAME_four(k), zeros past the end.
#define VECTOR(NAME)                                                        \
    vec4 NAME##_four(uint k) {                                              \
        if (WIDE_A && k < K) { return NAME##_load4(k / 4); }                \
        vec4 v = vec4(0);                                                   \
        [[unroll]] for (uint j = 0; j < 4; j++) {                           \
            if (k + j < K) { v[j] = NAME##_load(k + j); }                   \
        }                                                                   \
        return v;                                                           \
    }
VECTOR(norm_w)
VECTOR(norm_b)

vec4 inside(uint k) { return vec4(lessThan(k + uvec4(0, 1, 2, 3), uvec4(K))); }

Eight x_piece(uint m, uint k) {
    if (k >= K) { return Eight(vec4(0), vec4(0)); }
    if (WIDE_A && PER == PIECE) { return a_wide(a_at(m, k)); }
    return Eight(a_along_k(m, k), PIECE == 4 ? vec4(0) : a_along_k(m, k + 4));
}

// EACH_OWN runs a body for every piece of the row that the invocation has, the
// i-th in its registers, from element k on.
#define EACH_OWN(BODY)                                                      \
    [[unroll]] for (uint i = 0; i < OWN; i++) {                             \
        uint p = lane + i * (SHARING * SIZE), k = p * PIECE;                \
        if (p < row_pieces()) {                                             \
            BODY                                                            \
        }                                                                   \
    }

void norm_rows() {
    uint m = gl_SubgroupID / SHARING, lane = gl_SubgroupID % SHARING * SIZE + gl_SubgroupInvocationID;
    Eight own[OWN];
    vec4 sum = vec4(0), squares = vec4(0);
    EACH_OWN(own[i] = x_piece(min(m, M - 1), k); sum += own[i].lo + own[i].hi;)
    float mean = row_sum(0, dot(sum, vec4(1))) / float(K);
    EACH_OWN(
        own[i].lo = (own[i].lo - mean) * inside(k);
        squares += own[i].lo * own[i].lo;
        if (PIECE == 8) {
            own[i].hi = (own[i].hi - mean) * inside(k + 4);
            squares += own[i].hi * own[i].hi;
        })
    float rstd = 1.0 / sqrt(row_sum(1, dot(squares, vec4(1))) / float(K) + eps);
    if (m < M) {
        EACH_OWN(
            vec4 lo = own[i].lo * rstd * norm_w_four(k) + norm_b_four(k);
            if (PIECE == 4) {
                normed[m * row_pieces() + p] = floatBitsToUint(lo);
            } else {
                vec4 hi = own[i].hi * rstd * norm_w_four(k + 4) + norm_b_four(k + 4);
                normed[m * row_pieces() + p] = uvec4(to_bits4(TYPE, lo), to_bits4(TYPE, hi));
            })
    }
    barrier();
}

// CACHE stores an element of y, of the row of its sequence's cache that is its
// place, if the cache has the row and the column.
#define CACHE(I)                                                            \
    if (I < CACHES && n - offset_##I < width_##I && at < len_##I) {         \
        cache_##I##_store((b * len_##I + at) * width_##I + n - offset_##I, v); \
    }

void to_caches(uint m, uint n, float v) {
    if (CACHES == 0) { return; }
    uint b = m / len, at = uint(pos[b] + int(m % len)); // before the first row is far behind the last
    CACHE(0)
    CACHE(1)
}

void main() {
    norm_rows();
    multiply();
}
