// Matrix products on cooperative matrices (VK_KHR_cooperative_matrix), which
// tensor cores multiply: ELEMENT is the type of a and b, sums are f32.
//
// A workgroup computes a tile of BM x BN; its subgroups stand in a grid of
// SM x SN and each keeps its part as matrices of TM x TN. Pieces of BK of a and
// b go through shared memory as they lie in storage, whatever the transposition:
// a matrix may be loaded along rows or columns. While one piece is multiplied
// the next is on its way, to registers and then to the other half of the
// shared memory. Outside of a and b are zeros, so edges cost no branch inside.
//
// With several workgroups along z each takes a part of K, and y is f32
// [parts, M, N], which matmul.parts sums up.
#ifndef MATMUL_COOP_GLSL
#define MATMUL_COOP_GLSL
#pragma use_vulkan_memory_model
#extension GL_KHR_cooperative_matrix : require
#extension GL_KHR_memory_scope_semantics : require
#extension GL_KHR_shader_subgroup_basic : require
#include "matmul.glsl"
#include "matmul_band.glsl"

layout(local_size_x_id = 14) in; // SM·SN subgroups
layout(constant_id = 14) const uint THREADS = 128;
layout(constant_id = 15) const uint BM = 64;
layout(constant_id = 16) const uint BN = 64;
layout(constant_id = 17) const uint BK = 32;
layout(constant_id = 18) const uint SM = 2;
layout(constant_id = 19) const uint SN = 2;
layout(constant_id = 20) const uint TM = 16;
layout(constant_id = 21) const uint TN = 16;
layout(constant_id = 22) const uint TK = 16;

// Two and eight elements of a or b.
layout(std430, set = 0, binding = 0) readonly buffer a_b5 { uvec4 a_u16x8[]; };
layout(std430, set = 0, binding = 0) readonly buffer a_b6 { uint a_u32[]; };
layout(std430, set = 0, binding = 1) readonly buffer b_b5 { uvec4 b_u16x8[]; };
layout(std430, set = 0, binding = 1) readonly buffer b_b6 { uint b_u32[]; };

// A piece in shared memory has ROWS rows of EIGHTS times eight elements, and
// STRIDE is one more: so the rows that are read together are in other banks.
const uint A_EIGHTS = (TRANS_A ? BM : BK) / 8;
const uint A_ROWS = TRANS_A ? BK : BM;
const uint A_STRIDE = A_EIGHTS + 1;
const uint B_EIGHTS = (TRANS_B ? BK : BN) / 8;
const uint B_ROWS = TRANS_B ? BN : BK;
const uint B_STRIDE = B_EIGHTS + 1;
const uint B_BASE = A_ROWS * A_STRIDE;
const uint PIECE = B_BASE + B_ROWS * B_STRIDE;

const uint FM = BM / (SM * TM); // matrices of a subgroup
const uint FN = BN / (SN * TN);
const uint Y_STRIDE = FN * TN / 4 + 1; // of a row of a subgroup's part, by fours
const uint Y_SIZE = SM * SN * TM * Y_STRIDE;

shared uvec4 pool[2 * PIECE > Y_SIZE ? 2 * PIECE : Y_SIZE];

const uint A_OWN = (A_ROWS * A_EIGHTS + THREADS - 1) / THREADS;
const uint B_OWN = (B_ROWS * B_EIGHTS + THREADS - 1) / THREADS;
uvec4 a_next[A_OWN];
uvec4 b_next[B_OWN];

