// Products of few rows: what counts is to read b once and fast, so by 16 bytes, or
// eight elements in 8 bits. If b is stored [N, K], a subgroup has COLS columns and
// runs along k. Otherwise an invocation has PER columns and COLS of them stand side
// by side; the rest of the workgroup splits k. Subgroups add up their parts without
// shared memory. The shader says where the rows of a come from.
#ifndef MATMUL_VEC_GLSL
#define MATMUL_VEC_GLSL
#extension GL_KHR_shader_subgroup_arithmetic : require
#extension GL_KHR_shader_subgroup_shuffle : require
#include "matmul.glsl"

layout(local_size_x_id = 14) in;
layout(constant_id = 14) const uint THREADS = 256;
layout(constant_id = 15) const uint SIZE = 32; // of a subgroup
layout(constant_id = 16) const uint ROWS = 1;
layout(constant_id = 17) const uint COLS = 2;
const uint SUBGROUPS = THREADS / SIZE;
const uint PER = TYPE == F32 && !INT8 ? 4 : 8; // elements of b at a time; rows of a and b are WIDE if they are a multiple

layout(std430, set = 0, binding = 1) readonly buffer b_b5 { uvec4 b_u16x8[]; };

shared vec4 part[SUBGROUPS * ROWS * COLS * (PER / 4)];

struct Eight { vec4 lo, hi; }; // hi is zero where PER is 4

#define EIGHT(NAME)                                                                               \
    Eight NAME##_wide(uint at) {                                                                  \
        if (TYPE == F32) { return Eight(NAME##_load4(at / 4), PER == 4 ? vec4(0) : NAME##_load4(at / 4 + 1)); } \
        uvec4 h = NAME##_u16x8[at / 8];                                                           \
        return Eight(from_bits4(TYPE, h.xy), from_bits4(TYPE, h.zw));                             \
    }
EIGHT(b)

// Elements of row m of a from k on, zeros past the end: PER of them, k being a
// multiple of that, and four.
Eight row_eight(uint m, uint k);
vec4 row_four(uint m, uint k);

Eight b_of(uint at) { // a multiple of PER
    if (!INT8) { return b_wide(at); }
    uvec2 w = b_i8x8[at / 8];
    return Eight(from_bytes(w.x), from_bytes(w.y));
}

Eight b_eight_along_k(uint k, uint n) {
    if (WIDE_B) { return b_of(b_at(k, n)); }
    return Eight(b_along_k(k, n), PER == 4 ? vec4(0) : b_along_k(k + 4, n));
}

Eight b_eight_along_n(uint k, uint n) {
    if (k >= K) { return Eight(vec4(0), vec4(0)); }
    if (WIDE_B) { return b_of(b_at(k, n)); }
    return Eight(b_along_n(k, n), PER == 4 ? vec4(0) : b_along_n(k, n + 4));
}

void along_k() {
    uint lane = gl_SubgroupInvocationID;
    uint n = (gl_WorkGroupID.x * SUBGROUPS + gl_SubgroupID) * COLS;
    float sum[ROWS * COLS];
    [[unroll]] for (uint i = 0; i < ROWS * COLS; i++) {
        sum[i] = 0;
    }
    for (uint k = PER * lane; k < K; k += PER * SIZE) {
        Eight bk[COLS];
        [[unroll]] for (uint c = 0; c < COLS; c++) {
            bk[c] = b_eight_along_k(k, min(n + c, N - 1));
        }
        [[unroll]] for (uint i = 0; i < ROWS; i++) {
            Eight ak = row_eight(min(i, M - 1), k);
            [[unroll]] for (uint c = 0; c < COLS; c++) {
                sum[i * COLS + c] += dot(ak.lo, bk[c].lo) + (PER == 4 ? 0.0 : dot(ak.hi, bk[c].hi));
            }
        }
    }
    [[unroll]] for (uint i = 0; i < ROWS * COLS; i++) {
        float s = subgroupAdd(sum[i]);
        if (lane == i % SIZE && i / COLS < M && n + i % COLS < N) {
            finish(i / COLS, n + i % COLS, s);
        }
    }
}

void along_n() {
    uint t = gl_SubgroupID * SIZE + gl_SubgroupInvocationID;
    uint n = (gl_WorkGroupID.x * COLS + t % COLS) * PER;
    vec4 lo[ROWS], hi[ROWS];
    [[unroll]] for (uint i = 0; i < ROWS; i++) {
        lo[i] = vec4(0);
        hi[i] = vec4(0);
    }
    if (n < N) {
        for (uint k = t / COLS * 4; k < K; k += THREADS / COLS * 4) {
            Eight bk[4];
            [[unroll]] for (uint j = 0; j < 4; j++) {
                bk[j] = b_eight_along_n(k + j, n);
            }
            [[unroll]] for (uint i = 0; i < ROWS; i++) {
                vec4 ak = row_four(min(i, M - 1), k);
                [[unroll]] for (uint j = 0; j < 4; j++) {
                    lo[i] += ak[j] * bk[j].lo;
                    if (PER == 8) { hi[i] += ak[j] * bk[j].hi; }
                }
            }
        }
    }
    uint own = gl_SubgroupID * ROWS * COLS;
    [[unroll]] for (uint i = 0; i < ROWS; i++) {
        [[unroll]] for (uint apart = COLS; apart < SIZE; apart *= 2) {
            lo[i] += subgroupShuffleXor(lo[i], apart);
            if (PER == 8) { hi[i] += subgroupShuffleXor(hi[i], apart); }
        }
        if (gl_SubgroupInvocationID < COLS) {
            uint at = (own + i * COLS + gl_SubgroupInvocationID) * (PER / 4);
            part[at] = lo[i];
            if (PER == 8) { part[at + 1] = hi[i]; }
        }
    }
    barrier();
    const uint QUADS = COLS * (PER / 4);
    for (uint e = t; e < M * QUADS; e += THREADS) {
        vec4 v = vec4(0);
        [[unroll]] for (uint s = 0; s < SUBGROUPS; s++) {
            v += part[s * ROWS * QUADS + e];
        }
        uint at = gl_WorkGroupID.x * COLS * PER + e % QUADS * 4;
        if (at < N) { finish4(e / QUADS, at, v); }
    }
}

void multiply() {
    if (TRANS_B) { along_k(); } else { along_n(); }
}
#endif