// Eight elements of a row of the stored operand, zeros where there are none;
// WIDE if all rows are a multiple of eight long. Others may begin in the middle
// of a word.
#define EIGHT(NAME, WIDE)                                                                   \
    uvec4 NAME##_eight(uint row, uint rows, uint col, uint cols) {                          \
        if (row >= rows || col >= cols) { return uvec4(0); }                                \
        uint at = row * cols + col;                                                         \
        if (WIDE) { return NAME##_u16x8[at / 8]; }                                          \
        uvec4 v = uvec4(0);                                                                 \
        if (col + 8 <= cols) {                                                              \
            uint w = at / 2;                                                                \
            v = uvec4(NAME##_u32[w], NAME##_u32[w + 1], NAME##_u32[w + 2], NAME##_u32[w + 3]); \
            if (at % 2 == 0) { return v; }                                                  \
            return (v >> 16) | (uvec4(v.yzw, NAME##_u32[w + 4]) << 16);                     \
        }                                                                                   \
        [[unroll]] for (uint j = 0; j < 8; j++) {                                           \
            if (col + j < cols) { v[j / 2] |= uint(NAME##_u16[at + j]) << (16 * (j % 2)); } \
        }                                                                                   \
        return v;                                                                           \
    }
EIGHT(a, WIDE_A)
EIGHT(b, WIDE_B)

// to_bits2 sets two bytes' numbers, which are none that rounding would change.
uint to_bits2(vec2 v) {
    if (TYPE == F16) { return packHalf2x16(v); }
    return (floatBitsToUint(v.x) >> 16) | floatBitsToUint(v.y);
}

// b_eight_bytes is b_eight of bytes, which become elements as a's.
uvec4 b_eight_bytes(uint row, uint rows, uint col, uint cols) {
    if (row >= rows || col >= cols) { return uvec4(0); }
    uint at = row * cols + col;
    vec4 lo = vec4(0), hi = vec4(0);
    if (WIDE_B) {
        uvec2 w = b_i8x8[at / 8];
        lo = from_bytes(w.x);
        hi = from_bytes(w.y);
    } else {
        [[unroll]] for (uint j = 0; j < 4; j++) {
            if (col + j < cols) { lo[j] = b_load(at + j); }
            if (col + 4 + j < cols) { hi[j] = b_load(at + 4 + j); }
        }
    }
    return uvec4(to_bits2(lo.xy), to_bits2(lo.zw), to_bits2(hi.xy), to_bits2(hi.zw));
}

uvec4 b_piece(uint row, uint rows, uint col, uint cols) {
    return INT8 ? b_eight_bytes(row, rows, col, cols) : b_eight(row, rows, col, cols);
}

// fetch begins to read the pieces at k.
void fetch(uint m0, uint n0, uint k0) {
    uint t = gl_LocalInvocationIndex;
    [[unroll]] for (uint c = 0; c < A_OWN; c++) {
        uint i = t + c * THREADS, row = i / A_EIGHTS, col = i % A_EIGHTS * 8;
        a_next[c] = TRANS_A ? a_eight(k0 + row, K, m0 + col, M) : a_eight(m0 + row, M, k0 + col, K);
    }
    [[unroll]] for (uint c = 0; c < B_OWN; c++) {
        uint i = t + c * THREADS, row = i / B_EIGHTS, col = i % B_EIGHTS * 8;
        b_next[c] = TRANS_B ? b_piece(n0 + row, N, k0 + col, K) : b_piece(k0 + row, K, n0 + col, N);
    }
}

// put writes what was read to a half of the shared memory.
void put(uint piece) {
    uint t = gl_LocalInvocationIndex;
    [[unroll]] for (uint c = 0; c < A_OWN; c++) {
        uint i = t + c * THREADS;
        if (i < A_ROWS * A_EIGHTS) { pool[piece + i / A_EIGHTS * A_STRIDE + i % A_EIGHTS] = a_next[c]; }
    }
    [[unroll]] for (uint c = 0; c < B_OWN; c++) {
        uint i = t + c * THREADS;
        if (i < B_ROWS * B_EIGHTS) { pool[piece + B_BASE + i / B_EIGHTS * B_STRIDE + i % B_EIGHTS] = b_next[c]; }
    }
}

void main() {
    uvec2 at = tile();
    uint m0 = at.x * BM, n0 = at.y * BN;
    uint sm = gl_SubgroupID / SN * FM * TM, sn = gl_SubgroupID % SN * FN * TN; // of the subgroup in the tile
    coopmat<float, gl_ScopeSubgroup, TM, TN, gl_MatrixUseAccumulator> sum[FM * FN];
    [[unroll]] for (uint i = 0; i < FM * FN; i++) {
        sum[i] = coopmat<float, gl_ScopeSubgroup, TM, TN, gl_MatrixUseAccumulator>(0.0);
    }

    uint pieces = (K + BK - 1) / BK;
    uint part = (pieces + gl_NumWorkGroups.z - 1) / gl_NumWorkGroups.z;
    uint piece = min(gl_WorkGroupID.z * part, pieces), end = min(piece + part, pieces);
    uint now = 0;
    if (piece < end) {
        fetch(m0, n0, piece * BK);
        put(now);
    }
    barrier();
    for (; piece < end; piece++) {
        bool more = piece + 1 < end;
        if (more) { fetch(m0, n0, (piece + 1) * BK); }
        [[unroll]] for (uint k = 0; k < BK; k += TK) {
            coopmat<ELEMENT, gl_ScopeSubgroup, TM, TK, gl_MatrixUseA> a[FM];
            [[unroll]] for (uint i = 0; i < FM; i++) {
                uint m = sm + i * TM;
                uint first = TRANS_A ? k * A_STRIDE + m / 8 : m * A_STRIDE + k / 8;
                coopMatLoad(a[i], pool, now + first, A_STRIDE,
                            TRANS_A ? gl_CooperativeMatrixLayoutColumnMajor : gl_CooperativeMatrixLayoutRowMajor);
            }
            [[unroll]] for (uint j = 0; j < FN; j++) {
                uint n = sn + j * TN;
                uint first = TRANS_B ? n * B_STRIDE + k / 8 : k * B_STRIDE + n / 8;
                coopmat<ELEMENT, gl_ScopeSubgroup, TK, TN, gl_MatrixUseB> b;
                coopMatLoad(b, pool, now + B_BASE + first, B_STRIDE,
                            TRANS_B ? gl_CooperativeMatrixLayoutColumnMajor : gl_CooperativeMatrixLayoutRowMajor);
                [[unroll]] for (uint i = 0; i < FM; i++) {
                    sum[i * FN + j] = coopMatMulAdd(a[i], b, sum[i * FN + j]);
                }
            }
        }
        now = PIECE - now;
        if (more) { put(now); }
        barrier();
    }

    // Which invocation holds what of a matrix is the driver's business, so the
    // sums go through shared memory, a row of matrices at a time.
    uint own = gl_SubgroupID * TM * Y_STRIDE;
    [[unroll]] for (uint i = 0; i < FM; i++) {
        [[unroll]] for (uint j = 0; j < FN; j++) {
            coopMatStore(sum[i * FN + j], pool, own + j * (TN / 4), Y_STRIDE, gl_CooperativeMatrixLayoutRowMajor);
        }
        barrier();
        // Neighbours write what lies side by side.
        const uint PER = WIDE_Y ? 4 : 1;
        for (uint e = gl_SubgroupInvocationID; e < TM * FN * TN / PER; e += gl_SubgroupSize) {
            uint row = e / (FN * TN / PER), col = e % (FN * TN / PER) * PER;
            uint m = m0 + sm + i * TM + row, n = n0 + sn + col;
            if (m < M && n < N) {
                vec4 v = uintBitsToFloat(pool[own + row * Y_STRIDE + col / 4]);
                if (WIDE_Y) {
                    finish4(gl_WorkGroupID.z * M + m, n, v);
                } else {
                    finish(gl_WorkGroupID.z * M + m, n, v[col % 4]);
                }
            }
        }
        barrier();
    }
}
#endif
